"""Muon for the matrices inside the network, AdamW for biases and output layers, as one optimiser.

The energies of all bands rise and fall together. Adam learns what they have in common at once, and
where one band differs from the others very slowly. Muon (Jordan et al. 2024) moves a matrix by an
orthogonal one, every direction at the same speed: the same loss in a fifth of the frames
(docs/ablations.md). For `full` its step takes as long as the gradient of 16 crops, so several
processes share it: each moves its part of the matrices.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from training import processes
from training.model import Conv, Gru, Model

BETAS, DECAY, MOMENTUM = (0.9, 0.98), 0.01, 0.95
MUON_RATE = 2.0  # of AdamW's; the size of a step is matched to AdamW's for every shape of matrix


def matrices(model: Model) -> Iterator[tuple[nn.Parameter, slice]]:
    """(parameter, rows) of what is one matrix to Muon: the gates of a GRU are three."""
    for layer in model.children():
        if isinstance(layer, Gru):
            for weight in (layer.weight_ih, layer.weight_hh):
                width = len(weight) // 3
                yield from ((weight, slice(k * width, (k + 1) * width)) for k in range(3))
        elif isinstance(layer, Conv) or layer is model.dense:
            yield layer.weight, slice(None)


class Optimiser:
    """One step over all parameters of a model; made after the model is where it stays."""

    def __init__(self, model: Model):
        self.pieces = list(matrices(model))
        # Muon takes matrices only: views of the weights, so its steps move these.
        self.views = [nn.Parameter(p.detach()[rows].flatten(1)) for p, rows in self.pieces]
        inside = {id(p) for p, _ in self.pieces}
        rest = [p for p in model.parameters() if id(p) not in inside]
        self.muon = torch.optim.Muon(
            self.views, weight_decay=DECAY, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(rest, betas=BETAS, weight_decay=DECAY, foreach=True)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the parameters along their gradients, the same in all processes, at a learning rate.

        All processes keep the momentum of all matrices, for each checkpoint to hold all of it.
        """
        for k, (view, (parameter, rows)) in enumerate(zip(self.views, self.pieces, strict=True)):
            grad = parameter.grad[rows].flatten(1)
            view.grad = grad if processes.mine(k) else None
            if view.grad is None:
                kept = self.muon.state[view].setdefault("momentum_buffer", torch.zeros_like(grad))
                kept.lerp_(grad, 1 - MOMENTUM)
        for optimiser, factor in ((self.muon, MUON_RATE), (self.adam, 1.0)):
            for group in optimiser.param_groups:
                group["lr"] = factor * rate
            optimiser.step()
        processes.share(self.views)

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """What a checkpoint keeps."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Go on from a checkpoint."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
