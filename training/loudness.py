"""What a listener hears of wrong gains, in the manner of PESQ (ITU-T P.862), in the 34 bands.

The square loss takes a band for a band. A listener hears loud ones more than soft ones, noise that
was added more than speech that is missing, and the worst moments more than the mean. Judged are the
gains themselves, not behind the envelope postfilter.
"""

import torch
from torch import Tensor
from torch.nn.functional import relu

from reference.params import (
    LOG_ENERGY_OFFSET,
    LOG_ENERGY_SCALE,
    LOOKAHEAD_FRAMES,
    N_BANDS,
)

LOUDNESS = 0.23  # loudness grows as energy^0.23 (Zwicker, as in P.862)
THRESHOLD = 1e-4  # energy that is just heard, of the mean of a band of active speech
ACTIVE = 1e-3  # a frame of active speech has so much energy of the loudest one
QUIET = 0.3  # of the energy of noise: speech that is softer is judged as if it were so loud
MASKED = 0.25  # a difference that is smaller than this part of the softer loudness goes unheard
ASYMMETRY, LEAST, MOST = 1.2, 3.0, 12.0  # added energy weighs (after / before)^1.2, from 3 to 12
WEIGHTS = (0.1, 0.0309)  # of the difference and of what was added
WORST, FRAMES = 3, 20  # exponent of the mean over 20 frames
TINY = 1e-12


def judged_energy(features: Tensor) -> Tensor:
    """Noisy band energies of the frames that the network judges: (L, B, 70) -> (L, B, 34).

    Features hold those of the newest frame; the first two frames judged lie before the sequence,
    and repeat its first.
    """
    energy = 10 ** (features[..., :N_BANDS] / LOG_ENERGY_SCALE - LOG_ENERGY_OFFSET)
    return torch.cat([energy[:LOOKAHEAD_FRAMES], energy[:-LOOKAHEAD_FRAMES]])


def threshold(clean: Tensor, noisy: Tensor) -> Tensor:
    """Energy that is just heard in each sequence: (L, B, 34) energies -> (B, 1).

    By the mean of active speech, but no less than QUIET of the noise, which hides what is softer.
    """
    total = clean.sum(-1)
    active = (total > ACTIVE * total.amax(0)).float()
    speech = (total * active).sum(0) / (active.sum(0) + TINY)
    level = torch.maximum(speech, QUIET * noisy.sum(-1).mean(0)).clamp(min=1e-7)
    return THRESHOLD * level[:, None] / N_BANDS


def disturbance(gain: Tensor, target: Tensor, y_energy: Tensor, weight: Tensor) -> Tensor:
    """How much is heard of gains that are not the targets, all (L, B, 34), L >= 20: a scalar.

    gain: the network's, 0...1; weight: 0 where a band is not judged.
    """
    noisy = y_energy * weight
    before, after = target**2 * noisy, gain**2 * noisy
    heard = threshold(before, noisy)
    loud = [(0.5 + 0.5 * energy / heard) ** LOUDNESS - 1 for energy in (before, after)]
    apart = relu((loud[1] - loud[0]).abs() - MASKED * torch.minimum(*loud))
    ratio = ((after.detach() + 0.05 * heard) / (before + 0.05 * heard)) ** ASYMMETRY
    added = ratio.clamp(max=MOST) * (ratio > LEAST)
    frames = WEIGHTS[0] * torch.sqrt((apart**2).mean(-1) + 1e-4)  # bounded gradient
    frames = frames + WEIGHTS[1] * (apart * added).mean(-1)
    pieces = frames[: len(frames) // FRAMES * FRAMES].unflatten(0, (-1, FRAMES))
    return (((pieces**WORST).mean(1) + TINY) ** (1 / WORST)).mean()
