"""The front end in torch, for many rows of samples at once; `reference` defines what it computes.

Rows (R, N), N = 480 L samples at 48 kHz, become L frames each. The loops are over lags, taps and
orders, and in `Track` over frames; none is over rows. Everything stays on one device.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import firwin
from torch import Tensor
from torch.nn import functional

from reference import erb
from reference.comb import centre_weight, future_periods, weights
from reference.params import (
    COHERENCE_OFFSET,
    COHERENCE_SCALE,
    COMB_FUTURE,
    COMB_PAST,
    COMB_PERIODS,
    CORRELATION_LAG_MAX,
    CORRELATION_WINDOW,
    ENERGY_FLOOR,
    GUARD_FACTOR,
    HOP,
    LAG_MIN,
    LOG_ENERGY_OFFSET,
    LOG_ENERGY_SCALE,
    LONG_LAG_BIAS,
    LOOKAHEAD_FRAMES,
    LPC_NOISE,
    LPC_ORDER,
    N_LAGS,
    PERIOD_OFFSET,
    PERIOD_SCALE,
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
    WINDOW,
)
from reference.pitch import LAGS, MOVE_MAX, move_costs
from reference.stft import vorbis_window

SMOOTHER_TAPS = 64  # of the one-pole smoother, as a product: 0.75^64 = 1e-8
CORRELATION_FFT = 1024
N_CORRELATIONS = CORRELATION_LAG_MAX - LAG_MIN + 1


class Judged(NamedTuple):
    """What the Viterbi search reads: scores (R, L, 186), and what it picks of: (R, L, 386), …"""

    scores: Tensor
    correlation: Tensor
    offset: Tensor  # (R, L, 186) lags


class Taps(NamedTuple):
    """As the dictionary of `reference.suppressor.FrontEnd`, each (R, L, …)."""

    features: Tensor
    y: Tensor
    p: Tensor
    y_energy: Tensor
    cross: Tensor
    p_energy: Tensor
    period: Tensor


def late(x: Tensor) -> Tensor:
    """Frames (R, L, …) LOOKAHEAD_FRAMES later, zeros in front."""
    return torch.cat([torch.zeros_like(x[:, :LOOKAHEAD_FRAMES]), x[:, :-LOOKAHEAD_FRAMES]], 1)


def linear_prediction(frames: Tensor) -> list[Tensor]:
    """Levinson's recursion: (R, L, 240) windowed -> a_0 … a_4, each (R, L)."""
    count = frames.shape[-1]
    r = [(frames[..., k:] * frames[..., : count - k]).sum(-1) for k in range(LPC_ORDER + 1)]
    error = r[0] * (1 + LPC_NOISE) + PITCH_ENERGY_FLOOR
    a = [torch.ones_like(error)]
    for order in range(1, LPC_ORDER + 1):
        reflection = -sum(a[j] * r[order - j] for j in range(order)) / error
        turned = [*a[:0:-1], a[0]]
        a = [a[0], *(old + reflection * back for old, back in zip(a[1:], turned, strict=False))]
        a.append(reflection)
        error = error * (1 - reflection**2)
    return a


def around(height: Tensor) -> Tensor:
    """The largest within one lag: (…, M) -> (…, M)."""
    return functional.max_pool1d(height, 3, 1, 1)


class FrontEnd:
    """Tables of one device and type of number."""

    def __init__(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        self.device, self.dtype = torch.device(device), dtype
        self.window = self.put(vorbis_window())
        self.bands = self.put(erb.BANDS.T)  # (481, 34)
        self.fir = self.put(firwin(PITCH_FIR_TAPS, PITCH_FIR_CUTOFF, fs=RATE)[::-1])
        self.lpc_window = self.put(np.hanning(PITCH_WINDOW + 2)[1:-1])
        self.smoother = self.put(WHITENING_SMOOTHER ** np.arange(SMOOTHER_TAPS)[::-1])
        self.costs = self.put(move_costs())
        self.bias = self.put(LONG_LAG_BIAS * np.log2(LAGS / LAG_MIN))
        futures = [future_periods(period) for period in range(T_MIN, T_MAX + 1)]
        self.comb_weights = self.put(np.stack([self._comb(future) for future in futures]))
        self.centre = self.put(centre_weight(np.arange(T_MIN, T_MAX + 1)))
        reached = np.arange(1, len(PERIOD_WEIGHTS) + 1)[:, None] * LAGS <= CORRELATION_LAG_MAX
        self.period_weights = self.put((reached.T * PERIOD_WEIGHTS).sum(1))

    def put(self, table: np.ndarray) -> Tensor:
        """A table where the rows are."""
        return torch.as_tensor(np.ascontiguousarray(table)).to(self.device, self.dtype)

    @staticmethod
    def _comb(future: int) -> np.ndarray:
        """w_k for k = -5 … 5, 0 where the future is not known."""
        return np.pad(weights(future), (COMB_PERIODS - future, 0))

    # pitch ------------------------------------------------------------------------------------

    def judged(self, noisy: Tensor) -> Judged:
        """Every lag of every frame, by its correlations; rows (R, N)."""
        correlation = self.correlate(self.whitened(noisy))
        left, mid, right = correlation[..., :-2], correlation[..., 1:-1], correlation[..., 2:]
        peak = (mid >= left) & (mid >= right) & (2 * mid > left + right)
        curvature = torch.where(peak, 2 * mid - left - right, 1)
        slope = torch.where(peak, right - left, 0)
        offset = functional.pad(slope / (2 * curvature), (1, 1))
        height = correlation + functional.pad(slope**2 / (8 * curvature), (1, 1))
        scores = self.guard(self.periodicity(height)) - self.bias
        return Judged(scores, correlation, offset[..., :N_LAGS])

    def whitened(self, noisy: Tensor) -> Tensor:
        """(R, N) -> (R, L, 120) at 12 kHz."""
        rows = len(noisy)
        before = functional.pad(noisy, (PITCH_FIR_TAPS - PITCH_DECIMATION, 0))
        low = functional.conv1d(before[:, None], self.fir[None, None], stride=PITCH_DECIMATION)
        joined = functional.pad(low[:, 0], (PITCH_WINDOW - PITCH_HOP + LPC_ORDER, 0))
        frames = joined.unfold(1, PITCH_WINDOW + LPC_ORDER, PITCH_HOP)
        a = linear_prediction(frames[..., LPC_ORDER:] * self.lpc_window)
        newest = frames[..., PITCH_WINDOW - PITCH_HOP :]
        residual = sum(
            a[k][..., None] * newest[..., LPC_ORDER - k :][..., :PITCH_HOP]
            for k in range(LPC_ORDER + 1)
        )
        before = functional.pad(residual.reshape(rows, 1, -1), (SMOOTHER_TAPS - 1, 0))
        return functional.conv1d(before, self.smoother[None, None]).view(rows, -1, PITCH_HOP)

    def correlate(self, whitened: Tensor) -> Tensor:
        """(R, L, 120) -> (R, L, 386), lags 15 … 400."""
        past = CORRELATION_LAG_MAX + CORRELATION_WINDOW
        signal = functional.pad(whitened.flatten(1), (past - PITCH_HOP, 0))
        segments = signal.unfold(1, past, PITCH_HOP)
        newest = segments[..., CORRELATION_LAG_MAX:]
        spectrum = torch.fft.rfft(segments, CORRELATION_FFT)
        spectrum *= torch.fft.rfft(newest, CORRELATION_FFT).conj()
        cross = torch.fft.irfft(spectrum, CORRELATION_FFT)[..., :N_CORRELATIONS].flip(-1)
        # Sums of a row run over seconds; in float64 the difference of two keeps a quiet frame.
        sums = functional.pad(torch.cumsum(signal.double() ** 2, 1), (1, 0))
        energies = (sums[:, CORRELATION_WINDOW:] - sums[:, :-CORRELATION_WINDOW]).to(self.dtype)
        energies = energies.unfold(1, CORRELATION_LAG_MAX + 1, PITCH_HOP).flip(-1)  # lag 0 …
        total = energies[..., :1] + energies[..., LAG_MIN:]
        return 2 * cross / (total + 2 * PITCH_ENERGY_FLOOR)

    def periodicity(self, height: Tensor) -> Tensor:
        """Weighted mean of the heights at T, 2T, 3T: (R, L, 386) -> (R, L, 186)."""
        near, total = around(height), height[..., :N_LAGS] * PERIOD_WEIGHTS[0]
        for k, weight in enumerate(PERIOD_WEIGHTS[1:], 2):
            heights = near[..., k * LAG_MIN - LAG_MIN :: k][..., :N_LAGS]
            total[..., : heights.shape[-1]] += weight * heights
        return total / self.period_weights

    def guard(self, score: Tensor) -> Tensor:
        """Sub-harmonics weighed down: (R, L, 186) -> (R, L, 186)."""
        near, rival = around(score), torch.zeros_like(score)
        for divisor in (2, 3):
            centre = (LAGS + divisor // 2) // divisor - LAG_MIN
            first = int((centre < 0).sum())
            index = torch.as_tensor(centre[first:], device=self.device)
            rival[..., first:] = torch.maximum(rival[..., first:], near[..., index])
        return torch.where(score < rival, GUARD_FACTOR * score, score)

    def track(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Viterbi search: (R, L, 186) -> last state of the best path, and its state of frame n - 2,
        each (R, L). A frame costs the same for one row as for hundreds.

        Forward, only the height of the best path to each lag is kept, relative to the best of all:
        leaving the track for another lag then costs the same everywhere. Where a path came from is
        looked up for the two frames that are traced back.
        """
        rows, frames, _ = scores.shape
        heights = scores.new_zeros(frames + 1, rows, N_LAGS)  # before each frame, and at the end
        padded = scores.new_zeros(rows, N_LAGS + 2 * MOVE_MAX)
        path = padded[:, MOVE_MAX:-MOVE_MAX]
        reachable = padded.unfold(1, 2 * MOVE_MAX + 1, 1).permute(2, 0, 1)
        costs, candidates = self.costs.T[:, None].contiguous(), scores.new_empty(reachable.shape)
        best = torch.empty(rows, N_LAGS, dtype=scores.dtype, device=self.device)
        for score, height in zip(scores.transpose(0, 1), heights[1:], strict=True):
            torch.sub(reachable, costs, out=candidates)
            torch.amax(candidates, 0, out=best)
            best.clamp_(min=-RESTART_COST).add_(score)
            torch.sub(best, best.amax(1, keepdim=True), out=height)
            path.copy_(height)
        leaders = heights.argmax(2).T  # (R, L + 1)
        state = last = leaders[:, 1:]
        for back in range(LOOKAHEAD_FRAMES):
            state = self.origin(heights, leaders, state, back)
        return last, state

    def origin(self, heights: Tensor, leaders: Tensor, state: Tensor, back: int) -> Tensor:
        """Where the paths to (R, L) states, ``back`` frames ago, had come from; 0 before all."""
        frames = state.shape[1]
        frame = torch.arange(frames, device=self.device) - back
        before = frame.clamp(min=0)  # heights before a frame
        wide = functional.pad(heights, (MOVE_MAX, MOVE_MAX))
        rows = torch.arange(len(state), device=self.device)[:, None, None]
        reached = state[..., None] + torch.arange(2 * MOVE_MAX + 1, device=self.device)
        stay, move = (wide[before[:, None], rows, reached] - self.costs[state]).max(2)
        came = torch.where(stay >= -RESTART_COST, state + move - MOVE_MAX, leaders[:, before])
        return torch.where(frame >= 0, came, 0)

    def period(self, offset: Tensor, state: Tensor) -> Tensor:
        """Samples of frame n - 2: offsets (R, L, 186) of frame n, states (R, L) -> (R, L)."""
        lag = LAG_MIN + state + late(offset).gather(2, state[..., None])[..., 0]
        return torch.floor(PITCH_DECIMATION * lag + 0.5).long().clamp(T_MIN, T_MAX)

    # spectra ----------------------------------------------------------------------------------

    def spectra(self, x: Tensor) -> Tensor:
        """(R, N) -> (R, L, 481) of the windows that end with each hop."""
        frames = functional.pad(x, (HOP, 0)).unfold(1, WINDOW, HOP)
        return torch.fft.rfft(frames * self.window)

    def combed(self, x: Tensor, period: Tensor) -> Tensor:
        """Windows of frame n - 2 through the comb: (R, N), (R, L) -> (R, L, 960)."""
        rows, frames = period.shape
        signal = functional.pad(x, (COMB_PAST + WINDOW + COMB_FUTURE - HOP, 0))
        windows = signal.unfold(1, WINDOW, 1)
        row = torch.arange(rows, device=self.device)[:, None].expand(rows, frames)
        start = COMB_PAST + HOP * torch.arange(frames, device=self.device)
        weight = self.comb_weights[period - T_MIN][..., None]  # (R, L, 11, 1)
        out = x.new_zeros(rows, frames, WINDOW)
        for k in range(-COMB_PERIODS, COMB_PERIODS + 1):
            at = (start - k * period).clamp(max=windows.shape[1] - 1)  # beyond: weight 0
            out.addcmul_(windows[row, at], weight[:, :, k + COMB_PERIODS])
        return out

    def inner(self, a: Tensor, b: Tensor) -> Tensor:
        """Re <a, b> in each band: (R, L, 481) -> (R, L, 34)."""
        return (a.real * b.real + a.imag * b.imag) @ self.bands

    def taps(self, noisy: Tensor, period: Tensor, correlation: Tensor) -> Taps:
        """Rows (R, N) with their pitch (R, L) -> what network and targets need."""
        newest = self.spectra(noisy)
        energy = self.inner(newest, newest)
        y, y_energy = late(newest), late(energy)
        p = torch.fft.rfft(self.combed(noisy, period) * self.window)
        cross, p_energy = self.inner(y, p), self.inner(p, p)
        w0 = self.centre[period - T_MIN][..., None]
        rest = cross - w0 * y_energy
        product = (y_energy * (p_energy - 2 * w0 * cross + w0**2 * y_energy)).clamp(min=0)
        heard = product > 0
        norm = torch.where(heard, product, 1).sqrt()
        coherence = torch.where(heard, (rest / norm).clamp(0, 1), 0)
        features = [
            (torch.log10(energy + ENERGY_FLOOR) + LOG_ENERGY_OFFSET) * LOG_ENERGY_SCALE,
            (coherence - COHERENCE_OFFSET) * COHERENCE_SCALE,
            ((period - PERIOD_OFFSET) * PERIOD_SCALE)[..., None],
            ((correlation - COHERENCE_OFFSET) * COHERENCE_SCALE)[..., None],
        ]
        return Taps(torch.cat(features, -1), y, p, y_energy, cross, p_energy, period)

    def pitch(self, noisy: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
        """Period of frame n - 2, samples, and correlation of frame n, 0…1: each (R, L).

        chunk: rows whose correlations are made at a time.
        """
        judged = [self.judged(rows) for rows in noisy.split(chunk)]
        scores, correlation, offset = (torch.cat(parts) for parts in zip(*judged, strict=True))
        best, state = self.track(scores)
        heard = correlation.gather(2, best[..., None])[..., 0].clamp(0, 1)
        return self.period(offset, state), heard
