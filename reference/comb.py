"""Comb filter over up to 11 pitch periods (P20 section 3.1): p(n) = sum_k w_k y(n - k T)."""

from functools import cache

import numpy as np

from reference.delay import History
from reference.params import (
    COMB_FUTURE,
    COMB_HANN,
    COMB_PAST,
    COMB_PERIODS,
    HOP,
    WINDOW,
)


def future_periods(period: int) -> int:
    """Periods after the frame whose samples are already known: 5 for T <= 192, 1 at T = 800."""
    return min(COMB_PERIODS, COMB_FUTURE // period)


@cache
def weights(future: int) -> np.ndarray:
    """w_k for k = -future...5 (negative k reach into the future), renormalised to sum 1."""
    kept = COMB_HANN[COMB_PERIODS - future :]
    return kept / kept.sum()


def centre_weight(period: np.ndarray) -> np.ndarray:
    """w_0 of the comb used for each period: (L,) -> (L,)."""
    centre = np.array([weights(k)[k] for k in range(COMB_PERIODS + 1)])
    return centre[np.minimum(COMB_PERIODS, COMB_FUTURE // period)]


class Comb:
    """Hops of y and periods of frame l = n - 2 in; comb-filtered windows of frame l out."""

    def __init__(self) -> None:
        self.history = History(COMB_PAST + WINDOW + COMB_FUTURE - HOP)

    def run(self, hops: np.ndarray, period: np.ndarray) -> np.ndarray:
        """hops: (L, 480); period: (L,) samples.  Returns p, (L, 960), not windowed.

        One period serves the whole window; overlap-add cross-fades changes of T.
        """
        signal = self.history.run(hops.ravel())
        out = np.zeros((len(hops), WINDOW))
        for i, T in enumerate(period):
            start = COMB_PAST + i * HOP
            future = future_periods(T)
            for k, w in enumerate(weights(future), -future):
                out[i] += w * signal[start - k * T : start - k * T + WINDOW]
        return out
