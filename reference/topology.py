"""The shape of the network, told once: its layers, what each reads, how wide they are (P20 4).

Reference, training, quantisation, twin and C derive from it. A weight file says how wide its layers
are by its tensors alone (`shape_of`); `SIZES` are the widths that the trainer has names for.

Tensors have torch's names and layouts: `gru1.weight_ih` (3H, inputs) in order r, z, n;
`conv1.weight` (outputs, inputs, frames), newest frame last.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference.params import N_BANDS, N_FEATURES


@dataclass(frozen=True)
class Layer:
    """kind: `dense` and `conv` (over time, causal) end in a tanh, `gru` is torch's, `output` ends
    in a sigmoid. reads: the layers whose outputs it reads, side by side.
    """

    kind: str
    reads: tuple[str, ...]


FEATURES = "features"
_JOINED = ("conv2", "gru1", "gru2", "gru3", "gru_gain")
LAYERS = {
    "dense": Layer("dense", (FEATURES,)),
    "conv1": Layer("conv", ("dense",)),
    "conv2": Layer("conv", ("conv1",)),
    "gru1": Layer("gru", ("conv2",)),
    "gru2": Layer("gru", ("gru1",)),
    "gru3": Layer("gru", ("gru2",)),
    "gru_gain": Layer("gru", ("gru3",)),
    "gru_strength": Layer("gru", ("conv2", "gru3")),
    "gain": Layer("output", _JOINED),
    "strength": Layer("output", ("gru_strength",)),
    "vad": Layer("output", _JOINED),
}
"""In the order in which they are computed."""
GRUS = tuple(name for name, layer in LAYERS.items() if layer.kind == "gru")
OUTPUTS = {"gain": N_BANDS, "strength": N_BANDS, "vad": 1}
"""Widths that no file can choose."""
WIDEST = 4096  # of a layer; the paper's widest has 512


@dataclass(frozen=True)
class Shape:
    """width: outputs of every layer, and the features; frames: what every convolution reaches."""

    width: dict[str, int]
    frames: dict[str, int]

    def inputs(self, name: str) -> int:
        """Values that a layer reads a frame."""
        return sum(self.width[source] for source in LAYERS[name].reads)

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every tensor."""
        table: dict[str, tuple[int, ...]] = {}
        for name, layer in LAYERS.items():
            width, inputs = self.width[name], self.inputs(name)
            if layer.kind == "gru":
                table[f"{name}.weight_ih"] = (3 * width, inputs)
                table[f"{name}.weight_hh"] = (3 * width, width)
                table[f"{name}.bias_ih"] = table[f"{name}.bias_hh"] = (3 * width,)
            else:
                reach = (self.frames[name],) if layer.kind == "conv" else ()
                table[f"{name}.weight"] = (width, inputs, *reach)
                table[f"{name}.bias"] = (width,)
        return table


def shape(dense: int, conv: int, gru: int, strength: int) -> Shape:
    """Of both convolutions equally wide, and of all GRUs but that of the strengths."""
    width = {FEATURES: N_FEATURES, "dense": dense, "conv1": conv, "conv2": conv}
    width |= dict.fromkeys(GRUS, gru) | {"gru_strength": strength} | OUTPUTS
    return Shape(width, {"conv1": 5, "conv2": 3})


SIZES = {
    "paper": shape(dense=128, conv=512, gru=512, strength=128),  # P20 section 4; none ships
    "full": shape(dense=288, conv=480, gru=480, strength=192),  # small and one twice as wide
    "small": shape(dense=96, conv=160, gru=160, strength=64),
    "tiny": shape(dense=64, conv=80, gru=80, strength=32),
}


def named(size: str) -> Shape:
    """One of SIZES. Raises ValueError for another name."""
    if size not in SIZES:
        raise ValueError(f"model size {size!r} found; one of {', '.join(SIZES)} is needed")
    return SIZES[size]


def shape_of(weights: Mapping[str, np.ndarray]) -> Shape:
    """Widths of a network, read from its tensors.

    Raises ValueError naming the first tensor that is missing, not of the network, of another shape
    than the others demand, wider than any use, not finite, or of weights that are all zero.
    """
    width, frames = {FEATURES: N_FEATURES}, {}
    for name, layer in LAYERS.items():
        rows = _dimensions(weights, f"{name}.weight_hh" if layer.kind == "gru" else f"{name}.bias")
        width[name] = OUTPUTS.get(name, rows[-1])
        if layer.kind == "conv":
            frames[name] = _dimensions(weights, f"{name}.weight")[-1]
    found = Shape(width, frames)
    if (most := max(*width.values(), *frames.values())) > WIDEST:
        raise ValueError(f"a layer of width {most} found; at most {WIDEST} are taken")
    for name, wanted in found.tensors().items():
        if _dimensions(weights, name) != wanted:
            raise ValueError(f"tensor {name} of shape {np.shape(weights[name])} found; {wanted} is "
                             "needed beside the others; export the model again")  # fmt: skip
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"tensor {name} holds numbers that are not finite; train again")
        if "weight" in name and not np.any(weights[name]):
            raise ValueError(f"tensor {name} holds zeros only; train again")
    if strange := sorted(weights.keys() - found.tensors().keys()):
        raise ValueError(f"tensor {strange[0]} found; the network has none of that name")
    return found


def _dimensions(weights: Mapping[str, np.ndarray], name: str) -> tuple[int, ...]:
    """Shape of a tensor. Raises ValueError if it is missing, a number, or empty."""
    if name not in weights:
        raise ValueError(f"tensor {name} is missing; export the model again")
    if not np.size(weights[name]) or not np.ndim(weights[name]):
        raise ValueError(f"tensor {name} is empty; export the model again")
    return np.shape(weights[name])
