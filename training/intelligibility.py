"""How unlike speech its envelopes become by wrong gains, in the manner of ESTOI, in the 34 bands.

Jensen and Taal (2016): in pieces of 380 ms the envelopes of the bands, taken together, keep the
pattern of the clean ones or lose it. Levels do not count, neither of a band nor of a frame, so
what is judged is what the other terms of the loss judge least: the shape of soft speech.
"""

import torch
from torch import Tensor

from reference.params import BAND_PEAKS

HZ = BAND_PEAKS * 50
BANDS = slice(int((HZ < 150).sum()), int((HZ < 5000).sum()))  # of 150 Hz ... 5 kHz, as in ESTOI
PIECE, STEP = 38, 9  # frames: 380 ms, four to a piece
ACTIVE, AUDIBLE = 1e-3, 1e-7  # energy of a piece of speech, of the loudest one, and in itself
TINY = 1e-9  # energy


def normal(x: Tensor, axis: int, floor: float) -> Tensor:
    """Without mean, of length 1 along an axis; what is nearly constant becomes nearly 0."""
    x = x - x.mean(axis, keepdim=True)
    return x / (x.norm(dim=axis, keepdim=True) + floor)


def unlike(gain: Tensor, target: Tensor, y_energy: Tensor) -> Tensor:
    """1 - mean correlation of the envelopes in pieces that hold speech: a scalar, 0...2.

    gain, target: 0...1; y_energy: noisy band energies; all (L, B, 34), L >= 38.
    """
    energy = y_energy[..., BANDS]
    pieces = [
        torch.sqrt(g[..., BANDS] ** 2 * energy + TINY).unfold(0, PIECE, STEP)
        for g in (gain, target)
    ]  # each (pieces, B, bands, 38)
    loudness = pieces[1].square().mean((2, 3))
    speech = ((loudness > ACTIVE * loudness.amax(0)) & (loudness > AUDIBLE)).to(gain)
    mine, true = (normal(normal(x, -1, 1e-4), -2, 1e-3) for x in pieces)
    likeness = (mine * true).sum((2, 3)) / PIECE
    return ((1 - likeness) * speech).sum() / (speech.sum() + 1)
