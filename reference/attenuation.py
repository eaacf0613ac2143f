"""Attenuation limit: the input, delayed as the output is, is mixed back into the output.

out = m dry + (1 - m) wet,  m = 10^(-limit / 20): what the suppressor removes stays audible at
-limit dB, what it keeps stays as it is. The mix is linear in the samples, so both must be aligned.
"""

import numpy as np

from reference.params import ATTENUATION_NO_LIMIT, HOP

RAMP = np.arange(1, HOP + 1) / HOP


def dry_share(limit_db: float) -> float:
    """m of a limit in dB, 0...100: 1 at 0 (input untouched), exactly 0 at 100 (no limit)."""
    return 0.0 if limit_db == ATTENUATION_NO_LIMIT else 10 ** (-limit_db / 20)


class Attenuation:
    """Mixes with the share of `limit_db`, which may be changed between hops.

    State: the share that the last hop ended with. A new share is reached in a straight line over
    one hop, so that no step in the sound is larger than that of either limit plus 1/480 of the
    difference between dry and wet.
    """

    def __init__(self, limit_db: float) -> None:
        self.limit_db = limit_db
        self.share = dry_share(limit_db)

    def run(self, wet: np.ndarray, dry: np.ndarray) -> np.ndarray:
        """wet, dry: (L, 480), aligned, L >= 1.  Returns (L, 480)."""
        target = dry_share(self.limit_db)
        share = np.full_like(wet, target)
        share[0] = self.share + (target - self.share) * RAMP
        self.share = target
        return wet + share * (dry - wet)
