"""What a network does with inputs at the edge: clean speech, noise alone, quiet and loud speech.

A suppressor is judged by what it leaves alone as much as by what it removes.
"""

from collections.abc import Iterator

import numpy as np

from reference import dnn
from reference.suppressor import enhance, load_network

LEVELS_DB = (-20, -10, 10, 20)  # from the level of the clip
STEPS = {
    "clean-in": "clean speech in: the network",
    "noise": "the noise of the clip, untouched",
    "noise-in": "noise alone in: the network",
    "network": "noisy speech in, at its own level: the network",
    **{f"network{level:+d}": f"noisy speech {level:+d} dB, brought back: the network"
       for level in LEVELS_DB},
}  # fmt: skip


def steps(noisy: np.ndarray, clean: np.ndarray, model: str) -> Iterator[tuple[str, np.ndarray]]:
    """(step, samples (N,)) of one clip at 48 kHz; default options of the shipped library."""
    weights = load_network(model)

    def heard(samples: np.ndarray) -> np.ndarray:
        return enhance(samples, dnn.Network(weights))

    yield "clean-in", heard(clean)
    yield "noise", noisy - clean
    yield "noise-in", heard(noisy - clean)
    yield "network", heard(noisy)
    for level in LEVELS_DB:
        factor = 10 ** (level / 20)
        sent = np.clip(noisy * factor, -1, 1)  # what a converter turned up too far delivers
        yield f"network{level:+d}", heard(sent) / factor
