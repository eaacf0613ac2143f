"""Integer features in Q12; twin of reference/features.py."""

import numpy as np

from codegen.declare import IO, WORK, Signal, Stage
from codegen.fixed import (
    bit_length,
    clamp,
    div_q,
    isqrt64,
    log2_q16,
    quantise,
    rshift_round,
    shift_round,
)
from codegen.stages.erb import energy_frac
from reference.params import (
    COHERENCE_SCALE,
    ENERGY_FLOOR,
    LOG_ENERGY_OFFSET,
    LOG_ENERGY_SCALE,
    N_FEATURES,
    PERIOD_OFFSET,
    PERIOD_SCALE,
)

FEATURE_BITS = 12
SQUARED_FULL_SCALE_BITS = 30  # (2^15)^2: float energies are relative to full scale 1
FLOOR_Q10 = quantise(ENERGY_FLOOR, SQUARED_FULL_SCALE_BITS + 10)  # int16 units squared
LOG_SCALE_Q20 = quantise(LOG_ENERGY_SCALE * np.log10(2), 20)  # feature per octave of energy
LOG_OFFSET_Q12 = quantise(LOG_ENERGY_OFFSET * LOG_ENERGY_SCALE, FEATURE_BITS)
PERIOD_OFFSET_SAMPLES = quantise(PERIOD_OFFSET, 0)
PERIOD_SCALE_Q24 = quantise(PERIOD_SCALE, 24)
ENERGY_BITS = 30  # band sums are normalised to this many bits before the cosine
STAGE = Stage((
    Signal("coherence_q15", "int16", ("N_BANDS",), "Q15", WORK),
    Signal("features_q12", "int16", ("N_FEATURES",), "Q12", IO),
))  # fmt: skip
assert COHERENCE_SCALE == 2.0  # 2 q - 1 is a shift and a subtraction


def constants() -> dict[str, int]:
    return {
        "N_FEATURES": N_FEATURES,
        "SQUARED_FULL_SCALE_BITS": SQUARED_FULL_SCALE_BITS,
        "FLOOR_Q10": FLOOR_Q10,
        "LOG_SCALE_Q20": LOG_SCALE_Q20,
        "LOG_OFFSET_Q12": LOG_OFFSET_Q12,
        "PERIOD_OFFSET": PERIOD_OFFSET_SAMPLES,
        "PERIOD_SCALE_Q24": PERIOD_SCALE_Q24,
        "ENERGY_BITS": ENERGY_BITS,
    }


def bounds() -> list[tuple[str, int, int]]:
    """w_0 < 1/2, so |<y,p>| 2^15 and the rest energy stay below these."""
    cross = 2**ENERGY_BITS * 2**15 * 3 // 2
    rest = 2**ENERGY_BITS * 2**30 * (1 + 1 + 1)
    return [
        ("features cross_rest << 15 for the division", cross << 15, 2**63 - 1),
        ("features p_rest", rest, 2**63 - 1),
    ]


def coherence_q15(y_energy, cross, p_energy, centre_q15: int) -> np.ndarray:
    """q_b in Q15, (34,): cosine between y and its comb without the centre tap.

    y_energy, cross, p_energy: (34,) int64 with equal fractional bits; centre_q15: w_0.
    """
    shift = ENERGY_BITS - bit_length(np.maximum(y_energy, p_energy))
    y, c, p = (_shift_each(v, shift) for v in (y_energy, cross, p_energy))
    cross_rest_q15 = (c << 15) - centre_q15 * y
    p_rest_q30 = (p << 30) - ((2 * centre_q15 * c) << 15) + centre_q15 * centre_q15 * y
    norm = isqrt64(y << 30) * isqrt64(np.maximum(p_rest_q30, 0)) >> 15
    q_q15 = clamp(div_q(np.maximum(cross_rest_q15, 0), np.maximum(norm, 1), 15), 0, 32767)
    return np.where(norm > 0, q_q15, 0)


def scale(newest_energy, frac: int, coherences_q15, period: int, correlation_q15: int):
    """The 70 features in Q12, int16.

    newest_energy: (34,) int64 of a spectrum with `frac`; the others as their names say.
    """
    bits = energy_frac(frac)
    log_q16 = log2_q16(newest_energy + shift_round(FLOOR_Q10, bits - 10))
    log_q16 = log_q16 - (bits + SQUARED_FULL_SCALE_BITS) * 65536
    return np.concatenate(
        [
            rshift_round(log_q16 * LOG_SCALE_Q20, 24) + LOG_OFFSET_Q12,
            rshift_round(coherences_q15, 2) - 4096,
            [rshift_round((period - PERIOD_OFFSET_SAMPLES) * PERIOD_SCALE_Q24, 12)],
            [rshift_round(correlation_q15, 2) - 4096],
        ]
    )


def _shift_each(x: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """shift_round with its own shift for each element."""
    return np.where(shift >= 0, x << np.maximum(shift, 0), rshift_round(x, np.maximum(-shift, 0)))
