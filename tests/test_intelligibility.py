"""Likeness to speech in training."""

import pytest
import torch

from reference.params import N_BANDS
from training.intelligibility import unlike


@pytest.fixture
def scene():
    """Gains of syllables that move through the bands, and the energy of speech and noise."""
    rng = torch.Generator().manual_seed(1)
    time, band = torch.arange(120.0)[:, None, None], torch.arange(float(N_BANDS))
    speech = 1e-3 * (1 + torch.sin(time / 5 + band / 3)).clamp(min=0) ** 4 + 1e-8
    speech = (speech * (1 + torch.rand(120, 2, N_BANDS, generator=rng))).double()
    noise = 3e-2 * torch.rand(120, 2, N_BANDS, generator=rng).double()
    return (speech / (speech + noise)).sqrt(), speech + noise


def test_right_gains_lose_nothing_and_noise_does(scene):
    target, energy = scene
    right, noisy = (unlike(g, target, energy) for g in (target, torch.ones_like(target)))
    assert right < 0.05 < 0.2 < noisy
    half = unlike(0.5 + 0.5 * target, target, energy)
    assert right < half < noisy


def test_levels_do_not_count(scene):
    """Neither of all nor of one band; silence costs nothing."""
    target, energy = scene
    tilted = target * torch.linspace(0.3, 1, N_BANDS)
    assert unlike(tilted, target, energy) == pytest.approx(
        unlike(target, target, energy).item(), abs=0.02)  # fmt: skip
    assert unlike(target, target * 0, energy * 0) == 0


def test_gradients_are_finite_at_the_edges(scene):
    target, energy = scene
    for truth, level in ((target.round(), 1.0), (target * 0, 1.0), (target, 0.0)):
        for value in (0.0, 1.0):
            gain = torch.full_like(target, value, requires_grad=True)
            lost = unlike(gain, truth, energy * level)
            assert torch.isfinite(lost)
            assert torch.isfinite(torch.autograd.grad(lost, gain)[0]).all()
