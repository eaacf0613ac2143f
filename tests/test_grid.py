"""reference/grid.py: a weight file holds what int8 weights stand for, and loses none of it."""

import numpy as np
import pytest
from safetensors.numpy import load_file
from test_quantize import SMALL, TOY, random_network

from codegen import quantize
from reference import dnn, grid
from training.weights import write


@pytest.mark.parametrize("shape", [TOY, SMALL], ids=["toy", "small"])
def test_rounded_weights_are_what_the_integer_network_holds(shape):
    """Its int8 arrays times the height of a step: the same matrices, each within half a step."""
    weights = random_network(3, **shape)
    rounded = grid.rounded(weights)
    _, arrays = quantize.quantize(weights)
    step = grid.row_scales(weights["gru1.weight_ih"])[:, None]
    np.testing.assert_allclose(rounded["gru1.weight_ih"], arrays["gru1_ih_weight"] * step, 1e-6)
    for name, weight in weights.items():
        if "bias" in name:
            np.testing.assert_array_equal(rounded[name], weight.astype(np.float32), name)
        else:
            rows = weight.reshape(len(weight), -1)
            half = grid.row_scales(rows).reshape(-1, *[1] * (weight.ndim - 1)) / 2
            assert (np.abs(rounded[name] - weight) <= half * (1 + 1e-5)).all(), name


def test_no_int8_weight_moves_on_the_way_through_a_file(tmp_path):
    """float16 moves a step of up to 127 heights by an eighth of one at most."""
    weights = random_network(3, **SMALL)
    path = tmp_path / "x.safetensors"
    write(path, weights)
    _, before = quantize.quantize(weights)
    _, after = quantize.quantize(dnn.read(path))
    for name in before:
        if name.endswith("_weight"):
            np.testing.assert_array_equal(after[name], before[name], name)


def test_a_second_rounding_changes_nothing(tmp_path):
    """Or networks that are trained on from a file and written again would wander."""
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    write(first, random_network(3, **TOY))
    write(second, dnn.read(first))
    once, twice = load_file(first), load_file(second)
    for name, tensor in once.items():
        np.testing.assert_allclose(twice[name].astype(float), tensor, 2**-9, 0, err_msg=name)


@pytest.mark.parametrize("model", ["small", "full"])
def test_shipped_weights_lie_on_the_grid(model):
    """Within an eighth of a step. (`tiny` is older than the rule.)"""
    for name, weight in dnn.load(model).items():
        if "weight" in name:
            rows = weight.reshape(len(weight), -1)
            steps = rows / grid.row_scales(rows)[:, None]
            assert np.abs(steps - np.round(steps)).max() < 1 / 8, name
