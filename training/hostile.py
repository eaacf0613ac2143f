"""Sound at full scale that no microphone makes and that breaks into calls all the same.

What a network has heard stays in its states: one that learns to let go of such sound hears the
talker behind it at once.
"""

import numpy as np

from reference.params import RATE

KINDS = ("noise", "square", "clicks", "steps", "sawtooth")


def sound(rng: np.random.Generator, samples: int) -> np.ndarray:
    """One of KINDS at a random pitch or pace: (samples,), as loud as +-1 allows."""
    time, hz = np.arange(samples) / RATE, np.exp(rng.uniform(np.log(30), np.log(RATE / 2)))
    match rng.choice(KINDS):
        case "noise":
            return rng.uniform(-1, 1, samples)
        case "square":
            return np.where(hz * time % 1 < 0.5, 1.0, -1.0)
        case "clicks":
            return -1.0 * (np.arange(samples) % max(int(RATE / hz), 2) == 0)
        case "steps":  # a constant, at times another one
            levels = rng.uniform(-1, 1, 1 + int(rng.integers(4)))
            levels /= np.abs(levels).max()
            return levels[np.arange(samples) * len(levels) // samples]
        case _:
            return 2 * (hz * time % 1) - 1
