"""Other values of constants, by name of the change. Imports no stage: see set_params."""

import sys

import numpy as np

from reference import params
from reference.params import BAND_PEAKS, HOP, T_MAX

STAGES = {f"reference.{name}" for name in ("comb", "erb", "features", "pitch", "stft")}


def lookahead(frames: int) -> dict:
    """Constants that follow from the look-ahead."""
    return {
        "LOOKAHEAD_FRAMES": frames,
        "DELAY": (frames + 1) * HOP,
        "COMB_FUTURE": frames * HOP,
    }


def comb(periods: int) -> dict:
    """Constants of a comb with so many periods on each side: Hann, sum 1."""
    k = np.arange(-periods, periods + 1) / (periods + 1)
    return {
        "COMB_PERIODS": periods,
        "COMB_HANN": (1 + np.cos(np.pi * k)) / (2 * (periods + 1)),
        "COMB_PAST": periods * T_MAX,
    }


CHANGES = {
    "": {},
    "lookahead-0": lookahead(0),
    "lookahead-1": lookahead(1),
    "lookahead-3": lookahead(3),
    "periods-1": comb(1),
    "periods-3": comb(3),
    "bands-32": {"N_BANDS": 32, "BAND_PEAKS": BAND_PEAKS[1:-1]},
}


def set_params(change: str) -> None:
    """Set the constants of a change in this process, before any stage built from them is there.

    Raises RuntimeError where one is there already: it would keep the old values.
    """
    if change and (late := STAGES & sys.modules.keys()):
        raise RuntimeError(f"{', '.join(sorted(late))} imported before the constants are set")
    vars(params).update(CHANGES[change])
