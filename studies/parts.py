"""What each part of the shipped chain is worth, and how far learned values are from true ones.

One part at a time is left out or told the true values; everything else is as shipped.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reference import dnn
from reference.suppressor import load_network
from studies.result import by_step
from studies.scene import Scene

STEPS = {
    "whole": "all of it, as shipped",
    "no-comb": "no pitch filter: strengths 0",
    "postfilter": "with the envelope postfilter",
    "true-gains": "true gains, the network's strengths",
    "true-strengths": "the network's gains, true strengths",
    "true-both": "true gains and strengths",
}


def steps(noisy: np.ndarray, clean: np.ndarray, model: str) -> Iterator[tuple[str, np.ndarray]]:
    """(step, enhanced samples (N,)) of one clip at 48 kHz, by the network called `model`."""
    scene = Scene(noisy, clean)
    gain, strength, _ = dnn.Network(load_network(model)).run(scene.taps["features"])
    yield "whole", scene.enhanced(gain, strength)
    yield "no-comb", scene.enhanced(gain, 0 * strength)
    yield "postfilter", scene.enhanced(gain, strength, postfilter=True)
    yield "true-gains", scene.enhanced(scene.gain, strength)
    yield "true-strengths", scene.enhanced(gain, scene.strength)
    yield "true-both", scene.enhanced(scene.gain, scene.strength)


def result(rows: list[dict], folder: Path, out: Path) -> dict:
    """A row a step."""
    return by_step(rows, STEPS)
