"""From 34 gains and strengths to a spectrum: mix with the comb, scale the bands back."""

import numpy as np

from reference import erb
from reference.params import SCALE_LIMIT


def mix(y: np.ndarray, p: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """z = (1 - r) y + r p with r interpolated to bins (P20 eq. 6).

    y, p: (L, 481) complex; strength: (L, 34) in 0...1.  Returns (L, 481).
    """
    return y + erb.interpolate(strength) * (p - y)


def scale_bands(z: np.ndarray, y_energy: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Give each band of z the norm gain * ||y_b||, so that g and r do not attenuate twice.

    z: (L, 481); y_energy: (L, 34), ||y_b||^2; gain: (L, 34).  Returns (L, 481).
    The correction ||y_b|| / ||z_b|| is limited to SCALE_LIMIT; a silent band is left alone.
    """
    z_energy = erb.energy(z)
    ratio = np.sqrt(y_energy / np.where(z_energy > 0, z_energy, 1))
    correction = np.where(z_energy > 0, np.minimum(ratio, SCALE_LIMIT), 1)
    return z * erb.interpolate(gain * correction)
