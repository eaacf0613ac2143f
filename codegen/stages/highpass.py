"""High-pass that follows the pitch, in integers: twin of `templates/highpass.c.j2`.

Formats: samples in int32 Q8 (int16 units), out int16; cutoff Q16 Hz; coefficients Q30; filter
memories int64 Q43; the fed-back output Q13. The recursion runs in 64 bits because the poles lie
so close to 1 that the feedback multiplies a rounding error by up to 3e4: the bits dropped from
an output are added to the next one, which cancels that gain at 0 Hz and lets silence settle to 0.
"""

from __future__ import annotations

import numpy as np

from codegen.declare import WORK, Field, Signal, Stage, Struct
from codegen.fixed import clamp, div_q, mul_q, quantise, rshift_round, sat16
from reference.params import (
    HIGHPASS_DOWN,
    HIGHPASS_MAX,
    HIGHPASS_MIN,
    HIGHPASS_SMOOTHING,
    HIGHPASS_VOICED,
    RATE,
)

CUTOFF_MIN_Q16, CUTOFF_MAX_Q16 = quantise(HIGHPASS_MIN, 16), quantise(HIGHPASS_MAX, 16)
VOICED_Q15 = quantise(HIGHPASS_VOICED, 15)
UP_Q30 = quantise(HIGHPASS_SMOOTHING, 30)
DOWN_Q30 = quantise(HIGHPASS_SMOOTHING * HIGHPASS_DOWN, 30)
RADIANS_Q44 = quantise(1.5 * np.pi / RATE, 44)  # fc for a cutoff of 1 Hz
DAMPING_Q31 = quantise(0.92, 31)
INPUT_MAX_Q8 = 2**24  # twice full scale
OUTPUT_MAX_Q13 = 2**29  # twice full scale
STATE = Struct(
    "highpass_state",
    (*(Field(name, "int64") for name in ("m0_q43", "m1_q43", "rest_q43")),
     Field("cutoff_q16", "int32")),
)  # fmt: skip
STAGE = Stage(
    signals=(Signal("wet", "int16", ("HOP",), "int16 samples", WORK),),
    past=(Field("highpass", STATE),),
    settings={"highpass": "High-pass at 60 to 100 Hz that follows the talker's pitch."},
)


def constants() -> dict[str, int]:
    """Numbers of the C code: #define PERCEPNET_<name>."""
    return {
        "HIGHPASS_CUTOFF_MIN_Q16": CUTOFF_MIN_Q16,
        "HIGHPASS_CUTOFF_MAX_Q16": CUTOFF_MAX_Q16,
        "HIGHPASS_VOICED_Q15": VOICED_Q15,
        "HIGHPASS_UP_Q30": UP_Q30,
        "HIGHPASS_DOWN_Q30": DOWN_Q30,
        "HIGHPASS_RADIANS_Q44": RADIANS_Q44,
        "HIGHPASS_DAMPING_Q31": DAMPING_Q31,
        "HIGHPASS_INPUT_MAX_Q8": INPUT_MAX_Q8,
        "HIGHPASS_OUTPUT_MAX_Q13": OUTPUT_MAX_Q13,
    }


def coefficients(cutoff_q16: int) -> tuple[int, int, int]:
    """r, a1, a2 in Q30: numerator r (1, -2, 1), denominator (1, a1, a2)."""
    fc_q30 = mul_q(cutoff_q16, RADIANS_Q44, 30)
    r_q30 = 2**30 - mul_q(fc_q30, DAMPING_Q31, 31)
    fc2_q30 = mul_q(fc_q30, fc_q30, 30)
    return r_q30, mul_q(r_q30, fc2_q30, 30) - 2 * r_q30, mul_q(r_q30, r_q30, 30)


def bounds() -> list[tuple[str, int, int]]:
    """(accumulator, worst case, limit), for any input: input and fed-back output are clamped.

    r and a2 fall and a1 rises with the cutoff: r, |a1| and a2 are largest at the lowest one.
    """
    r, a1, a2 = (abs(c) for c in coefficients(CUTOFF_MIN_Q16))
    x_q13 = INPUT_MAX_Q8 * 2**5
    m1 = r * x_q13 + a2 * OUTPUT_MAX_Q13
    m0 = 2 * r * x_q13 + abs(a1) * OUTPUT_MAX_Q13 + m1
    return [
        ("highpass coefficient q30", abs(a1), 2**31 - 1),
        ("highpass constant radians q44", RADIANS_Q44, 2**31 - 1),
        ("highpass memory 1 q43", m1, 2**63 - 1),
        ("highpass memory 0 q43", m0, 2**63 - 1),
        ("highpass output q43", r * x_q13 + m0 + 2**29, 2**62 - 1),
        ("highpass step q46", (CUTOFF_MAX_Q16 - CUTOFF_MIN_Q16) * DOWN_Q30, 2**62 - 1),
    ]


class Highpass:
    """State: the cutoff, the two filter memories (direct form II transposed), the bits dropped."""

    def __init__(self) -> None:
        self.cutoff_q16 = CUTOFF_MIN_Q16
        self.m0_q43 = self.m1_q43 = self.rest_q43 = 0

    def run(self, hop_q8: np.ndarray, period: int, correlation_q15: int) -> np.ndarray:
        """hop int32 Q8 (480,), period 60...800, correlation 0...32767 -> int16 samples (480,)."""
        self._follow(int(period), int(correlation_q15))
        r_q30, a1_q30, a2_q30 = coefficients(self.cutoff_q16)
        m0, m1, rest = self.m0_q43, self.m1_q43, self.rest_q43
        out_q13 = []
        for x_q8 in clamp(np.asarray(hop_q8), -INPUT_MAX_Q8, INPUT_MAX_Q8).tolist():
            bx_q43 = r_q30 * x_q8 * 32
            y_q43 = bx_q43 + m0 + rest
            y_q13 = (y_q43 + 2**29) >> 30  # rshift_round, written out for speed
            rest = y_q43 - (y_q13 << 30)
            y_q13 = max(-OUTPUT_MAX_Q13, min(y_q13, OUTPUT_MAX_Q13))
            m0 = m1 - 2 * bx_q43 - a1_q30 * y_q13
            m1 = bx_q43 - a2_q30 * y_q13
            out_q13.append(y_q13)
        self.m0_q43, self.m1_q43, self.rest_q43 = m0, m1, rest
        return sat16(rshift_round(np.array(out_q13), 13)).astype(np.int16)

    def _follow(self, period: int, correlation_q15: int) -> None:
        """The cutoff moves towards the pitch in voiced frames, faster down than up."""
        if correlation_q15 > VOICED_Q15:
            target_q16 = clamp(div_q(RATE, period, 16), CUTOFF_MIN_Q16, CUTOFF_MAX_Q16)
            step_q16 = target_q16 - self.cutoff_q16
            speed_q30 = mul_q(correlation_q15, DOWN_Q30 if step_q16 < 0 else UP_Q30, 15)
            self.cutoff_q16 += mul_q(step_q16, speed_q30, 30)
