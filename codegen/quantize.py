"""Float network to integers: int8 weights, proven int32 accumulators, one plan entry.

A matrix row computes, for int8 weights w = round(W / scale) and integer inputs x of step `unit`,

    acc = bias + sum w * x                 int32, one LSB is scale * unit
    pre_6k = rshift_round(acc * mult, 31)  int32, 6000 steps to 1; 64-bit product: SQRDMULH on ARM

with scale = max |W| / 127 per row (`reference/grid.py`), bias = round(B / (scale * unit)) and
mult = scale * unit * 6000 * 2**31, of at least 16 bits. pre_6k is what a tanh takes: rows that a
sigmoid reads, sigmoid(x) = (1 + tanh(x / 2)) / 2, have half of that mult. Every bound is the worst
case over all inputs, from the integers that ship: sum |w| * x_max + |bias|, which also bounds each
partial sum in any order.

Inputs of matrices: features int16 Q12; everything else int8 of step 1/127, so that a saturated
tanh is exactly 127 (a step of 1/128 would lose 0.8 % there, and states saturate often).
"""

from __future__ import annotations

import math

import numpy as np

from codegen import buffers, pack
from codegen.fixed import TANH_ONE, rshift_round
from reference.grid import W_MAX, row_scales
from reference.topology import FEATURES, GRUS, LAYERS, Shape, shape_of

S8_MAX = 127
INT32_MAX = 2**31 - 1
SHIFT = 31  # what SQRDMULH takes away
FEATURES_Q = 12


def to_s8(x_q15: np.ndarray) -> np.ndarray:
    """Q15 layer output to the int8 matrix input of step 1/127: -127..127, cannot saturate."""
    return rshift_round(np.asarray(x_q15, np.int64) * S8_MAX, 15)


def quantize(weights: dict[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
    """Plan entry and arrays of the integer network.

    weights: float tensors by name, as `reference/topology.py` describes them.
    Returns the entry (JSON-able; see `plan_entry`) and `<matrix>_{weight,bias,mult}` arrays,
    int8 (rows, cols) and int32 (rows,).
    Raises ValueError for tensors that do not fit together, OverflowError for a bound.
    """
    shape = shape_of(weights)
    entries, arrays = [], {}
    for name, layer, weight, bias in _matrices(weights, shape):
        of_features = LAYERS[layer].reads == (FEATURES,)
        unit, x_max = (2.0**-FEATURES_Q, 2**15) if of_features else (1 / S8_MAX, S8_MAX)
        one = result_steps(LAYERS[layer].kind, len(bias))
        w, b, mult = quantize_rows(name, weight, bias, unit, one)
        entries.append(
            {
                "name": name,
                "rows": w.shape[0],
                "cols": w.shape[1],
                **packed_size(w, pack.DEPTH_S16 if of_features else pack.DEPTH_S8),
                "i8mm": not of_features and not name.endswith("_hh"),  # meets several columns
                **prove(name, w, b, mult, x_max),
            }
        )
        arrays |= {f"{name}_weight": w, f"{name}_bias": b, f"{name}_mult": mult}
    _prove_gates({e["name"]: e for e in entries})
    return plan_entry(shape, entries), arrays


def quantize_rows(
    name: str, weight: np.ndarray, bias: np.ndarray, unit: float, one: np.ndarray | int = TANH_ONE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(w int8 (rows, cols), bias int32 (rows,), mult int32 (rows,)) of one matrix.

    unit: one step of the inputs; one: steps of the result to 1, for all rows or (rows,).

    Raises OverflowError when a bias or a factor leaves int32.
    """
    weight, bias = np.asarray(weight, np.float64), np.asarray(bias, np.float64)
    scale = row_scales(weight)
    w = np.clip(_round(weight / scale[:, None]), -W_MAX, W_MAX)
    b = _round(bias / (scale * unit))
    _expect(name, "bias", np.abs(b), INT32_MAX, "smaller bias or larger weights in this row")
    mult = _round(scale * unit * one * 2.0**SHIFT)
    _expect(name, "factor", mult, INT32_MAX, "clamp the float weights of this row")
    return w.astype(np.int8), b.astype(np.int32), mult.astype(np.int32)


def result_steps(kind: str, rows: int) -> np.ndarray:
    """Steps to 1 of what a layer's matrix gives: (rows,). Half of tanh's where a sigmoid reads."""
    of_tanh = np.full(rows, kind != "output")
    if kind == "gru":
        of_tanh[: 2 * rows // 3] = False  # r and z
    return np.where(of_tanh, TANH_ONE, TANH_ONE // 2)


def prove(
    name: str, w: np.ndarray, bias: np.ndarray, mult: np.ndarray, x_max: int
) -> dict:
    """Worst cases of one matrix from its integers; OverflowError naming layer, row, value, bound.

    Returns acc_bound, acc_row, acc_margin_bits (to int32), dot_bound (without the bias: partial
    sums of an exact float product), pre_bound (steps of pre_6k) and pre_margin_bits.
    """
    w, bias, mult = (np.asarray(a, np.int64) for a in (w, bias, mult))
    _expect(name, "weight", np.abs(w).max(axis=1), W_MAX, "int8 weights, see quantize_rows")
    dot = np.abs(w).sum(axis=1) * x_max
    acc = dot + np.abs(bias)
    remedy = "fewer inputs or a smaller bias in this row"
    _expect(name, "accumulator", acc, INT32_MAX, remedy)
    if x_max == S8_MAX:
        largest = np.abs(w).sum(axis=1) * (x_max + pack.RAISE) + np.abs(pack.raised(w, bias))
        _expect(name, "accumulator of raised inputs", largest, INT32_MAX, remedy)
    pre = rshift_round(acc * mult, SHIFT) + 1  # +1: rounding of the negative side; below acc
    return {
        "x_max": x_max,
        "dot_bound": int(dot.max()),
        "acc_bound": int(acc.max()),
        "acc_row": int(acc.argmax()),
        "acc_margin_bits": margin_bits(int(acc.max())),
        "pre_bound": int(pre.max()),
        "pre_margin_bits": margin_bits(int(pre.max())),
    }


def packed_size(w: np.ndarray, depth: int) -> dict[str, int]:
    """Layout of a matrix for the kernels, see codegen.pack; index: its length, 0 of a dense one."""
    rows, cols = pack.padded(*w.shape, depth)
    groups = None if depth == pack.DEPTH_S16 else pack.groups_of(w)
    index = 0 if groups is None else pack.index_of(groups).size
    size = pack.pack(w, depth, groups).size + index * 2
    return {"depth": depth, "packed_rows": rows, "packed_cols": cols, "packed_bytes": size,
            "index": index}  # fmt: skip


def margin_bits(bound: int) -> float:
    """Unused bits of an int32 that never exceeds `bound`."""
    return round(math.log2(INT32_MAX / max(bound, 1)), 2)


def plan_entry(shape: Shape, matrices: list[dict]) -> dict:
    """All that templates and twin need, nothing left to compute: layers, buffers, matrices."""
    return {
        "formats": {
            "features": f"int16 Q{FEATURES_Q}",
            "layers": "int16 Q15",
            "matrix_inputs": "int8, step 1/127",
            "weights": "int8, one scale a row",
            "accumulators": "int32, step scale/127",
            "pre_activations": f"int32, {TANH_ONE} steps to 1; for a sigmoid half of its argument",
            "outputs": "int16 Q15, 0..32767",
        },
        "layers": [_layer(name, shape) for name in LAYERS],
        "buffers": buffers.of(shape),
        "features_buffer": pack.up(shape.width[FEATURES], pack.DEPTH_S16),
        "pre": max(m["packed_rows"] for m in matrices),
        "cols_max": max(m["packed_cols"] for m in matrices),
        "matrices": matrices,
        "weight_bytes": sum(m["rows"] * m["cols"] for m in matrices),
        "packed_bytes": sum(m["packed_bytes"] for m in matrices),
    }


def _layer(name: str, shape: Shape) -> dict:
    """A layer: its kind and width, what it reads in buffer order, where that and its output lie.

    A convolution's frames are what it reaches; kept: bytes of them that the next block reads too.
    """
    kind, reads = LAYERS[name].kind, list(buffers.order(name))
    entry = {"name": name, "kind": kind, "units": shape.width[name], "reads": reads}
    if kind != "dense":
        entry["from"] = buffers.source(name, shape)
    if kind != "output":
        entry["to"] = buffers.target(name, shape)
    if kind == "conv":
        frames = shape.frames[name]
        entry |= {"frames": frames, "kept": (frames - 1) * shape.inputs(name)}
    return entry


def _matrices(weights: dict, shape: Shape):
    """(name, its layer, weight (rows, cols), bias), columns in the order of the buffers."""

    def columns(layer: str, weight: np.ndarray) -> np.ndarray:
        reads = LAYERS[layer].reads
        ends = np.cumsum([shape.width[source] for source in reads])[:-1]
        of_source = dict(zip(reads, np.split(weight, ends, axis=1), strict=True))
        return np.concatenate([of_source[source] for source in buffers.order(layer)], axis=1)

    for name, layer in LAYERS.items():
        if layer.kind == "gru":
            ih, hh = weights[f"{name}.weight_ih"], weights[f"{name}.weight_hh"]
            yield f"{name}_ih", name, columns(name, ih), weights[f"{name}.bias_ih"]
            yield f"{name}_hh", name, hh, weights[f"{name}.bias_hh"]
        else:
            weight = columns(name, weights[f"{name}.weight"])
            if layer.kind == "conv":  # (out, in, frames) -> (out, frames * in), oldest frame first
                weight = weight.transpose(0, 2, 1).reshape(len(weight), -1)
            yield name, name, weight, weights[f"{name}.bias"]


def _prove_gates(entries: dict[str, dict]) -> None:
    """A gate adds two pre-activations: their worst cases together must fit int32."""
    for g in GRUS:
        total = entries[f"{g}_ih"]["pre_bound"] + entries[f"{g}_hh"]["pre_bound"]
        _expect(g, "gate pre-activation", np.array([total]), INT32_MAX, "clamp the float weights")


def _expect(name: str, what: str, values: np.ndarray, bound: int, remedy: str) -> None:
    row = int(np.argmax(values))
    if values[row] > bound:
        raise OverflowError(
            f"{name} row {row}: {what} can reach {int(values[row])}, bound is {bound}; {remedy}"
        )


def _round(x: np.ndarray) -> np.ndarray:
    return np.floor(x + 0.5)
