"""Comb filter in integers: twin of `templates/comb.c.j2`, float counterpart `reference/comb.py`.

Formats: samples int16; weights int16 Q15, each row sums to exactly 2**15; output int32 in int16
units with 15 fractional bits, exact: nothing is rounded but the weights.
"""

from __future__ import annotations

import numpy as np

from codegen.declare import WORK, Field, Signal, Stage, Struct
from codegen.fixed import quantise
from reference import comb
from reference.params import COMB_FUTURE, COMB_PAST, COMB_PERIODS, HOP, WINDOW

INT32_MAX = 2**31 - 1
STATE = Struct(
    "comb_state",
    (Field("history", "int16", ("COMB_HISTORY",), "past, window of frame n - 2, future"),),
)
STAGE = Stage(
    signals=(Signal("comb_q15", "int32", ("WINDOW",), "int16 units, Q15", WORK),),
    past=(Field("comb", STATE),),
)
ONE_Q15 = 2**15
HISTORY = COMB_PAST + WINDOW + COMB_FUTURE  # samples: past, window of frame n - 2, future


def _weights_q15() -> np.ndarray:
    """w_k in column k + 5, one row for each number of future periods, zero for k < -future.

    The rounding error of a row goes to w_0, the largest: a constant signal passes unchanged.
    """
    rows = np.zeros((COMB_PERIODS + 1, 2 * COMB_PERIODS + 1), np.int64)
    for future, row in enumerate(rows):
        row[COMB_PERIODS - future :] = quantise(comb.weights(future), 15)
        row[COMB_PERIODS] += ONE_Q15 - row.sum()
    return rows


WEIGHTS_Q15 = _weights_q15()


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {
        "comb_weights_q15": (
            "int16_t",
            WEIGHTS_Q15,
            "w_k in Q15, k = -5..5, one row for each number of future periods 0..5",
        )
    }


def constants() -> dict[str, int]:
    """Name -> value. C macro: PERCEPNET_<NAME>."""
    return {
        "COMB_PERIODS": COMB_PERIODS,
        "COMB_PAST": COMB_PAST,
        "COMB_FUTURE": COMB_FUTURE,
        "COMB_HISTORY": HISTORY,
    }


def bounds() -> list[tuple[str, int, int]]:
    """(accumulator, worst case, limit), from the table that ships."""
    return [
        ("comb weight_q15", int(np.abs(WEIGHTS_Q15).max()), 2**15 - 1),
        ("comb acc_q15", int(np.abs(WEIGHTS_Q15).sum(axis=1).max()) * 2**15, INT32_MAX),
    ]


def centre_weight_q15(period: int) -> int:
    """w_0 of the comb used for a period (60...800 samples), Q15."""
    return int(WEIGHTS_Q15[comb.future_periods(period), COMB_PERIODS])


class Comb:
    """One hop of y and the period of frame n - 2 in; comb-filtered window of frame n - 2 out."""

    def __init__(self) -> None:
        self.history = np.zeros(HISTORY, np.int64)

    def run(self, hop: np.ndarray, period: int) -> np.ndarray:
        """hop: int16 (480,); period: samples, 60...800.  Returns acc_q15 int64 (960,)."""
        self.history[:-HOP] = self.history[HOP:].copy()
        self.history[-HOP:] = hop
        acc_q15 = np.zeros(WINDOW, np.int64)
        future = comb.future_periods(period)
        for k in range(-future, COMB_PERIODS + 1):
            start = COMB_PAST - k * period
            weight = WEIGHTS_Q15[future, COMB_PERIODS + k]
            acc_q15 += weight * self.history[start : start + WINDOW]
        return acc_q15
