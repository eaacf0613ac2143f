"""Integer mix with the comb and band scaling; twin of reference/gains.py."""

import numpy as np

from codegen.declare import WORK, Signal, Stage
from codegen.fixed import bit_length, clamp, div_q, isqrt64, mul_q31, quantise, rshift_round
from codegen.stages import erb, stft
from codegen.stages.stft import Spectrum
from reference.params import ACTIVE_BINS, BAND_GAIN_LIMIT, N_BINS, SCALE_LIMIT

BAND_GAIN_LIMIT_Q15 = quantise(BAND_GAIN_LIMIT, 15)
SCALE_BITS = 13  # bin gains in Q13: up to 4
RATIO_BITS = 14  # ||y|| / ||z|| in Q14: up to 2
ENHANCED_SHIFT = 2  # the enhanced spectrum has this many fractional bits less than z
DIVIDEND_BITS = 62 - 2 * RATIO_BITS  # energies are cut to this before the division
STAGE = Stage((
    Signal("band_gain_q15", "int32", ("N_BANDS",), "Q15", WORK),
    stft.spectrum("z", WORK),
    Signal("scale_q13", "int16", ("N_BANDS",), "Q13", WORK),
    stft.spectrum("enhanced", WORK),
))  # fmt: skip
assert SCALE_LIMIT == 2.0


def constants() -> dict[str, int]:
    return {
        "BAND_GAIN_LIMIT_Q15": BAND_GAIN_LIMIT_Q15,
        "SCALE_BITS": SCALE_BITS,
        "RATIO_BITS": RATIO_BITS,
        "ENHANCED_SHIFT": ENHANCED_SHIFT,
        "DIVIDEND_BITS": DIVIDEND_BITS,
    }


def bounds() -> list[tuple[str, int, int]]:
    scale_limit = (BAND_GAIN_LIMIT_Q15 << (RATIO_BITS + 1)) >> (RATIO_BITS + 15 - SCALE_BITS)
    return [
        ("gains p - y", 2 * stft.SPECTRUM_LIMIT, 2**31 - 1),
        ("gains scale_q13", scale_limit, 2**15 - 1),
        ("gains ratio dividend", 4 << (2 * RATIO_BITS + DIVIDEND_BITS - 2), 2**63 - 1),
    ]


def mix(y: Spectrum, p: Spectrum, strength_q15: np.ndarray) -> Spectrum:
    """z = y + r (p - y) over the active bins, r interpolated; y and p have equal frac."""
    r_q31 = erb.interpolate(strength_q15) * 65536
    return Spectrum(_mixed(y.re, p.re, r_q31), _mixed(y.im, p.im, r_q31), y.frac)


def scale_q13(z_energy, y_energy, gain_q15) -> np.ndarray:
    """Band factors gain * min(||y|| / ||z||, 2) in Q13, int16: (34,). Silent z: gain itself."""
    drop = np.maximum(bit_length(y_energy) - DIVIDEND_BITS, 0)
    y, z = y_energy >> drop, z_energy >> drop
    limited = y >= 4 * z
    quotient = div_q(np.where(limited, 0, y), np.where(limited, 1, z), 2 * RATIO_BITS)
    ratio_q14 = np.where(limited, 2 << RATIO_BITS, isqrt64(quotient))
    ratio_q14 = np.where(z_energy > 0, ratio_q14, 1 << RATIO_BITS)
    return clamp(rshift_round(gain_q15 * ratio_q14, RATIO_BITS + 15 - SCALE_BITS), 0, 32767)


def apply(z: Spectrum, scales_q13: np.ndarray) -> Spectrum:
    """Enhanced spectrum: z times the interpolated factors, with ENHANCED_SHIFT bits less."""
    factor_q29 = erb.interpolate(scales_q13) * 65536
    re, im = (_active(mul_q31(part[:ACTIVE_BINS], factor_q29)) for part in (z.re, z.im))
    return Spectrum(re, im, z.frac - ENHANCED_SHIFT)


def _mixed(y: np.ndarray, p: np.ndarray, r_q31: np.ndarray) -> np.ndarray:
    """y + r (p - y) of one part."""
    y, p = y[:ACTIVE_BINS], p[:ACTIVE_BINS]
    return _active(y + mul_q31(p - y, r_q31))


def _active(bins: np.ndarray) -> np.ndarray:
    """All bins, of which only those below 20 kHz hold something."""
    return np.concatenate([bins, np.zeros(N_BINS - ACTIVE_BINS, np.int64)])
