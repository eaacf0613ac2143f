"""Pitch tracker in integers: against the float reference, C against the twin bit for bit."""

import numpy as np
import pytest
from c_harness import build
from pitch_signals import awkward_signals, speech_like

from codegen.stages import pitch as integer
from reference import pitch
from reference.params import N_LAGS

MAIN = """
#include "pitch.h"
#include <stdio.h>
static const percepnet_kernels plain = {.correlate_s16 = percepnet_correlate_s16_scalar};
static percepnet_pitch_state st;
static percepnet_pitch_scratch scratch;
int main(void)
{
    int16_t hop[PERCEPNET_HOP];
    for (int n = 1; fread(hop, 2, PERCEPNET_HOP, stdin) == PERCEPNET_HOP; n++) {
        int32_t out[2];
        percepnet_pitch_run(&st, &plain, out, out + 1, hop, &scratch);
        fwrite(out, 4, 2, stdout);
        fwrite(st.whitened_q8, 4, PERCEPNET_PITCH_SEGMENT, stdout);
        fwrite(scratch.correlation_q15, 4, PERCEPNET_N_CORRELATIONS, stdout);
        if (n % 100 == 0)
            percepnet_pitch_reset(&st);
    }
    return 0;
}
"""


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
static const percepnet_kernels plain = {.correlate_s16 = percepnet_correlate_s16_scalar};
static percepnet_pitch_state st;
static percepnet_pitch_scratch scratch;
int main(void)
{
    int32_t height_q15[N_CORRELATIONS], in[ORDER + 1], a_q24[ORDER + 1];
    while (fread(&st.best, 4, 1, stdin) == 1 && fread(st.path_q15, 2, N_LAGS, stdin) == N_LAGS
           && fread(height_q15, 4, N_CORRELATIONS, stdin) == N_CORRELATIONS
           && fread(in, 4, ORDER + 1, stdin) == ORDER + 1) {
        int64_t r[ORDER + 1];
        for (int k = 0; k <= ORDER; k++)
            r[k] = in[k];
        neighbourhoods(scratch.around_q15, height_q15, N_CORRELATIONS);
        periodicity(scratch.score_q15, height_q15, scratch.around_q15);
        guard(scratch.score_q15, scratch.around_q15, scratch.height_q15);
        fwrite(scratch.score_q15, 4, N_LAGS, stdout);
        extend(&st, &scratch);
        linear_prediction(a_q24, r);
        for (int j = 0; j < N_LAGS; j++)
            fputc(st.origins[0][j], stdout);
        fwrite(st.path_q15, 2, N_LAGS, stdout);
        fwrite(a_q24, 4, ORDER + 1, stdout);
    }
    run_copy(&st, &plain, in, in, (int16_t[PERCEPNET_HOP]){0}, &scratch);
    reset_copy(&st);
    return 0;
}
"""


def test_parts_equal_c_on_ties_and_impossible_correlations(tmp_path):
    """Few distinct values: equal candidates, stay = restart, score = rival; r of no signal."""
    rng, data, want = np.random.default_rng(7), [], []
    restart = -integer.RESTART_COST_Q15
    for _ in range(300):
        path = rng.choice([0, restart, restart - 1, restart + 1], N_LAGS)
        best, path[rng.integers(N_LAGS)] = int(rng.integers(N_LAGS)), 0
        height = rng.integers(-60, 60, integer.N_CORRELATIONS) * int(rng.choice([1, 100]))
        r = [int(v) for v in rng.choice([-1, 1], 5) * 2 ** rng.integers(20, 31, 5)]
        r[0] = int(rng.integers(2**29, 2**30))
        data += [np.array(v, t).tobytes() for v, t in
                 ((best, "<i4"), (path, "<i2"), ([*height, *r], "<i4"))]  # fmt: skip
        tracker = integer.Pitch()
        score = integer.guard(integer.periodicity(height)) - integer.BIAS_Q15
        tracker.best, tracker.path_q15[pitch.MOVE_MAX : -pitch.MOVE_MAX] = best, path
        tracker._extend(score)
        after = tracker.path_q15[pitch.MOVE_MAX : -pitch.MOVE_MAX]
        parts = (score, tracker.origins[0], after, integer.linear_prediction(r))
        dtypes = ("<i4", "u1", "<i2", "<i4")
        want += [np.asarray(v).astype(t).tobytes() for v, t in zip(parts, dtypes, strict=True)]
    program = build(tmp_path, ["pitch.c.j2", "pitch.h.j2"], PARTS)
    assert program(b"".join(data)) == b"".join(want)
