"""The network: 70 features in; 34 gains, 34 strengths and voice activity out (P20 section 4).

Its layers and what each reads are those of `topology.py`. The GRU equations are those of torch
(gates r, z, n). A block is (L, n), L frames, or (L, C, n), C sounds side by side, which share each
product.
"""

import hashlib
import json
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from functools import partial
from operator import itemgetter
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, deserialize
from scipy.special import expit as sigmoid

from reference.topology import FEATURES, LAYERS, SIZES, shape_of

MODELS = Path(__file__).parent / "models"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # of a model: it stands in paths and in C
FILE_BYTES = 1 << 28  # the largest network has 32 MB
TYPES = ("F16", "F32")
Weights = Mapping[str, np.ndarray]


def model_path(name: str) -> Path:
    """Weight file of a model: reference/models/<name>.safetensors. Raises ValueError for a name
    that is none."""
    if not NAME.fullmatch(name):
        raise ValueError(f"model {name!r} found; letters, digits, '_', '-' and '.' make a name")
    return MODELS / f"{name}.safetensors"


def fit_model(name: str) -> str:
    """A type for argparse: the name of a model whose file is sound."""
    try:
        load(name)
    except (FileNotFoundError, ValueError) as error:
        raise ArgumentTypeError(error) from error
    return name


def weights_hash(name: str) -> str:
    """SHA-256 of a model's weight file: what results say they were measured with."""
    return hashlib.sha256(model_path(name).read_bytes()).hexdigest()


def load(name: str) -> dict[str, np.ndarray]:
    """Weights of a model by tensor name, float32; raises as `read`."""
    return read(model_path(name))


def read(path: Path) -> dict[str, np.ndarray]:
    """Weights of any file of the network's tensors, float16 or float32, whatever their widths.

    Raises FileNotFoundError if there is none, ValueError if it is another file or its tensors do
    not fit together.
    """
    return parse(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """A weight file as it is. Raises FileNotFoundError naming the models that are there, ValueError
    for a file too large to be one."""
    if not Path(path).is_file():
        there = ", ".join(sorted(p.stem for p in MODELS.glob("*.safetensors"))) or "none"
        raise FileNotFoundError(f"{path}: no such model; there are: {there}")
    if (size := Path(path).stat().st_size) > FILE_BYTES:
        raise ValueError(f"{path}: {size} bytes found; a model has at most {FILE_BYTES}")
    return Path(path).read_bytes()


def parse(blob: bytes, name: str) -> dict[str, np.ndarray]:
    """The same from the bytes of a file; name: how messages call it.

    Types, shapes and the size that the file names are checked before a tensor is copied.
    """
    try:
        tensors = dict(sorted(deserialize(blob), key=itemgetter(0)))
        for key, tensor in tensors.items():
            if (kind := tensor["dtype"]) not in TYPES:
                raise ValueError(f"tensor {key} of type {kind} found; {' or '.join(TYPES)} is "
                                 "needed; export the model again")
        size = said_size(blob)
        weights = {key: np.frombuffer(t["data"], "<f2" if t["dtype"] == "F16" else "<f4")
                   .reshape(t["shape"]).astype(np.float32) for key, t in tensors.items()}
        found = shape_of(weights)
        if size in SIZES and found != SIZES[size]:
            raise ValueError(f"the file calls itself {size}, its tensors have other widths; export "
                             "the model again")
    except SafetensorError as error:
        raise ValueError(f"{name}: safetensors with float weights are needed: {error}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return weights


def said_size(blob: bytes) -> str:
    """The size of topology.SIZES that a sound safetensors file says it has, "" if it says none.

    Raises ValueError for one that is no word.
    """
    head = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    size = head.get("__metadata__", {}).get("model", "")
    if size and not NAME.fullmatch(size):
        raise ValueError(f"entry model {size[:80]!r} found; the name of a size is needed")
    return size


class Gru:
    """One GRU layer; state: the last output, (H,) in -1...1."""

    def __init__(self, weights: Weights, layer: str) -> None:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        w_ih, w_hh, b_ih, b_hh = (np.asarray(weights[f"{layer}.{n}"], float) for n in names)
        self.w_ih, self.w_hh, self.b_ih, self.b_hh = w_ih, w_hh, b_ih, b_hh
        self.width = w_hh.shape[1]
        self.state = np.zeros(self.width)

    def run(self, x: np.ndarray) -> np.ndarray:
        """(L, ..., inputs) -> (L, ..., H)"""
        n = 2 * self.width
        out = np.empty((*x.shape[:-1], self.width))
        h = self.state
        for row, outside in zip(out, x @ self.w_ih.T + self.b_ih, strict=True):
            inside = self.inside(h)
            r, z = np.split(sigmoid(outside[..., :n] + inside[..., :n]), 2, axis=-1)
            new = np.tanh(outside[..., n:] + r * inside[..., n:])
            row[:] = h = (1 - z) * new + z * h
        self.state = h.copy()
        return out

    def inside(self, h: np.ndarray) -> np.ndarray:
        """What the layer hears of itself: (..., H) -> (..., 3H)."""
        return h @ self.w_hh.T + self.b_hh


class Conv:
    """Causal convolution over time with tanh; state: the last kernel - 1 inputs."""

    def __init__(self, weights: Weights, layer: str) -> None:
        weight = np.asarray(weights[f"{layer}.weight"], float)  # (out, in, kernel), newest last
        self.bias = np.asarray(weights[f"{layer}.bias"], float)
        self.taps = weight.transpose(2, 1, 0)  # (kernel, in, out), oldest first
        self.past = None  # silence

    def run(self, x: np.ndarray) -> np.ndarray:
        """(L, ..., in) -> (L, ..., out)"""
        if self.past is None:
            self.past = np.zeros((len(self.taps) - 1, *x.shape[1:]))
        joined = np.concatenate([self.past, x])
        self.past = joined[len(x) :]
        total = sum(joined[k : k + len(x)] @ tap for k, tap in enumerate(self.taps))
        return np.tanh(total + self.bias)


class Dense:
    """A layer without memory."""

    def __init__(self, weights: Weights, layer: str, squash: Callable = np.tanh) -> None:
        self.weight = np.asarray(weights[f"{layer}.weight"], float).T
        self.bias = np.asarray(weights[f"{layer}.bias"], float)
        self.squash = squash

    def run(self, x: np.ndarray) -> np.ndarray:
        """(L, ..., inputs) -> (L, ..., outputs)"""
        return self.squash(x @ self.weight + self.bias)


KINDS = {"dense": Dense, "conv": Conv, "gru": Gru, "output": partial(Dense, squash=sigmoid)}


class Network:
    """The whole network with its state; ``taps`` of the last block hold every layer's output."""

    kinds = KINDS

    def __init__(self, weights: Weights) -> None:
        self.layers = {name: self.kinds[of.kind](weights, name) for name, of in LAYERS.items()}
        self.taps: dict[str, np.ndarray] = {}

    def run(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """features (L, ..., 70) -> gain, strength (L, ..., 34), vad (L, ...), all in 0...1.

        Row n answers for frame n - 2. State is carried from block to block.
        """
        taps = {FEATURES: np.asarray(features, float)}
        for name, layer in self.layers.items():
            parts = [taps[source] for source in LAYERS[name].reads]
            x = np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
            taps[name] = layer.run(self.heard(name, x))
        self.taps = taps
        return taps["gain"], taps["strength"], taps["vad"][..., 0]

    def heard(self, name: str, x: np.ndarray) -> np.ndarray:
        """What a layer gets of what it reads: all of it."""
        return x
