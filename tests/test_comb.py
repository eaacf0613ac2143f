"""Comb filter: float reference against its formula, integers against float, C against the twin."""

import numpy as np
import pytest
from c_harness import build

from codegen.stages import comb as integer
from reference import comb
from reference.params import HOP, T_MAX, T_MIN, WINDOW

# Look-ahead of 2 frames: the longest period for each number of future periods, with sum w_k^2
# and w_0 of the renormalised Hann.
ROWS = [
    (192, 5, 0.1250, 0.1667),
    (240, 4, 0.1277, 0.1685),
    (320, 3, 0.1373, 0.1760),
    (480, 2, 0.1557, 0.1929),
    (800, 1, 0.1842, 0.2256),
]
EDGES = [60, 192, 193, 240, 241, 320, 321, 480, 481, 800]
MAIN = """
#include "comb.h"
#include <stdio.h>
static percepnet_comb_state st;
int main(void)
{
    int32_t period, weight, acc_q15[PERCEPNET_WINDOW];
    int16_t hop[PERCEPNET_HOP];
    while (fread(&period, 4, 1, stdin) == 1
           && fread(hop, 2, PERCEPNET_HOP, stdin) == PERCEPNET_HOP) {
        percepnet_comb_run(&st, acc_q15, hop, period);
        weight = percepnet_comb_centre_weight(period);
        fwrite(&weight, 4, 1, stdout);
        fwrite(acc_q15, 4, PERCEPNET_WINDOW, stdout);
    }
    return 0;
}
"""


def direct(signal: np.ndarray, n: int, period: int) -> np.ndarray:
    """Window of frame n - 2 by the formula, sample by sample, from the Hann of the paper."""
    hann = {k: 1 + np.cos(np.pi * k / 6) for k in range(-5, 6)}
    end = (n + 1) * HOP  # samples known at call n
    start = end - 2 * HOP - WINDOW
    kept = {k: w for k, w in hann.items() if start + WINDOW - 1 - k * period < end}
    total, out = sum(kept.values()), np.zeros(WINDOW)
    for i in range(WINDOW):
        for k, w in kept.items():
            at = start + i - k * period
            out[i] += w / total * signal[at] if at >= 0 else 0
    return out


# --- float reference ----------------------------------------------------------------------------


def test_comb_equals_its_formula():
    rng = np.random.default_rng(1)
    hops = rng.normal(size=(24, HOP))
    period = np.array([*EDGES, *rng.integers(T_MIN, T_MAX + 1, 14)])
    rng.shuffle(period)
    got = comb.Comb().run(hops, period)
    for n in range(len(hops)):
        want = direct(hops.ravel(), n, period[n])
        assert np.abs(got[n] - want).max() < 1e-12, f"frame {n}, period {period[n]}"


@pytest.mark.parametrize(("longest", "future", "sigma2", "centre"), ROWS)
def test_table_of_noise_power(longest, future, sigma2, centre):
    """The rows worked out by hand, at the periods of a look-ahead of 2 frames."""
    assert comb.future_periods(longest) == future
    assert longest == T_MAX or comb.future_periods(longest + 1) == future - 1
    weights = comb.weights(future)
    assert weights.sum() == pytest.approx(1, abs=1e-15)
    assert np.sum(weights**2) == pytest.approx(sigma2, abs=5e-5)
    assert comb.centre_weight(np.array([longest]))[0] == pytest.approx(centre, abs=5e-5)


@pytest.mark.parametrize(("period", "sigma2"), [(100, 0.1250), (240, 0.1277), (800, 0.1842)])
def test_white_noise_falls_by_sigma2(period, sigma2):
    """-9.03 dB with all eleven taps. 0.1 dB: six standard deviations of 2000 windows."""
    hops = np.random.default_rng(2).normal(size=(2000, HOP))
    out = comb.Comb().run(hops, np.full(len(hops), period))[20:]
    assert 10 * np.log10(np.mean(out**2)) == pytest.approx(10 * np.log10(sigma2), abs=0.1)


@pytest.mark.parametrize("period", EDGES)
def test_exact_period_passes_unchanged(period):
    cycle = np.random.default_rng(3).normal(size=period)
    signal = np.resize(cycle, 30 * HOP)
    out = comb.Comb().run(signal.reshape(-1, HOP), np.full(30, period))
    for n in range(15, 30):  # the past is filled
        start = (n + 1) * HOP - 2 * HOP - WINDOW
        assert np.abs(out[n] - signal[start : start + WINDOW]).max() < 1e-12


@pytest.mark.parametrize("block", [1, 7])
def test_blocks_do_not_matter(block):
    rng = np.random.default_rng(4)
    hops, period = rng.normal(size=(50, HOP)), rng.integers(T_MIN, T_MAX + 1, 50)
    want, filtering = comb.Comb().run(hops, period), comb.Comb()
    parts = [filtering.run(hops[i : i + block], period[i : i + block]) for i in range(0, 50, block)]
    assert np.abs(np.concatenate(parts) - want).max() < 1e-9


def test_silence_stays_silent():
    assert not comb.Comb().run(np.zeros((10, HOP)), np.full(10, 100)).any()


def test_impulse_shows_the_taps():
    hops = np.zeros((6, HOP))
    hops[2, 100] = 1  # sample 1060; call n = 4 filters samples 480...1439
    out = comb.Comb().run(hops, np.full(6, 150))[4]
    assert np.flatnonzero(out).tolist() == [580 + 150 * k for k in range(-3, 3)]
    assert out[out != 0] == pytest.approx(comb.weights(5)[2:8])


# --- integers -----------------------------------------------------------------------------------


def run_twin(hops: np.ndarray, period: np.ndarray) -> np.ndarray:
    twin = integer.Comb()
    return np.array([twin.run(hop, int(T)) for hop, T in zip(hops, period, strict=True)])


def loud_signals() -> dict[str, np.ndarray]:
    """int16 (40, 480) each."""
    n, rng = np.arange(40 * HOP), np.random.default_rng(5)
    signals = {
        "silence": 0 * n,
        "lowest": 0 * n - 32768,
        "highest": 0 * n + 32767,
        "alternating": 32767 - 65535 * (n % 2),
        "impulses": 32767 * (n % 1111 == 0),
        "full-scale noise": rng.choice([-32768, 32767], n.size),
        "noise": rng.integers(-9000, 9000, n.size),
        "one LSB": rng.integers(-1, 2, n.size),
    }
    return {k: v.astype(np.int16).reshape(-1, HOP) for k, v in signals.items()}


PERIODS = np.array([*EDGES, *np.random.default_rng(6).integers(T_MIN, T_MAX + 1, 30)])


def test_every_accumulator_fits():
    for name, worst, limit in integer.bounds():
        assert 0 < worst <= limit, f"{name}: {worst} > {limit}"


def test_integer_weights_are_rounded_and_sum_to_one():
    assert np.all(integer.WEIGHTS_Q15.sum(axis=1) == 2**15)
    for future, row in enumerate(integer.WEIGHTS_Q15):
        error = np.abs(row[5 - future :] - comb.weights(future) * 2**15)
        assert np.delete(error, future).max() <= 0.5
        assert error[future] <= 3  # w_0 takes what the others miss
        assert not row[: 5 - future].any()
    for longest, future, _, _ in ROWS:
        assert integer.centre_weight_q15(longest) == integer.WEIGHTS_Q15[future, 5]


@pytest.mark.parametrize("value", [-32768, -1, 1, 32767])
def test_constant_passes_exactly(value):
    hops = np.full((40, HOP), value, np.int16)
    assert np.all(run_twin(hops, PERIODS)[15:] == value * 2**15)


def test_twin_follows_the_float_reference():
    """Only the weights are rounded: the error of a row's weights, all at full scale, bounds the
    maximum; on noise the errors of eleven weights leave 75 dB.
    """
    rows = [comb.weights(k) * 2**15 for k in range(6)]
    worst = max(np.abs(row[5 - k :] - rows[k]).sum() for k, row in enumerate(integer.WEIGHTS_Q15))
    for name, hops in loud_signals().items():
        want = comb.Comb().run(hops.astype(float), PERIODS)
        error = run_twin(hops, PERIODS) / 2**15 - want
        assert np.abs(error).max() <= worst + 1e-6, name
        if "noise" in name:
            assert 10 * np.log10(np.sum(want**2) / np.sum(error**2)) > 75


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("comb"), ["comb.c.j2", "comb.h.j2"], MAIN)


@pytest.mark.parametrize("name", loud_signals())
def test_twin_equals_c(name, program):
    hops = loud_signals()[name]
    rows = [np.int32(T).tobytes() + hop.tobytes() for T, hop in zip(PERIODS, hops, strict=True)]
    got = np.frombuffer(program(b"".join(rows)), "<i4").reshape(len(hops), -1)
    weights = [integer.centre_weight_q15(int(T)) for T in PERIODS]
    assert np.array_equal(got[:, 0], weights)
    assert np.array_equal(got[:, 1:], run_twin(hops, PERIODS))
