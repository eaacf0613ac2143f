"""Loudness in training: what is heard of wrong gains."""

import numpy as np
import pytest
import torch

from reference import erb, features
from reference.delay import Delay
from reference.params import ENERGY_FLOOR, LOOKAHEAD_FRAMES, N_BANDS
from training.loudness import QUIET, disturbance, judged_energy, threshold


@pytest.fixture
def scene():
    """(target gain, noisy energy, weight), each (60, 2, 34): speech in every third frame."""
    rng = torch.Generator().manual_seed(1)
    speech = 10 ** (-2 - 3 * torch.rand(60, 2, N_BANDS, generator=rng, dtype=torch.double))
    speech[torch.arange(60) % 3 > 0] = 0
    noise = 10 ** (-4 - torch.rand(60, 2, N_BANDS, generator=rng, dtype=torch.double))
    return (speech / (speech + noise)).sqrt(), speech + noise, torch.ones_like(speech)


def test_energies_are_those_of_the_frames_judged():
    """The features of frame n stand beside the gains of frame n - 2."""
    spectra = np.random.default_rng(1).normal(size=(20, 481)) * 0.01
    energy = erb.energy(spectra)
    zeros = np.zeros((20, 1))
    seen = features.scale(energy, zeros + np.zeros(N_BANDS), zeros[:, 0], zeros[:, 0])
    got = judged_energy(torch.from_numpy(seen)[:, None])[:, 0].numpy()
    want = Delay(LOOKAHEAD_FRAMES, (N_BANDS,)).run(energy)
    np.testing.assert_allclose(got[2:], want[2:] + ENERGY_FLOOR, rtol=1e-5)


def test_right_gains_disturb_least(scene):
    """Noise left and speech lost are heard."""
    target, energy, weight = scene
    right = disturbance(target, target, energy, weight)
    all_noise = disturbance(torch.ones_like(target), target, energy, weight)
    nothing = disturbance(torch.zeros_like(target) + 1e-6, target, energy, weight)
    assert right < 0.5 * all_noise and right < 0.2 * nothing


def test_noise_left_is_heard_more_than_as_much_speech_lost(scene):
    """Equal steps of loudness up from silence and down to it: what was added weighs more."""
    _, energy, weight = scene
    loud = torch.full_like(energy, 1e-3)
    some, none = torch.full_like(energy, 0.7), torch.full_like(energy, 1e-6)
    added = disturbance(some, none, loud, weight)
    lost = disturbance(none, some, loud, weight)
    assert added > lost


def test_disturbance_does_not_depend_on_the_level(scene):
    """20 dB up or down: thresholds follow the speech. 1 % for the constants near zero."""
    target, energy, weight = scene
    gain = target * 0.7 + 0.1
    at = [disturbance(gain, target, energy * level, weight) for level in (0.01, 1, 100)]
    torch.testing.assert_close(at[0], at[1], rtol=0.01, atol=0)
    torch.testing.assert_close(at[2], at[1], rtol=0.01, atol=0)


def test_masked_bands_are_not_heard(scene):
    target, energy, weight = scene
    weight[..., 20:] = 0
    gain = (target * 0.5 + 0.2).requires_grad_()
    gradient = torch.autograd.grad(disturbance(gain, target, energy, weight), gain)[0]
    assert gradient[..., :20].any() and not gradient[..., 20:].any()


def test_gradients_are_finite_at_the_edges(scene):
    """Gains of 0 and 1, silence, noise alone."""
    target, energy, weight = scene
    for truth, level in ((target.round(), 1.0), (target * 0, 1.0), (target, 0.0)):
        for value in (0.0, 1.0):
            gain = torch.full_like(target, value, requires_grad=True)
            heard = disturbance(gain, truth, energy * level, weight)
            assert torch.isfinite(heard)
            assert torch.isfinite(torch.autograd.grad(heard, gain)[0]).all()


def test_threshold_follows_active_speech_or_noise():
    clean, noisy = torch.zeros(40, 1, N_BANDS), torch.full((40, 1, N_BANDS), 1e-2)
    assert threshold(clean, noisy).item() == pytest.approx(1e-4 * QUIET * 1e-2, rel=1e-5)
    clean[:10] = 4e-3  # a quarter of the frames: the pauses do not count
    assert threshold(clean, noisy).item() == pytest.approx(1e-4 * 4e-3, rel=1e-5)
