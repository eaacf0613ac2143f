"""Blocks of weights that are left out."""

import numpy as np
import pytest
import torch

from training import prune
from training.model import Model


def share(kept: dict[str, torch.Tensor]) -> float:
    """Of all blocks, those that stay."""
    return sum(x.sum().item() for x in kept.values()) / sum(x.numel() for x in kept.values())


def test_density_falls_on_a_cubic():
    """By the formula of Zhu and Gupta 2017, d + (1 - d) (1 - t)^3, t from BEGIN to END."""
    points = {0: 1, 0.1: 1, 0.35: 0.3 + 0.7 / 8, 0.6: 0.3, 1: 0.3}
    assert {p: prune.density_at(p, 0.3) for p in points} == pytest.approx(points)


def test_sums_of_blocks():
    """Against a loop in numpy; a matrix of ends that fill no block."""
    values = np.random.default_rng(1).normal(size=(40, 10, 3))
    got = prune.sums(torch.from_numpy(values))
    assert got.shape == (3, 3, 3)
    for r, c, t in np.ndindex(3, 3, 3):
        wanted = values[16 * r : 16 * r + 16, 4 * c : 4 * c + 4, t].sum()
        assert got[r, c, t].item() == pytest.approx(wanted)
        kept = torch.zeros(3, 3, 3, dtype=torch.bool)
        kept[r, c, t] = True
        assert (values * prune.spread(kept, got.new_tensor(values)).numpy()).sum() == pytest.approx(
            wanted)  # fmt: skip


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
    kept = {name: (prune.sums(weight.abs()) > 0)[..., 0].tolist()
            for name, weight in prune.matrices(model).items()}  # fmt: skip
    assert kept == {"little.weight": [[False, False], [True, False]],
                    "much.weight": [[False, True], [True, True]]}


def test_worth_is_what_a_loss_would_change_by():
    """A loss that is linear in the weights changes by exactly the sum of slope times weight; the
    mean of squares begins at 0 and takes a hundredth of each step.
    """
    torch.manual_seed(1)
    model = Model("tiny")
    kept, slopes = prune.Kept(model), [torch.randn_like(x) for x in model.parameters()]
    loss = sum((x * slope).sum() for x, slope in zip(model.parameters(), slopes, strict=True))
    loss.backward()
    kept.listen(model)
    with torch.no_grad():
        weight, whole = model.gru2.weight_hh, model.gru2.weight_hh.clone()
        slope = slopes[[name for name, _ in model.named_parameters()].index("gru2.weight_hh")]
        weight[16:32, 4:8] = 0
        change = ((weight - whole) * slope).sum()
    assert kept.worth["gru2.weight_hh"][1, 1, 0].item() == pytest.approx(
        0.01 * change.item() ** 2, rel=1e-4)  # float32 sums of 64
    assert kept.worth.keys() == prune.matrices(model).keys()


def test_what_is_out_stays_out():
    """A step moves every weight: what was pruned is zero again, and nothing else."""
    model = Model("tiny")
    held_to = prune.Kept(model)
    for name, weight in prune.matrices(model).items():
        held_to.worth[name] = prune.sums(weight.square())
    held_to.prune(model, 0.27, step=prune.EVERY)
    kept = prune.alive(model)
    total = sum(own.numel() for own in kept.values())
    assert 0.27 - 1 / total <= share(kept) <= 0.27 + len(kept) / total  # one of each at least
    held_to.prune(model, 0.1, step=prune.EVERY + 1)  # no step at which more would go
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.01
    held_to.hold(model)
    for name, held in prune.alive(model).items():
        assert torch.equal(held, kept[name]), name
