"""What a network does at the edge: clean speech, noise alone, other levels, long after a reset.

A suppressor is judged by what it leaves alone as much as by what it removes, and by how long.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
import soundfile

from reference import dnn
from reference.params import HOP, RATE
from reference.suppressor import FrontEnd, enhance, load_network

LATE_MINUTES = 20
LEVELS_DB = (-20, -10, 10, 20)  # from the level of the clip
STEPS = {
    "clean-in": "clean speech in: the network",
    "noise": "the noise of the clip, untouched",
    "noise-in": "noise alone in: the network",
    "network": "noisy speech in, at its own level: the network",
    **{f"network{level:+d}": f"noisy speech {level:+d} dB, brought back: the network"
       for level in LEVELS_DB},
    "untouched": "noisy speech, nothing done",
    "clipped": f"noisy speech {LEVELS_DB[-1]:+d} dB, clipped, brought back, nothing done",
    "late": f"noisy speech {LATE_MINUTES} minutes after the last reset: the network",
}  # fmt: skip


@cache
def late(model: str, folder: Path) -> dnn.Network:
    """The network after LATE_MINUTES of the noisy clips of a prepared set, one after the other."""
    network, left = dnn.Network(load_network(model)), int(LATE_MINUTES * 60 * RATE / HOP)
    for clip in cycle(json.loads((folder / "set.json").read_text())["clips"]):
        features = front(folder / clip["noisy"])[:left]
        network.run(features)
        left -= len(features)
        if not left:
            return network


@cache
def front(path: Path) -> np.ndarray:
    """Features (frames, 70) of a sound file, the last part of a hop left out."""
    samples = soundfile.read(path)[0]
    return FrontEnd().run(samples[: len(samples) // HOP * HOP].reshape(-1, HOP))["features"]


def steps(
    noisy: np.ndarray, clean: np.ndarray, model: str, folder: Path
) -> Iterator[tuple[str, np.ndarray]]:
    """(step, samples (N,)) of one clip at 48 kHz of the prepared set in `folder`; default options
    of the shipped library.
    """
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
    yield "untouched", noisy
    yield "clipped", sent / factor
    yield "late", enhance(noisy, deepcopy(late(model, folder)))
