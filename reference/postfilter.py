"""Envelope postfilter and decay floor, both on band gains (P20 section 5)."""

import numpy as np

from reference.params import BAND_GAIN_LIMIT, DECAY_FLOOR, N_BANDS, POSTFILTER_BETA


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


class DecayFloor:
    """Lets no band fall by more than 60 dB in 100 ms, nor rise above the noisy level (eq. 16).

    State: the band amplitudes of the last output frame.
    """

    def __init__(self) -> None:
        self.amplitude = np.zeros(N_BANDS)

    def run(self, gain: np.ndarray, y_energy: np.ndarray) -> np.ndarray:
        """gain, y_energy: (L, 34).  Returns the gains that reach the floored amplitudes."""
        noisy = np.sqrt(y_energy)
        out = np.empty_like(gain)
        for i, (g, y) in enumerate(zip(gain, noisy, strict=True)):
            held = np.maximum(g * y, DECAY_FLOOR * self.amplitude)
            self.amplitude = np.minimum(held, np.maximum(y, g * y))
            out[i] = np.where(y > 0, self.amplitude / np.where(y > 0, y, 1), g)
        return out
