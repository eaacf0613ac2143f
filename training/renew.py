"""Units that no longer learn are started anew.

A GRU whose update gate hardly opens keeps its state for longer than any crop: nothing it did can be
seen in the loss, so no gradient ever opens it again. In networks trained without this, four fifths
of a layer ended so, and in use their states wander for minutes (docs/ablations.md). As dormant
neurons are recycled elsewhere (Sokar et al. 2023): new weights in, zeros out, so that the network
says what it said before and has the unit to learn with.
"""

import torch
from torch import Tensor

from reference.topology import GRUS, LAYERS
from training.model import Gru, Model

LONGEST = 600  # frames, half a sequence and twice a late crop: a unit that remembers longer is slow


@torch.no_grad()
def leaks(model: Model, features: Tensor) -> dict[str, Tensor]:
    """Share of the state that is replaced in a frame, mean over (L, B, 70): (H,) of each layer.

    0 for a unit that says nothing but 0, such as one left out by an export.
    """
    outputs = model.layers(features, model.fresh(features.shape[1]))
    found = {}
    for name in GRUS:
        gru, inputs = getattr(model, name), model.read(outputs, name)
        before = torch.cat([torch.zeros_like(outputs[name][:1]), outputs[name][:-1]])
        (_, w_in, _), (_, w_own, _) = gru.weight_ih.chunk(3), gru.weight_hh.chunk(3)
        bias = (gru.bias_ih + gru.bias_hh).chunk(3)[1]
        keep = inputs @ w_in.T + before @ w_own.T + bias
        found[name] = torch.sigmoid(-keep).mean((0, 1)) * outputs[name].any(0).any(0)
    return found


@torch.no_grad()
def leave_out(model: Model, features: Tensor) -> dict[str, int]:
    """Units that still do not learn get weights of 0, and so states of 0; how many of each layer.

    Heard from a fresh state they say next to nothing; after minutes, nothing that was learnt.
    """
    slow = {name: leak < 1 / LONGEST for name, leak in leaks(model, features).items()}
    nothing = Model(model.shape)
    for parameter in nothing.parameters():
        parameter.zero_()
    renew(model, slow, nothing)
    return {name: int(units.sum()) for name, units in slow.items()}


@torch.no_grad()
def renew(model: Model, slow: dict[str, Tensor], new: Model) -> None:
    """Units marked by ``slow``, (H,) of each layer, get the weights of ``new`` and go unheard."""
    for name, units in slow.items():
        rows = units.repeat(3)  # of reset gate, update gate and new state
        for key, parameter in getattr(model, name).named_parameters():
            parameter[rows] = getattr(new, name).get_parameter(key)[rows]
        getattr(model, name).weight_hh[:, units] = 0
    for name, layer in LAYERS.items():
        reader = getattr(model, name)
        weight = reader.weight_ih if isinstance(reader, Gru) else reader.weight
        widths = model.shape.width
        heard = [slow.get(s, torch.zeros(widths[s], dtype=torch.bool)) for s in layer.reads]
        weight[:, torch.cat([h.to(weight.device) for h in heard])] = 0
