"""Pitch period by normalised correlation and dynamic programming (P20 section 4, RAPT-like).

Per hop: decimate to 12 kHz, whiten lightly, correlate the newest 15 ms with its past. A lag T of
15...200 samples is judged by the correlations at T, 2T and 3T together: speech repeats at all of
them, noise at one by chance. Extend the best path through the lags (Viterbi) and read it
LOOKAHEAD_FRAMES frames back. The lag is refined by a parabola to one sample at 48 kHz.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import firwin, lfilter

from reference.delay import Delay, History
from reference.params import (
    CORRELATION_LAG_MAX,
    CORRELATION_WINDOW,
    GUARD_FACTOR,
    HOP,
    LAG_MAX,
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
    SLOPE_COST,
    SLOPE_LIMIT,
    T_MAX,
    T_MIN,
    WHITENING_SMOOTHER,
)

LAGS = np.arange(LAG_MIN, LAG_MAX + 1)
MOVE_MAX = int(SLOPE_LIMIT * LAG_MAX)  # 16 lags


def move_costs() -> np.ndarray:
    """Cost of coming to lag LAGS[j] from LAGS[j] + m, m = -16...16: (186, 33), inf if too far."""
    moves = np.arange(-MOVE_MAX, MOVE_MAX + 1)
    relative = np.abs(moves) / LAGS[:, None]
    outside = (LAGS[:, None] + moves < LAG_MIN) | (LAGS[:, None] + moves > LAG_MAX)
    return np.where((relative <= SLOPE_LIMIT) & ~outside, SLOPE_COST * relative**2, np.inf)


def linear_prediction(frames: np.ndarray) -> np.ndarray:
    """Whitening filter A(z) = 1 + a_1 z^-1 + ... + a_4 z^-4 by Levinson's recursion.

    frames: (L, 240) windowed samples.  Returns (L, 5), a_0 = 1. Defined for silence (A = 1).
    """
    count = frames.shape[1]
    r = [np.sum(frames[:, k:] * frames[:, : count - k], axis=1) for k in range(LPC_ORDER + 1)]
    error = r[0] * (1 + LPC_NOISE) + PITCH_ENERGY_FLOOR
    a = np.zeros((len(frames), LPC_ORDER + 1))
    a[:, 0] = 1
    for order in range(1, LPC_ORDER + 1):
        reflection = -sum(a[:, j] * r[order - j] for j in range(order)) / error
        a[:, 1 : order + 1] += reflection[:, None] * a[:, order - 1 :: -1][:, :order]
        error = error * (1 - reflection**2)
    return a


def peak_heights(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Parabola through each local maximum along the lags.

    correlation: (L, M).  Returns (height, offset), both (L, M): the interpolated value, and its
    position in lags relative to the sample, -0.5...0.5 (0 where there is no local maximum).
    """
    left, mid, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    peak = (mid >= left) & (mid >= right) & (2 * mid > left + right)
    curvature = np.where(peak, 2 * mid - left - right, 1)
    slope = np.where(peak, right - left, 0)
    height, offset = correlation.copy(), np.zeros_like(correlation)
    offset[:, 1:-1] = slope / (2 * curvature)
    height[:, 1:-1] += slope**2 / (8 * curvature)
    return height, offset


def around(height: np.ndarray) -> np.ndarray:
    """The largest within one lag: (L, M) -> (L, M)."""
    edges = np.pad(height, ((0, 0), (1, 1)), "edge")
    return np.maximum(np.maximum(edges[:, :-2], edges[:, 2:]), height)


def periodicity(height: np.ndarray) -> np.ndarray:
    """Weighted mean of the heights at T, 2T, 3T that are in reach: (L, 386) -> (L, 186).

    Multiples of a whole lag miss the peaks of a T between two lags, the more the shorter T is: the
    best within one lag counts.
    """
    near, total, weights = around(height), np.zeros((len(height), N_LAGS)), np.zeros(N_LAGS)
    for k, weight in enumerate(PERIOD_WEIGHTS, 1):
        reach = LAGS[k * LAGS <= CORRELATION_LAG_MAX]
        heights = height if k == 1 else near
        total[:, : len(reach)] += weight * heights[:, k * reach - LAG_MIN]
        weights[: len(reach)] += weight
    return total / weights


def guard(score: np.ndarray) -> np.ndarray:
    """Weigh down sub-harmonics: a lag T counts 0.8 times its score unless that is as good as the
    best score within one lag of T/2 and of T/3.  (L, 186) -> (L, 186).
    """
    near, rival = around(score), np.zeros_like(score)
    for divisor in (2, 3):
        centre = (LAGS + divisor // 2) // divisor - LAG_MIN  # index of round(T / divisor)
        inside = centre >= 0
        rival[:, inside] = np.maximum(rival[:, inside], near[:, centre[inside]])
    return np.where(score < rival, GUARD_FACTOR * score, score)


class Whitening:
    """Decimation to 12 kHz, linear prediction of order 4, one-pole smoother."""

    def __init__(self) -> None:
        self.fir = firwin(PITCH_FIR_TAPS, PITCH_FIR_CUTOFF, fs=RATE)
        self.full_rate = History(PITCH_FIR_TAPS - 1)
        self.decimated = History(PITCH_WINDOW - PITCH_HOP + LPC_ORDER)
        self.lpc_window = np.hanning(PITCH_WINDOW + 2)[1:-1]
        self.smoother_state = np.zeros(1)

    def run(self, hops: np.ndarray) -> np.ndarray:
        """hops: (L, 480) at 48 kHz.  Returns the whitened signal at 12 kHz, (120 L,)."""
        low = np.convolve(self.full_rate.run(hops.ravel()), self.fir, "valid")
        joined = self.decimated.run(low[PITCH_DECIMATION - 1 :: PITCH_DECIMATION])
        frames = sliding_window_view(joined, PITCH_WINDOW + LPC_ORDER)[::PITCH_HOP]
        a = linear_prediction(frames[:, LPC_ORDER:] * self.lpc_window)
        newest = frames[:, PITCH_WINDOW - PITCH_HOP :]
        residual = sum(
            a[:, k, None] * newest[:, LPC_ORDER - k :][:, :PITCH_HOP] for k in range(LPC_ORDER + 1)
        )
        smoothed, self.smoother_state = lfilter(
            [1.0], [1.0, -WHITENING_SMOOTHER], residual.ravel(), zi=self.smoother_state
        )
        return smoothed


def correlate(signal: np.ndarray) -> np.ndarray:
    """Normalised correlation c(t) = 2 <e, e_t> / (|e|^2 + |e_t|^2) of 15-ms windows.

    signal: (400 + 180 + 120 (L - 1),) whitened samples at 12 kHz.  Returns (L, 386), in [-1, 1],
    for lags t = 15...400. Unlike the cosine it asks for equal energy, and needs no square root.
    """
    segments = sliding_window_view(signal, CORRELATION_LAG_MAX + CORRELATION_WINDOW)[::PITCH_HOP]
    newest = segments[:, CORRELATION_LAG_MAX:]
    spectrum = np.fft.rfft(segments, 1024, axis=1)
    product = spectrum * np.conj(np.fft.rfft(newest, 1024, axis=1))
    cross = np.fft.irfft(product, 1024, axis=1)[:, : CORRELATION_LAG_MAX - LAG_MIN + 1][:, ::-1]
    sums = np.cumsum(np.pad(segments**2, ((0, 0), (1, 0))), axis=1)
    energies = (sums[:, CORRELATION_WINDOW:] - sums[:, :-CORRELATION_WINDOW])[:, ::-1]  # lag 0...
    total = energies[:, :1] + energies[:, LAG_MIN:]
    return 2 * cross / (total + 2 * PITCH_ENERGY_FLOOR)


class Pitch:
    """Hops in; period of frame l = n - 2 and correlation of the newest frame n out."""

    def __init__(self) -> None:
        self.whitening = Whitening()
        self.whitened = History(CORRELATION_LAG_MAX + CORRELATION_WINDOW - PITCH_HOP)
        self.costs = move_costs()
        self.bias = LONG_LAG_BIAS * np.log2(LAGS / LAG_MIN)
        self.path_score = np.zeros(N_LAGS)
        self.best_moves = Delay(LOOKAHEAD_FRAMES, (N_LAGS,), int, 0)
        self.offsets = Delay(LOOKAHEAD_FRAMES, (N_LAGS,))

    def run(self, hops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """hops: (L, 480).  Returns (period (L,) int, samples at 48 kHz, of frame n - 2;
        correlation (L,), 0...1, of frame n on the best path).
        """
        correlation = correlate(self.whitened.run(self.whitening.run(hops)))
        height, offset = peak_heights(correlation)
        scores = guard(periodicity(height)) - self.bias
        best, origins = self._extend(scores)
        track = self._trace_back(best, origins)
        delayed = self.offsets.run(offset[:, :N_LAGS])
        lag = LAG_MIN + track + delayed[np.arange(len(track)), track]
        period = np.clip(np.floor(PITCH_DECIMATION * lag + 0.5).astype(int), T_MIN, T_MAX)
        return period, np.clip(correlation[np.arange(len(best)), best], 0, 1)

    def _extend(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Viterbi forward step per frame: best end state (L,) and origin of each state (L, 186)."""
        best = np.empty(len(scores), int)
        origins = np.empty(scores.shape, int)
        states = np.arange(N_LAGS)
        padded = np.pad(self.path_score, MOVE_MAX)
        path = padded[MOVE_MAX:-MOVE_MAX]
        reachable = sliding_window_view(padded, 2 * MOVE_MAX + 1)  # by state: itself +-16
        candidates = np.empty_like(self.costs)
        for i, score in enumerate(scores):
            np.subtract(reachable, self.costs, out=candidates)
            move = candidates.argmax(axis=1)
            stay = candidates[states, move]
            leader = path.argmax()
            restart = path[leader] - RESTART_COST
            origins[i] = np.where(stay >= restart, states + move - MOVE_MAX, leader)
            total = np.maximum(stay, restart) + score
            best[i] = total.argmax()
            path[:] = total - total[best[i]]
        self.path_score = path.copy()
        return best, origins

    def _trace_back(self, best: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """Follow the best path LOOKAHEAD_FRAMES frames back from each frame: (L,) states."""
        joined = np.concatenate([self.best_moves.past, origins])
        self.best_moves.run(origins)
        newest = np.arange(len(best)) + LOOKAHEAD_FRAMES
        state = best
        for back in range(LOOKAHEAD_FRAMES):
            state = joined[newest - back, state]
        return state


assert HOP % PITCH_DECIMATION == 0
