"""From float to integers one step at a time: what the cost of each step is measured on.

    python -m codegen.steps STEP --set build/sets/embedded --out build/out/step-signal/embedded

Each step changes one thing of the float reference and nothing else; the twin is all of them:

signal       every signal stage in integers; the network in float, its inputs and outputs rounded
weights      the float pipeline with weights as int8 holds them: one scale a row, 255 values
activations  the float pipeline with every matrix input as the integer network rounds it: features
             to Q12, everything else to int8 of step 1/127
"""

import sys
from functools import cache, partial

import numpy as np

from codegen import quantize, twin
from codegen.fixed import quantise, sat16
from reference import dnn, grid, suppressor
from reference.clips import process_set, to_int16
from reference.topology import FEATURES, LAYERS, OUTPUTS

STEPS = ("signal", "weights", "activations")


class FloatNetwork:
    """The float network in the place of `codegen.stages.dnn.Dnn`."""

    def __init__(self, weights: dnn.Weights) -> None:
        self.network = dnn.Network(weights)

    def run(self, features_q12: np.ndarray) -> dict[str, np.ndarray]:
        """(L, ..., 70) int16 Q12 -> gain_q15, strength_q15 (L, ..., 34), vad_q15 (L, ..., 1)."""
        self.network.run(features_q12 / 2.0**quantize.FEATURES_Q)
        taps = self.network.taps
        return {f"{name}_q15": sat16(quantise(taps[name], 15)) for name in OUTPUTS}


def int8_input(x: np.ndarray) -> np.ndarray:
    """To the values an int8 matrix input of step 1/127 can have."""
    return np.floor(x * quantize.S8_MAX + 0.5) / quantize.S8_MAX


class Int8Gru(dnn.Gru):
    """GRU whose matrix sees the state rounded to int8; the state itself stays."""

    def inside(self, h: np.ndarray) -> np.ndarray:
        return super().inside(int8_input(h))


class Int8Inputs(dnn.Network):
    """The float network with every matrix input rounded as the integer network rounds it."""

    kinds = dnn.KINDS | {"gru": Int8Gru}

    def heard(self, name: str, x: np.ndarray) -> np.ndarray:
        if LAYERS[name].reads != (FEATURES,):
            return int8_input(x)
        return quantise(x, quantize.FEATURES_Q) / 2.0**quantize.FEATURES_Q


load = cache(dnn.load)


def enhance_clips(sounds: list[np.ndarray], model: str, step: str) -> list[np.ndarray]:
    """Clips, int16 in and out, with one step taken."""
    weights = load(model)
    if step == "signal":
        return twin.enhance_together(sounds, FloatNetwork(weights))
    network = dnn.Network(grid.rounded(weights)) if step == "weights" else Int8Inputs(weights)
    full_scale = [samples / 32768 for samples in sounds]
    return [to_int16(x) for x in suppressor.enhance_together(full_scale, network)]


def main() -> None:
    """Command line."""
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS:
        raise SystemExit(f"{' '.join(sys.argv[1:2]) or 'no step'} found; one of "
                         f"{', '.join(STEPS)} is needed")  # fmt: skip
    step = sys.argv.pop(1)
    process_set(__doc__, partial(enhance_clips, step=step), twin.fingerprint)


if __name__ == "__main__":
    main()
