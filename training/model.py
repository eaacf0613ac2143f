"""The network in torch, for training (P20 section 4).

Time first: tensors are (frames, batch, width). Names and layouts of the parameters are those of
the weight files, so ``state_dict`` is the file. The recurrent layers are written out by hand: on
one CPU thread they run a tenth faster than ``nn.GRU`` (16,000 against 14,500 frames/s for four
layers of 160) and compute the same, which the tests check.
"""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference.topology import FEATURES, GRUS, LAYERS, OUTPUTS, SIZES, Shape, named

HISTORY = sum(frames - 1 for frames in SIZES["small"].frames.values())  # of the convolutions, as in
# all sizes: how many frames before a crop they look back on
NO_MASKS: Mapping[str, Tensor] = MappingProxyType({})
WEIGHT_LIMIT = 0.5  # P20 section 4: all weights within +-1/2
Logits = tuple[Tensor, Tensor, Tensor]  # of gain (L, B, 34), strength (L, B, 34), vad (L, B)
Products = torch.dtype | None  # type of the factors in large products; None = that of the input


class Recurrence(torch.autograd.Function):
    """The recurrent half of a GRU layer in torch's equations.

    forward: inputs (L, B, 3H) = W_ih x + b_ih, weight_hh (3H, H), bias_hh (3H), start (B, H)
    -> states (L, B, H). The weight gradients are one product over the whole sequence. Products take
    factors in the type of ``weight`` (bfloat16 where that is fast); sums and states are float32.
    """

    @staticmethod
    def forward(ctx, inputs: Tensor, weight: Tensor, bias: Tensor, start: Tensor) -> Tensor:
        """States of all frames."""
        length, batch, width = inputs.shape[0], inputs.shape[1], start.shape[1]
        gates = start.new_empty(length, batch, 2 * width)
        news = start.new_empty(length, batch, width)
        hidden = torch.empty_like(news)  # W_hn h + b_hn, before the reset gate
        states = torch.empty_like(news)
        turned, short_bias, state = weight.t(), bias.to(weight.dtype), start
        for x, gate, new, part, out in zip(inputs, gates, news, hidden, states, strict=True):
            product = torch.addmm(short_bias, state.to(weight.dtype), turned)
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
        products = weight.new_empty(length, batch, 3 * width)
        carry = torch.zeros_like(start)
        for t in range(length - 1, -1, -1):
            error = torch.add(grad[t], carry, out=errors[t])
            torch.mul(factors[t], error[:, None], out=products[t].view(batch, 3, width))
            carry = torch.addcmul((products[t] @ weight).to(grad.dtype), error, update[t])
        flat = products.view(-1, 3 * width)
        to_weight = flat.t() @ before.view(-1, width).to(weight.dtype)
        to_inputs = products.to(grad.dtype)
        to_bias = to_inputs.view(-1, 3 * width).sum(0)
        torch.mul(to_new, errors, out=to_inputs[..., 2 * width :])
        return to_inputs, to_weight, to_bias, carry


def affine(x: Tensor, weight: Tensor, bias: Tensor, products: Products) -> Tensor:
    """W x + b in the type of x, from factors of type ``products``."""
    kind = products or x.dtype
    return functional.linear(x.to(kind), weight.to(kind), bias.to(kind)).to(x.dtype)


class Gru(nn.Module):
    """One GRU layer; parameters as in ``nn.GRUCell``."""

    def __init__(self, inputs: int, width: int, products: Products = None):
        super().__init__()
        self.products = products
        self.weight_ih = nn.Parameter(torch.empty(3 * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(3 * width, width))
        self.bias_ih = nn.Parameter(torch.zeros(3 * width))
        self.bias_hh = nn.Parameter(torch.zeros(3 * width))
        nn.init.xavier_uniform_(self.weight_ih)
        for part in self.weight_hh.detach().chunk(3):
            nn.init.orthogonal_(part)

    def forward(self, x: Tensor, start: Tensor) -> Tensor:
        """(L, B, inputs), (B, width) -> (L, B, width)"""
        if x.is_cuda:
            return self.in_one_launch(x, start)
        inputs = affine(x, self.weight_ih, self.bias_ih, self.products)
        weight = self.weight_hh.to(self.products or x.dtype)
        return Recurrence.apply(inputs, weight, self.bias_hh, start)

    def in_one_launch(self, x: Tensor, start: Tensor) -> Tensor:
        """The same on a GPU, where a launch a frame would take most of the time."""
        weights, start = list(self.parameters()), start[None].contiguous()
        training = torch.is_grad_enabled()  # without it cuDNN refuses the backward pass
        return torch.gru(x, start, weights, True, 1, 0, training, False, False)[0]


class Conv(nn.Conv1d):
    """Causal convolution over time, written as one product of stacked frames."""

    def __init__(self, inputs: int, outputs: int, kernel: int, products: Products):
        super().__init__(inputs, outputs, kernel)
        self.products = products

    def forward(self, x: Tensor) -> Tensor:
        """(L, B, inputs) -> (L, B, outputs); zeros before the first frame."""
        (kernel,), length = self.kernel_size, x.shape[0]
        padded = torch.cat([x.new_zeros(kernel - 1, *x.shape[1:]), x])
        stacked = torch.cat([padded[k : k + length] for k in range(kernel)], dim=-1)
        return affine(stacked, self.weight.transpose(1, 2).flatten(1), self.bias, self.products)


def build(name: str, shape: Shape, products: Products) -> nn.Module:
    """A layer before its squashing function, with weights to begin with."""
    inputs, width = shape.inputs(name), shape.width[name]
    match LAYERS[name].kind:
        case "gru":
            return Gru(inputs, width, products)
        case "conv":
            return Conv(inputs, width, shape.frames[name], products)
        case _:
            return nn.Linear(inputs, width)


class Model(nn.Module):
    """features (L, B, 70) -> logits of gain (L, B, 34), strength (L, B, 34) and vad (L, B).

    ``products``: torch.bfloat16 trains ``paper`` three times as fast on a CPU with AMX (a tenth
    slower with AVX512-BF16 alone); parameters, sums and states stay float32. ``dropout``: share of
    units that go unheard while gradients are taken.
    """

    def __init__(self, size: str | Shape, products: Products = None, dropout: float = 0.0):
        """size: one of SIZES, or the widths themselves. Raises ValueError for an unknown one."""
        super().__init__()
        self.shape = size if isinstance(size, Shape) else named(size)
        self.dropout = dropout
        for layer in LAYERS:
            self.add_module(layer, build(layer, self.shape, products))

    def forward(self, features: Tensor) -> Logits:
        """Logits for whole sequences that start from a fresh state."""
        return self.go_on(features, self.fresh(features.shape[1]))[0]

    def fresh(self, batch: int) -> list[Tensor]:
        """States of the recurrent layers after a reset, each (B, width)."""
        return [self.dense.weight.new_zeros(batch, self.shape.width[name]) for name in GRUS]

    def go_on(
        self, features: Tensor, start: list[Tensor], before: Tensor | None = None
    ) -> tuple[Logits, list[Tensor]]:
        """Logits for sequences whose layers start from given states, and the last states.

        before: (B,), 1 where features begin with HISTORY frames that the convolutions look back on,
        (HISTORY + L, B, 70), 0 where those are not to be seen, as after a reset. Without it the
        features begin with the first frame, (L, B, 70), and every row sees nothing before it.
        """
        masks = self.masks(features) if torch.is_grad_enabled() else {}
        outputs = self.layers(features, start, before, masks)
        gain, strength, vad = (getattr(self, n)(self.read(outputs, n, masks)) for n in OUTPUTS)
        return (gain, strength, vad[..., 0]), [outputs[name][-1].detach() for name in GRUS]

    def layers(
        self, features: Tensor, start: list[Tensor], before: Tensor | None = None,
        masks: Mapping[str, Tensor] = NO_MASKS,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Outputs (L, B, width) of all layers before the last."""
        if before is None:
            features = torch.cat([features.new_zeros(HISTORY, *features.shape[1:]), features])
            before = features.new_zeros(features.shape[1])
        seen = torch.ones_like(features[..., :1])
        seen[:HISTORY] = before[:, None]
        outputs, states = {FEATURES: features}, dict(zip(GRUS, start, strict=True))
        for name, layer in LAYERS.items():
            if layer.kind in ("dense", "conv"):
                read = self.read(outputs, name, masks)
                outputs[name] = torch.tanh(getattr(self, name)(read)) * seen
        outputs = {name: output[HISTORY:] for name, output in outputs.items()}
        for name in GRUS:
            outputs[name] = getattr(self, name)(self.read(outputs, name, masks), states[name])
        return outputs

    def masks(self, features: Tensor) -> dict[str, Tensor]:
        """Which units of conv2 and of the recurrent layers go unheard, others louder: (B, width).

        One draw a row and crop: in a recurrent network each frame's own would be noise to average.
        """
        if not self.dropout:
            return {}
        shapes = {name: (features.shape[1], self.shape.width[name]) for name in ("conv2", *GRUS)}
        draws = {name: torch.rand(shape, device=features.device) for name, shape in shapes.items()}
        louder = 1 / (1 - self.dropout)
        return {name: (draw >= self.dropout).to(features) * louder for name, draw in draws.items()}

    def read(
        self, outputs: dict[str, Tensor], name: str, masks: Mapping[str, Tensor] = NO_MASKS
    ) -> Tensor:
        """What the layer called ``name`` reads."""
        parts = [outputs[s] * masks[s] if s in masks else outputs[s] for s in LAYERS[name].reads]
        return torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]

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
