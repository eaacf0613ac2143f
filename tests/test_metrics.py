"""Measures against definitions, package constants and broken input."""

import numpy as np
import pytest
import soundfile as sf

from eval import metrics
from eval.metrics import METRICS, MetricError
from eval.testset import EMBEDDED

RATE = 48000


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
    got = {name: f(*pair, RATE) for name, f in METRICS.items()}
    assert got == pytest.approx(want, abs=0.003)


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


@pytest.mark.parametrize("shift", [-480, -1, 0, 1, 1440])
def test_delay_is_found_and_kept(pair, shift):
    clean, noisy = pair
    assert metrics.delay(clean, np.roll(noisy, shift), RATE) == shift


def test_delay_lowers_si_sdr(pair):
    clean, noisy = pair
    assert metrics.si_sdr(clean, np.roll(noisy, 1440), RATE) < 0  # not removed behind our back


@pytest.mark.parametrize("name", METRICS)
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
        clean, noisy = clean[40000:46000], noisy[40000:46000]
    with pytest.raises(MetricError):
        METRICS[name](clean, noisy, RATE)


@pytest.mark.parametrize("name", ["pesq_wb", "pesq_nb", "si_sdr"])
def test_silent_output_raises(name, pair):
    with pytest.raises(MetricError, match="silent"):
        METRICS[name](pair[0], np.zeros_like(pair[0]), RATE)
