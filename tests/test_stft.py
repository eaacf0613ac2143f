"""Transform: float against the definition, integers against float, C equal to the twin."""

import c_harness
import numpy as np
import pytest
from generated import snr_db

from codegen.stages import stft as twin
from reference import stft
from reference.params import ACTIVE_BINS, HOP, N_BINS, RATE, WINDOW

FRAMES = 60

MAIN = """
#include <stdio.h>
#include "stft.h"
static const percepnet_kernels plain = {
    .fft_s32 = percepnet_fft_s32_scalar,
    .unpack_s32 = percepnet_unpack_s32_scalar,
    .pack_s32 = percepnet_pack_s32_scalar,
};
static percepnet_stft_state st;
static percepnet_spectrum x;
static percepnet_fft_scratch work;
static int16_t hop[PERCEPNET_HOP];
static int32_t acc_q15[PERCEPNET_WINDOW], out_q8[PERCEPNET_HOP];
int main(void)
{
    percepnet_stft_reset(&st);
    while (fread(hop, sizeof hop, 1, stdin) && fread(acc_q15, sizeof acc_q15, 1, stdin)) {
        percepnet_stft_analyse(&st, &plain, &x, hop, &work);
        fwrite(&x, sizeof x, 1, stdout);
        percepnet_stft_comb(&plain, &x, acc_q15, x.frac, &work);
        fwrite(&x, sizeof x, 1, stdout);
        if (!fread(&x, sizeof x, 1, stdin))
            return 1;
        percepnet_stft_synthesise(&st, &plain, out_q8, &x, &work);
        fwrite(out_q8, sizeof out_q8, 1, stdout);
    }
    return 0;
}
"""


def _signals() -> dict[str, np.ndarray]:
    """int16 hops (60, 480) by name."""
    rng, n = np.random.default_rng(1), np.arange(FRAMES * HOP)
    harmonics = sum(np.sin(2 * np.pi * 140 * k * n / RATE + k * k) / k for k in range(1, 60))
    syllables = np.sin(2 * np.pi * 4 * n / RATE) ** 2
    signals = {
        "speech-like": 6000 * syllables * harmonics + 200 * rng.normal(size=n.size),
        "noise": 8000 * rng.normal(size=n.size),
        "square": 32767 * np.sign(np.sin(2 * np.pi * 333 * n / RATE + 0.1)),
        "tone": 32000 * np.sin(2 * np.pi * 1234.5 * n / RATE),
        "-60 dBFS": 23 * rng.normal(size=n.size),
        "near-silence": rng.integers(-1, 2, n.size),
    }
    return {k: np.round(v).clip(-32768, 32767).astype(np.int16).reshape(-1, HOP)
            for k, v in signals.items()}  # fmt: skip


SIGNALS = _signals()


def _complex(re: np.ndarray, im: np.ndarray, frac: int) -> np.ndarray:
    return (re + 1j * im) / 2.0**frac


# --- float reference --------------------------------------------------------------------------


def test_window_is_power_complementary():
    w = stft.vorbis_window()
    assert w.shape == (WINDOW,)
    assert np.abs(w[:HOP] ** 2 + w[HOP:] ** 2 - 1).max() < 1e-12
    assert np.abs(w - w[::-1]).max() < 1e-12 and np.argmax(w) in (HOP - 1, HOP)
    assert w[0] == pytest.approx(np.pi / 2 * (np.pi / 1920) ** 2, rel=1e-5)  # small angles


def test_analysis_is_the_slow_dft_of_the_last_960_samples():
    x = np.random.default_rng(2).normal(size=(4, HOP))
    spectra = stft.Analysis().run(x)
    n, k = np.arange(WINDOW), np.arange(N_BINS)[:, None]
    basis = np.exp(-2j * np.pi * k * n / WINDOW)
    for i, window in enumerate(np.concatenate([np.zeros((1, HOP)), x])[:-1]):
        slow = basis @ (np.concatenate([window, x[i]]) * stft.vorbis_window())
        assert np.abs(spectra[i] - slow).max() < 1e-9


def test_synthesis_returns_the_input_one_hop_later():
    x = np.random.default_rng(3).normal(size=(9, HOP))
    out = stft.Synthesis().run(stft.Analysis().run(x))
    assert np.abs(out - np.concatenate([np.zeros((1, HOP)), x[:-1]])).max() < 1e-12


def test_sound_below_20_khz_survives_without_the_bins_above():
    n = np.arange(20 * HOP)
    x = sum(np.sin(2 * np.pi * f * n / RATE + f) for f in (50, 440, 7777, 18000)).reshape(-1, HOP)
    spectra = stft.Analysis().run(x)
    spectra[:, ACTIVE_BINS:] = 0
    out = stft.Synthesis().run(spectra)
    # Frame 0 holds the onset of the signal, which is not limited to 20 kHz. The side lobes of the
    # window lie 100 dB down where 18 kHz meets the cut.
    assert snr_db(x[1:-1], out[2:]) > 90


@pytest.mark.parametrize("sizes", [[1] * 12, [5, 7], [2, 1, 9]])
def test_float_blocks_do_not_matter(sizes):
    x = np.random.default_rng(4).normal(size=(12, HOP))
    whole = stft.Analysis().run(x)
    analysis, synthesis = stft.Analysis(), stft.Synthesis()
    blocks = [analysis.run(b) for b in np.split(x, np.cumsum(sizes)[:-1])]
    assert np.abs(np.concatenate(blocks) - whole).max() < 1e-9
    hops = np.concatenate([synthesis.run(b) for b in blocks])
    assert np.abs(hops - stft.Synthesis().run(whole)).max() < 1e-9


# --- first ring: integers against float -------------------------------------------------------


def test_no_accumulator_can_overflow():
    for name, worst, limit in twin.bounds():
        assert worst <= limit, name


def test_fft_is_the_slow_dft():
    """Inputs of 2**20; a stage adds two or three roundings of 0.3, and later stages sum them."""
    x = np.random.default_rng(5).integers(-(2**20), 2**20, (2, HOP))
    k = np.arange(HOP)
    slow = np.exp(-2j * np.pi * np.outer(k, k) / HOP) @ (x[0] + 1j * x[1])
    re, im = twin.fft(x)
    assert snr_db(slow, re + 1j * im) > 125
    assert np.abs(slow - re - 1j * im).max() < 40


@pytest.mark.parametrize("name", SIGNALS)
def test_analysis_is_precise_at_every_level(name):
    """The window in Q15 sets the limit: its rms error is 97 dB below its rms value.

    Hard bound: the errors of the window, each on a full peak, and the roundings of the FFT.
    """
    hops = SIGNALS[name]
    expected = stft.Analysis().run(hops.astype(float))
    analysis = twin.Analysis()
    parts = [analysis.run(hop) for hop in hops]
    got = np.array([_complex(*p) for p in parts])
    assert snr_db(expected, got) > 93
    window_error = np.abs(stft.vorbis_window() - twin.WIN_Q15 / 2**15).sum()
    for i, (_, _, frac) in enumerate(parts):
        peak = np.abs(hops[max(i - 1, 0) : i + 1].astype(int)).max()
        worst = peak * window_error + twin.ROUNDING_SLACK / 2**frac
        assert np.abs(got[i] - expected[i]).max() < worst


def test_frac_is_the_headroom_of_the_window():
    analysis = twin.Analysis()
    for peak, frac in ((0, 20), (1, 19), (-1, 19), (1000, 10), (32767, 5), (-32768, 5), (0, 5)):
        assert analysis.run(np.full(HOP, peak))[2] == frac  # the last: the hop before counts
    assert analysis.run(np.zeros(HOP))[2] == 20


@pytest.mark.parametrize("name", SIGNALS)
def test_synthesis_is_precise(name):
    """Against irfft of the same bins, zero above 20 kHz as in the pipeline.

    The bins are scaled to a total of 2**28...2**29: about 2**-19 of a loud bin is lost to each
    rounding, 110 dB; below that the Q8 output, +-1/512, sets the limit.
    """
    analysis, synthesis = twin.Analysis(), twin.Synthesis()
    parts = [analysis.run(hop) for hop in SIGNALS[name]]
    for re, im, _ in parts:
        re[ACTIVE_BINS:] = im[ACTIVE_BINS:] = 0
    expected = stft.Synthesis().run(np.array([_complex(*p) for p in parts]))
    got = np.array([synthesis.run(p) for p in parts]) / 2**8
    error = np.abs(got - expected)
    assert np.sqrt(np.mean(error**2)) < max(2**-8, 10 ** (-110 / 20) * np.abs(expected).max())
    assert error.max() < 0.06


@pytest.mark.parametrize("name", SIGNALS)
def test_round_trip_gives_the_input_back(name):
    """98 dB of the Q15 window; quiet input meets the Q8 output, +-1/512, first."""
    hops, analysis, synthesis = SIGNALS[name], twin.Analysis(), twin.Synthesis()
    out = np.array([synthesis.run(analysis.run(hop)) for hop in hops]) / 2**8
    error = np.abs(out[1:] - hops[:-1])
    assert np.sqrt(np.mean(error**2)) < max(2**-8, 10 ** (-95 / 20) * np.abs(hops).max())
    assert error.max() < 1.5


def test_comb_window_of_plain_samples_gives_the_plain_spectrum():
    hops, analysis = SIGNALS["speech-like"], twin.Analysis()
    analysis.run(hops[0])
    for before, hop in zip(hops[:-1], hops[1:], strict=True):
        re, im, frac = analysis.run(hop)
        acc_q15 = np.concatenate([before, hop]).astype(np.int64) << 15
        comb_re, comb_im, comb_frac = twin.comb_spectrum(acc_q15, frac)
        assert frac == comb_frac and np.array_equal(re, comb_re) and np.array_equal(im, comb_im)


def test_comb_frac_is_limited():
    acc_q15 = np.full(WINDOW, 1000)
    assert twin.comb_spectrum(acc_q15, 20)[2] == 20
    assert twin.comb_spectrum(acc_q15, 9)[2] == 9
    assert twin.comb_spectrum(np.full(WINDOW, -(2**30)), 9)[2] == 5


# --- second ring: C equal to the twin -----------------------------------------------------------


def _adversarial_hops() -> np.ndarray:
    rng, n = np.random.default_rng(6), np.arange(2 * HOP)
    low, high = -32768, 32767
    hops = [[low] * HOP, [low] * HOP, [high] * HOP, [low, high] * (HOP // 2), [0] * HOP, [0] * HOP]
    hops += [np.eye(1, HOP, 7)[0] * low, np.eye(1, HOP, HOP - 1)[0], rng.integers(-1, 2, HOP)]
    for k in (1, 7, 96, 240, 399, 480):  # every sample pushes bin k the same way
        hops += np.split(np.where(np.cos(2 * np.pi * k * n / WINDOW + 0.1) > 0, high, low), 2)
    hops += list(rng.integers(low, high + 1, (6, HOP)))
    return np.array([np.asarray(h).astype(np.int16) for h in hops])


def _adversarial_spectrum(i: int, rng: np.random.Generator) -> twin.Spectrum:
    """Any int32 and any frac: extremes of one sign, of any sign, one bin, small, nothing."""
    low, high = -(2**31), 2**31 - 1
    kinds = [
        lambda: np.full(N_BINS, low),
        lambda: np.full(N_BINS, high),
        lambda: rng.choice([low, high], N_BINS),
        lambda: np.eye(1, N_BINS, i % N_BINS, dtype=np.int64)[0] * low,
        lambda: rng.integers(low, high + 1, N_BINS) >> int(rng.integers(0, 32)),
        lambda: np.zeros(N_BINS, np.int64),
    ]
    return twin.Spectrum(kinds[i % 6](), kinds[(i // 6) % 6](), int(rng.integers(0, 21)))


def test_c_equals_twin(tmp_path):
    run = c_harness.build(tmp_path, ["stft.h.j2", "stft.c.j2"], MAIN)
    rng = np.random.default_rng(7)
    hops = np.concatenate([_adversarial_hops(), SIGNALS["speech-like"], SIGNALS["near-silence"]])
    analysis, synthesis, stdin, expected = twin.Analysis(), twin.Synthesis(), [], []
    for i, hop in enumerate(hops):
        acc_q15 = rng.integers(-(2**30), 2**30 + 1, WINDOW) >> int(rng.integers(0, 31))
        if i % 4 == 0:
            acc_q15 = rng.choice([-(2**30), 2**30], WINDOW)
        spectrum = _adversarial_spectrum(i, rng) if i < 72 else analysis.run(hops[i - 1])
        stdin += [hop, acc_q15.astype(np.int32), *(np.int32(p) for p in spectrum)]
        analysis.previous = hops[i - 1].astype(np.int64) if i else np.zeros(HOP, np.int64)
        plain = analysis.run(hop)
        comb = twin.comb_spectrum(acc_q15, plain[2])
        expected += [*plain, *comb, synthesis.run(spectrum)]
    out = np.frombuffer(run(b"".join(p.tobytes() for p in stdin)), np.int32)
    assert np.array_equal(out, np.concatenate([np.atleast_1d(p) for p in expected]))
