"""A delay line over frames, and the history of a signal: the two shapes of state that recur."""

import numpy as np


class Delay:
    """Returns what it was given `frames` frames ago; zeros (or `fill`) before that."""

    def __init__(self, frames: int, shape: tuple[int, ...], dtype=float, fill=0) -> None:
        self.past = np.full((frames, *shape), fill, dtype)

    def run(self, block: np.ndarray) -> np.ndarray:
        """block: (L, *shape), L frames.  Returns the same shape."""
        joined = np.concatenate([self.past, block])
        self.past = joined[len(block) :].copy()
        return joined[: len(block)]


class History:
    """Keeps the last `length` samples in front of each block of samples."""

    def __init__(self, length: int) -> None:
        self.past = np.zeros(length)

    def run(self, samples: np.ndarray) -> np.ndarray:
        """samples: (N,).  Returns (length + N,): the past, then the block."""
        joined = np.concatenate([self.past, samples])
        self.past = joined[len(samples) :].copy()
        return joined
