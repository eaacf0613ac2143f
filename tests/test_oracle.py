"""Training targets: each against its definition."""

import numpy as np
import pytest
from generated import speech

from reference import erb, oracle
from reference.params import N_BANDS, N_BINS


def test_strength_is_the_argmax_of_the_cosine_with_the_clean_band():
    """Brute force over r: no strength on a grid of 1001 makes z more like x in the band."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, N_BINS)) + 1j * rng.standard_normal((1, N_BINS))
    noise = rng.standard_normal((2, N_BINS)) + 1j * rng.standard_normal((2, N_BINS))
    y, p = x + noise[:1], x + 0.5 * noise[1:]
    strength = oracle.ideal_strength(x, y, p, np.array([60]))[0]
    grid = np.linspace(0, 1, 1001)
    best = np.full(N_BANDS, -np.inf)
    for r in grid:
        best = np.maximum(best, cosine(x, (1 - r) * y + r * p))
    z = [cosine(x, (1 - r) * y + r * p)[b] for b, r in enumerate(strength)]
    judged = oracle.BAND_HZ >= 800  # below the pitch the strength is 0 by rule
    assert (np.array(z)[judged] >= best[judged] - 1e-12).all()
    assert not strength[~judged].any()
    assert ((strength >= 0) & (strength <= 1)).all() and 0 < strength[judged].mean() < 1


def cosine(x, z):
    return (erb.inner(x, z) / np.sqrt(erb.energy(x) * erb.energy(z)))[0]


def test_gain_is_the_amplitude_ratio_clipped_at_one():
    x, y = np.array([[1.0, 4.0, 9.0, 0.0]]), np.array([[4.0, 4.0, 1.0, 0.0]])
    assert oracle.ideal_gain(x, y).tolist() == [[0.5, 1.0, 1.0, 0.0]]


def test_examples_of_clean_speech_ask_for_nothing():
    clean = speech(2)
    batch = oracle.examples(clean, clean)
    judged = batch.gain_weight > 0
    assert judged.mean() > 0.5 and np.allclose(batch.gain[judged], 1, atol=1e-6)
    assert 0.2 < batch.vad.mean() < 0.9


def test_bands_above_the_recording_are_not_judged():
    clean = speech(1)
    noisy = clean + 0.01 * np.random.default_rng(2).standard_normal(clean.size)
    batch = oracle.examples(noisy, clean, bandwidth_hz=8000)
    assert not batch.gain_weight[:, oracle.BAND_HZ > 8000].any()
    assert batch.gain_weight[5:, oracle.BAND_HZ <= 8000].all()


@pytest.mark.parametrize("sound", ["silence", "dc", "full_scale", "impulse", "tone"])
def test_no_nan_for_strange_input(sound):
    n = np.arange(48000)
    signal = {
        "silence": 0.0 * n,
        "dc": 0.5 + 0.0 * n,
        "full_scale": np.where(n // 240 % 2, 1.0, -1.0),
        "impulse": (n == 20000) * 1.0,
        "tone": 0.5 * np.sin(2 * np.pi * 440 * n / 48000),
    }[sound]
    batch = oracle.examples(signal, 0.5 * signal)
    for field in vars(batch).values():
        assert np.isfinite(field).all()


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="equal length, a multiple of 480"):
        oracle.examples(np.zeros(960), np.zeros(480))
    with pytest.raises(ValueError, match="multiple of 480"):
        oracle.examples(np.zeros(500), np.zeros(500))
