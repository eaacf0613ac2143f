"""DC blocker in integers: twin of `templates/dcblock.c.j2`.

y = x - round(sum / 2^10), where `sum` is that of all y so far: the mean that it stands for follows
the input as in `reference/dcblock.py`. It leaves no offset at all: any constant, and the rest in
`sum` when sound ends, come to samples of 0. Soft sound, whose mean rounds to 0, passes unchanged.
"""

import numpy as np

from codegen.declare import WORK, Field, Signal, Stage, Struct
from codegen.fixed import sat16
from reference.params import DCBLOCK_SHIFT

STAGE = Stage(
    signals=(Signal("centred", "int16", ("HOP",), "int16 samples", WORK),),
    past=(
        Field("dcblock", Struct("dcblock_state", (
            Field("sum_q10", "int32", (), "of the mean taken off, and half for its rounding"),
        ))),
    ),
)  # fmt: skip
HALF_Q10 = 1 << (DCBLOCK_SHIFT - 1)


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """The stage needs no table."""
    return {}


def constants() -> dict[str, int]:
    """Numbers of the C code: #define PERCEPNET_<name>."""
    return {"DCBLOCK_SHIFT": DCBLOCK_SHIFT}


def bounds() -> list[tuple[str, int, int]]:
    """(accumulator, worst case, limit), for any input: a mean of +-2^15 is never exceeded, since
    no sample lies beyond it."""
    return [
        ("dcblock sum q10", 2 ** (15 + DCBLOCK_SHIFT) + 2 * HALF_Q10, 2**31 - 1),
        ("dcblock sample", 2**16, 2**31 - 1),
    ]


class Dcblock:
    """State: the sum of all samples that came out, before saturation, plus a half: Q10 mean."""

    def __init__(self) -> None:
        self.sum_q10 = HALF_Q10

    def run(self, hop: np.ndarray) -> np.ndarray:
        """hop: (480,) int16.  Returns (480,) of the same range, without offset."""
        total, out = self.sum_q10, []
        for x in np.asarray(hop).tolist():
            y = x - (total >> DCBLOCK_SHIFT)
            total += y
            out.append(y)
        self.sum_q10 = total
        return sat16(np.array(out))
