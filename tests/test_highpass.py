"""High-pass: float against the definition, integers against float, C equal to the twin."""

import c_harness
import numpy as np
import pytest
from scipy.signal import freqz
from test_stft import SIGNALS, snr_db

from codegen.stages import highpass as twin
from reference import highpass
from reference.params import HOP, RATE

MAIN = """
#include <stdio.h>
#include "highpass.h"
static percepnet_highpass_state st;
static int32_t hop_q8[PERCEPNET_HOP], period, correlation_q15;
static int16_t out[PERCEPNET_HOP];
int main(void)
{
    percepnet_highpass_reset(&st);
    while (fread(hop_q8, sizeof hop_q8, 1, stdin) && fread(&period, 4, 1, stdin) &&
           fread(&correlation_q15, 4, 1, stdin)) {
        percepnet_highpass_run(&st, out, hop_q8, period, correlation_q15);
        fwrite(out, sizeof out, 1, stdout);
        fwrite(&st.cutoff_q16, sizeof st.cutoff_q16, 1, stdout);
    }
    return 0;
}
"""


def _pitch(frames: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A wandering period and a correlation in Q15, voiced and unvoiced."""
    rng = np.random.default_rng(seed)
    period = np.clip(500 + np.cumsum(rng.integers(-60, 61, frames)), 60, 800)
    return period, rng.integers(0, 32768, frames)


def _cutoffs(stage: highpass.Highpass, frames: int, period: int, correlation: float) -> list[float]:
    cutoffs = []
    for _ in range(frames):
        stage.run(np.zeros((1, HOP)), np.array([period]), np.array([correlation]))
        cutoffs.append(stage.cutoff)
    return cutoffs


# --- float reference --------------------------------------------------------------------------


def test_impulse_response_has_the_designed_spectrum():
    x = np.zeros((40, HOP))
    x[0, 0] = 1
    h = highpass.Highpass().run(x, np.full(40, 300), np.zeros(40)).ravel()
    f, response = freqz(*highpass.coefficients(60.0), worN=h.size // 2 + 1, include_nyquist=True,
                        fs=RATE)  # fmt: skip
    assert np.abs(np.fft.rfft(h) - response).max() < 1e-9
    gain_db = 20 * np.log10(np.abs(response[1:]))
    assert abs(np.sum(h)) < 1e-9  # nothing passes at 0 Hz
    assert np.interp(20, f[1:], gain_db) < -10
    assert -4 < np.interp(60, f[1:], gain_db) < -2  # the cutoff, about -3 dB
    assert np.abs(gain_db[f[1:] > 300]).max() < 0.4


def test_filter_is_the_difference_equation():
    x = np.random.default_rng(1).normal(size=(3, HOP))
    out = highpass.Highpass().run(x, np.full(3, 300), np.zeros(3)).ravel()
    fc = 1.5 * np.pi * 60 / RATE
    r = 1 - 0.92 * fc
    u, y = x.ravel(), np.zeros(x.size)
    for n in range(x.size):
        u1, u2 = (u[n - k] if n >= k else 0 for k in (1, 2))
        y1, y2 = (y[n - k] if n >= k else 0 for k in (1, 2))
        y[n] = r * (u[n] - 2 * u1 + u2) + r * (2 - fc**2) * y1 - r * r * y2
    assert np.abs(out - y).max() < 1e-9


@pytest.mark.parametrize(("period", "hz"), [(600, 80), (60, 100), (800, 60)])
def test_cutoff_follows_the_pitch_from_60_to_100_hz(period, hz):
    stage = highpass.Highpass()
    stage.cutoff = 75.0
    assert _cutoffs(stage, 800, period, 0.9)[-1] == pytest.approx(hz, abs=0.01)


def test_cutoff_rests_when_unvoiced_and_falls_three_times_faster():
    stage = highpass.Highpass()
    stage.cutoff = 80.0
    assert set(_cutoffs(stage, 5, 60, 0.5)) == {80.0}
    up = _cutoffs(stage, 1, 480, 1.0)[0] - 80
    stage.cutoff = 80.0
    down = 80 - _cutoffs(stage, 1, 800, 1.0)[0]
    assert up == pytest.approx(0.02 * 20) and down == pytest.approx(3 * up)


@pytest.mark.parametrize("sizes", [[1] * 12, [5, 7], [2, 1, 9]])
def test_float_blocks_do_not_matter(sizes):
    x = np.random.default_rng(2).normal(size=(12, HOP))
    period, correlation_q15 = _pitch(12)
    stage, cuts = highpass.Highpass(), np.cumsum(sizes)[:-1]
    parts = (np.split(a, cuts) for a in (x, period, correlation_q15 / 2**15))
    out = np.concatenate([stage.run(*block) for block in zip(*parts, strict=True)])
    whole = highpass.Highpass().run(x, period, correlation_q15 / 2**15)
    assert np.abs(out - whole).max() < 1e-9


# --- first ring: integers against float -------------------------------------------------------


def test_no_accumulator_can_overflow():
    for name, worst, limit in twin.bounds():
        assert worst <= limit, name


@pytest.mark.parametrize("name", [*SIGNALS, "rumble"])
def test_twin_is_the_float_filter(name):
    """Half an LSB from rounding the output; the rest, up to 0.2 LSB at full scale, because the
    coefficients in Q30 and the cutoff in Q16 change the response near 65 Hz by some 5e-6."""
    n = np.arange(100 * HOP)
    rumble = (30000 * np.sin(2 * np.pi * 65 * n / RATE)).reshape(-1, HOP)
    hops_q8 = np.round(256 * SIGNALS.get(name, rumble).astype(float)).astype(np.int64)
    period, correlation_q15 = _pitch(len(hops_q8))
    stage, reference = twin.Highpass(), highpass.Highpass()
    rows = zip(hops_q8, period, correlation_q15, strict=True)
    got = np.array([stage.run(*row) for row in rows]).astype(float)
    expected = reference.run(hops_q8 / 256, period, correlation_q15 / 2**15).clip(-32768, 32767)
    assert np.abs(got - expected).max() < 0.75
    power = np.mean(expected**2)
    assert snr_db(expected, got) > min(90, 10 * np.log10(12 * power) - 0.5)
    assert stage.cutoff_q16 / 2**16 == pytest.approx(reference.cutoff, abs=2e-3)


def test_cutoff_reaches_its_limits_and_stays_inside():
    """The last steps round to nothing: 25 LSB at speed 0.02, 8 at 0.06 and less, 4e-4 Hz."""
    stage, silence = twin.Highpass(), np.zeros(HOP, np.int64)
    for period, hz in ((60, 100), (800, 60), (600, 80)):
        for _ in range(900):
            stage.run(silence, period, 32767)
            assert twin.CUTOFF_MIN_Q16 <= stage.cutoff_q16 <= twin.CUTOFF_MAX_Q16
        assert stage.cutoff_q16 / 2**16 == pytest.approx(hz, abs=1e-3)


@pytest.mark.parametrize("level", [1, 1000, 32767])
def test_silence_and_dc_settle_to_zero(level):
    """Without the carried bits the recursion would rest on a constant of up to 0.9 LSB."""
    stage, rng = twin.Highpass(), np.random.default_rng(3)
    for _ in range(10):
        stage.run(256 * rng.integers(-level, level + 1, HOP), 300, 0)
    for value in (0, 256 * level):
        for _ in range(30):
            out = stage.run(np.full(HOP, value), 300, 0)
        assert not out.any()


# --- second ring: C equal to the twin -----------------------------------------------------------


def test_c_equals_twin(tmp_path):
    run = c_harness.build(tmp_path, ["highpass.h.j2", "highpass.c.j2"], MAIN)
    rng, low, high = np.random.default_rng(4), -(2**31), 2**31 - 1
    hops = [
        np.full(HOP, low),
        np.full(HOP, high),
        np.tile([low, high], HOP // 2),
        np.eye(1, HOP, dtype=np.int64)[0] * low,
        np.zeros(HOP, np.int64),
        np.repeat([low, high], HOP // 2),
        *rng.choice([-(2**23), 2**23], (8, HOP)),
        *rng.integers(low, high + 1, (8, HOP)),
        *rng.integers(-9, 10, (8, HOP)),
        *(256 * SIGNALS["speech-like"].astype(np.int64)),
        *np.zeros((30, HOP), np.int64),
    ]
    period, correlation_q15 = _pitch(len(hops))
    stage, stdin, expected = twin.Highpass(), b"", b""
    for row in zip(hops, period, correlation_q15, strict=True):
        stdin += b"".join(np.asarray(part).astype(np.int32).tobytes() for part in row)
        expected += stage.run(*row).tobytes() + np.int32(stage.cutoff_q16).tobytes()
    assert run(stdin) == expected
