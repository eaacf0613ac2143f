"""Float network to integers: int8 weights, proven int32 accumulators, one plan entry.

A matrix row computes, for int8 weights w = round(W / scale) and integer inputs x of step `unit`,

    acc = bias + sum w * x                 int32, one LSB is scale * unit
    pre_6k = rshift_round(acc * mult, 31)  int32, 6000 steps to 1; 64-bit product: SQRDMULH on ARM

with scale = max |W| / 127 per row, bias = round(B / (scale * unit)) and
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

from codegen import pack
from codegen.fixed import TANH_ONE, rshift_round

COLUMNS = 4  # frames that a matrix meets at once, at most: the length of a block
W_MAX = 127  # symmetric, so that the proofs and the SIMD kernels never meet -128
S8_MAX = 127
INT32_MAX = 2**31 - 1
SCALE_MIN = 2.0**-15  # keeps bias / scale small in rows of tiny weights; costs 2**-16 a weight
SHIFT = 31  # what SQRDMULH takes away
FEATURES_Q = 12
GRUS = ("gru1", "gru2", "gru3", "gru_gain", "gru_strength")
# Layers side by side in one int8 buffer: the input of every matrix is then one piece of it,
# also [conv2, gru3] of gru_strength and all five of the gain.
LAYER_ORDER = ("gru1", "gru2", "gru_gain", "conv2", "gru3")
GAIN_ORDER = ("conv2", "gru1", "gru2", "gru3", "gru_gain")  # as in the float network


def to_s8(x_q15: np.ndarray) -> np.ndarray:
    """Q15 layer output to the int8 matrix input of step 1/127: -127..127, cannot saturate."""
    return rshift_round(np.asarray(x_q15, np.int64) * S8_MAX, 15)


def quantize(weights: dict[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
    """Plan entry and arrays of the integer network.

    weights: float tensors by name, torch layouts (`gru1.weight_ih` (3H, in) in order r, z, n;
    `conv1.weight` (out, in, 5), newest frame last).
    Returns the entry (JSON-able; see `plan_entry`) and `<matrix>_{weight,bias,mult}` arrays,
    int8 (rows, cols) and int32 (rows,).
    Raises ValueError for a missing, misshapen or non-finite tensor, OverflowError for a bound.
    """
    sizes = network_sizes(weights)
    entries, arrays = [], {}
    for name, weight, bias, source in _matrices(weights, sizes):
        unit, x_max = (2.0**-FEATURES_Q, 2**15) if source == "features" else (1 / S8_MAX, S8_MAX)
        w, b, mult = quantize_rows(name, weight, bias, unit, result_steps(name, len(bias)))
        entries.append(
            {
                "name": name,
                "rows": w.shape[0],
                "cols": w.shape[1],
                **packed_size(*w.shape, pack.DEPTH_S16 if source == "features" else pack.DEPTH_S8),
                "i8mm": source not in ("features", name.removesuffix("_hh")),
                "input": source,
                **prove(name, w, b, mult, x_max),
            }
        )
        arrays |= {f"{name}_weight": w, f"{name}_bias": b, f"{name}_mult": mult}
    _prove_gates({e["name"]: e for e in entries})
    return plan_entry(sizes, entries), arrays


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


def result_steps(name: str, rows: int) -> np.ndarray:
    """Steps of a matrix's results to 1: (rows,). Half of tanh's where a sigmoid reads them."""
    of_tanh = np.full(rows, name not in ("gain", "strength", "vad"))
    if name.startswith("gru"):
        of_tanh[: 2 * rows // 3] = False  # r and z
    return np.where(of_tanh, TANH_ONE, TANH_ONE // 2)


def row_scales(weight: np.ndarray) -> np.ndarray:
    """What one LSB of an int8 weight stands for in each row: (rows,)."""
    return np.maximum(np.abs(np.asarray(weight, np.float64)).max(axis=1) / W_MAX, SCALE_MIN)


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


def packed_size(rows: int, cols: int, depth: int) -> dict[str, int]:
    """Layout of a matrix for the kernels: see codegen.pack."""
    packed_rows, packed_cols = pack.padded(rows, cols, depth)
    return {"depth": depth, "packed_rows": packed_rows, "packed_cols": packed_cols}


def margin_bits(bound: int) -> float:
    """Unused bits of an int32 that never exceeds `bound`."""
    return round(math.log2(INT32_MAX / max(bound, 1)), 2)


def plan_entry(sizes: dict[str, int], matrices: list[dict]) -> dict:
    """All that templates and twin need, nothing left to compute: sizes, buffers, layers."""
    units = {g: sizes["strength" if g == "gru_strength" else "gru"] for g in GRUS}
    width = {**units, "conv2": sizes["conv"]}
    starts = np.cumsum([0] + [width[layer] for layer in LAYER_ORDER]).tolist()
    offset = dict(zip(LAYER_ORDER, starts, strict=False))
    source = {"gru1": "conv2", "gru2": "gru1", "gru3": "gru2", "gru_gain": "gru3",
              "gru_strength": "conv2"}  # fmt: skip
    layers_buffer = pack.up(starts[-1] + pack.COLS_S8, pack.COLS_S8)  # for whole vectors anywhere
    keep2 = sizes["conv"] * (sizes["conv2_taps"] - 1)
    convs = [
        ("conv1", sizes["dense"], sizes["conv1_taps"], f"st->conv2_in + {keep2}", sizes["conv"]),
        ("conv2", sizes["conv"], sizes["conv2_taps"], f"st->layers[1] + {offset['conv2']}",
         layers_buffer),
    ]  # fmt: skip
    return {
        "sizes": sizes,
        "formats": {
            "features": f"int16 Q{FEATURES_Q}",
            "layers": "int16 Q15",
            "matrix_inputs": "int8, step 1/127",
            "weights": "int8, one scale a row",
            "accumulators": "int32, step scale/127",
            "pre_activations": f"int32, {TANH_ONE} steps to 1; for a sigmoid half of its argument",
            "outputs": "int16 Q15, 0..32767",
        },
        "convs": [
            {"name": n, "units": sizes["conv"], "inputs": i, "history": i * k, "keep": i * (k - 1),
             "buffer": (COLUMNS - 1) * i + pack.up(i * k, pack.COLS_S8),
             "to": to, "to_stride": stride}
            for n, i, k, to, stride in convs
        ],
        "grus": [{"name": g, "units": units[g], "input": offset[source[g]]} for g in GRUS],
        "layers": starts[-1],
        "layers_buffer": layers_buffer,
        "features_buffer": pack.up(sizes["features"], pack.DEPTH_S16),
        "strength_buffer": pack.up(sizes["strength"], pack.COLS_S8),
        "layer_offset": dict(sorted(offset.items())),
        "pre": max(m["packed_rows"] for m in matrices),
        "cols_max": max(m["packed_cols"] for m in matrices),
        "matrices": matrices,
        "weight_bytes": sum(m["rows"] * m["cols"] for m in matrices),
        "packed_bytes": sum(m["packed_rows"] * m["packed_cols"] for m in matrices),
        "i8mm_bytes": sum(m["packed_rows"] * m["packed_cols"] for m in matrices if m["i8mm"]),
    }


def network_sizes(weights: dict[str, np.ndarray]) -> dict[str, int]:
    """Widths of the layers, read from the tensors and checked; ValueError says what is wrong."""
    _shape(weights, "conv1.weight", 3), _shape(weights, "conv2.weight", 3)
    _shape(weights, "gain.weight", 2), _shape(weights, "dense.weight", 2)
    dense, features = weights["dense.weight"].shape
    conv, _, conv1_taps = weights["conv1.weight"].shape
    gru = _shape(weights, "gru1.weight_hh", 2)[1]
    strength = _shape(weights, "gru_strength.weight_hh", 2)[1]
    bands, conv2_taps = weights["gain.weight"].shape[0], weights["conv2.weight"].shape[2]
    concat = conv + 4 * gru
    want = {
        "dense.weight": (dense, features), "dense.bias": (dense,),
        "conv1.weight": (conv, dense, conv1_taps), "conv1.bias": (conv,),
        "conv2.weight": (conv, conv, conv2_taps), "conv2.bias": (conv,),
        "gain.weight": (bands, concat), "gain.bias": (bands,),
        "vad.weight": (1, concat), "vad.bias": (1,),
        "strength.weight": (bands, strength), "strength.bias": (bands,),
    }  # fmt: skip
    for g in GRUS:
        inputs = {"gru1": conv, "gru_strength": conv + gru}.get(g, gru)
        h = strength if g == "gru_strength" else gru
        want |= {f"{g}.weight_ih": (3 * h, inputs), f"{g}.weight_hh": (3 * h, h)}
        want |= {f"{g}.bias_ih": (3 * h,), f"{g}.bias_hh": (3 * h,)}
    for name, shape in want.items():
        if _shape(weights, name, len(shape)) != shape:
            raise ValueError(f"tensor {name}: expected shape {shape}, got {weights[name].shape}")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"tensor {name}: expected finite numbers; train or export it again")
    return {
        "bands": bands, "conv": conv, "conv1_taps": conv1_taps, "conv2_taps": conv2_taps,
        "dense": dense, "features": features, "gru": gru, "strength": strength,
    }  # fmt: skip


def _matrices(weights: dict, sizes: dict[str, int]):
    """(name, weight (rows, cols), bias, input) in pipeline order, columns in buffer order."""

    def conv(name: str) -> np.ndarray:  # (out, in, taps) -> (out, taps * in), oldest frame first
        w = weights[f"{name}.weight"]
        return w.transpose(0, 2, 1).reshape(w.shape[0], -1)

    def concat(name: str) -> np.ndarray:
        ends = np.cumsum([sizes["conv"]] + 4 * [sizes["gru"]])[:-1]
        parts = np.split(weights[f"{name}.weight"], ends, axis=1)
        by_layer = dict(zip(GAIN_ORDER, parts, strict=True))
        return np.concatenate([by_layer[layer] for layer in LAYER_ORDER], axis=1)

    yield "dense", weights["dense.weight"], weights["dense.bias"], "features"
    yield "conv1", conv("conv1"), weights["conv1.bias"], "dense"
    yield "conv2", conv("conv2"), weights["conv2.bias"], "conv1"
    for g in GRUS:
        yield f"{g}_ih", weights[f"{g}.weight_ih"], weights[f"{g}.bias_ih"], "layers"
        yield f"{g}_hh", weights[f"{g}.weight_hh"], weights[f"{g}.bias_hh"], g
    yield "gain", concat("gain"), weights["gain.bias"], "layers"
    yield "vad", concat("vad"), weights["vad.bias"], "layers"
    yield "strength", weights["strength.weight"], weights["strength.bias"], "gru_strength"


def _prove_gates(entries: dict[str, dict]) -> None:
    """A gate adds two pre-activations: their worst cases together must fit int32."""
    for g in GRUS:
        total = entries[f"{g}_ih"]["pre_bound"] + entries[f"{g}_hh"]["pre_bound"]
        _expect(g, "gate pre-activation", np.array([total]), INT32_MAX, "clamp the float weights")


def _shape(weights: dict[str, np.ndarray], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in weights or np.ndim(weights[name]) != dimensions:
        found = np.shape(weights[name]) if name in weights else "no such tensor"
        raise ValueError(f"tensor {name}: expected {dimensions} dimensions, got {found}")
    return np.shape(weights[name])


def _expect(name: str, what: str, values: np.ndarray, bound: int, remedy: str) -> None:
    row = int(np.argmax(values))
    if values[row] > bound:
        raise OverflowError(
            f"{name} row {row}: {what} can reach {int(values[row])}, bound is {bound}; {remedy}"
        )


def _round(x: np.ndarray) -> np.ndarray:
    return np.floor(x + 0.5)
