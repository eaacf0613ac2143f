"""The loss, on logits (P20 section 4.2), what is heard of the errors (`loudness.py`) and what they
cost in likeness to speech (`intelligibility.py`).

Powers of sigmoids are taken as exp(gamma logsigmoid(a)), so no gradient is unbounded at 0 or 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from training.intelligibility import unlike
from training.loudness import disturbance, judged_energy

FOURTH = 10.0  # C4: punishes large errors, such as killing speech
VOICE = 0.07  # weight of the voice activity term


class Shape(NamedTuple):
    """What is worth choosing in the loss; docs/ablations.md has what other choices give."""

    gamma: float = 0.7  # exponent of the gains that are compared; P20 has 0.5
    over: float = 0.3  # weight of the one-sided square where the gain is too small (PercepNet+)
    strength: float = 0.5  # weight of the strength term
    heard: float = 15.0  # weight of the disturbance that a listener hears
    unlike: float = 4.0  # weight of what envelopes lose of the likeness to speech


class Batch(NamedTuple):
    """What the loss needs, each (L, B, 34) but vad (L, B), L >= 38.

    features: (L, B, 70), or as many frames more before the first as convolutions look back on.
    """

    features: Tensor
    gain: Tensor
    strength: Tensor
    gain_weight: Tensor
    strength_weight: Tensor
    vad: Tensor
    moderate: Tensor | None = None  # gains nearer to the true ones than a teacher's, for `unlike`


class Terms(NamedTuple):
    """Parts of the loss, scalars; ``total`` is what is minimised."""

    total: Tensor
    square: Tensor
    fourth: Tensor
    strength: Tensor
    voice: Tensor
    heard: Tensor
    unlike: Tensor
    error: Tensor  # mean |gain - target|, no part of the loss


def masked_mean(value: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean; an empty weight gives 0, not 0/0."""
    return (value * weight).sum() / (weight.sum() + 1)


def loss(
    logits: tuple[Tensor, Tensor, Tensor],
    batch: Batch,
    shape: Shape = Shape(),  # noqa: B008 (immutable)
) -> Terms:
    """Terms for logits (gain, strength, vad) against the targets: from the first frame on, which is
    what is heard first after a reset.
    """
    gamma, target = shape.gamma, batch
    gain, strength, vad = logits
    short = target.gain**gamma - torch.exp(gamma * functional.logsigmoid(gain))
    square = short * short
    bands = target.gain.shape[-1]  # sums over bands, means over frames
    terms = {
        "square": bands * masked_mean(square, target.gain_weight),
        "fourth": bands * masked_mean(square * square, target.gain_weight),
        "over": bands * masked_mean(short.clamp(min=0) ** 2, target.gain_weight),
    }
    # Where the gain is near 0 or 1 the strength changes nothing and its target is noise.
    weight = target.strength_weight * 4 * target.gain * (1 - target.gain**2)
    off = (1 - target.strength) ** gamma - torch.exp(gamma * functional.logsigmoid(-strength))
    by_strength = bands * masked_mean(off * off, weight)
    voice = functional.binary_cross_entropy_with_logits(vad, target.vad)
    said, energy = torch.sigmoid(gain), judged_energy(batch.features)[-len(gain) :]
    heard = disturbance(said, target.gain, energy, target.gain_weight)
    moderate = target.gain if target.moderate is None else target.moderate
    lost = unlike(said, moderate, energy * target.gain_weight)
    total = terms["square"] + FOURTH * terms["fourth"] + shape.over * terms["over"]
    total = total + shape.strength * by_strength + VOICE * voice
    total = total + shape.heard * heard + shape.unlike * lost
    error = masked_mean((said.detach() - target.gain).abs(), target.gain_weight)
    return Terms(total, terms["square"], terms["fourth"], by_strength, voice, heard, lost, error)
