"""Integer envelope postfilter; twin of reference/postfilter.py."""

import numpy as np

from codegen.declare import Stage
from codegen.fixed import (
    bit_length,
    clamp,
    div_q,
    isqrt64,
    lut_lerp,
    quantise,
    rshift_round,
    shift_round,
)
from codegen.stages.gains import BAND_GAIN_LIMIT_Q15
from reference.params import N_BANDS

SINE_BITS = 8  # 256 segments over a quarter period
SINE_Q30 = quantise(np.sin(np.pi / 2 * np.arange(257) / 256), 30)
BETA_BITS = 20
SUM_BITS = 24  # band energies are normalised to this many bits before they are summed
STAGE = Stage(settings={
    "postfilter": "Envelope postfilter: more suppression between words, a little less fidelity.",
    "postfilter_beta_permille": "Strength of the envelope postfilter, its beta in 1/1000: the "
    "larger, the quieter are frames full of noise.",
})  # fmt: skip


def constants() -> dict[str, int]:
    return {"BETA_BITS": BETA_BITS, "SUM_BITS": SUM_BITS}


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    return {"sine_q30": ("int32_t", SINE_Q30, "sin(pi/2 i/256) in Q30, i = 0..256")}


def bounds() -> list[tuple[str, int, int]]:
    total = N_BANDS * (2**SUM_BITS) * 2**30
    return [
        ("postfilter sum of g^2 E", total, 2**63 - 1),
        ("postfilter sum of E0^2 and E1^2", 2 * 2**60 + 2**20, 2**63 - 1),
        ("postfilter frame gain dividend", (2**31 << 28) + 2**33, 2**63 - 1),
    ]


def envelope_postfilter_q15(
    gain_q15: np.ndarray, y_energy: np.ndarray, beta_permille: int
) -> np.ndarray:
    """Warped gains times the frame gain, Q15, int32: (34,), at most 1.99. beta_permille: 1...1000.

    G^2 = (1 + beta) E0 E1 / (E1^2 + beta E0^2), so no ratio E0 / E1 has to be formed.
    """
    warped_q15 = rshift_round(gain_q15 * lut_lerp(SINE_Q30, gain_q15, 15 - SINE_BITS), 30)
    energy = shift_round(y_energy, SUM_BITS - int(bit_length(y_energy.max())))
    before = int(np.sum(gain_q15 * gain_q15 * energy))
    after = int(np.sum(warped_q15 * warped_q15 * energy))
    norm = 30 - int(bit_length(before))
    before, after = shift_round(before, norm), shift_round(after, norm)
    beta = div_q(beta_permille, 1000, BETA_BITS)
    denominator = after * after + rshift_round(before * before, BETA_BITS) * beta
    dividend = rshift_round(before * after, BETA_BITS) * (2**BETA_BITS + beta)
    frame_q28 = div_q(rshift_round(dividend, 32), max(rshift_round(denominator, 32), 1), 28)
    frame_q14 = isqrt64(frame_q28)
    return clamp(rshift_round(warped_q15 * frame_q14, 14), 0, BAND_GAIN_LIMIT_Q15)
