"""targets/density.py: which blocks a copy of a model holds, against the definition."""

import numpy as np
import pytest

from targets.density import keep, keep_blocks

RNG = np.random.default_rng(1)


@pytest.mark.parametrize(("density", "rows", "held"), [(1, 16, 24), (0.5, 16, 12), (0.2, 4, 19)])
def test_the_largest_blocks_stay_where_they_are(density, rows, held):
    weight = RNG.standard_normal((48, 32)).astype(np.float32)
    found = keep_blocks(weight, density, rows)
    assert found.shape == weight.shape and set(np.unique(found)) <= {0, *np.unique(weight)}
    tiles = [(r, c) for r in range(0, 48, rows) for c in range(0, 32, 4)]
    energy = {at: np.square(weight[at[0] : at[0] + rows, at[1] : at[1] + 4]).sum() for at in tiles}
    largest = sorted(tiles, key=lambda at: -energy[at])[:held]
    for r, c in tiles:
        tile = np.s_[r : r + rows, c : c + 4]
        assert np.array_equal(found[tile], weight[tile] if (r, c) in largest else 0 * weight[tile])


def test_more_blocks_than_there_are_get_something_to_hold():
    weight = np.zeros((32, 8), np.float32)
    weight[:16, :4] = 3
    found = keep_blocks(weight, 0.5)
    tiles = found.reshape(2, 16, 2, 4).any(axis=(1, 3))
    assert tiles.sum() == 2 and (found[:16, :4] == 3).all() and np.abs(found).max() == 3


def test_a_matrix_of_broken_blocks_is_refused():
    with pytest.raises(ValueError, match="multiples of 16 x 4 are needed"):
        keep_blocks(np.ones((17, 8)), 0.5)


def test_only_convolutions_and_recurrent_layers_lose_blocks():
    """Frames of a convolution lie side by side, each with all its inputs."""
    weights = {"conv1.weight": RNG.standard_normal((32, 8, 5)).astype(np.float32),
               "conv1.bias": RNG.standard_normal(32), "dense.weight": RNG.standard_normal((32, 8))}
    found = keep(weights, 0.5)
    assert all(found[name] is weights[name] for name in ("conv1.bias", "dense.weight"))
    flat = np.concatenate([weights["conv1.weight"][:, :, k] for k in range(5)], axis=1)
    kept = np.concatenate([found["conv1.weight"][:, :, k] for k in range(5)], axis=1)
    assert np.array_equal(kept, keep_blocks(flat, 0.5)) and (kept == 0).mean() == 0.5
