"""Blocks of weights left out by magnitude, while the others go on learning.

The kernels leave out blocks of 16 rows by 4 inputs that hold zeros alone. From a tenth of a run to
six tenths the share of blocks that is kept falls on a cubic, fast while most are of little use and
slowly at the end (Zhu and Gupta 2017), in every matrix of the convolutions and recurrent layers,
as RNNoise and LPCNet do. The zeros themselves say which blocks are out: nothing is kept beside the
weights, so a checkpoint goes on as it was.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from training.model import Conv, Gru, Model

ROWS, INPUTS = 16, 4  # of a block, as the kernels have them (codegen/pack.py)
BEGIN, END = 0.1, 0.6  # of a run: with all blocks, and with those that stay
EVERY = 16  # steps from one pruning to the next


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


def blocks(weight: Tensor) -> Tensor:
    """Sums of the squares of each block and tap, (rows / 16, inputs / 4, taps), ends rounded up."""
    squares = weight.reshape(len(weight), weight.shape[1], -1).square()
    missing = [0, 0, 0, -squares.shape[1] % INPUTS, 0, -len(squares) % ROWS]
    padded = functional.pad(squares, missing)
    return padded.unflatten(1, (-1, INPUTS)).unflatten(0, (-1, ROWS)).sum((1, 3))


def spread(kept: Tensor, weight: Tensor) -> Tensor:
    """1 where a weight is in a block that is kept, 0 elsewhere; kept: bool, as `blocks` has it."""
    whole = kept.repeat_interleave(ROWS, 0).repeat_interleave(INPUTS, 1)
    return whole[: len(weight), : weight.shape[1]].reshape(weight.shape).to(weight)


@torch.no_grad()
def prune(weights: Iterable[Tensor], density: float) -> None:
    """Zeros into the smallest blocks of every matrix: `density` of them stay, one at least."""
    for weight in weights:
        size = blocks(weight)
        count = max(round(density * size.numel()), 1)
        least = size.flatten().kthvalue(size.numel() - count + 1).values
        weight *= spread(size >= least, weight)


@torch.no_grad()
def alive(model: Model) -> dict[str, Tensor]:
    """Which blocks of each matrix hold something."""
    return {name: blocks(weight) > 0 for name, weight in matrices(model).items()}


class Kept:
    """Which weights of a model are in blocks that stay: a factor for each, 1 or 0."""

    def __init__(self, model: Model):
        self.factors = [torch.ones_like(weight) for weight in matrices(model).values()]
        self.known = False  # whether these are those of the model

    @torch.no_grad()
    def prune(self, model: Model, density: float, step: int) -> None:
        """Every so many steps the smallest blocks go."""
        if step % EVERY == 0:
            prune(matrices(model).values(), density)
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
