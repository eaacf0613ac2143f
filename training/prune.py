"""Blocks of weights left out: those of least effect, while the others go on learning or after.

The kernels leave out blocks of 16 rows by 4 inputs that hold zeros alone. From a tenth of a run to
six tenths the share of blocks that is kept falls on a cubic, fast while most are of little use and
slowly at the end (Zhu and Gupta 2017), recurrent matrices included, as in RNNoise and LPCNet.
These leave out what is smallest. Here those go, in whatever matrix, without which least would
change: of the loss in a run, of what the network says once it learns no more (`join.py`); to first
order the derivative by the weights of a block, times the weights (Molchanov et al. 2017).
docs/ablations.md has both beside each other.
"""

import torch
from torch import Tensor
from torch.nn import functional

from training.model import Conv, Gru, Model

ROWS, INPUTS = 16, 4  # of a block, as the kernels have them (codegen/pack.py)
BEGIN, END = 0.1, 0.6  # of a run: with all blocks, and with those that stay
EVERY = 16  # steps from one pruning to the next
LATELY = 0.01  # share of a step in the mean worth of a block
CROP, TOGETHER, DRAWS = 200, 16, 4  # frames and rows heard at once to find effects; random signs
COMB = 0.3  # what an error of a strength counts, beside one of a gain


def density_at(progress: float, density: float) -> float:
    """Share of blocks that is kept at a part of the run, 0...1."""
    left = 1 - min(max((progress - BEGIN) / (END - BEGIN), 0), 1)
    return density + (1 - density) * left**3


def matrices(model: Model) -> dict[str, Tensor]:
    """What is pruned, by name: weights (rows, inputs) or (rows, inputs, taps)."""
    layers = [(name, layer) for name, layer in model.named_children()
              if isinstance(layer, Conv | Gru)]  # fmt: skip
    return {f"{name}.{kind}": weight.data for name, layer in layers
            for kind, weight in layer.named_parameters() if kind.startswith("weight")}  # fmt: skip


def sums(values: Tensor) -> Tensor:
    """Of each block and tap of (rows, inputs[, taps]): (rows / 16, inputs / 4, taps), ends up."""
    values = values.reshape(len(values), values.shape[1], -1)
    missing = [0, 0, 0, -values.shape[1] % INPUTS, 0, -len(values) % ROWS]
    padded = functional.pad(values, missing)
    return padded.unflatten(1, (-1, INPUTS)).unflatten(0, (-1, ROWS)).sum((1, 3))


def spread(kept: Tensor, weight: Tensor) -> Tensor:
    """1 where a weight is in a block that is kept, 0 elsewhere; kept: bool, shape of `sums`."""
    whole = kept.repeat_interleave(ROWS, 0).repeat_interleave(INPUTS, 1)
    return whole[: len(weight), : weight.shape[1]].reshape(weight.shape).to(weight)


def effects(model: Model, features: Tensor) -> dict[str, Tensor]:
    """What the gains and strengths of (L, B, 70) features would change by, without each block and
    tap: sums of the squares over frames and bands, of matrix by matrix in the shape of `sums`.

    The squares of all outputs at once are the mean square of their sum under random signs
    (Hutchinson 1990).
    """
    found = {name: torch.zeros_like(sums(weight)) for name, weight in matrices(model).items()}
    signs = torch.Generator().manual_seed(1)
    for rows in features.split(TOGETHER, 1):
        for crop in rows.split(CROP):
            gain, strength, _ = map(torch.sigmoid, model(crop))
            for draw in range(DRAWS):
                way = [2.0 * torch.randint(2, gain.shape, generator=signs) - 1 for _ in range(2)]
                changed = (way[0] * gain + COMB * way[1] * strength).sum()
                weights = [model.get_parameter(name) for name in found]
                slopes = torch.autograd.grad(changed, weights, retain_graph=draw < DRAWS - 1)
                for name, weight, slope in zip(found, weights, slopes, strict=True):
                    found[name] += sums(slope * weight.detach()).square() / DRAWS
    return found


@torch.no_grad()
def thin(model: Model, effect: dict[str, Tensor], density: float) -> None:
    """Zeros into the blocks of least effect of all matrices: `density` of all of them stay, and
    one of each matrix at least.
    """
    everywhere = torch.cat([own.flatten() for own in effect.values()])
    count = max(round(density * everywhere.numel()), 1)
    least = everywhere.kthvalue(everywhere.numel() - count + 1).values
    for name, weight in matrices(model).items():
        weight *= spread(effect[name] >= torch.minimum(least, effect[name].max()), weight)


@torch.no_grad()
def alive(model: Model) -> dict[str, Tensor]:
    """Which blocks of each matrix hold something."""
    return {name: sums(weight.abs()) > 0 for name, weight in matrices(model).items()}


class Kept:
    """Which weights of a model in training are in blocks that stay: a factor for each, 1 or 0; and
    what each block has been worth, lately.

    The zeros themselves say which blocks are out: a checkpoint has no more than the worth.
    """

    def __init__(self, model: Model):
        self.factors = [torch.ones_like(weight) for weight in matrices(model).values()]
        self.worth = {name: torch.zeros_like(sums(weight))
                      for name, weight in matrices(model).items()}  # fmt: skip
        self.known = False  # whether the factors are those of the model

    @torch.no_grad()
    def listen(self, model: Model) -> None:
        """Take note of what the loss would change by without each block, squared."""
        for name, weight in matrices(model).items():
            change = sums(model.get_parameter(name).grad * weight)
            self.worth[name].lerp_(change.square(), LATELY)

    @torch.no_grad()
    def prune(self, model: Model, density: float, step: int) -> None:
        """Every so many steps the blocks go that are worth least."""
        if step % EVERY == 0:
            thin(model, self.worth, density)
        elif self.known:
            return
        weights = matrices(model)
        for factor, (name, kept) in zip(self.factors, alive(model).items(), strict=True):
            factor.copy_(spread(kept, weights[name]))
        self.known = True

    @torch.no_grad()
    def hold(self, *models: Model) -> None:
        """Zeros again into blocks that a step has moved, in models of one size."""
        for model in models:
            torch._foreach_mul_(list(matrices(model).values()), self.factors)
