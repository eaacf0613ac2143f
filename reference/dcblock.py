"""DC blocker: the constant that cheap converters add to every sample is taken off, always.

First order, y[n] = x[n] - x[n-1] + (1 - 2^-10) y[n-1]: nothing passes at 0 Hz, -3 dB at 7.5 Hz,
0.02 dB and 4 degrees at 100 Hz, and an offset that begins is gone to a tenth after 50 ms. What
comes out is limited to full scale: sound clipped in the microphone would reach beyond it.
"""

import numpy as np
from scipy.signal import lfilter

from reference.params import DCBLOCK_SHIFT

B, A = (1.0, -1.0), (1.0, 2.0**-DCBLOCK_SHIFT - 1)


class Dcblock:
    """State: the filter memory, of every sound that goes through it side by side."""

    def __init__(self) -> None:
        self.memory = None  # silence

    def run(self, hops: np.ndarray) -> np.ndarray:
        """hops: (L, ..., 480), any sounds side by side.  Returns them without offset, limited."""
        samples = np.moveaxis(hops, 0, -2)
        streams = samples.reshape(*samples.shape[:-2], -1)
        if self.memory is None:
            self.memory = np.zeros((*streams.shape[:-1], 1))
        out, self.memory = lfilter(B, A, streams, zi=self.memory)
        return np.clip(np.moveaxis(out.reshape(samples.shape), -2, 0), -1, 1)
