"""Envelope postfilter on band gains (P20 section 5)."""

import numpy as np

from reference.params import BAND_GAIN_LIMIT, POSTFILTER_BETA


def envelope_postfilter(
    gain: np.ndarray, y_energy: np.ndarray, beta: float = POSTFILTER_BETA
) -> np.ndarray:
    """Push small gains down, keep the loudness of the frame (P20 eq. 13-15).

    gain: (L, 34) in 0...1; y_energy: (L, 34), ||y_b||^2; beta: 0.001...1, the larger the less
    loudness is given back.  Returns (L, 34), at most 1.99 (1.9 for beta = 0.02).
    g_w = g sin(pi g / 2);  G = sqrt((1 + beta) rho / (1 + beta rho^2)),  rho = E0 / E1.
    """
    warped = gain * np.sin(np.pi / 2 * gain)
    before = np.sum(gain**2 * y_energy, axis=1)
    after = np.sum(warped**2 * y_energy, axis=1)
    rho = np.where(after > 0, before / np.where(after > 0, after, 1), 1)
    frame_gain = np.sqrt((1 + beta) * rho / (1 + beta * rho**2))
    return np.minimum(warped * frame_gain[:, None], BAND_GAIN_LIMIT)
