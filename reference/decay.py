"""Decay floor: a limit to how fast a band may fall (P20 section 5)."""

import numpy as np

from reference.params import DECAY_FLOOR, N_BANDS


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
