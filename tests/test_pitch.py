"""Pitch tracker: float reference against definitions and known periods, integers against float,
C against the twin bit for bit."""

import numpy as np
import pytest

from codegen.stages import pitch as integer
from reference import pitch
from reference.params import (
    GUARD_FACTOR,
    GUARD_RATIO,
    HOP,
    LAG_MAX,
    LAG_MIN,
    LONG_LAG_BIAS,
    LPC_NOISE,
    N_LAGS,
    PITCH_ENERGY_FLOOR,
    PITCH_WINDOW,
    RATE,
    RESTART_COST,
    T_MAX,
    T_MIN,
)
from tests.c_harness import build

SETTLED = 8  # frames until all histories hold signal
FORMANTS = ((600, 150, 1.0), (1200, 150, 0.5), (2500, 250, 0.3))  # Hz, half width, amplitude
MAIN = """
#include "pitch.h"
#include <stdio.h>
static percepnet_pitch_state st;
static percepnet_pitch_scratch scratch;
int main(void)
{
    int16_t hop[PERCEPNET_HOP];
    for (int n = 1; fread(hop, 2, PERCEPNET_HOP, stdin) == PERCEPNET_HOP; n++) {
        int32_t out[2];
        percepnet_pitch_run(&st, out, out + 1, hop, &scratch);
        fwrite(out, 4, 2, stdout);
        fwrite(st.whitened_q8, 4, PERCEPNET_PITCH_SEGMENT, stdout);
        fwrite(scratch.correlation_q15, 4, PERCEPNET_N_LAGS, stdout);
        if (n % 100 == 0)
            percepnet_pitch_reset(&st);
    }
    return 0;
}
"""


def vowel(f0, first: int = 1, noise: float = 1e-3, seed: int = 1) -> np.ndarray:
    """Harmonics first...80 of f0 (N,) Hz below 12 kHz under three formants, peak 0.5."""
    rng = np.random.default_rng(seed)
    phase, out = 2 * np.pi * np.cumsum(f0) / RATE, np.zeros(len(f0))
    for k in range(first, 81):
        f = k * f0
        height = sum(g / (1 + ((f - at) / width) ** 2) for at, width, g in FORMANTS)
        out += np.where(f < 12_000, height, 0) * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    return out / (2 * np.abs(out).max()) + noise * rng.normal(size=len(f0))


def speech_like(seed: int, level: float) -> np.ndarray:
    """6 s of gliding vowels, noise and pauses in noise 30 dB down: int16 (600, 480)."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < 6 * RATE:
        count, kind = int(rng.uniform(0.1, 0.4) * RATE), rng.choice(3, p=[0.7, 0.15, 0.15])
        start = rng.uniform(70, 350)
        glide = np.geomspace(start, start * rng.uniform(0.8, 1.25), count)
        sound = (vowel(glide, seed=seed), 0.1 * rng.normal(size=count), np.zeros(count))[kind]
        parts.append(rng.uniform(0.2, 1) * np.sin(np.pi * np.arange(count) / count) ** 0.5 * sound)
    signal = np.concatenate(parts)[: 6 * RATE]
    signal += 10 ** (-30 / 20) * 0.1 * rng.normal(size=len(signal))
    return (
        np.clip(np.round(level * 32768 * signal), -32768, 32767).astype(np.int16).reshape(-1, HOP)
    )


# --- float reference ----------------------------------------------------------------------------


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
    1 % allows for the parabola on a peak that the glide broadens."""
    f0 = np.linspace(*ends, 2 * RATE)
    period, _ = pitch.Pitch().run(vowel(f0).reshape(-1, HOP))
    n = np.arange(SETTLED, len(period))
    centre = ((n - 2) * HOP - period[n] / 2).astype(int)
    assert np.abs(period[n] * f0[centre] / RATE - 1).max() < 0.01


def test_correlation_equals_its_definition():
    signal = np.random.default_rng(1).normal(0, 0.1, LAG_MAX + PITCH_WINDOW + 2 * 120)
    got = pitch.correlate(signal)
    assert got.shape == (3, N_LAGS)
    for frame in range(3):
        start = LAG_MAX + 120 * frame
        e = signal[start : start + PITCH_WINDOW]
        for lag in range(LAG_MIN, LAG_MAX + 1):
            past = signal[start - lag : start - lag + PITCH_WINDOW]
            want = 2 * e @ past / (e @ e + past @ past + 2 * PITCH_ENERGY_FLOOR)
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
        factor = GUARD_FACTOR if height[j] < GUARD_RATIO * rival else 1
        assert got[j] == factor * height[j]


@pytest.mark.parametrize("spread", [0.2, 1.0], ids=["moves", "restarts"])
def test_viterbi_finds_the_best_of_all_paths(spread):
    """All 186^3 paths over three frames: any lag may follow at RESTART_COST, near ones cheaper."""
    lags = np.arange(LAG_MIN, LAG_MAX + 1)
    relative = np.abs(np.subtract.outer(lags, lags)) / lags  # [from, to], relative to the new lag
    cost = np.where(relative <= 0.08, np.minimum(50 * relative**2, RESTART_COST), RESTART_COST)
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


def awkward_signals() -> dict[str, np.ndarray]:
    """Inputs at and beyond the edge of sense: int16 (120, 480) each."""
    n, rng = np.arange(120 * HOP), np.random.default_rng(4)
    signals = {
        "silence": 0 * n,
        "DC": 0 * n - 32768,
        "impulses": 32767 * (n % 7000 == 0),
        "one LSB": rng.integers(-1, 2, n.size),
        "alternating": 32767 - 65535 * (n % 2),
        "square": np.where(n // 240 % 2, 32767, -32768),
        "full-scale noise": rng.choice([-32768, 32767], n.size),
        "fading tone": 32767 * np.sin(0.02 * n) * np.exp(-n / 3000),
        "low tone": 32767 * np.sin(0.002 * n),
        "onset": np.where(n < 30_000, rng.integers(-2, 3, n.size), 30_000 * np.sin(0.03 * n)),
    }
    return {k: np.round(v).astype(np.int16).reshape(-1, HOP) for k, v in signals.items()}


@pytest.mark.parametrize("name", awkward_signals())
def test_awkward_signals_give_sensible_answers(name):
    hops = awkward_signals()[name]
    period, correlation = pitch.Pitch().run(hops / 32768)
    assert np.all((period >= T_MIN) & (period <= T_MAX))
    assert np.all((correlation >= 0) & (correlation <= 1))
    if name == "silence":
        assert not correlation.any()


# --- integers -----------------------------------------------------------------------------------


def run_twin(hops: np.ndarray) -> np.ndarray:
    tracker = integer.Pitch()
    return np.array([tracker.run(hop) for hop in hops])


def test_every_accumulator_fits():
    for name, worst, limit in integer.bounds():
        assert 0 < worst <= limit, f"{name}: {worst} > {limit}"


def test_integer_tables_are_the_rounded_constants():
    assert integer.FIR_Q15.sum() == 2**15 and np.array_equal(integer.FIR_Q15, integer.FIR_Q15[::-1])
    fir = pitch.Whitening().fir * 2**15
    assert np.abs(integer.FIR_Q15 - fir).max() <= 1.5  # centre taps also take the sum's error
    costs = pitch.move_costs()
    for m in range(-pitch.MOVE_MAX, pitch.MOVE_MAX + 1):
        want = costs[:, m + pitch.MOVE_MAX]
        reached = np.isfinite(want)
        assert np.all(np.flatnonzero(reached) >= integer.MOVE_FIRST[abs(m)])
        got = integer.MOVE_COST_Q15[abs(m)]
        assert np.abs(got - want * 2**15, where=reached, out=np.zeros(N_LAGS)).max() <= 0.5


@pytest.mark.parametrize("level_db", [0, -20, -40])
def test_twin_follows_the_float_reference(level_db):
    """Same period in 98 % of the voiced frames, the others one sample off: correlations in Q15
    move the top of the parabola a little. Correlation where both follow the same peak: 11-bit
    segments and rounding to Q15 leave 0.0002; the bound is 0.0005.
    """
    equal, near, voiced_frames, error = 0, 0, 0, []
    for seed in (1, 2):
        hops = speech_like(seed, 10 ** (level_db / 20))
        period, correlation = pitch.Pitch().run(hops / 32768)
        twin = run_twin(hops)
        difference = np.abs(twin[:, 0] - period)
        voiced = np.concatenate([[0, 0], correlation[:-2]]) > 0.5  # of frame n - 2, as the period
        voiced_frames += voiced.sum()
        equal += (difference[voiced] == 0).sum()
        near += (difference[voiced] <= 1).sum()
        same = (correlation > 0.5) & (np.append(difference[2:], [9, 9]) <= 1)
        error.append((twin[:, 1] / 2**15 - correlation)[same])
    assert voiced_frames > 500
    assert equal / voiced_frames >= 0.98 and near / voiced_frames >= 0.998
    assert np.abs(np.concatenate(error)).max() < 0.0005


def test_whitened_signal_is_precise():
    """75 dB: the filter taps are Q15, and whitening lifts their error by some 15 dB."""
    hops = speech_like(3, 1.0)
    want = pitch.Whitening().run(hops / 32768) * 2**23
    whitening = integer.Whitening()
    got = np.concatenate([whitening.run(hop) for hop in hops])
    assert 10 * np.log10(np.sum(want**2) / np.sum((got - want) ** 2)) > 75


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("pitch"), ["pitch.c.j2", "pitch.h.j2"], MAIN)


def expect_c_equals_twin(program, hops: np.ndarray) -> None:
    got = np.frombuffer(program(hops.tobytes()), "<i4").reshape(len(hops), -1)
    for n, hop in enumerate(hops):
        if n % 100 == 0:  # main resets, too
            tracker = integer.Pitch()
        result = tracker.run(hop)
        correlation = integer.correlate(tracker.whitened_q8)
        want = np.concatenate([result, tracker.whitened_q8, correlation])
        assert np.array_equal(got[n], want), f"frame {n}: first at {np.argmax(got[n] != want)}"


@pytest.mark.parametrize("name", awkward_signals())
def test_twin_equals_c_on_awkward_signals(name, program):
    expect_c_equals_twin(program, awkward_signals()[name])


@pytest.mark.parametrize("level", [1.0, 0.01, 10.0], ids=["full", "quiet", "clipped"])
def test_twin_equals_c_on_speech_like_signals(level, program):
    expect_c_equals_twin(program, speech_like(5, level))


# The functions of pitch.c themselves, on numbers that no sound would give: its own copy.
PARTS = """
#define percepnet_pitch_run run_copy
#define percepnet_pitch_reset reset_copy
#include "pitch.c"
#include <stdio.h>
static percepnet_pitch_state st;
static percepnet_pitch_scratch scratch;
int main(void)
{
    int32_t height_q15[N_LAGS], in[ORDER + 1], a_q24[ORDER + 1];
    while (fread(&st.best, 4, 1, stdin) == 1 && fread(st.path_q15, 4, N_LAGS, stdin) == N_LAGS
           && fread(height_q15, 4, N_LAGS, stdin) == N_LAGS
           && fread(in, 4, ORDER + 1, stdin) == ORDER + 1) {
        int64_t r[ORDER + 1];
        for (int k = 0; k <= ORDER; k++)
            r[k] = in[k];
        scores(scratch.score_q15, height_q15, scratch.stay_q15);
        extend(&st, &scratch);
        linear_prediction(a_q24, r);
        fwrite(scratch.score_q15, 4, N_LAGS, stdout);
        for (int j = 0; j < N_LAGS; j++)
            fputc(st.origins[0][j], stdout);
        fwrite(st.path_q15, 4, N_LAGS, stdout);
        fwrite(a_q24, 4, ORDER + 1, stdout);
    }
    run_copy(&st, in, in, (int16_t[PERCEPNET_HOP]){0}, &scratch);
    reset_copy(&st);
    return 0;
}
"""


def test_parts_equal_c_on_ties_and_impossible_correlations(tmp_path):
    """Few distinct values: equal candidates, stay = restart, height = 1.1 rival; r of no signal."""
    rng, data, want = np.random.default_rng(7), [], []
    restart = -integer.RESTART_COST_Q15
    for _ in range(300):
        path = rng.choice([0, restart, restart - 1, restart + 1, -60_000], N_LAGS)
        best, path[rng.integers(N_LAGS)] = int(rng.integers(N_LAGS)), 0
        height = rng.integers(-60, 60, N_LAGS) * int(rng.choice([1, 100]))
        r = [int(v) for v in rng.choice([-1, 1], 5) * 2 ** rng.integers(20, 31, 5)]
        r[0] = int(rng.integers(2**29, 2**30))
        data += [best, *path, *height, *r]
        tracker, score = integer.Pitch(), integer.guard(height) - integer.BIAS_Q15
        tracker.best, tracker.path_q15[pitch.MOVE_MAX : -pitch.MOVE_MAX] = best, path
        tracker._extend(score)
        after = tracker.path_q15[pitch.MOVE_MAX : -pitch.MOVE_MAX]
        parts = (score, tracker.origins[0], after, integer.linear_prediction(r))
        dtypes = ("<i4", "u1", "<i4", "<i4")
        want += [np.asarray(v).astype(t).tobytes() for v, t in zip(parts, dtypes, strict=True)]
    program = build(tmp_path, ["pitch.c.j2", "pitch.h.j2"], PARTS)
    assert program(np.array(data, "<i4").tobytes()) == b"".join(want)
