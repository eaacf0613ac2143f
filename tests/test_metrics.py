"""Measures against definitions, package constants and broken input."""

import numpy as np
import pytest
import soundfile as sf
import soxr

from eval import metrics
from eval.metrics import METRICS, MetricError, composite, measure, perceptual
from eval.metrics.base import speech_frames
from eval.metrics.composite import llr, wss
from eval.testset import EMBEDDED

RATE = 48000
FUNCTIONS = {f.__name__: f for f in (
    metrics.pesq_wb, metrics.pesq_nb, metrics.stoi, metrics.estoi, metrics.si_sdr, metrics.seg_snr,
    composite, metrics.lsd_high, metrics.speech_loss, metrics.speech_cut)}


@pytest.fixture(scope="module")
def pair():
    """(clean, noisy) of the embedded car clip at 15 dB without a room."""
    noisy = next((EMBEDDED / "noisy").glob("*_fileid_9.flac"))
    return sf.read(EMBEDDED / "clean" / "clean_fileid_9.flac")[0], sf.read(noisy)[0]


def test_identical_signals_reach_the_top(pair):
    clean, _ = pair
    # ceilings of the mapping functions of P.862.2 and P.862.1; STOI is a correlation
    assert metrics.pesq_wb(clean, clean, RATE) == pytest.approx(4.644, abs=1e-3)
    assert metrics.pesq_nb(clean, clean, RATE) == pytest.approx(4.549, abs=1e-3)
    assert metrics.stoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)
    assert metrics.estoi(clean, clean, RATE) == pytest.approx(1, abs=1e-6)


def test_committed_clip_keeps_its_scores(pair):
    # values of pesq 0.0.4 and pystoi 0.4.1, soxr HQ; they guard against swapped arguments, WB
    # taken for NB, ESTOI for STOI. Tolerance: other builds of the resampler.
    want = {"pesq_wb": 1.8920, "pesq_nb": 2.6682, "stoi": 0.9415, "estoi": 0.7921, "si_sdr": 12.396}
    got = {name: FUNCTIONS[name](*pair, RATE) for name in want}
    assert got == pytest.approx(want, abs=0.003)


def test_composite_and_its_parts_are_those_of_a_package(pair):
    # pysepm-evo 0.1.1 (PyPI) on this clip at 16 kHz, soxr HQ; tolerance: builds of the resampler
    clean, noisy = (soxr.resample(x, RATE, 16000) for x in pair)
    assert metrics.seg_snr(clean, noisy, 16000) == pytest.approx(2.441776, abs=1e-3)
    assert llr(clean, noisy) == pytest.approx(0.213131, abs=1e-4)
    assert wss(clean, noisy) == pytest.approx(32.292080, abs=1e-2)
    got = composite(clean, noisy, 16000, pesq=1.8920)
    want = {"csig": 3.093 - 1.029 * 0.213131 + 0.603 * 1.892 - 0.009 * 32.29208,
            "cbak": 1.634 + 0.478 * 1.892 - 0.007 * 32.29208 + 0.063 * 2.441776,
            "covl": 1.594 + 0.805 * 1.892 - 0.512 * 0.213131 - 0.007 * 32.29208}
    assert got == pytest.approx(want, abs=1e-3)  # Hu & Loizou 2008, table of their regressions


def test_dnsmos_is_that_of_its_package(pair):
    if not metrics.available():
        pytest.skip("onnxruntime or speechmos not found; pip install -e '.[dnsmos]'")
    # speechmos 0.0.1.1, dnsmos.run on this clip at 16 kHz, soxr HQ
    want = {"dnsmos_sig": 3.3800, "dnsmos_bak": 3.5133, "dnsmos_ovrl": 2.8750}
    assert metrics.dnsmos(pair[1], RATE) == pytest.approx(want, abs=0.003)


def test_distance_above_8_khz_hears_only_that():
    """Doubling is 6.02 dB; a change below 7.5 kHz is nothing, the same above 8.5 kHz is all."""
    x = 0.1 * np.random.default_rng(9).standard_normal(RATE)
    spectrum = np.fft.rfft(x)
    low = np.fft.irfft(np.where(np.arange(spectrum.size) < 7500, spectrum, 0))
    high = np.fft.irfft(np.where(np.arange(spectrum.size) > 8500, spectrum, 0))
    assert metrics.lsd_high(x, x, RATE) == 0
    assert metrics.lsd_high(x, 2 * x, RATE) == pytest.approx(6.02, abs=0.01)
    assert metrics.lsd_high(x, x + low, RATE) < 0.2
    assert metrics.lsd_high(x, x + high, RATE) == pytest.approx(6, abs=0.3)
    with pytest.raises(MetricError, match="32 kHz"):
        metrics.lsd_high(x, x, 16000)


def test_high_bands_are_averaged_as_published():
    """Root mean square over the bins of a frame, then the mean over frames: half of the frames at
    -20 dB give 10 dB, half of the bins 14 dB."""
    rng = np.random.default_rng(4)
    x = 0.1 * rng.standard_normal(2 * RATE)
    half = np.where(np.arange(x.size) < RATE, 1, 0.1)
    assert metrics.lsd_high(x, half * x, RATE) == pytest.approx(20 / 2, abs=0.3)
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(x.size, 1 / RATE) > 16000] *= 0.1
    split = np.fft.irfft(spectrum)
    assert metrics.lsd_high(x, split, RATE) == pytest.approx(20 / np.sqrt(2), abs=0.3)


@pytest.mark.parametrize(("package", "measure"), [
    ("pystoi_stoi", metrics.stoi), ("pystoi_stoi", metrics.estoi), ("pesq.pesq", metrics.pesq_wb)])
def test_no_number_of_a_package_is_no_score(pair, monkeypatch, package, measure):
    monkeypatch.setattr(f"eval.metrics.perceptual.{package}", lambda *a, **k: np.nan)
    with pytest.raises(MetricError, match="gave no number"):
        measure(*pair, RATE)


def test_lost_speech_is_found_whatever_the_noise(pair):
    """Speech halved: 6 dB; a third of its frames silenced: that share is cut; noise changes little.
    """
    clean, _ = pair
    noise = 0.003 * np.random.default_rng(3).standard_normal(clean.size)
    for added in (0, noise):
        assert metrics.speech_loss(clean, 0.5 * clean + added, RATE) == pytest.approx(6.02, abs=0.1)
        assert metrics.speech_cut(clean, 0.5 * clean + added, RATE) < 0.02
    spoken = np.flatnonzero(np.repeat(speech_frames(clean, RATE), RATE // 100))
    gone = clean.copy()
    gone[:spoken[len(spoken) // 3]] = 0
    assert metrics.speech_cut(clean, gone, RATE) == pytest.approx(1 / 3, abs=0.02)
    assert metrics.speech_loss(clean, 0 * clean, RATE) == 100


def test_measure_holds_all_in_order(pair, monkeypatch):
    monkeypatch.setattr(metrics, "available", lambda: False)
    found = measure(*pair, RATE)
    assert list(found) == [m for m in METRICS if not m.startswith("dnsmos")]
    assert all(np.isfinite(value) for value in found.values())
    assert found["stoi"] == metrics.stoi(*pair, RATE)
    assert "lsd_high" not in measure(*(soxr.resample(x, RATE, 16000) for x in pair), 16000)


def test_wide_band_is_not_narrow_band(pair):
    assert abs(metrics.pesq_wb(*pair, RATE) - metrics.pesq_nb(*pair, RATE)) > 0.2
    assert metrics.estoi(*pair, RATE) < metrics.stoi(*pair, RATE) - 0.02


def test_si_sdr_is_its_formula():
    rng = np.random.default_rng(1)
    s, n = rng.standard_normal((2, 8000))
    s -= s.mean()
    n -= n.mean()
    n -= (n @ s) / (s @ s) * s  # orthogonal: the ratio is exactly the ratio of energies
    want = 10 * np.log10((s @ s) / (0.01 * n @ n))
    assert metrics.si_sdr(s, 3 * (s + 0.1 * n), RATE) == pytest.approx(want, abs=1e-9)
    assert metrics.si_sdr(s, 3 * (s + 0.1 * n) + 5, RATE) == pytest.approx(want, abs=1e-6)


def test_si_sdr_of_equal_clips_is_the_limit(pair):
    """Finite, whatever rounding leaves: means and JSON stay numbers."""
    clean, _ = pair
    for gain in (1.0, 1 / 3, 1e-3):
        assert metrics.si_sdr(clean, gain * clean, RATE) == 100
    quarter = np.tile([1.0, 0, -1, 0], 100)
    assert metrics.si_sdr(quarter, np.roll(quarter, 1), RATE) == -100  # nothing along the reference


@pytest.mark.parametrize("shift", [-480, -1, 0, 1, 1440])
def test_delay_is_found_and_kept(pair, shift):
    clean, noisy = pair
    assert metrics.delay(clean, np.roll(noisy, shift), RATE) == shift


def test_delay_lowers_si_sdr(pair):
    clean, noisy = pair
    assert metrics.si_sdr(clean, np.roll(noisy, 1440), RATE) < 0  # not removed behind our back


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("fault", ["length", "empty", "nan", "silent reference", "short"])
def test_broken_input_raises(name, fault, pair):
    clean, noisy = (x.copy() for x in pair)
    if fault == "length":
        noisy = noisy[:-1]
    elif fault == "empty":
        clean, noisy = clean[:0], noisy[:0]
    elif fault == "nan":
        noisy[100] = np.nan
    elif fault == "silent reference":
        clean[:] = 0
    elif name == "si_sdr":
        pytest.skip("SI-SDR has no shortest length")
    else:
        clean, noisy = clean[40000:40400], noisy[40000:40400]
    with pytest.raises(MetricError):
        FUNCTIONS[name](clean, noisy, RATE)


@pytest.mark.parametrize("name", ["pesq_wb", "pesq_nb", "si_sdr"])
def test_silent_output_raises(name, pair):
    with pytest.raises(MetricError, match="silent"):
        FUNCTIONS[name](pair[0], np.zeros_like(pair[0]), RATE)


def bursts(count):
    """(clean, noisy) at 16 kHz: bursts of 0.6 s with pauses of 0.5 s, each an utterance."""
    rng = np.random.default_rng(1)
    word = np.concatenate([np.zeros(8000), rng.standard_normal(9600) * 0.05])
    clean = np.tile(word, count)
    return clean, clean + rng.standard_normal(clean.size) * 0.003


def test_pesq_of_more_utterances_than_it_holds_names_the_limit():
    """The package's C code dies of 80; the process that asked does not."""
    with pytest.raises(MetricError, match="of 88 s: its C code .* at most 50 utterances"):
        metrics.pesq_wb(*bursts(80), 16000)


def test_pesq_of_a_long_clip_is_the_same_in_a_process_of_its_own(monkeypatch):
    pair = bursts(15)  # 16.5 s
    alone = metrics.pesq_wb(*pair, 16000)
    monkeypatch.setattr(perceptual, "PESQ_UTTERANCES", 1000)
    assert metrics.pesq_wb(*pair, 16000) == alone
