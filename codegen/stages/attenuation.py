"""Integer attenuation limit; twin of reference/attenuation.py."""

import numpy as np

from codegen.declare import FRAME, WORK, Field, Signal, Stage, Struct
from codegen.fixed import div_q, mul_q, quantise, sat16
from reference.attenuation import dry_share
from reference.params import ATTENUATION_NO_LIMIT, DELAY, HOP

SHARE_Q30 = quantise(np.array([dry_share(db) for db in range(ATTENUATION_NO_LIMIT + 1)]), 30)
STATE = Struct("attenuation_state", (Field("share_q30", "int32", (), "of dry, at the hop's end"),))
STAGE = Stage(
    signals=(
        Signal("dry", "int16", ("HOP",), "int16 samples as they went in", FRAME),
        Signal("out", "int16", ("HOP",), "int16 samples", WORK),
    ),
    past=(
        Field("dry", "int16", ("DRY_HOPS", "HOP"), "oldest first"),
        Field("attenuation", STATE),
    ),
    settings={"attenuation_limit_db": "Attenuation limit in dB: 0 gives the delayed input bit for "
              "bit, 20 keeps a tenth of the noise, 100 is no limit. A change fades over one hop, "
              "without a click."},
)  # fmt: skip


def constants() -> dict[str, int]:
    """C macros without the prefix: hops by which the input is delayed."""
    return {"DRY_HOPS": DELAY // HOP}


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {"dry_share_q30": ("int32_t", SHARE_Q30, "10^(-i/20) in Q30, i = 0..99 dB; 100: 0")}


def bounds() -> list[tuple[str, int, int]]:
    """(value, worst case, limit): a rounded step, repeated over the ramp, overshoots by half."""
    return [("attenuation dry share", 2**30 + HOP, 2**31 - 1)]


class Attenuation:
    """Mixes with the share of `limit_db`, 0...100, which may be changed between hops.

    State: the share that the last hop ended with, Q30.
    """

    def __init__(self, limit_db: int) -> None:
        self.limit_db = limit_db
        self.share_q30 = int(SHARE_Q30[limit_db])

    def run(self, wet: np.ndarray, dry: np.ndarray) -> np.ndarray:
        """wet, dry: (480,) int16, aligned.  Returns (480,) int16."""
        wet, dry = np.asarray(wet, np.int64), np.asarray(dry, np.int64)
        target_q30 = int(SHARE_Q30[self.limit_db])
        step_q30 = div_q(target_q30 - self.share_q30, HOP, 0)
        share_q30 = self.share_q30 + step_q30 * np.arange(1, HOP + 1)
        self.share_q30 = target_q30
        return sat16(wet + mul_q(dry - wet, share_q30, 30)).astype(np.int16)
