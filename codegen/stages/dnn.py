"""Network in integers: twin of `templates/dnn.c.j2`, float counterpart `reference/dnn.py`.

Formats: features int16 Q12; layer outputs and GRU states int16 Q15; matrix inputs int8 of step
1/127; accumulators int32; pre-activations int32 Q12. All bounds are in the plan entry made by
`codegen.quantize`, nothing saturates but tanh and sigmoid.
"""

from __future__ import annotations

import numpy as np

from codegen.fixed import mul_q, rshift_round, sigmoid_q15, tanh_q15
from codegen.quantize import to_s8


class Matrix:
    """int8 matrix times integer vector, requantised to Q12: (cols,) -> int64 (rows,).

    The product runs in floating point and is exact: every partial sum is an integer of at most
    dot_bound, below 2**24 (float32) or 2**53 (float64), whatever the order of summation.
    """

    def __init__(self, entry: dict, arrays: dict[str, np.ndarray]) -> None:
        self.float = np.float32 if entry["dot_bound"] < 2**24 else np.float64
        self.weight = arrays[f"{entry['name']}_weight"].astype(self.float)
        self.bias = arrays[f"{entry['name']}_bias"].astype(np.int64)
        self.mult = arrays[f"{entry['name']}_mult"].astype(np.int64)
        self.shift = entry["shift"]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        acc = (self.weight @ x.astype(self.float)).astype(np.int64) + self.bias
        return rshift_round(acc * self.mult, self.shift)


class Dnn:
    """Integer network of a plan entry and its arrays (`codegen.quantize.quantize`)."""

    def __init__(self, plan: dict, arrays: dict[str, np.ndarray]) -> None:
        self.plan = plan
        self.matrices = {m["name"]: Matrix(m, arrays) for m in plan["matrices"]}
        self.reset()

    def reset(self) -> None:
        """All states to zero, as after percepnet_reset."""
        self.history = {c["name"]: np.zeros(c["history"], np.int64) for c in self.plan["convs"]}
        self.layers = np.zeros(self.plan["layers"], np.int64)
        self.state_q15 = {g["name"]: np.zeros(g["units"], np.int64) for g in self.plan["grus"]}

    def run(self, features_q12: np.ndarray) -> dict[str, np.ndarray]:
        """One frame: features int16 Q12 (70,) to taps, int16 Q15.

        Taps in pipeline order: dense, conv1, conv2, gru1, gru2, gru3, gru_gain, gru_strength,
        then the outputs gain (34,), strength (34,), vad (1,); each name ends in _q15.
        """
        taps = {"dense_q15": tanh_q15(self.matrices["dense"](np.asarray(features_q12)))}
        taps["conv1_q15"] = self._conv("conv1", taps["dense_q15"])
        taps["conv2_q15"] = self._conv("conv2", taps["conv1_q15"])
        self._layer("conv2", taps["conv2_q15"])
        for gru in self.plan["grus"]:
            taps[f"{gru['name']}_q15"] = self._gru(gru)
        for name, x in (
            ("gain", self.layers),
            ("strength", to_s8(self.state_q15["gru_strength"])),
            ("vad", self.layers),
        ):
            taps[f"{name}_q15"] = sigmoid_q15(self.matrices[name](x))
        return {name: tap.astype(np.int16) for name, tap in taps.items()}

    def _conv(self, name: str, x_q15: np.ndarray) -> np.ndarray:
        """Causal convolution: one product over the inputs of the last frames, oldest first."""
        history = self.history[name]
        history[: -x_q15.size] = history[x_q15.size :].copy()
        history[-x_q15.size :] = to_s8(x_q15)
        return tanh_q15(self.matrices[name](history))

    def _layer(self, name: str, x_q15: np.ndarray) -> None:
        start = self.plan["layer_offset"][name]
        self.layers[start : start + x_q15.size] = to_s8(x_q15)

    def _gru(self, gru: dict) -> np.ndarray:
        """torch.nn.GRU: h' = n + z (h - n), n = tanh(W_in x + b_in + r (W_hn h + b_hn))."""
        name, h_q15 = gru["name"], self.state_q15[gru["name"]]
        matrix = self.matrices[f"{name}_ih"]
        from_x = matrix(self.layers[gru["input"] : gru["input"] + matrix.weight.shape[1]])
        from_h = self.matrices[f"{name}_hh"](to_s8(h_q15))
        units = gru["units"]
        gates = sigmoid_q15(from_x[: 2 * units] + from_h[: 2 * units])
        r_q15, z_q15 = gates[:units], gates[units:]
        n_q15 = tanh_q15(from_x[2 * units :] + mul_q(r_q15, from_h[2 * units :], 15))
        # Between n and h, both -32767..32767: needs no saturation, and the product fits int32.
        h_q15 = n_q15 + mul_q(z_q15, h_q15 - n_q15, 15)
        self.state_q15[name] = h_q15
        if name in self.plan["layer_offset"]:
            self._layer(name, h_q15)
        return h_q15
