"""The network in torch, for training (P20 section 4).

Time first: tensors are (frames, batch, width). Names and layouts of the parameters are those of
the weight files, so ``state_dict`` is the file. The recurrent layers are written out by hand: on
one CPU thread they run a tenth faster than ``nn.GRU`` (16,000 against 14,500 frames/s for four
layers of 160) and compute the same, which the tests check.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference.params import CONV1_KERNEL, CONV2_KERNEL, N_BANDS, N_FEATURES, NETWORK_SIZES

WEIGHT_LIMIT = 0.5  # P20 section 4: all weights within +-1/2


class Recurrence(torch.autograd.Function):
    """The recurrent half of a GRU layer in torch's equations.

    forward: inputs (L, B, 3H) = W_ih x + b_ih, weight_hh (3H, H), bias_hh (3H), start (B, H)
    -> states (L, B, H). The weight gradients are one product over the whole sequence.
    """

    @staticmethod
    def forward(ctx, inputs: Tensor, weight: Tensor, bias: Tensor, start: Tensor) -> Tensor:
        """States of all frames."""
        length, batch, width = inputs.shape[0], inputs.shape[1], start.shape[1]
        gates = torch.empty(length, batch, 2 * width, dtype=inputs.dtype)
        news = torch.empty(length, batch, width, dtype=inputs.dtype)
        hidden = torch.empty_like(news)  # W_hn h + b_hn, before the reset gate
        states = torch.empty_like(news)
        turned, state = weight.t(), start
        for x, gate, new, part, out in zip(inputs, gates, news, hidden, states, strict=True):
            product = torch.addmm(bias, state, turned)
            torch.add(x[:, : 2 * width], product[:, : 2 * width], out=gate).sigmoid_()
            part.copy_(product[:, 2 * width :])
            torch.addcmul(x[:, 2 * width :], gate[:, :width], part, out=new).tanh_()
            state = torch.lerp(new, state, gate[:, width:], out=out)  # (1 - z) n + z h
        ctx.save_for_backward(weight, start, gates, news, hidden, states)
        return states

    @staticmethod
    def backward(ctx, grad: Tensor):
        """Gradients of inputs, weight, bias and start."""
        weight, start, gates, news, hidden, states = ctx.saved_tensors
        length, batch, width = news.shape
        reset, update = gates[..., :width], gates[..., width:]
        before = torch.cat([start[None], states[:-1]])
        # Everything that does not depend on the error from the future, for all frames at once.
        to_new = (1 - update) * (1 - news * news)
        factors = torch.stack(
            [to_new * hidden * reset * (1 - reset), (before - news) * update * (1 - update),
             to_new * reset], dim=2)  # fmt: skip
        errors = torch.empty_like(news)
        products = torch.empty(length, batch, 3 * width, dtype=grad.dtype)
        carry = torch.zeros_like(start)
        for t in range(length - 1, -1, -1):
            error = torch.add(grad[t], carry, out=errors[t])
            torch.mul(factors[t], error[:, None], out=products[t].view(batch, 3, width))
            carry = torch.addmm(error * update[t], products[t], weight)
        to_inputs = products.clone()
        torch.mul(to_new, errors, out=to_inputs[..., 2 * width :])
        flat = products.view(-1, 3 * width)
        return to_inputs, flat.t() @ before.view(-1, width), flat.sum(0), carry


class Gru(nn.Module):
    """One GRU layer; parameters as in ``nn.GRUCell``."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.weight_ih = nn.Parameter(torch.empty(3 * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(3 * width, width))
        self.bias_ih = nn.Parameter(torch.zeros(3 * width))
        self.bias_hh = nn.Parameter(torch.zeros(3 * width))
        nn.init.xavier_uniform_(self.weight_ih)
        for part in self.weight_hh.detach().chunk(3):
            nn.init.orthogonal_(part)

    def forward(self, x: Tensor, start: Tensor) -> Tensor:
        """(L, B, inputs), (B, width) -> (L, B, width)"""
        inputs = functional.linear(x, self.weight_ih, self.bias_ih)
        return Recurrence.apply(inputs, self.weight_hh, self.bias_hh, start)


class Conv(nn.Conv1d):
    """Causal convolution over time, written as one product of stacked frames."""

    def forward(self, x: Tensor) -> Tensor:
        """(L, B, inputs) -> (L, B, outputs); zeros before the first frame."""
        (kernel,), length = self.kernel_size, x.shape[0]
        padded = torch.cat([x.new_zeros(kernel - 1, *x.shape[1:]), x])
        stacked = torch.cat([padded[k : k + length] for k in range(kernel)], dim=-1)
        return functional.linear(stacked, self.weight.transpose(1, 2).flatten(1), self.bias)


class Model(nn.Module):
    """features (L, B, 70) -> logits of gain (L, B, 34), strength (L, B, 34) and vad (L, B)."""

    def __init__(self, name: str):
        super().__init__()
        if name not in NETWORK_SIZES:
            raise ValueError(f"model {name!r}: expected one of {sorted(NETWORK_SIZES)}")
        dense, conv, gru, strength = NETWORK_SIZES[name]
        self.name = name
        self.dense = nn.Linear(N_FEATURES, dense)
        self.conv1 = Conv(dense, conv, CONV1_KERNEL)
        self.conv2 = Conv(conv, conv, CONV2_KERNEL)
        self.gru1, self.gru2, self.gru3 = Gru(conv, gru), Gru(gru, gru), Gru(gru, gru)
        self.gru_gain = Gru(gru, gru)
        self.gru_strength = Gru(conv + gru, strength)
        self.gain = nn.Linear(conv + 4 * gru, N_BANDS)
        self.vad = nn.Linear(conv + 4 * gru, 1)
        self.strength = nn.Linear(strength, N_BANDS)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits for whole sequences that start from a fresh state."""
        x = torch.tanh(self.dense(features))
        x = torch.tanh(self.conv1(x))
        conv = torch.tanh(self.conv2(x))
        zeros = features.new_zeros
        layers, x = [conv], conv
        for gru in (self.gru1, self.gru2, self.gru3, self.gru_gain):
            x = gru(x, zeros(features.shape[1], gru.weight_hh.shape[1]))
            layers.append(x)
        both = torch.cat([conv, layers[3]], dim=-1)
        strength = self.gru_strength(both, zeros(features.shape[1], self.strength.in_features))
        joined = torch.cat(layers, dim=-1)
        return self.gain(joined), self.strength(strength), self.vad(joined)[..., 0]

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep every weight within +-1/2 (biases are free)."""
        for name, parameter in self.named_parameters():
            if "weight" in name:
                parameter.clamp_(-WEIGHT_LIMIT, WEIGHT_LIMIT)

    @torch.no_grad()
    def start_from_means(self, gain: Tensor, strength: Tensor, vad: float) -> None:
        """Output biases such that the untrained network says the mean targets."""
        self.gain.bias.copy_(torch.logit(gain.clamp(0.05, 0.95)))
        self.strength.bias.copy_(torch.logit(strength.clamp(0.05, 0.95)))
        self.vad.bias.copy_(torch.logit(torch.tensor([vad]).clamp(0.05, 0.95)))
