"""Random filters: real gains over frequency, so that they delay nothing, on a coarse grid.

What is smooth over 12 Hz rings for some milliseconds; linear between the CELLS of the grid it is
right to far beyond. All functions: (rng, rows) -> (rows, CELLS) amplitude factors.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from reference.params import RATE

CELLS = 2000  # of equal width from 0 Hz to half the rate, each known at its centre
HZ = (np.arange(CELLS) + 0.5) * RATE / 2 / CELLS
DELAY = np.exp(-2j * np.pi * HZ / RATE)  # of one sample
POINTS = 10  # of an equaliser, log-spaced
LOWEST, HIGHEST = 60.0, 22_000.0  # Hz: first and last of them
ORDER = 8  # of the low-pass, Butterworth
Rng = np.random.Generator


def colours(rng: Rng, rows: int) -> np.ndarray:
    """Mild second-order pole-zero filters, none in 30 % (RNNoise's ranges)."""
    zeros, poles = rng.uniform(-0.375, 0.375, (2, 2, rows, 1)) * (rng.random((rows, 1)) > 0.3)
    return np.abs((1 + DELAY * (zeros[0] + zeros[1] * DELAY))
                  / (1 + DELAY * (poles[0] + poles[1] * DELAY)))  # fmt: skip


def tilts(rng: Rng, rows: int, share: float) -> np.ndarray:
    """First-order filters in a share of the rows."""
    zero, pole = rng.uniform(-0.3, 0.3, (2, rows, 1)) * (rng.random((rows, 1)) < share)
    return np.abs((1 + zero * DELAY) / (1 + pole * DELAY))


def equaliser(rng: Rng, rows: int, depth_db: float) -> np.ndarray:
    """Smooth random gains over frequency, up to about +-depth_db; none in 30 %."""
    depth = rng.uniform(0, depth_db, (rows, 1)) * (rng.random((rows, 1)) < 0.7)
    level = rng.normal(size=(rows, POINTS)) * depth
    places = np.log2(np.clip(HZ, LOWEST, HIGHEST)), np.log2(np.geomspace(LOWEST, HIGHEST, POINTS))
    return 10 ** (np.stack([np.interp(*places, row) for row in level]) / 20)


def low_pass(cutoff_hz: np.ndarray) -> np.ndarray:
    """Butterworth gains of cutoffs (rows,), by the bilinear transform; inf cuts off nothing."""
    edge = np.tan(np.pi * np.minimum(cutoff_hz, RATE / 2 - 1) / RATE)[:, None]
    gains = 1 / np.sqrt(1 + (np.tan(np.pi * HZ / RATE) / edge) ** (2 * ORDER))
    return np.where(np.isinf(cutoff_hz)[:, None], 1, gains)


def pooled(spectra: Tensor) -> Tensor:
    """Mean power in each cell: (R, bins) complex -> (R, CELLS)."""
    power = torch.view_as_real(spectra).square().sum(-1)
    return functional.adaptive_avg_pool1d(power[:, None], CELLS)[:, 0]


def apply(gains: Tensor, spectra: Tensor) -> Tensor:
    """Gains (R, CELLS) on spectra (R, bins), in place."""
    size = spectra.shape[1]
    between = functional.interpolate(gains[:, None], size=size, mode="linear")[:, 0]
    torch.view_as_real(spectra).mul_(between[..., None])
    return spectra
