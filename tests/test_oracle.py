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
    judged = oracle.BAND_END_HZ >= 800  # below the pitch the strength is 0 by rule
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


# Percepnet's closed form with sigma_w^2 = 1/8, worked out by hand to four digits.
CLOSED_FORM = [  # q_x, q_y, r, g_att
    (0.60, 0.50, 0.1524, 1),
    (0.85, 0.50, 0.6578, 1),
    (0.90, 0.50, 1, 0.8525),
    (0.90, 0.70, 0.4968, 1),
    (0.95, 0.90, 0.3117, 1),
    (0.99, 0.30, 1, 0.2912),
    (1.00, 0.00, 1, 0.1707),
]


@pytest.mark.parametrize("q_x, q_y, strength, attenuation", CLOSED_FORM)
def test_closed_form_gives_the_paper_s_values(q_x, q_y, strength, attenuation):
    found = oracle.closed_form(np.array([[q_x]]), np.array([[q_y]]), 0.125)
    assert np.ravel(found) == pytest.approx([strength, attenuation], abs=5e-5)


def test_closed_form_is_defined_bounded_and_monotone_everywhere():
    """No NaN, no warning, for every pair of coherences from 0 to 1, both ends included."""
    q_x, q_y = np.meshgrid(np.linspace(0, 1, 201), np.linspace(0, 1, 201))
    with np.errstate(all="raise"):
        strength, attenuation = oracle.closed_form(q_x, q_y, 0.125)
    assert (strength >= 0).all() and (strength <= 1).all()
    assert (np.diff(strength, axis=1) >= -1e-9).all()  # more periodic speech, more comb
    assert (attenuation >= 0.17).all() and (attenuation <= 1).all()  # 15 dB at most
    assert not strength[q_x <= q_y].any() and (attenuation[q_x <= q_y] > 1 - 1e-12).all()


def voiced_mixture(seed: int, noise: float):
    """Random spectra of a periodic part, speech with it, noisy speech, its comb: (20, 481) each."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((4, 2, 20, N_BINS))
    periodic, breath, hiss, left = parts[:, 0] + 1j * parts[:, 1]
    x = periodic + 0.4 * breath
    y = x + noise * hiss
    return periodic, x, y, 0.9 * periodic + noise * (0.17 * hiss + 0.3 * left)


def mixed_cosine(r, target, y, p):
    """cos(target, (1 - r) y + r p) with one r for the whole of a band: (L, 34)."""
    cross = (1 - r) * erb.inner(target, y) + r * erb.inner(target, p)
    own = (1 - r) ** 2 * erb.energy(y) + 2 * r * (1 - r) * erb.inner(y, p) + r**2 * erb.energy(p)
    return cross / np.sqrt(erb.energy(target) * own)


@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_exact_strength_reaches_the_coherence_of_the_clean_band(noise):
    """Against brute force: the first r of a grid that reaches q_x, or the r of the greatest q_z.

    A step of the grid is the tolerance of r; where r is a root, q_z = q_x to rounding. Where the
    comb points away from the speech, r is 0 by rule.
    """
    periodic, x, y, p = voiced_mixture(3, noise)
    q_x = np.clip(erb.inner(periodic, x) / np.sqrt(erb.energy(periodic) * erb.energy(x)), 0, 1)
    strength = oracle.exact_strength(q_x, periodic, y, p)
    grid = np.linspace(0, 1, 1001)
    reached = np.array([mixed_cosine(r, periodic, y, p) for r in grid])
    enough = reached >= q_x
    enough[0] |= erb.inner(periodic, p) <= 0
    first = np.where(enough.any(axis=0), np.argmax(enough, axis=0), np.argmax(reached, axis=0))
    np.testing.assert_allclose(strength, grid[first], atol=1.1e-3)
    root = (reached >= q_x).any(axis=0) & ~enough[0]
    attained = mixed_cosine(strength, periodic, y, p)
    np.testing.assert_allclose(attained[root], q_x[root], atol=1e-12)
    assert root.mean() > 0.03 and not strength[enough[0]].any()


def test_strengths_are_defined_for_silence_and_for_extreme_coherence():
    _, x, y, p = voiced_mixture(4, 1.0)
    nothing = np.zeros_like(x)
    signals = [(a, b, c) for a in (x, nothing) for b in (y, nothing) for c in (p, nothing)]
    with np.errstate(all="raise"):
        for target, noisy, comb in [*signals, (x, x, x), (x, -x, x), (x, x, -x)]:
            for q_x in (0.0, 0.5, 1.0):
                strength = oracle.exact_strength(q_x, target, noisy, comb)
                assert (strength >= 0).all() and (strength <= 1).all()
            strength = oracle.most_alike(target, noisy, comb)
            assert (strength >= 0).all() and (strength <= 1).all()


def test_attenuation_gives_the_noise_between_harmonics_its_right_level():
    """Energy of the part that is not periodic, floor n_0 added: equal to the clean band's."""
    q_x, q_z = np.array([0.9, 0.5, 0.3]), np.array([0.6, 0.5, 0.8])
    g = oracle.attenuation(q_x, q_z)
    assert g[0] ** 2 * (1.03 - 0.6**2) == pytest.approx(1.03 - 0.9**2)
    assert g[1:].tolist() == [1, 1]  # periodic enough: left alone


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
