"""Integer band sums and interpolation; twin of reference/erb.py.

Band energies are int64 with `energy_frac(frac)` fractional bits of the spectrum's `frac`.
"""

import numpy as np

from codegen.declare import FRAME, WORK, Signal, Stage
from codegen.fixed import quantise, rshift_round
from codegen.stages import stft
from codegen.stages.stft import Spectrum
from reference.params import ACTIVE_BINS, BAND_PEAKS, N_BANDS

RISE_BITS = 11  # triangular weights in Q11
ENERGY_SHIFT = 7  # bits dropped from a bin before it is squared


def rise_q11() -> np.ndarray:
    """Share of each bin below 20 kHz in the band above it, Q11: (400,). The rest is the lower's."""
    widths = np.diff(BAND_PEAKS)
    rising = np.concatenate([np.arange(w) / w for w in widths])
    return quantise(rising, RISE_BITS)


RISE_Q11 = rise_q11()
_STARTS = BAND_PEAKS[:-1]


def _energy(name: str, spectrum: str, place: str = WORK) -> Signal:
    bits = f"2 ({spectrum}_frac - {ENERGY_SHIFT}) + {RISE_BITS} fractional bits"
    return Signal(name, "int64", ("N_BANDS",), f"int16 units squared, {bits}", place)


STAGE = Stage((
    _energy("newest_energy", "newest"),
    _energy("y_energy", "y", FRAME),
    _energy("cross", "y"),
    _energy("p_energy", "p"),
    _energy("z_energy", "z"),
))  # fmt: skip


def constants() -> dict[str, int]:
    return {"ENERGY_SHIFT": ENERGY_SHIFT, "RISE_BITS": RISE_BITS}


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    return {
        "band_peaks": ("int16_t", BAND_PEAKS, "peak of each triangular band, in bins of 50 Hz"),
        "rise_q11": ("int16_t", RISE_Q11, "share of a bin in the band above it, Q11"),
    }


def bounds() -> list[tuple[str, int, int]]:
    """Every bin at the largest modulus the FFT can give, in the widest band, ends doubled."""
    bin_squared = ((stft.SPECTRUM_LIMIT >> ENERGY_SHIFT) + 1) ** 2
    weights = np.zeros(N_BANDS, np.int64)
    weights[1:] += np.add.reduceat(RISE_Q11, _STARTS)
    weights[:-1] += np.add.reduceat(2**RISE_BITS - RISE_Q11, _STARTS)
    weights[[0, -1]] *= 2
    eighth = ((stft.SPECTRUM_LIMIT >> ENERGY_SHIFT) >> 3) + 1  # of a bin, in kernels
    return [
        ("erb band energy", int(weights.max()) * bin_squared, 2**63 - 1),
        ("erb weighted eighth of a bin", eighth * int(RISE_Q11.max()), 2**31 - 1),
    ]


def energy_frac(frac: int) -> int:
    """Fractional bits of a band energy (int16 units squared) for a spectrum with `frac`."""
    return 2 * (frac - ENERGY_SHIFT) + RISE_BITS


def inner(a: Spectrum, b: Spectrum) -> np.ndarray:
    """<a, b>_b of two spectra with the same frac: (34,) int64 with energy_frac(frac) bits."""
    are, aim, bre, bim = (
        rshift_round(part[:ACTIVE_BINS], ENERGY_SHIFT) for part in (a.re, a.im, b.re, b.im)
    )
    product = are * bre + aim * bim
    rising = np.add.reduceat(product * RISE_Q11, _STARTS)
    falling = (np.add.reduceat(product, _STARTS) << RISE_BITS) - rising
    sums = np.zeros(N_BANDS, np.int64)
    sums[:-1] += falling
    sums[1:] += rising
    sums[[0, -1]] *= 2
    return sums


def energy(spectrum: Spectrum) -> np.ndarray:
    """<x, x>_b: (34,) int64."""
    return inner(spectrum, spectrum)


def interpolate(bands: np.ndarray) -> np.ndarray:
    """Band values (int17 at most) to the 400 active bins, linear between peaks, same format."""
    index = np.repeat(np.arange(N_BANDS - 1), np.diff(BAND_PEAKS))
    low, high = bands[:-1][index], bands[1:][index]
    return low + rshift_round((high - low) * RISE_Q11, RISE_BITS)
