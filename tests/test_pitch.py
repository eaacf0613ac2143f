"""Pitch tracker, float reference: against definitions and known periods."""

import numpy as np
import pytest
from pitch_signals import awkward_signals, speech_like, vowel

from reference import pitch
from reference.params import (
    CORRELATION_LAG_MAX,
    CORRELATION_WINDOW,
    GUARD_FACTOR,
    HOP,
    LAG_MAX,
    LAG_MIN,
    LONG_LAG_BIAS,
    LPC_NOISE,
    N_LAGS,
    PERIOD_WEIGHTS,
    PITCH_ENERGY_FLOOR,
    PITCH_WINDOW,
    RATE,
    RESTART_COST,
    SLOPE_COST,
    SLOPE_LIMIT,
    T_MAX,
    T_MIN,
)

SETTLED = 8  # frames until all histories hold signal


@pytest.mark.parametrize("first", [1, 3], ids=["full", "missing fundamental"])
@pytest.mark.parametrize("f0", [60, 63, 80, 100, 123, 150, 200, 237, 300, 400, 500])
def test_period_of_a_steady_vowel(f0, first):
    """Within one sample in every frame: no octave error, parabola good to a quarter of a lag."""
    hops = vowel(np.full(RATE // 2, float(f0)), first).reshape(-1, HOP)
    period, correlation = pitch.Pitch().run(hops)
    assert np.abs(period - RATE / f0)[SETTLED:].max() <= 1
    assert correlation[SETTLED:].min() > 0.85


@pytest.mark.parametrize("ends", [(100, 300), (300, 100)])
def test_period_follows_a_glide(ends):
    """An octave and a half in 2 s. T belongs to the time half a period before the window centre;
    1.2 % allows for periods two and three back, which are shorter or longer by then."""
    f0 = np.linspace(*ends, 2 * RATE)
    period, _ = pitch.Pitch().run(vowel(f0).reshape(-1, HOP))
    n = np.arange(SETTLED, len(period))
    centre = ((n - 2) * HOP - period[n] / 2).astype(int)
    assert np.abs(period[n] * f0[centre] / RATE - 1).max() < 0.012


def test_correlation_equals_its_definition():
    past, window = CORRELATION_LAG_MAX, CORRELATION_WINDOW
    signal = np.random.default_rng(1).normal(0, 0.1, past + window + 2 * 120)
    got = pitch.correlate(signal)
    assert got.shape == (3, past - LAG_MIN + 1)
    for frame in range(3):
        start = past + 120 * frame
        e = signal[start : start + window]
        for lag in range(LAG_MIN, past + 1):
            earlier = signal[start - lag : start - lag + window]
            want = 2 * e @ earlier / (e @ e + earlier @ earlier + 2 * PITCH_ENERGY_FLOOR)
            assert got[frame, lag - LAG_MIN] == pytest.approx(want, abs=1e-12)


def test_prediction_solves_the_normal_equations():
    x = np.cumsum(np.random.default_rng(2).normal(0, 0.1, (5, PITCH_WINDOW)), axis=1)
    for frame, a in zip(x, pitch.linear_prediction(x), strict=True):
        r = np.array([frame[k:] @ frame[: PITCH_WINDOW - k] for k in range(5)])
        matrix = r[np.abs(np.subtract.outer(range(4), range(4)))]
        matrix += np.eye(4) * (LPC_NOISE * r[0] + PITCH_ENERGY_FLOOR)
        assert np.allclose(a, np.concatenate([[1], -np.linalg.solve(matrix, r[1:])]), atol=1e-9)


def test_parabola_finds_the_peak_between_lags():
    at = 50.3
    curve = 0.9 - 0.01 * (np.arange(N_LAGS) - at) ** 2
    height, offset = pitch.peak_heights(curve[None])
    assert height[0, 50] == pytest.approx(0.9) and offset[0, 50] == pytest.approx(0.3)
    assert np.array_equal(np.delete(height[0], 50), np.delete(curve, 50))
    assert not np.delete(offset[0], 50).any()


def test_periodicity_equals_its_definition():
    height = np.random.default_rng(4).uniform(-1, 1, CORRELATION_LAG_MAX - LAG_MIN + 1)
    got = pitch.periodicity(height[None])[0]
    for j, lag in enumerate(range(LAG_MIN, LAG_MAX + 1)):
        total, weights = PERIOD_WEIGHTS[0] * height[j], PERIOD_WEIGHTS[0]
        for multiple, weight in ((2 * lag, PERIOD_WEIGHTS[1]), (3 * lag, PERIOD_WEIGHTS[2])):
            if multiple <= CORRELATION_LAG_MAX:
                near = height[multiple - 1 - LAG_MIN : multiple + 2 - LAG_MIN]
                total, weights = total + weight * near.max(), weights + weight
        assert got[j] == pytest.approx(total / weights, abs=1e-12)


def test_guard_equals_its_definition():
    height = np.random.default_rng(3).uniform(-0.5, 1, N_LAGS)
    got = pitch.guard(height[None])[0]
    for j, lag in enumerate(range(LAG_MIN, LAG_MAX + 1)):
        rival = 0.0
        for divisor in (2, 3):
            centre = int(np.floor(lag / divisor + 0.5))
            if centre >= LAG_MIN:
                near = [t for t in (centre - 1, centre, centre + 1) if t >= LAG_MIN]
                rival = max([rival, *(height[t - LAG_MIN] for t in near)])
        factor = GUARD_FACTOR if height[j] < rival else 1
        assert got[j] == factor * height[j]


@pytest.mark.parametrize("spread", [0.2, 1.0], ids=["moves", "restarts"])
def test_viterbi_finds_the_best_of_all_paths(spread):
    """All 186^3 paths over three frames: any lag may follow at RESTART_COST, near ones cheaper."""
    lags = np.arange(LAG_MIN, LAG_MAX + 1)
    relative = np.abs(np.subtract.outer(lags, lags)) / lags  # [from, to], relative to the new lag
    cost = np.where(relative <= SLOPE_LIMIT, SLOPE_COST * relative**2, RESTART_COST)
    cost = np.minimum(cost, RESTART_COST)
    for seed in range(4):
        scores = np.random.default_rng(seed).normal(0, spread, (3, N_LAGS))
        first, second, third = scores
        paths = first[:, None, None] + (second - cost)[:, :, None] + (third - cost)[None]
        want = np.unravel_index(np.argmax(paths), paths.shape)
        tracker = pitch.Pitch()
        best, origins = tracker._extend(scores)
        assert best[-1] == want[2]
        assert tracker._trace_back(best, origins)[-1] == want[0]


def test_long_lags_cost_a_little():
    assert pitch.Pitch().bias[[0, 15, 45]] == pytest.approx(LONG_LAG_BIAS * np.array([0, 1, 2]))


@pytest.mark.parametrize("block", [1, 7])
def test_blocks_do_not_matter(block):
    hops = speech_like(1, 1.0)[:210] / 32768
    period, correlation = pitch.Pitch().run(hops)
    tracker = pitch.Pitch()
    parts = [tracker.run(hops[i : i + block]) for i in range(0, len(hops), block)]
    assert np.array_equal(np.concatenate([p for p, _ in parts]), period)
    assert np.abs(np.concatenate([c for _, c in parts]) - correlation).max() < 1e-9


@pytest.mark.parametrize("name", awkward_signals())
def test_awkward_signals_give_sensible_answers(name):
    hops = awkward_signals()[name]
    period, correlation = pitch.Pitch().run(hops / 32768)
    assert np.all((period >= T_MIN) & (period <= T_MAX))
    assert np.all((correlation >= 0) & (correlation <= 1))
    if name == "silence":
        assert not correlation.any()
