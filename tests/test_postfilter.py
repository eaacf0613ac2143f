"""Envelope postfilter and decay floor: against the paper, integers against float, C = twin."""

import numpy as np
import pytest
from generated import pointer

from codegen.stages import erb as erb_twin
from codegen.stages import postfilter as twin
from reference import postfilter
from reference.params import DECAY_FLOOR, N_BANDS, POSTFILTER_BETA

BETAS = [1, 20, 50, 1000]  # permille: both ends of the setting's range, the default, a strong one


def test_full_gain_is_left_alone():
    """g = 1 everywhere gives G = 1."""
    gain = postfilter.envelope_postfilter(np.ones((1, N_BANDS)), np.ones((1, N_BANDS)))
    assert np.allclose(gain, 1, rtol=1e-12)


def test_frame_gain_follows_the_formula_and_peaks_at_5_57_db():
    """One constant gain a frame makes rho = 1 / sin^2(pi g / 2); max of G at rho = 7.07."""
    g = np.linspace(0.01, 1, 5000)
    gains = np.repeat(g[:, None], N_BANDS, axis=1)
    out = postfilter.envelope_postfilter(gains, np.ones_like(gains))
    frame_gain = out[:, 0] / (g * np.sin(np.pi / 2 * g))
    rho = 1 / np.sin(np.pi / 2 * g) ** 2
    formula = np.sqrt((1 + POSTFILTER_BETA) * rho / (1 + POSTFILTER_BETA * rho**2))
    assert np.allclose(frame_gain, formula, rtol=1e-9)
    assert abs(20 * np.log10(frame_gain.max()) - 5.57) < 0.01
    assert abs(rho[frame_gain.argmax()] - 7.07) < 0.02


def test_decay_falls_six_db_a_frame_and_never_exceeds_the_noisy_level():
    """60 dB in 100 ms."""
    floor = postfilter.DecayFloor()
    gain = np.zeros((30, N_BANDS))
    gain[0] = 1
    energy = np.ones((30, N_BANDS))
    out = floor.run(gain, energy)
    assert np.allclose(out[1:] / out[:-1], DECAY_FLOOR, rtol=1e-12)
    assert abs(20 * np.log10(out[10, 0]) + 60) < 0.01
    energy[5:] = 1e-9
    amplitude = postfilter.DecayFloor().run(gain, energy) * np.sqrt(energy)
    assert (amplitude <= np.sqrt(energy) + 1e-15).all()


def test_a_larger_beta_gives_back_less_and_never_more_than_the_limit():
    gain = np.tile([0.05, 0.9], (1, N_BANDS // 2))
    energy = np.tile([1.0, 1e-4], (1, N_BANDS // 2))
    out = [postfilter.envelope_postfilter(gain, energy, b / 1000) for b in BETAS]
    assert all((more >= less).all() for more, less in zip(out, out[1:], strict=False))
    assert out[0].max() == 1.99


def cases():
    rng = np.random.default_rng(1)
    for bits in range(2, 60, 3):
        yield rng.integers(0, 32768, N_BANDS), rng.integers(0, 2**bits, N_BANDS)
    yield np.zeros(N_BANDS, np.int64), np.full(N_BANDS, 2**40)
    yield np.full(N_BANDS, 32767), np.full(N_BANDS, 2**59)
    yield np.full(N_BANDS, 1), np.zeros(N_BANDS, np.int64)


@pytest.mark.parametrize("beta_permille", BETAS)
def test_integer_postfilter_equals_float(beta_permille):
    """Sine table 1e-5, frame gain Q14: within 2e-3 of full scale where a frame holds energy."""
    for gain, energy in cases():
        if energy.max() < 2**20 or not gain.any():
            continue
        expected = postfilter.envelope_postfilter(
            gain[None] / 2**15, energy[None].astype(float), beta_permille / 1000
        )
        got = twin.envelope_postfilter_q15(gain, energy, beta_permille) / 2**15
        assert np.abs(got - expected[0]).max() < 2e-3


def test_integer_decay_floor_equals_float():
    """Amplitudes in Q2 of int16 units: within 1e-3 for bands above 1000 units."""
    frac = 10
    rng = np.random.default_rng(2)
    integer, floating = twin.DecayFloor(), postfilter.DecayFloor()
    scale = 2.0 ** erb_twin.energy_frac(frac)
    for _ in range(40):
        gain = rng.integers(0, 32768, N_BANDS)
        energy = (rng.uniform(1e3, 1e5, N_BANDS) ** 2 * scale).astype(np.int64)
        got = integer.run(gain, energy, frac) / 2**15
        expected = floating.run(gain[None] / 2**15, energy[None] / scale)[0]
        assert np.abs(got - expected).max() < 1e-3


@pytest.mark.parametrize("beta_permille", BETAS)
def test_c_equals_twin(library, beta_permille):
    floor, state = twin.DecayFloor(), np.zeros(N_BANDS, np.int64)
    for gain, energy in cases():
        energy = np.ascontiguousarray(energy)
        c_gain = gain.astype(np.int32)
        library.c.percepnet_postfilter_envelope(pointer(c_gain), pointer(energy), beta_permille)
        warped = twin.envelope_postfilter_q15(gain, energy, beta_permille)
        assert np.array_equal(c_gain, warped)
        library.c.percepnet_postfilter_decay_floor(
            pointer(state), pointer(c_gain), pointer(energy), 11
        )
        assert np.array_equal(c_gain, floor.run(warped, energy, 11))
