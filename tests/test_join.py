"""Networks side by side as one."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from scipy.special import logit

from reference import dnn, grid
from reference.params import N_FEATURES
from reference.topology import GRUS, LAYERS, named
from training import join
from training.prune import sums

TINY = Path(__file__).parents[1] / "reference" / "models" / "tiny.safetensors"


def network(size: str, seed: int) -> dict[str, np.ndarray]:
    """Weights within +-1/2 of one of the sizes."""
    rng = np.random.default_rng(seed)
    return {key: rng.uniform(-0.5, 0.5, shape).astype(np.float32) / 4
            for key, shape in named(size).tensors().items()}


def logits(weights: dict[str, np.ndarray], features: np.ndarray) -> list[np.ndarray]:
    """What a network says, before the sigmoid."""
    return [logit(output) for output in dnn.Network(weights).run(features)]


def share(tensors: dict[str, np.ndarray]) -> float:
    """Of the blocks of convolutions and recurrent layers: those that hold something."""
    kept = [sums(torch.from_numpy(tensor).abs()) > 0 for key, tensor in tensors.items()
            if "weight" in key and LAYERS[key.split(".")[0]].kind in ("conv", "gru")]
    return sum(own.sum().item() for own in kept) / sum(own.numel() for own in kept)


@pytest.mark.parametrize("shares", [(), (0.5, 0.125, 0.375)])
def test_joined_network_says_the_mean_of_all(shares):
    """1e-6: the tensors of the outputs are rounded to float32 once more."""
    features = np.random.default_rng(1).standard_normal((40, N_FEATURES))
    networks = [network("tiny", 2), network("small", 3), network("tiny", 4)]
    said = [logits(one, features) for one in networks]
    for got, *parts in zip(logits(join.joined(networks, shares), features), *said, strict=True):
        wanted = np.average(parts, axis=0, weights=shares or None)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


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


@pytest.mark.parametrize("shares", ["1", "0.5 0.6", "1.5 -0.5", "0 1", "nan 1"])
def test_shares_that_make_no_mean_are_refused(shares, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    with pytest.raises(SystemExit):
        join.main([str(TINY), str(TINY), "--name", "x", "--share", *shares.split()])
    assert "with a sum of 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_blocks_that_nobody_hears_go_first():
    """Sixteen units of gru3 that no layer reads, themselves not either: however large the weights
    of their rows, without these the network says the same to the last bit.
    """
    tensors = network("tiny", 2)
    shape, mute = named("tiny"), np.arange(16)
    tensors["gru3.weight_hh"][:, mute] = 0
    for name, layer in LAYERS.items():
        if "gru3" in layer.reads:
            at = sum(shape.width[source] for source in layer.reads[: layer.reads.index("gru3")])
            tensors[f"{name}.weight" + ("_ih" if name in GRUS else "")][:, at + mute] = 0
    rows = np.concatenate([mute + gate * shape.width["gru3"] for gate in range(3)])
    for kind in ("ih", "hh"):
        tensors[f"gru3.weight_{kind}"][rows] *= 4
    without = {key: tensor.copy() for key, tensor in tensors.items()}
    for kind in ("ih", "hh"):
        without[f"gru3.weight_{kind}"][rows] = 0
    features = np.random.default_rng(1).standard_normal((9, 1, N_FEATURES)).astype(np.float32)
    left = join.pruned(tensors, share(without), torch.from_numpy(features))
    for key, tensor in without.items():
        np.testing.assert_array_equal(left[key], tensor, key)
    for got, wanted in zip(logits(left, features[:, 0]), logits(tensors, features[:, 0]),
                           strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_command_prunes_by_mixtures_of_recordings(tmp_path, monkeypatch, segments):
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    monkeypatch.setattr(join, "SHARDS", 1)
    monkeypatch.setattr(join, "Source", partial(join.Source, rows=2, synthetic=1, rooms=1))
    folder = segments[0].path.parents[1]
    join.main([str(TINY), "--name", "half", "--density", "0.5",
               "--speech", str(folder / "speech"), "--noise", str(folder / "noise")])
    left = load_file(tmp_path / "half.safetensors")
    assert share(left) == pytest.approx(0.5, abs=0.001)  # int8 may round a whole block to 0


def test_pruning_without_recordings_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    with pytest.raises(SystemExit, match="--speech DIR and --noise DIR"):
        join.main([str(TINY), "--name", "x", "--density", "0.5"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("density", ["0", "-0.3", "1.5", "nan"])
def test_a_density_that_is_no_share_is_refused(density, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dnn, "MODELS", tmp_path)
    with pytest.raises(SystemExit):
        join.main([str(TINY), "--name", "x", "--density", density])
    assert "a share above 0" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
