"""Bands: table and triangles against the definition; integer sums against float; C against twin."""

import ctypes

import numpy as np
import pytest
from generated import Spectrum, pointer, snr_db

from codegen.stages import erb as twin
from reference import erb
from reference.params import ACTIVE_BINS, BAND_PEAKS, N_BANDS, N_BINS


def test_peaks_follow_the_erb_formula():
    """Points of the bands: steps of one ERB, at least two bins, 14 and 16 merged to 15."""
    points = [400]
    while points[-1] > 0:
        erb_hz = 24.7 * (4.37 * points[-1] / 20 + 1)
        points.append(points[-1] - max(2, round(erb_hz / 50)))
    expected = [p for p in reversed(points) if p not in (14, 16)]
    expected.insert(expected.index(12) + 1, 15)
    assert BAND_PEAKS.tolist() == expected


def test_unit_gains_interpolate_to_exactly_one():
    bins = erb.interpolate(np.ones((1, N_BANDS)))[0]
    assert np.array_equal(bins[:ACTIVE_BINS], np.ones(ACTIVE_BINS))
    assert not bins[ACTIVE_BINS:].any()


def test_band_energy_is_the_triangular_sum_of_the_definition():
    """Loop over bins, the triangles written out."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal(N_BINS) + 1j * rng.standard_normal(N_BINS)
    expected = np.zeros(N_BANDS)
    for j in range(ACTIVE_BINS):
        i = np.searchsorted(BAND_PEAKS, j, side="right") - 1
        rise = (j - BAND_PEAKS[i]) / (BAND_PEAKS[i + 1] - BAND_PEAKS[i])
        expected[i] += (1 - rise) * abs(x[j]) ** 2 * (2 if i == 0 else 1)
        expected[i + 1] += rise * abs(x[j]) ** 2 * (2 if i + 1 == N_BANDS - 1 else 1)
    assert np.allclose(erb.energy(x[None])[0], expected, rtol=1e-12)


@pytest.fixture
def spectra():
    """Two spectra that fill the format, and a near-silent one."""
    rng = np.random.default_rng(4)
    a, b = rng.integers(-(2**28), 2**28, (2, 2, N_BINS))
    return twin.Spectrum(*a, 6), twin.Spectrum(*b, 6), twin.Spectrum(a[0] >> 18, b[0] >> 18, 20)


def as_float(spectrum):
    return (spectrum[0] + 1j * spectrum[1]) / 2.0 ** spectrum[2]


def test_integer_sums_equal_float(spectra):
    """Bins lose 7 of 29 bits before squaring, weights have 11: 60 dB; near silence 25 dB."""
    for a, b, bound in ((0, 0, 60), (0, 1, 60), (2, 2, 25)):
        a, b = spectra[a], spectra[b]
        expected = erb.inner(as_float(a)[None], as_float(b)[None])[0]
        got = twin.inner(a, b) / 2.0 ** twin.energy_frac(a[2])
        assert snr_db(expected, got) > bound


def test_integer_interpolation_is_within_one_step_of_float():
    """Q11 slopes: error at most 1/2 LSB of rounding plus the step times 2^-12."""
    bands = np.random.default_rng(5).integers(0, 32768, N_BANDS)
    expected = erb.interpolate(bands[None].astype(float))[0, :ACTIVE_BINS]
    step = np.repeat(np.abs(np.diff(bands)), np.diff(BAND_PEAKS))
    assert (np.abs(twin.interpolate(bands) - expected) <= 0.5 + step / 4096).all()


def test_c_equals_twin(library, spectra):
    library.c.percepnet_kernels_choose.restype = ctypes.c_void_p
    kernels = ctypes.c_void_p(library.c.percepnet_kernels_choose())
    for a in spectra:
        for b in spectra[:2] if a[2] == 6 else spectra[2:]:
            sums = (ctypes.c_int64 * N_BANDS)()
            c_a, c_b = Spectrum.of(a), Spectrum.of(b)
            library.c.percepnet_erb_inner(kernels, sums, ctypes.byref(c_a), ctypes.byref(c_b))
            assert np.array_equal(np.array(sums), twin.inner(a, b))
    bands = np.random.default_rng(6).integers(0, 32768, N_BANDS).astype(np.int16)
    bins = np.empty(ACTIVE_BINS, np.int16)
    library.c.percepnet_erb_interpolate(pointer(bins), pointer(bands))
    assert np.array_equal(bins, twin.interpolate(bands.astype(np.int64)))
