"""Pitch tracker in integers: twin of `templates/pitch.c.j2`, counterpart of `reference/pitch.py`.

Formats: samples int16; 12-kHz signals int32 Q8 in int16 units; prediction coefficients Q24,
reflections Q30; correlations, heights, costs and path scores Q15; offsets of peaks Q8 lags.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin

from codegen.declare import FRAME, Field, Signal, Stage, Struct
from codegen.fixed import bit_length, clamp, div_q, mul_q, quantise, rshift_round, shift_round
from reference import params, pitch
from reference.params import (
    CORRELATION_LAG_MAX,
    CORRELATION_WINDOW,
    GUARD_FACTOR,
    LAG_MIN,
    LONG_LAG_BIAS,
    LOOKAHEAD_FRAMES,
    LPC_NOISE,
    LPC_ORDER,
    N_LAGS,
    PERIOD_WEIGHTS,
    PITCH_DECIMATION,
    PITCH_ENERGY_FLOOR,
    PITCH_FIR_CUTOFF,
    PITCH_FIR_TAPS,
    PITCH_HOP,
    PITCH_WINDOW,
    RATE,
    RESTART_COST,
    T_MAX,
    T_MIN,
    WHITENING_SMOOTHER,
)

LAGS, MOVE_MAX = pitch.LAGS, pitch.MOVE_MAX
FIR_PAST = PITCH_FIR_TAPS - PITCH_DECIMATION  # samples before the hop that a frame still uses
LOW_PAST = PITCH_WINDOW - PITCH_HOP + LPC_ORDER
SEGMENT = CORRELATION_LAG_MAX + CORRELATION_WINDOW  # whitened samples that one correlation sees
SEGMENT_BITS = 11  # 180 products of 11-bit samples, twice, fit int32
N_CORRELATIONS = CORRELATION_LAG_MAX - LAG_MIN + 1  # 386
IN_REACH = 3 * LAGS <= CORRELATION_LAG_MAX  # lags whose third multiple is looked at
INT32_MAX, INT64_MAX = 2**31 - 1, 2**63 - 1


STATE = Struct(
    "pitch_state",
    (
        Field("samples", "int16", ("PITCH_FIR_PAST + HOP",), "48 kHz"),
        Field("low_q8", "int32", ("PITCH_LOW_PAST + PITCH_HOP",), "12 kHz"),
        Field("whitened_q8", "int32", ("PITCH_SEGMENT",)),
        Field("smoothed_q8", "int32", (), "one-pole smoother after the whitening"),
        Field("path_q15", "int16", ("N_LAGS",), "of the best path to each state; the best has 0"),
        Field("best", "int32", (), "its state: lag - PERCEPNET_LAG_MIN"),
        Field("origins", "uint8", ("LOOKAHEAD", "N_LAGS"), "of the last frames, newest first"),
        Field("offsets_q8", "int16", ("LOOKAHEAD + 1", "N_LAGS"), "of the last, newest first"),
    ),
)
_OF_LAGS = ("correlation_q15", "height_q15", "around_q15")
SCRATCH = Struct(
    "pitch_scratch",
    (
        Field("windowed_q8", "int32", ("PITCH_WINDOW",)),
        Field("segment", "int16", ("PITCH_SEGMENT",)),
        *(Field(name, "int32", ("N_CORRELATIONS",)) for name in _OF_LAGS),
        Field("score_q15", "int32", ("N_LAGS",)),
        Field("stay_q15", "int16", ("N_LAGS",)),
        Field("move", "int16", ("N_LAGS",)),
    ),
)
STAGE = Stage(
    signals=(
        Signal("period", "int32", (), "samples at 48 kHz", FRAME),
        Signal("correlation_q15", "int32", (), "Q15", FRAME),
    ),
    past=(Field("pitch", STATE),),
    scratch=(Field("pitch", SCRATCH),),
)


def _fir_q15() -> np.ndarray:
    """Anti-alias filter, Q15; the two centre taps take the rounding error: sum 2**15."""
    taps = quantise(firwin(PITCH_FIR_TAPS, PITCH_FIR_CUTOFF, fs=RATE), 15)
    missing = 2**15 - int(taps.sum())  # even: the filter is symmetric
    taps[PITCH_FIR_TAPS // 2 - 1 : PITCH_FIR_TAPS // 2 + 1] += missing // 2
    return taps


def _moves() -> tuple[np.ndarray, np.ndarray]:
    """Cost of a move of |m| lags that ends in state j, Q15 (17, 186), 0 where out of reach;
    and the first state (the shortest lag) that |m| may end in, (17,).
    """
    costs = pitch.move_costs()
    cost = np.minimum(costs[:, MOVE_MAX::-1], costs[:, MOVE_MAX:]).T  # either direction
    first = np.argmax(np.isfinite(cost), axis=1)
    assert np.array_equal(np.isfinite(cost), np.arange(N_LAGS) >= first[:, None])
    return quantise(np.where(np.isfinite(cost), cost, 0), 15), first


def _period_weights() -> np.ndarray:
    """Weights of the heights at T, 2T, 3T, Q15 (2, 3): with 3T in reach, and without."""
    weights = np.array([PERIOD_WEIGHTS, (*PERIOD_WEIGHTS[:2], 0)])
    return quantise(weights / weights.sum(axis=1, keepdims=True), 15)


FIR_Q15 = _fir_q15()
WINDOW_Q15 = np.minimum(quantise(np.hanning(PITCH_WINDOW + 2)[1:-1], 15), 2**15 - 1)
MOVE_COST_Q15, MOVE_FIRST = _moves()
BIAS_Q15 = quantise(LONG_LAG_BIAS * np.log2(LAGS / LAG_MIN), 15)
PERIOD_WEIGHTS_Q15 = _period_weights()
RESTART_COST_Q15 = quantise(RESTART_COST, 15)
PATH_MIN_Q15 = -RESTART_COST_Q15 - 1  # of a path from which nothing but a restart can follow
GUARD_FACTOR_Q15 = quantise(GUARD_FACTOR, 15)
SMOOTHER_Q15 = quantise(WHITENING_SMOOTHER, 15)
LPC_NOISE_Q30 = quantise(LPC_NOISE, 30)
FLOOR_Q16 = quantise(PITCH_ENERGY_FLOOR * 2**30, 16)  # energy: (int16 units, Q8) squared
UNREACHED = -(2**30)  # path score outside the lags, and minus the cost of a move out of reach


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {
        "pitch_fir_q15": ("int16_t", FIR_Q15, "anti-alias filter, 48 taps in Q15"),
        "pitch_window_q15": ("int16_t", WINDOW_Q15, "window of the linear prediction, Q15"),
        "pitch_move_cost_q15": (
            "int16_t",
            MOVE_COST_Q15,
            "cost of moving |m| = 0..16 lags, Q15, one row for each |m|, by state moved to",
        ),
        "pitch_move_first": ("int16_t", MOVE_FIRST, "first state a move |m| = 0..16 may end in"),
        "pitch_period_weights_q15": (
            "int16_t",
            PERIOD_WEIGHTS_Q15,
            "weights of the heights at T, 2T, 3T, Q15; second row: 3T out of reach",
        ),
        "pitch_bias_q15": ("int16_t", BIAS_Q15, "bias against long lags, Q15, by state"),
    }


def constants() -> dict[str, int]:
    """Name -> value. C macro: PERCEPNET_<NAME>."""
    shared = ("PITCH_DECIMATION", "PITCH_HOP", "PITCH_WINDOW", "PITCH_FIR_TAPS", "LPC_ORDER")
    lags = ("LAG_MIN", "N_LAGS", "T_MIN", "T_MAX", "CORRELATION_LAG_MAX", "CORRELATION_WINDOW")
    return {name: getattr(params, name) for name in shared + lags} | {
        "PITCH_FIR_PAST": FIR_PAST,
        "PITCH_LOW_PAST": LOW_PAST,
        "N_CORRELATIONS": N_CORRELATIONS,
        "PITCH_SEGMENT": SEGMENT,
        "PITCH_SEGMENT_BITS": SEGMENT_BITS,
        "LPC_NOISE_Q30": LPC_NOISE_Q30,
        "SMOOTHER_Q15": SMOOTHER_Q15,
        "PITCH_FLOOR_Q16": FLOOR_Q16,
        "GUARD_FACTOR_Q15": GUARD_FACTOR_Q15,
        "MOVE_MAX": MOVE_MAX,
        "RESTART_COST_Q15": RESTART_COST_Q15,
        "PATH_MIN_Q15": PATH_MIN_Q15,
    }


def bounds() -> list[tuple[str, int, int]]:
    """(accumulator, worst case, limit), from the tables that ship."""
    fir = int(np.abs(FIR_Q15).sum()) * 2**15
    low = (fir + 2**6) >> 7
    windowed = (low * int(WINDOW_Q15.max()) + 2**14) >> 15
    r0 = PITCH_WINDOW * windowed**2 + FLOOR_Q16
    r_q30 = 2**30 + LPC_NOISE_Q30  # normalised; no other |r_k| is larger
    a_q24, rounding = 2**24, 0.0  # sum |a_k|: reflections below 1 can double it each order
    for order in range(1, LPC_ORDER + 1):
        a_q24, rounding = 2 * a_q24, 2 * rounding + order / 2
    a_q24 += int(np.ceil(rounding))
    residual = (a_q24 * low + 2**23) >> 24
    smoothed = int((residual + 1) / (1 - SMOOTHER_Q15 / 2**15)) + 1
    energy = CORRELATION_WINDOW * (2**SEGMENT_BITS - 1) ** 2
    # a peak rises by curvature / 8 at most: slope <= curvature <= 4 * 32767
    height = 32767 + (4 * 32767 + 4) // 8
    weights = int(PERIOD_WEIGHTS_Q15.sum(axis=1).max())
    judged = (height * weights + 2**14) >> 15
    path = RESTART_COST_Q15 + 32767 + int(BIAS_Q15.max()) + judged  # worst state below the best
    return [
        ("pitch decimation acc_q15", fir, INT32_MAX),
        ("pitch windowed_q8 product", low * int(WINDOW_Q15.max()), INT64_MAX),
        ("pitch autocorrelation_q16", r0, 2**62),
        ("pitch prediction a_q24", a_q24, INT32_MAX),
        ("pitch reflection numerator_q54", a_q24 * r_q30, 2**62),
        ("pitch reflection division", r_q30 * 2**30 + r_q30, INT64_MAX),
        ("pitch residual_q32", a_q24 * low, 2**62),
        ("pitch smoothed_q8", smoothed, INT32_MAX),
        ("pitch correlation acc", energy, INT32_MAX),
        ("pitch correlation sums of four", 4 * (2**SEGMENT_BITS - 1), 2**15 - 1),  # in vectors
        ("pitch correlation division", 2 * energy * 2**15 + 2 * energy + 2 * FLOOR_Q16, INT64_MAX),
        ("pitch parabola slope^2", (2 * 32767) ** 2 + 8 * 2 * 32767, INT64_MAX),
        ("pitch periodicity acc", height * weights, INT32_MAX),
        ("pitch guard product", judged * GUARD_FACTOR_Q15 + 2**14, INT32_MAX),
        ("pitch path score_q15", path + int(MOVE_COST_Q15.max()), -UNREACHED),
        ("pitch move candidate_q15", int(MOVE_COST_Q15.max()) - PATH_MIN_Q15, 2**15),
    ]


def decimate(samples: np.ndarray) -> np.ndarray:
    """int16 (44 + 480,) at 48 kHz -> low_q8 (120,) at 12 kHz."""
    frames = sliding_window_view(samples, PITCH_FIR_TAPS)[::PITCH_DECIMATION]
    return rshift_round(frames @ FIR_Q15, 7)


def autocorrelate(low_q8: np.ndarray) -> list[int]:
    """r_0..r_4 of windowed low_q8 (240,), scaled alike so that r_0 is about 2**30."""
    x = mul_q(low_q8, WINDOW_Q15, 15)
    r = [int(x[k:] @ x[: PITCH_WINDOW - k]) for k in range(LPC_ORDER + 1)]
    r[0] += FLOOR_Q16
    shift = bit_length(r[0]) - 30
    return [shift_round(value, -shift) for value in r]


def linear_prediction(r: list[int]) -> list[int]:
    """Whitening filter a_q24 (5), a_0 = 1, of r_0..r_4 by Levinson's recursion.

    The clamps and error >= 1 hold the bounds for any r_0 > 0, |r_k| <= 2**30; no sound needs them.
    """
    error = r[0] + mul_q(r[0], LPC_NOISE_Q30, 30)
    a_q24 = [2**24] + [0] * LPC_ORDER
    for order in range(1, LPC_ORDER + 1):
        numerator = rshift_round(sum(a_q24[j] * r[order - j] for j in range(order)), 24)
        k_q30 = div_q(-clamp(numerator, -error, error), error, 30)
        k_q30 = clamp(k_q30, -(2**30) + 1, 2**30 - 1)
        old = a_q24[:]
        for j in range(1, order + 1):
            a_q24[j] += mul_q(k_q30, old[order - j], 30)
        error = max(1, mul_q(error, 2**30 - mul_q(k_q30, k_q30, 30), 30))
    return a_q24


def correlate(whitened_q8: np.ndarray) -> np.ndarray:
    """Normalised correlation_q15 (386,) of the newest 15 ms of whitened_q8 (580,).

    The products run in floating point and are exact: all sums stay below 2**31.
    """
    shift = max(0, bit_length(int(np.abs(whitened_q8).max())) - SEGMENT_BITS)
    limit = 2**SEGMENT_BITS - 1
    v = clamp(rshift_round(whitened_q8, shift), -limit, limit)
    newest = v[CORRELATION_LAG_MAX:].astype(float)
    cross = np.correlate(v[: SEGMENT - LAG_MIN].astype(float), newest, "valid")[::-1]
    sums = np.concatenate([[0], np.cumsum(v * v)])
    energies = (sums[CORRELATION_WINDOW:] - sums[:-CORRELATION_WINDOW])[::-1]  # lag 0 ... 400
    total = energies[0] + energies[LAG_MIN:] + shift_round(2 * FLOOR_Q16, -2 * shift)
    return clamp(div_q(2 * cross.astype(np.int64), np.maximum(total, 1), 15), -32767, 32767)


def peak_heights(c_q15: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parabola through each local maximum: (height_q15 (386,), offset_q8 (386,) in lags)."""
    left, mid, right = c_q15[:-2], c_q15[1:-1], c_q15[2:]
    curvature, slope = 2 * mid - left - right, right - left
    at = 1 + np.flatnonzero((mid >= left) & (mid >= right) & (curvature > 0))
    curvature, slope = curvature[at - 1], slope[at - 1]
    height_q15, offset_q8 = c_q15.copy(), np.zeros_like(c_q15)
    height_q15[at] += div_q(slope * slope, 8 * curvature, 0)
    offset_q8[at] = div_q(slope * 128, curvature, 0)
    return height_q15, offset_q8


def periodicity(height_q15: np.ndarray) -> np.ndarray:
    """Weighted mean of the heights at T, 2T, 3T, best within one lag: (386,) -> (186,)."""
    near = around(height_q15)
    twice, thrice = 2 * LAGS - LAG_MIN, np.where(IN_REACH, 3 * LAGS - LAG_MIN, 0)
    heights = np.stack([height_q15[:N_LAGS], near[twice], near[thrice]], axis=1)
    return rshift_round(np.sum(heights * PERIOD_WEIGHTS_Q15[np.where(IN_REACH, 0, 1)], axis=1), 15)


def around(height_q15: np.ndarray) -> np.ndarray:
    """The largest within one lag: same shape."""
    edge = np.pad(height_q15, 1, "edge")
    return np.maximum(np.maximum(edge[:-2], edge[2:]), height_q15)


def guard(score_q15: np.ndarray) -> np.ndarray:
    """Lags not as good as the best within one lag of T/2 and T/3 count 0.8 times."""
    near, rival = around(score_q15), np.zeros_like(score_q15)
    for divisor in (2, 3):
        centre = (LAGS + 1) // divisor - LAG_MIN  # round(T / divisor)
        first = np.argmax(centre >= 0)
        rival[first:] = np.maximum(rival[first:], near[centre[first:]])
    return np.where(score_q15 < rival, mul_q(score_q15, GUARD_FACTOR_Q15, 15), score_q15)


def _viterbi_costs() -> np.ndarray:
    """MOVE_COST_Q15 by state moved to and m = -16...16: (186, 33)."""
    size = np.abs(np.arange(-MOVE_MAX, MOVE_MAX + 1))
    reached = np.arange(N_LAGS)[:, None] >= MOVE_FIRST[size]
    return np.where(reached, MOVE_COST_Q15[size].T, -UNREACHED)


class Whitening:
    """Decimation to 12 kHz, linear prediction of order 4, one-pole smoother."""

    def __init__(self) -> None:
        self.samples = np.zeros(FIR_PAST, np.int64)
        self.low_q8 = np.zeros(LOW_PAST + PITCH_HOP, np.int64)
        self.smoothed_q8 = 0

    def run(self, hop: np.ndarray) -> np.ndarray:
        """hop: int16 (480,).  Returns the whitened signal at 12 kHz, Q8 (120,)."""
        joined = np.concatenate([self.samples, hop])
        self.samples = joined[-FIR_PAST:]
        self.low_q8 = np.concatenate([self.low_q8[PITCH_HOP:], decimate(joined)])
        a_q24 = linear_prediction(autocorrelate(self.low_q8[LPC_ORDER:]))
        newest = self.low_q8[-PITCH_HOP - LPC_ORDER :]
        residual_q32 = sum(a * newest[LPC_ORDER - k :][:PITCH_HOP] for k, a in enumerate(a_q24))
        out, smoothed_q8 = [], self.smoothed_q8
        for residual_q8 in rshift_round(residual_q32, 24).tolist():
            # mul_q, written out for speed
            smoothed_q8 = residual_q8 + ((SMOOTHER_Q15 * smoothed_q8 + 2**14) >> 15)
            out.append(smoothed_q8)
        self.smoothed_q8 = smoothed_q8
        return np.array(out)


class Pitch:
    """One hop in; period of frame n - 2 and correlation of the newest frame n out."""

    def __init__(self) -> None:
        self.whitening = Whitening()
        self.whitened_q8 = np.zeros(SEGMENT, np.int64)
        self.costs = _viterbi_costs()
        self.path_q15 = np.full(N_LAGS + 2 * MOVE_MAX, UNREACHED)
        self.path_q15[MOVE_MAX:-MOVE_MAX] = 0
        self.best = 0
        self.origins = np.zeros((LOOKAHEAD_FRAMES, N_LAGS), np.int64)  # newest first
        self.offsets_q8 = np.zeros((LOOKAHEAD_FRAMES + 1, N_LAGS), np.int64)  # newest first

    def run(self, hop: np.ndarray) -> tuple[int, int]:
        """hop: int16 (480,).  Returns (period: samples at 48 kHz, of frame n - 2;
        correlation_q15: 0...32767, of frame n on the best path).
        """
        self.whitened_q8 = np.concatenate([self.whitened_q8[PITCH_HOP:], self.whitening.run(hop)])
        c_q15 = correlate(self.whitened_q8)
        height_q15, offset_q8 = peak_heights(c_q15)
        self.offsets_q8 = np.concatenate([offset_q8[None, :N_LAGS], self.offsets_q8[:-1]])
        self._extend(guard(periodicity(height_q15)) - BIAS_Q15)
        return self._period(), max(0, int(c_q15[self.best]))

    def _extend(self, score_q15: np.ndarray) -> None:
        """Viterbi forward step. The path scores are relative to the last best: that one is 0."""
        states = np.arange(N_LAGS)
        candidates = sliding_window_view(self.path_q15, 2 * MOVE_MAX + 1) - self.costs
        move = np.argmax(candidates, axis=1)
        stay = candidates[states, move]
        restart = -RESTART_COST_Q15
        origin = np.where(stay >= restart, states + move - MOVE_MAX, self.best)
        self.origins = np.concatenate([origin[None], self.origins[:-1]])
        total = np.maximum(stay, restart) + score_q15
        self.best = int(np.argmax(total))
        below = np.maximum(total - total[self.best], PATH_MIN_Q15)
        self.path_q15[MOVE_MAX:-MOVE_MAX] = below

    def _period(self) -> int:
        """The best path, LOOKAHEAD_FRAMES frames back, refined by the offset of its peak."""
        state = self.best
        for origin in self.origins:
            state = int(origin[state])
        offset_q8 = int(self.offsets_q8[-1][state])
        period = PITCH_DECIMATION * (LAG_MIN + state) + ((offset_q8 + 32) >> 6)
        return clamp(period, T_MIN, T_MAX)
