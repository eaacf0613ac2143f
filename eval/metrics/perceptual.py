"""Measures made after listeners, from packages: PESQ and STOI."""

import warnings

import numpy as np
import pesq
from pystoi import stoi as pystoi_stoi

from eval.metrics.base import WIDE_RATE, MetricError, at_rate, check

PESQ_MIN_S = 0.25
STOI_RATE = 10000  # the package's own rate


def _pesq(clean: np.ndarray, enhanced: np.ndarray, rate: int, mode: str) -> float:
    check(clean, enhanced)
    if clean.size < PESQ_MIN_S * rate:
        raise MetricError(f"PESQ needs at least {PESQ_MIN_S} s, got {clean.size / rate:.3f} s")
    if not np.any(enhanced):
        raise MetricError("PESQ: silent output")
    try:
        value = float(pesq.pesq(WIDE_RATE, *at_rate(rate, WIDE_RATE, clean, enhanced), mode))
    except pesq.PesqError as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise MetricError(f"PESQ: {reason}") from error
    if not np.isfinite(value):
        raise MetricError("PESQ gave no number")
    return value


def pesq_wb(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """PESQ wide band, MOS-LQO of ITU-T P.862.2 at 16 kHz (package pesq). About 1.02 … 4.64.

    Hears 50 Hz … 7 kHz only. Raises MetricError if too short, silent, or without utterance.
    """
    return _pesq(clean, enhanced, rate, "wb")


def pesq_nb(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """PESQ narrow band, MOS-LQO of ITU-T P.862 with P.862.1 mapping (package pesq). 1.0 … 4.55.

    Computed from 16 kHz signals, telephone band (300 Hz … 3.4 kHz) inside. Errors as pesq_wb.
    """
    return _pesq(clean, enhanced, rate, "nb")


def _stoi(clean: np.ndarray, enhanced: np.ndarray, rate: int, extended: bool) -> float:
    check(clean, enhanced)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the package warns and returns 1e-5 when it has no frames
        try:
            clean, enhanced = at_rate(rate, STOI_RATE, clean, enhanced)
            value = float(pystoi_stoi(clean, enhanced, STOI_RATE, extended=extended))
        except (RuntimeWarning, ValueError) as error:
            raise MetricError(f"STOI: needs about 0.4 s of speech ({error})") from error
    if not np.isfinite(value):
        raise MetricError("STOI gave no number")
    return value


def stoi(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility, Taal et al. 2011, at 10 kHz (package pystoi). −1 … 1.

    Not a percentage. Raises MetricError with less than 30 frames (0.4 s) of speech.
    """
    return _stoi(clean, enhanced, rate, extended=False)


def estoi(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Extended STOI, Jensen & Taal 2016, at 10 kHz (package pystoi). −1 … 1. Errors as stoi."""
    return _stoi(clean, enhanced, rate, extended=True)
