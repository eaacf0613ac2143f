"""Integer attenuation limit; twin of reference/attenuation.py."""

import numpy as np

from codegen.fixed import div_q, mul_q, sat16
from reference.attenuation import dry_share
from reference.params import ATTENUATION_NO_LIMIT, DELAY, HOP

SHARE_Q30 = np.array(
    [round(dry_share(limit_db) * 2**30) for limit_db in range(ATTENUATION_NO_LIMIT + 1)]
)


def constants() -> dict[str, int]:
    """C macros without the prefix: hops by which the input is delayed."""
    return {"DRY_HOPS": DELAY // HOP}


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {"dry_share_q30": ("int32_t", SHARE_Q30, "10^(-i/20) in Q30, i = 0..99 dB; 100: 0")}


def state_bytes() -> int:
    """The delayed input, int16, and the share, int32."""
    return 2 * DELAY + 4


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
