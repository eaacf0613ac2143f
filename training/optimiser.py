"""Muon for the matrices inside the network, AdamW for biases and output layers, as one optimiser.

The energies of all bands rise and fall together. Adam learns what they have in common at once, and
where one band differs from the others very slowly. Muon (Jordan et al. 2024) moves a matrix by an
orthogonal one, every direction at the same speed: the same loss in a fifth of the frames
(docs/ablations.md). As `torch.optim.Muon`, but all matrices of one shape at once, and with a
learning rate that lies on the device: a step of it can be recorded (`graph.py`). Several processes
share the work: each moves its part of the matrices.
"""

from collections import defaultdict
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from training import processes
from training.model import Conv, Gru, Model

BETAS, DECAY, MOMENTUM = (0.9, 0.98), 0.01, 0.95
MUON_RATE = 2.0  # of AdamW's; the size of a step is matched to AdamW's for every shape of matrix
MATCHED = 0.2  # RMS of a step of AdamW
QUINTIC, ITERATIONS = (3.4445, -4.7750, 2.0315), 5  # of Newton and Schulz
TINY = 1e-7


def matrices(model: Model) -> Iterator[tuple[nn.Parameter, slice]]:
    """(parameter, rows) of what is one matrix to Muon: the gates of a GRU are three."""
    for layer in model.children():
        if isinstance(layer, Gru):
            for weight in (layer.weight_ih, layer.weight_hh):
                width = len(weight) // 3
                yield from ((weight, slice(k * width, (k + 1) * width)) for k in range(3))
        elif isinstance(layer, Conv) or layer is model.dense:
            yield layer.weight, slice(None)


def orthogonal(x: Tensor) -> Tensor:
    """The nearest matrices whose singular values are about 1: (n, rows, columns), factors bf16."""
    a, b, c = QUINTIC
    wide = x if x.shape[1] <= x.shape[2] else x.mT
    wide = wide.bfloat16()
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=TINY)
    for _ in range(ITERATIONS):
        gram = wide @ wide.mT
        wide = torch.baddbmm(wide, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return (wide if x.shape[1] <= x.shape[2] else wide.mT).to(x.dtype)


class Optimiser:
    """One step over all parameters of a model; made after the model is where it stays.

    ``rate``: the learning rate, a number on the device of the model, to be filled before a step.
    """

    def __init__(self, model: Model):
        self.pieces = list(matrices(model))
        self.views = [p.detach()[rows].flatten(1) for p, rows in self.pieces]
        self.momenta = [torch.zeros_like(view) for view in self.views]
        self.alike: dict[tuple[int, ...], list[int]] = defaultdict(list)  # matrices of each shape
        for k, view in enumerate(self.views):
            if processes.mine(k):
                self.alike[view.shape].append(k)
        inside = {id(p) for p, _ in self.pieces}
        rest = [p for p in model.parameters() if id(p) not in inside]
        device = rest[0].device
        self.rate = torch.zeros((), device=device)
        self.adam = torch.optim.AdamW(rest, self.rate, BETAS, weight_decay=DECAY, fused=True,
                                      capturable=device.type == "cuda")  # fmt: skip

    @torch.no_grad()
    def step(self) -> None:
        """Move the parameters along their gradients, the same in all processes.

        All processes keep the momentum of all matrices, for each checkpoint to hold all of it.
        """
        slopes = [p.grad[rows].flatten(1) for p, rows in self.pieces]
        torch._foreach_lerp_(self.momenta, slopes, 1 - MOMENTUM)
        rate = MUON_RATE * self.rate
        for shape, which in self.alike.items():
            slope, momentum = (torch.stack([x[k] for k in which]) for x in (slopes, self.momenta))
            moves = orthogonal(slope.lerp(momentum, MOMENTUM))
            moves *= rate * (MATCHED * max(shape) ** 0.5)
            views = [self.views[k] for k in which]
            torch._foreach_mul_(views, 1 - rate * DECAY)
            torch._foreach_sub_(views, list(moves))
        self.adam.step()
        processes.share(self.views)

    def state_dict(self) -> dict:
        """What a checkpoint keeps."""
        return {"momenta": self.momenta, "adam": self.adam.state_dict()}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        """Go on from a checkpoint."""
        torch._foreach_copy_(self.momenta, state["momenta"])
        self.adam.load_state_dict(state["adam"])
        for group in self.adam.param_groups:
            group["lr"] = self.rate
