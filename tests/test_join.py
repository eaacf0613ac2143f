"""Networks side by side as one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.special import logit

from reference import dnn, grid
from reference.params import N_FEATURES
from reference.topology import named
from training import join
from training.prune import blocks

TINY = Path(__file__).parents[1] / "reference" / "models" / "tiny.safetensors"


def network(size: str, seed: int) -> dict[str, np.ndarray]:
    """Weights within +-1/2 of one of the sizes."""
    rng = np.random.default_rng(seed)
    return {key: rng.uniform(-0.5, 0.5, shape).astype(np.float32) / 4
            for key, shape in named(size).tensors().items()}


def logits(weights: dict[str, np.ndarray], features: np.ndarray) -> list[np.ndarray]:
    """What a network says, before the sigmoid."""
    return [logit(output) for output in dnn.Network(weights).run(features)]


def test_joined_network_says_the_mean_of_all():
    """1e-6: the tensors of the outputs are rounded to float32 once more."""
    features = np.random.default_rng(1).standard_normal((40, N_FEATURES))
    networks = [network("tiny", 2), network("small", 3), network("tiny", 4)]
    said = [logits(one, features) for one in networks]
    for got, *parts in zip(logits(join.joined(networks), features), *said, strict=True):
        np.testing.assert_allclose(got, np.mean(parts, axis=0), rtol=0, atol=1e-6)


def test_one_network_alone_stays_as_it_is():
    alone = network("tiny", 2)
    for key, tensor in join.joined([alone]).items():
        np.testing.assert_array_equal(tensor, alone[key], err_msg=key)


def test_command_moves_the_outputs(tmp_path, monkeypatch):
    """Gains by one figure, strengths by another, voice and all else untouched."""
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    join.main([str(TINY), "--name", "moved", "--gain", "-0.25", "--strength", "0.5"])
    before, after = grid.rounded(dnn.read(TINY)), load_file(tmp_path / "moved.safetensors")
    for key, tensor in after.items():
        moved = {"gain.bias": -0.25, "strength.bias": 0.5}.get(key, 0)
        np.testing.assert_allclose(tensor.astype(float), before[key] + moved, 0, 2**-10)
    assert after.keys() == before.keys()


def test_convolutions_that_reach_differently_are_refused():
    other = network("tiny", 2)
    other["conv1.weight"] = other["conv1.weight"][..., 1:]
    with pytest.raises(ValueError, match="equally far"):
        join.joined([network("tiny", 2), other])


def test_fewer_blocks_are_the_largest_ones():
    """Of two networks side by side a quarter can stay beside the zeros: those of most energy."""
    both = join.joined([network("tiny", 2), network("tiny", 3)])
    left = join.pruned(both, 0.25)
    for key, tensor in both.items():
        layer, kind = key.split(".")
        if layer in ("dense", "gain", "strength", "vad") or kind.startswith("bias"):
            np.testing.assert_array_equal(left[key], tensor, key)
            continue
        before, after = (blocks(torch.from_numpy(x)) for x in (tensor, left[key]))
        stay = after > 0
        assert stay.sum().item() == round(0.25 * stay.numel()), key
        assert torch.equal(before[stay], after[stay])
        assert before[stay].min() >= before[~stay].max()


@pytest.mark.parametrize("density", ["0", "-0.3", "1.5", "nan"])
def test_a_density_that_is_no_share_is_refused(density, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    with pytest.raises(SystemExit):
        join.main([str(TINY), "--name", "x", "--density", density])
    assert "a share above 0" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
