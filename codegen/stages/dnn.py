"""Network in integers: twin of `templates/dnn.c.j2`, float counterpart `reference/dnn.py`.

Formats: features int16 Q12; layer outputs and GRU states int16 Q15; matrix inputs int8 of step
1/127; accumulators int32; pre-activations int32, 6000 steps to 1, those of a sigmoid halved. All
bounds are in the plan entry made by `codegen.quantize`, nothing saturates but tanh and sigmoid.

A block is (L, n), L frames, or (L, C, n), C sounds side by side. What does not wait for the frame
before (every layer but the recurrent half of a GRU) is one product for all of it. The integers are
the same, however a sound is cut into blocks and whatever goes beside it.
"""

from __future__ import annotations

import numpy as np

from codegen.buffers import COLUMNS
from codegen.declare import IO, Field, Signal, Stage, Struct
from codegen.fixed import mul_q, rshift_round, sigmoid_q15, tanh_q15
from codegen.quantize import SHIFT, to_s8
from reference.topology import FEATURES


def stage(network: dict) -> Stage:
    """What a network of this plan entry makes and keeps."""
    signals = tuple(
        Signal(f"{layer['name']}_q15", "int16", (layer["units"],), "Q15",
               IO if layer["kind"] == "output" else "past.dnn")
        for layer in network["layers"]
    )  # fmt: skip
    return Stage(signals, past=(Field("dnn", _state(network)),))


def io(network: dict) -> Struct:
    """Frame by frame: features in; gains, strengths and voice activity out."""
    return Struct("dnn_io", (
        Field("features_q12", "int16", (COLUMNS, network["features_buffer"])),
        *(Field(f"{layer['name']}_q15", "int16",
                (COLUMNS, layer["units"]) if layer["units"] > 1 else (COLUMNS,))
          for layer in network["layers"] if layer["kind"] == "output"),
    ))  # fmt: skip


def _state(network: dict) -> Struct:
    """Scratch of products, outputs of the layers, and these as inputs of the matrices."""
    return Struct("dnn_state", (
        Field("pre_6k", "int32", (COLUMNS * network["pre"],), "of one product"),
        Field("pre_hidden_6k", "int32", (network["pre"],), "and of a state's own"),
        *(Field(f"{layer['name']}_q15", "int16", (layer["units"],))
          for layer in network["layers"] if layer["kind"] != "output"),
        *(_buffer(name, **facts) for name, facts in network["buffers"].items()),
    ))  # fmt: skip


def _buffer(name: str, rows: int, bytes: int, places: list = ()) -> Field:  # noqa: A002
    note = ", ".join(f"{layer} at {at}" for at, layer in places)
    return Field(name, "int8", (bytes,) if rows == 1 else (f"1 + {COLUMNS}", bytes), note)


class Matrix:
    """int8 matrix times integer vectors, requantised: (..., cols) -> int64 (..., rows).

    The product runs in floating point and is exact: every partial sum is an integer of at most
    dot_bound, below 2**24 (float32) or 2**53 (float64), whatever the order of summation.
    """

    def __init__(self, entry: dict, arrays: dict[str, np.ndarray]) -> None:
        self.float = np.float32 if entry["dot_bound"] < 2**24 else np.float64
        self.weight = arrays[f"{entry['name']}_weight"].astype(self.float)
        self.bias = arrays[f"{entry['name']}_bias"].astype(np.int64)
        self.mult = arrays[f"{entry['name']}_mult"].astype(np.int64)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        acc = (x.astype(self.float) @ self.weight.T).astype(np.int64) + self.bias
        return rshift_round(acc * self.mult, SHIFT)


class Dnn:
    """Integer network of a plan entry and its arrays (`codegen.quantize.quantize`)."""

    def __init__(self, plan: dict, arrays: dict[str, np.ndarray]) -> None:
        self.plan = plan
        self.matrices = {m["name"]: Matrix(m, arrays) for m in plan["matrices"]}
        self.reset()

    def reset(self) -> None:
        """All states to zero, as after percepnet_reset."""
        self.past: dict[str, np.ndarray] = {}  # none: silence
        self.state_q15: dict[str, np.ndarray] = {}

    def run(self, features_q12: np.ndarray) -> dict[str, np.ndarray]:
        """Features int16 Q12 (L, ..., 70) to the outputs of all layers, int16 Q15 (L, ..., units).

        In the order of `reference/topology.py`; each name ends in _q15.
        """
        inputs, taps = {FEATURES: np.asarray(features_q12, np.int64)}, {}
        run = {"dense": self._dense, "conv": self._conv, "gru": self._gru, "output": self._output}
        for layer in self.plan["layers"]:
            parts = [inputs[source] for source in layer["reads"]]
            x = np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
            x_q15 = run[layer["kind"]](layer["name"], x)
            inputs[layer["name"]] = to_s8(x_q15)
            taps[f"{layer['name']}_q15"] = x_q15.astype(np.int16)
        return taps

    def _dense(self, name: str, x: np.ndarray) -> np.ndarray:
        return tanh_q15(self.matrices[name](x))

    def _output(self, name: str, x: np.ndarray) -> np.ndarray:
        return sigmoid_q15(self.matrices[name](x))

    def _conv(self, name: str, x: np.ndarray) -> np.ndarray:
        """Causal convolution: a product over the inputs of the last frames, oldest first."""
        frames = self.matrices[name].weight.shape[1] // x.shape[-1]
        silence = np.zeros((frames - 1, *x.shape[1:]), np.int64)
        joined = np.concatenate([self.past.get(name, silence), x])
        self.past[name] = joined[len(x) :]
        windows = np.concatenate([joined[k : k + len(x)] for k in range(frames)], axis=-1)
        return tanh_q15(self.matrices[name](windows))

    def _gru(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """torch.nn.GRU: h' = n + z (h - n), n = tanh(W_in x + b_in + r (W_hn h + b_hn))."""
        from_x, of_h = self.matrices[f"{name}_ih"](inputs), self.matrices[f"{name}_hh"]
        units = from_x.shape[-1] // 3
        out_q15 = np.empty((*from_x.shape[:-1], units), np.int64)
        h_q15 = self.state_q15.get(name, np.zeros(units, np.int64))
        for frame, x in enumerate(from_x):
            h = of_h(to_s8(h_q15))
            gates_q15 = sigmoid_q15(x[..., : 2 * units] + h[..., : 2 * units])
            r_q15, z_q15 = gates_q15[..., :units], gates_q15[..., units:]
            n_q15 = tanh_q15(x[..., 2 * units :] + mul_q(r_q15, h[..., 2 * units :], 15))
            # Between n and h, both -32767..32767: needs no saturation, the product fits int32.
            out_q15[frame] = h_q15 = n_q15 + mul_q(z_q15, h_q15 - n_q15, 15)
        self.state_q15[name] = h_q15
        return out_q15
