"""Blocks of weights that are left out."""

import numpy as np
import pytest
import torch

from training import prune
from training.model import Model


def test_density_falls_on_a_cubic():
    """By the formula of Zhu and Gupta 2017, d + (1 - d) (1 - t)^3, t from BEGIN to END."""
    points = {0: 1, 0.1: 1, 0.35: 0.3 + 0.7 / 8, 0.6: 0.3, 1: 0.3}
    assert {p: prune.density_at(p, 0.3) for p in points} == pytest.approx(points)


def test_the_smallest_blocks_go():
    """Against a loop over the blocks in numpy; a matrix of ends that fill no block."""
    weight = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 10, 3)))
    model = torch.nn.Module()
    model.conv = prune.Conv(10, 40, 3, None)
    model.conv.weight = torch.nn.Parameter(weight.clone())
    sizes = {(r, c, t): float((weight[r : r + 16, c : c + 4, t] ** 2).sum())
             for r in range(0, 40, 16) for c in range(0, 10, 4) for t in range(3)}  # fmt: skip
    prune.prune(prune.matrices(model).values(), 0.25)
    stay = sorted(sizes, key=sizes.get)[-round(0.25 * len(sizes)):]
    for r, c, t in sizes:
        got, was = (x[r : r + 16, c : c + 4, t] for x in (model.conv.weight, weight))
        assert torch.equal(got, was if (r, c, t) in stay else torch.zeros_like(was))


def test_effect_is_the_change_of_what_is_said(monkeypatch):
    """Against running the network without a block, for the largest, a middle and a small one of
    each matrix. The weights of a fresh network are so small that the change is nearly linear; 100
    draws estimate a sum of squares to 14 %, so the three are held to a third.
    """
    monkeypatch.setattr(prune, "DRAWS", 100)
    torch.manual_seed(3)
    model, features = Model("tiny").double(), torch.randn(4, 1, 70, dtype=torch.double)

    def said() -> torch.Tensor:
        with torch.no_grad():
            gain, strength, _ = model(features)
        return torch.cat([torch.sigmoid(gain), prune.COMB * torch.sigmoid(strength)])

    before, found = said(), prune.effects(model, features)
    assert found.keys() == prune.matrices(model).keys()
    for name, effect in found.items():
        weight = prune.matrices(model)[name]
        order = effect.flatten().argsort(descending=True)
        for index in order[[0, len(order) // 2, len(order) * 3 // 4]]:
            kept = torch.ones_like(effect, dtype=torch.bool)
            kept.view(-1)[index] = False
            whole = weight.clone()
            weight *= prune.spread(kept, weight)
            change = (said() - before).square().sum()
            weight.copy_(whole)
            assert effect.flatten()[index].item() == pytest.approx(change.item(), rel=1 / 3), name


def test_least_effect_goes_first_wherever_it_is():
    """Of two matrices with effects of their own: the count is of both together, but the one that
    does little keeps its best block.
    """
    model = torch.nn.Module()
    model.little, model.much = (prune.Conv(8, 32, 1, None) for _ in range(2))
    effect = {"little.weight": torch.tensor([[0.1, 0.2], [0.4, 0.3]])[..., None],
              "much.weight": torch.tensor([[5.0, 6.0], [8.0, 7.0]])[..., None]}  # fmt: skip
    prune.thin(model, effect, 3 / 8)
    kept = {name: (prune.blocks(weight) > 0)[..., 0].tolist()
            for name, weight in prune.matrices(model).items()}  # fmt: skip
    assert kept == {"little.weight": [[False, False], [True, False]],
                    "much.weight": [[False, True], [True, True]]}


def test_what_is_out_stays_out():
    """A step moves every weight: what was pruned is zero again, and nothing else."""
    model = Model("tiny")
    prune.prune(prune.matrices(model).values(), 0.27)
    kept, held_to = prune.alive(model), prune.Kept(model)
    held_to.prune(model, 0.27, step=1)  # no step at which more would go
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.01
    held_to.hold(model)
    for name, weight in prune.matrices(model).items():
        held = prune.blocks(weight) > 0
        assert torch.equal(held, kept[name])
        assert held.float().mean() == pytest.approx(0.27, abs=0.5 / held.numel())
