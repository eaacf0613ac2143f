"""The 34 triangular bands on the ERB scale: band sums and gain interpolation (P20 section 2.1)."""

import numpy as np

from reference.params import ACTIVE_BINS, BAND_PEAKS, N_BANDS, N_BINS


def interpolation_weights() -> np.ndarray:
    """c'_{b,j}, shape (34, 481): the share of bin j that lies in band b.

    Each bin below 20 kHz is shared linearly between the two nearest peaks, so every column
    sums to 1; columns from 20 kHz on are zero.
    """
    weights = np.zeros((N_BANDS, N_BINS))
    for b in range(N_BANDS - 1):
        low, high = BAND_PEAKS[b], BAND_PEAKS[b + 1]
        rising = np.arange(high - low) / (high - low)
        weights[b, low:high] = 1 - rising
        weights[b + 1, low:high] = rising
    assert not weights[:, ACTIVE_BINS:].any()
    return weights


def band_weights() -> np.ndarray:
    """c_{b,j}, shape (34, 481): as above, with the two end half-triangles counted twice."""
    weights = interpolation_weights()
    weights[[0, -1]] *= 2
    return weights


INTERPOLATION = interpolation_weights()
BANDS = band_weights()


def inner(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Band inner products <a, b>_b = sum_j c_{b,j} Re(conj(A_j) B_j): (L, 481) -> (L, 34)."""
    return (a.real * b.real + a.imag * b.imag) @ BANDS.T


def energy(spectra: np.ndarray) -> np.ndarray:
    """Band energies ||x_b||^2: (L, 481) complex -> (L, 34). Amplitude X_b is the square root."""
    return inner(spectra, spectra)


def interpolate(bands: np.ndarray) -> np.ndarray:
    """Band values to bins, linear between the peaks, 0 from 20 kHz: (L, 34) -> (L, 481)."""
    return bands @ INTERPOLATION
