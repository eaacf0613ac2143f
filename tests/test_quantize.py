"""Quantisation: scales, proofs of the accumulators, and what must be refused."""

import copy
import json

import numpy as np
import pytest

from codegen import quantize as q
from codegen.fixed import TANH_ONE
from codegen.stages.dnn import Dnn, Matrix
from reference import topology

TOY = {"dense": 7, "conv": 9, "gru": 11, "strength": 5}  # odd: no size divides a vector
ODD = topology.Shape(  # no two alike
    width={"features": 70, "dense": 7, "conv1": 9, "conv2": 13, "gru1": 11, "gru2": 6, "gru3": 10,
           "gru_gain": 8, "gru_strength": 5, "gain": 34, "strength": 34, "vad": 1},
    frames={"conv1": 4, "conv2": 2},
)  # fmt: skip
SMALL = {"dense": 96, "conv": 160, "gru": 160, "strength": 64}


def random_network(seed: int, **widths: int) -> dict[str, np.ndarray]:
    """Float tensors like a trained network: gains spread over 0..1, weights within +-0.5.

    widths: those that `topology.shape` takes.
    """
    return random_tensors(seed, topology.shape(**widths))


def random_tensors(seed: int, shape: topology.Shape) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    spread = {"dense": 1, "conv": 1, "gru": 1.2, "output": 2}
    weights = {}
    for name, dimensions in shape.tensors().items():
        kind = topology.LAYERS[name.split(".")[0]].kind
        if "bias" in name:
            limit = 0.3 if kind == "gru" else 0.5
            weights[name] = rng.uniform(-limit, limit, dimensions)
        else:
            deviation = spread[kind] / np.sqrt(np.prod(dimensions[1:]))
            weights[name] = rng.normal(0, deviation, dimensions)
    return {k: np.clip(v, -0.5, 0.5).astype(np.float32) for k, v in weights.items()}


def pruned(weights: dict[str, np.ndarray], held: float = 0.3) -> dict[str, np.ndarray]:
    """The same with blocks of zeros as large as a sparse matrix leaves out, at places of chance."""
    rng, found = np.random.default_rng(4), dict(weights)
    for name in weights:
        if "bias" not in name and topology.LAYERS[name.split(".")[0]].kind in ("conv", "gru"):
            rows, cols = weights[name].shape[:2]
            blocks = rng.random((-(-rows // 16), -(-cols // 4))) < held
            blocks[0, 0] = True  # of zeros alone none is accepted
            mask = np.kron(blocks, np.ones((16, 4)))[:rows, :cols]
            found[name] = weights[name] * mask.reshape(mask.shape + (1,) * (weights[name].ndim - 2))
    return {name: np.float32(values) for name, values in found.items()}


def matrix_of(plan: dict, name: str) -> dict:
    return next(m for m in plan["matrices"] if m["name"] == name)


def test_product_is_within_half_a_step_per_weight_of_float():
    rng = np.random.default_rng(3)
    weight, bias = rng.uniform(-0.5, 0.5, (20, 33)), rng.uniform(-0.5, 0.5, 20)
    w, b, mult = q.quantize_rows("m", weight, bias, 1 / 127)
    arrays = {"m_weight": w, "m_bias": b, "m_mult": mult}
    product = Matrix({"name": "m", "dot_bound": 33 * 127 * 127}, arrays)
    x = rng.integers(-127, 128, 33)
    exact = weight @ (x / 127) + bias
    step = np.abs(weight).max(axis=1) / 127
    bound = step / 2 * np.abs(x / 127).sum() + step / 254 + 1 / TANH_ONE  # weights, bias, result
    assert np.all(np.abs(product(x) / TANH_ONE - exact) <= bound)


def test_rows_of_a_sigmoid_have_half_the_steps():
    assert q.result_steps("gru", 6).tolist() == [3000] * 4 + [6000] * 2
    assert q.result_steps("output", 2).tolist() == [3000] * 2
    assert q.result_steps("conv", 2).tolist() == [6000] * 2


def test_saturated_states_are_exact_matrix_inputs():
    assert q.to_s8(np.int16([32767, -32767, 0, 16384])).tolist() == [127, -127, 0, 64]
    every = q.to_s8(np.arange(-(2**15), 2**15))
    assert (every.min(), every.max()) == (-127, 127)
    assert np.abs(every / 127 - np.arange(-(2**15), 2**15) / 2**15).max() <= 0.5 / 127


def test_rows_of_zeros_and_of_tiny_weights():
    weight = np.zeros((3, 4))
    weight[1], weight[2] = 1e-6, 0.5
    w, b, mult = q.quantize_rows("m", weight, np.array([0.5, -0.5, 0]), 1 / 127)
    assert w[0].tolist() == [0, 0, 0, 0] and w[2].tolist() == [127] * 4
    pre = (b.astype(np.int64) * mult) / 2.0**q.SHIFT / TANH_ONE
    assert np.abs(pre - [0.5, -0.5, 0]).max() < 1e-4


def test_bounds_are_reached_by_the_worst_input():
    plan, arrays = q.quantize(random_network(1, **TOY))
    for m in plan["matrices"]:
        w = arrays[f"{m['name']}_weight"].astype(np.int64)
        bias = arrays[f"{m['name']}_bias"].astype(np.int64)
        row = m["acc_row"]
        worst = np.sign(w[row]) * (1 if bias[row] >= 0 else -1) * m["x_max"]
        assert abs(int(w[row] @ worst + bias[row])) == m["acc_bound"]
        assert m["acc_bound"] < 2**31 and m["pre_bound"] < 2**31


def test_plan_is_plain_and_repeatable():
    weights = random_network(1, **TOY)
    first, arrays = q.quantize(weights)
    again, arrays_again = q.quantize(copy.deepcopy(weights))
    assert json.dumps(first, sort_keys=True) == json.dumps(again, sort_keys=True)
    assert all(np.array_equal(arrays[k], arrays_again[k]) for k in arrays)
    assert first["weight_bytes"] == sum(a.size for k, a in arrays.items() if "_weight" in k)


def test_small_network_has_its_size_and_float32_products():
    plan, arrays = q.quantize(random_network(1, **SMALL))
    assert plan["weight_bytes"] == sum(
        v.size for k, v in random_network(1, **SMALL).items() if "weight" in k
    )
    exact = {n: m.float for n, m in Dnn(plan, arrays).matrices.items()}
    assert exact.pop("dense") is np.float64  # int16 inputs
    assert set(exact.values()) == {np.float32}


def test_widened_weight_is_refused():
    plan, arrays = q.quantize(random_network(1, **TOY))
    w = arrays["conv1_weight"].astype(np.int32)
    w[4, 2] = 200
    with pytest.raises(OverflowError, match=r"conv1 row 4: weight can reach 200, bound is 127"):
        q.prove("conv1", w, arrays["conv1_bias"], arrays["conv1_mult"], 127)


def test_accumulator_that_does_not_fit_is_refused():
    plan, arrays = q.quantize(random_network(1, **TOY))
    bias = arrays["gru2_hh_bias"].copy()
    bias[8] = -(2**31) + 1
    with pytest.raises(OverflowError, match=r"gru2_hh row 8: accumulator can reach \d+, bound"):
        q.prove("gru2_hh", arrays["gru2_hh_weight"], bias, arrays["gru2_hh_mult"], 127)


def test_accumulator_of_raised_inputs_that_does_not_fit_is_refused():
    """Kernels for inputs without a sign raise them by 128 and lower the bias: proven as well."""
    w, mult = np.full((3, 8), -127), np.ones(3, int)
    bias = np.array([0, 2**31 - 1 - 8 * 127 * 127, 0])
    assert (np.abs(w).sum(axis=1) * 127 + bias).max() == 2**31 - 1, "fits as it is"
    with pytest.raises(OverflowError, match=r"m row 1: accumulator of raised inputs can reach \d+"):
        q.prove("m", w, bias, mult, 127)


@pytest.mark.parametrize(
    ("tensor", "value", "message"),
    [
        ("conv2.bias", 1e6, r"conv2 row 3: bias can reach"),
        ("gru1.weight_ih", 6, r"gru1_ih row 3: factor can reach"),
        ("conv1.weight", 3, r"conv1 row 3: factor can reach"),
    ],
)
def test_float_network_that_cannot_fit_is_refused(tensor, value, message):
    weights = random_network(1, **TOY)
    weights[tensor][3] = value
    with pytest.raises(OverflowError, match=message):
        q.quantize(weights)


def test_two_gate_terms_must_fit_together():
    weights = random_network(1, **TOY)
    for part in ("ih", "hh"):
        weights[f"gru_gain.weight_{part}"][0] = 5.3  # the largest that may be
        weights[f"gru_gain.bias_{part}"][0] = 2**19 * 0.7
    with pytest.raises(OverflowError, match=r"gru_gain row 0: gate pre-activation can reach"):
        q.quantize(weights)
