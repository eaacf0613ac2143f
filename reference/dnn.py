"""The network: 70 features in; 34 gains, 34 strengths and voice activity out (P20 section 4).

dense -> conv1 (5 frames) -> conv2 (3 frames) -> gru1 -> gru2 -> gru3 -> gru_gain, all tanh or
GRU; gains and voice activity are read from conv2 and the four GRUs together, strengths from
gru_strength, which sees conv2 and gru3. The GRU equations are those of torch (gates r, z, n).

A block is (L, n), L frames, or (L, C, n), C sounds side by side, which share each product.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open
from scipy.special import expit as sigmoid

from reference.params import CONV1_KERNEL, CONV2_KERNEL, N_BANDS, N_FEATURES, NETWORK_SIZES

MODELS = Path(__file__).parent / "models"
Weights = Mapping[str, np.ndarray]


def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a model size.

    Raises ValueError for a size that is not in params.NETWORK_SIZES.
    """
    if name not in NETWORK_SIZES:
        raise ValueError(f"model {name!r}: expected one of {', '.join(NETWORK_SIZES)}")
    dense, conv, gru, strength = NETWORK_SIZES[name]
    joined = conv + 4 * gru
    table: dict[str, tuple[int, ...]] = {
        "dense.weight": (dense, N_FEATURES),
        "conv1.weight": (conv, dense, CONV1_KERNEL),
        "conv2.weight": (conv, conv, CONV2_KERNEL),
        "gain.weight": (N_BANDS, joined),
        "strength.weight": (N_BANDS, strength),
        "vad.weight": (1, joined),
    }
    table |= {f"{name.split('.')[0]}.bias": shape[:1] for name, shape in table.items()}
    layers = {
        "gru1": (conv, gru),
        "gru2": (gru, gru),
        "gru3": (gru, gru),
        "gru_gain": (gru, gru),
        "gru_strength": (conv + gru, strength),
    }
    for layer, (inputs, width) in layers.items():
        table[f"{layer}.weight_ih"] = (3 * width, inputs)
        table[f"{layer}.weight_hh"] = (3 * width, width)
        table[f"{layer}.bias_ih"] = table[f"{layer}.bias_hh"] = (3 * width,)
    return table


def model_path(name: str) -> Path:
    """Weight file of a model: reference/models/<name>.safetensors."""
    return MODELS / f"{name}.safetensors"


def load(name: str) -> dict[str, np.ndarray]:
    """Weights of a model by tensor name, float32.

    Raises FileNotFoundError if the model is not there, ValueError if a tensor is missing or of
    another shape than its size demands.
    """
    return read(model_path(name))


def read(path: Path) -> dict[str, np.ndarray]:
    """Weights of any file of this layout, float16 or float32; raises as ``load``."""
    if not Path(path).exists():
        there = ", ".join(sorted(p.stem for p in MODELS.glob("*.safetensors"))) or "none"
        raise FileNotFoundError(f"{path}: no such model; there are: {there}")
    with safe_open(path, "numpy") as file:
        size = (file.metadata() or {}).get("model", "")
        weights = {key: file.get_tensor(key).astype(np.float32) for key in file.keys()}  # noqa: SIM118
    expected = shapes(size)
    found = {key: tensor.shape for key, tensor in weights.items()}
    wrong = [k for k in sorted(expected.keys() | found.keys()) if expected.get(k) != found.get(k)]
    if wrong:
        key = wrong[0]
        raise ValueError(
            f"{path}: model {size!r} needs {key} of shape {expected.get(key)},"
            f" found {found.get(key)}; export it again"
        )
    return weights


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
            inside = h @ self.w_hh.T + self.b_hh
            r, z = np.split(sigmoid(outside[..., :n] + inside[..., :n]), 2, axis=-1)
            new = np.tanh(outside[..., n:] + r * inside[..., n:])
            row[:] = h = (1 - z) * new + z * h
        self.state = h.copy()
        return out


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
    """A layer without memory and without its squashing function."""

    def __init__(self, weights: Weights, layer: str) -> None:
        self.weight = np.asarray(weights[f"{layer}.weight"], float).T
        self.bias = np.asarray(weights[f"{layer}.bias"], float)

    def run(self, x: np.ndarray) -> np.ndarray:
        """(L, ..., inputs) -> (L, ..., outputs)"""
        return x @ self.weight + self.bias


class Network:
    """The whole network with its state; ``taps`` of the last block hold every layer's output."""

    def __init__(self, weights: Weights) -> None:
        self.dense = Dense(weights, "dense")
        self.conv1, self.conv2 = Conv(weights, "conv1"), Conv(weights, "conv2")
        self.chain = {k: Gru(weights, k) for k in ("gru1", "gru2", "gru3", "gru_gain")}
        self.gru_strength = Gru(weights, "gru_strength")
        self.gain, self.vad = Dense(weights, "gain"), Dense(weights, "vad")
        self.strength = Dense(weights, "strength")
        self.taps: dict[str, np.ndarray] = {}

    def run(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """features (L, ..., 70) -> gain, strength (L, ..., 34), vad (L, ...), all in 0...1.

        Row n answers for frame n - 2. State is carried from block to block.
        """
        taps = {"dense": np.tanh(self.dense.run(np.asarray(features, float)))}
        taps["conv1"] = self.conv1.run(taps["dense"])
        taps["conv2"] = x = self.conv2.run(taps["conv1"])
        for name, gru in self.chain.items():
            taps[name] = x = gru.run(x)
        joined = np.concatenate([taps["conv2"], *(taps[name] for name in self.chain)], axis=-1)
        both = np.concatenate([taps["conv2"], taps["gru3"]], axis=-1)
        taps["gru_strength"] = self.gru_strength.run(both)
        self.taps = taps
        gain, vad = sigmoid(self.gain.run(joined)), sigmoid(self.vad.run(joined))[..., 0]
        return gain, sigmoid(self.strength.run(taps["gru_strength"])), vad
