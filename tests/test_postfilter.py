"""Envelope postfilter: against the paper, integers against float, C = twin."""

import numpy as np
import pytest
from generated import pointer

from codegen.stages import postfilter as twin
from reference import postfilter
from reference.params import N_BANDS, POSTFILTER_BETA

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


@pytest.mark.parametrize("beta_permille", BETAS)
def test_frames_that_are_nearly_closed_keep_their_level(beta_permille):
    """The sum of g^2 E after warping is below 1e-3 of full scale: within 1 %, 0.1 dB, of float,
    as warped gains of 50 steps of Q15 and more are, and the step of the result.
    """
    rng = np.random.default_rng(2)
    energy = rng.integers(2**30, 2**34, N_BANDS)
    for largest in (0.06, 0.1, 0.15):
        gain = (rng.uniform(0.9, 1, N_BANDS) * largest * 2**15).astype(np.int64)
        expected = postfilter.envelope_postfilter(
            gain[None] / 2**15, energy[None].astype(float), beta_permille / 1000
        )
        got = twin.envelope_postfilter_q15(gain, energy, beta_permille) / 2**15
        np.testing.assert_allclose(got, expected[0], rtol=0.01, atol=2**-15)


@pytest.mark.parametrize("beta_permille", BETAS)
def test_c_equals_twin(library, beta_permille):
    for gain, energy in cases():
        energy = np.ascontiguousarray(energy)
        c_gain = gain.astype(np.int32)
        library.c.percepnet_postfilter_envelope(pointer(c_gain), pointer(energy), beta_permille)
        assert np.array_equal(c_gain, twin.envelope_postfilter_q15(gain, energy, beta_permille))
