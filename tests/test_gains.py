"""Mix and band scaling: against the definition, integers against float, C against twin."""

import ctypes

import numpy as np
import pytest
from generated import Spectrum, pointer, snr_db

from codegen.stages import erb as erb_twin
from codegen.stages import gains as twin
from reference import erb, gains
from reference.params import ACTIVE_BINS, N_BANDS, N_BINS


@pytest.fixture
def frame():
    """Spectra y and p that fill the format, gains and strengths."""
    rng = np.random.default_rng(1)
    y, p = rng.integers(-(2**28), 2**28, (2, 2, N_BINS))
    y[:, ACTIVE_BINS:] = p[:, ACTIVE_BINS:] = 0
    y, p = twin.Spectrum(*y, 5), twin.Spectrum(*(p >> 1), 5)
    return y, p, rng.integers(0, 32768, N_BANDS), rng.integers(0, 32768, N_BANDS)


def as_float(spectrum):
    return ((spectrum[0] + 1j * spectrum[1]) / 2.0 ** spectrum[2])[None]


def test_mix_ends_are_y_and_p(frame):
    y, p = as_float(frame[0]), as_float(frame[1])
    assert np.array_equal(gains.mix(y, p, np.zeros((1, N_BANDS))), y)
    mixed = gains.mix(y, p, np.ones((1, N_BANDS)))[:, :ACTIVE_BINS]
    assert np.allclose(mixed, p[:, :ACTIVE_BINS], rtol=1e-12)


def test_equal_gains_give_bands_the_energy_of_y():
    """One gain for all bands, z = y / 2: the output is gain * y exactly."""
    rng = np.random.default_rng(2)
    y = (rng.standard_normal(N_BINS) + 1j * rng.standard_normal(N_BINS))[None]
    out = gains.scale_bands(y / 2, erb.energy(y), np.full((1, N_BANDS), 0.7))
    assert np.allclose(out[:, :ACTIVE_BINS], 0.7 * y[:, :ACTIVE_BINS], rtol=1e-12)


def test_correction_is_limited_and_silence_stays_silent():
    y = np.ones((1, N_BINS), complex)
    tenth = gains.scale_bands(y / 10, erb.energy(y), np.ones((1, N_BANDS)))
    assert np.allclose(tenth[:, :ACTIVE_BINS], 0.2, rtol=1e-12)  # factor 2, not 10
    assert not gains.scale_bands(0 * y, erb.energy(y), np.ones((1, N_BANDS))).any()


def test_integers_equal_float(frame):
    """Strength and factor slopes have 11 bits, factors 13: 60 dB each."""
    y, p, gain, strength = frame
    z = twin.mix(y, p, strength)
    expected = gains.mix(as_float(y), as_float(p), strength[None] / 2**15)
    assert snr_db(np.abs(expected) * 0 + np.real(expected), np.real(as_float(z))) > 60
    energy = erb_twin.inner(y, y)
    scale = twin.scale_q13(erb_twin.inner(z, z), energy, gain)
    out = as_float(twin.apply(z, scale))
    wanted = gains.scale_bands(as_float(z), erb.energy(as_float(y)), gain[None] / 2**15)
    assert snr_db(np.real(wanted), np.real(out)) > 60


def test_c_equals_twin(library, frame):
    y, p, _, strength = frame
    strength16 = strength.astype(np.int16)
    c_y, c_p, c_z, c_out = Spectrum.of(y), Spectrum.of(p), Spectrum(), Spectrum()
    library.c.percepnet_gains_mix(
        ctypes.byref(c_z), ctypes.byref(c_y), ctypes.byref(c_p), pointer(strength16)
    )
    z = twin.mix(y, p, strength)
    assert all(np.array_equal(a, b) for a, b in zip(c_z.parts(), z, strict=True))
    rng = np.random.default_rng(3)
    for bits in range(0, 62):
        z_energy, y_energy = rng.integers(0, 2**bits, (2, N_BANDS))
        z_energy[::5] = 0
        gain = rng.integers(0, 62259, N_BANDS).astype(np.int32)
        scale = np.empty(N_BANDS, np.int16)
        library.c.percepnet_gains_scale(*map(pointer, (scale, z_energy, y_energy, gain)))
        assert np.array_equal(scale, twin.scale_q13(z_energy, y_energy, gain.astype(np.int64)))
        library.c.percepnet_gains_apply(ctypes.byref(c_out), ctypes.byref(c_z), pointer(scale))
        enhanced = twin.apply(z, scale.astype(np.int64))
        assert all(np.array_equal(a, b) for a, b in zip(c_out.parts(), enhanced, strict=True))
