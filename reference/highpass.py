"""Second-order high-pass whose cutoff follows the talker's pitch (P20 section 5, after SILK)."""

import numpy as np
from scipy.signal import lfilter

from reference.params import (
    HIGHPASS_DOWN,
    HIGHPASS_MAX,
    HIGHPASS_MIN,
    HIGHPASS_SMOOTHING,
    HIGHPASS_VOICED,
    RATE,
)


def coefficients(cutoff: float) -> tuple[list[float], list[float]]:
    """(b, a) of the SILK high-pass for a cutoff in Hz: a double zero at 0 Hz."""
    fc = 1.5 * np.pi * cutoff / RATE
    r = 1 - 0.92 * fc
    return [r, -2 * r, r], [1, -r * (2 - fc**2), r**2]


class Highpass:
    """State: the cutoff in Hz and the two filter memories (direct form II transposed)."""

    def __init__(self) -> None:
        self.cutoff = HIGHPASS_MIN
        self.memory = np.zeros(2)

    def run(self, hops: np.ndarray, period: np.ndarray, correlation: np.ndarray) -> np.ndarray:
        """hops: (L, 480); period: (L,) samples; correlation: (L,) 0...1.  Returns (L, 480).

        In voiced frames the cutoff moves towards the pitch, limited to 60...100 Hz, and three
        times faster down than up, so that it stays below the lowest pitch of the talker.
        """
        out = np.empty_like(hops)
        for i, hop in enumerate(hops):
            b, a = coefficients(self._follow(period[i], correlation[i]))
            out[i], self.memory = lfilter(b, a, hop, zi=self.memory)
        return out

    def _follow(self, period: int, correlation: float) -> float:
        if correlation > HIGHPASS_VOICED:
            step = np.clip(RATE / period, HIGHPASS_MIN, HIGHPASS_MAX) - self.cutoff
            speed = HIGHPASS_SMOOTHING * correlation * (HIGHPASS_DOWN if step < 0 else 1)
            self.cutoff += speed * step
        return self.cutoff
