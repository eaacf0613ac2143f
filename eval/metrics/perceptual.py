"""Measures made after listeners, from packages: PESQ and STOI."""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pesq
from pystoi import stoi as pystoi_stoi

from eval.metrics.base import WIDE_RATE, MetricError, at_rate, check

PESQ_MIN_S = 0.25
# The package's C code has room for 50 utterances of at least 0.2 s (MAXNUTTERANCES, MINUTTLENGTH
# in pesq.h and pesqmod.c) and does not look when there are more. A clip too short to hold so many
# is scored here, a longer one in a process of its own, which may die of it.
PESQ_UTTERANCES, PESQ_UTTERANCE_S = 50, 0.2
PESQ_TIMEOUT_S = 600
ALONE = """import sys, numpy, pesq
rate, mode, clean, enhanced = int(sys.argv[1]), sys.argv[2], *numpy.load(sys.argv[3])
try:
    print(float(pesq.pesq(rate, clean, enhanced, mode)))
except pesq.PesqError as error:
    print(error.args[0].decode() if isinstance(error.args[0], bytes) else error)
    sys.exit(9)
"""
STOI_RATE = 10000  # the package's own rate


def _pesq_alone(clean: np.ndarray, enhanced: np.ndarray, mode: str) -> float:
    """PESQ of two signals (n,) at 16 kHz in a process of its own. Raises MetricError, also when
    the process dies or takes longer than PESQ_TIMEOUT_S."""
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.npy"
        np.save(pair, [clean, enhanced])
        words = [sys.executable, "-c", ALONE, str(WIDE_RATE), mode, str(pair)]
        try:
            done = subprocess.run(words, check=False, capture_output=True, text=True,
                                  timeout=PESQ_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise MetricError(f"PESQ gave nothing in {PESQ_TIMEOUT_S} s") from error
    if done.returncode < 0:
        raise MetricError(f"PESQ died on this clip of {clean.size / WIDE_RATE:.0f} s: its C code "
                          f"(package pesq) holds at most {PESQ_UTTERANCES} utterances; cut the "
                          "clip into shorter ones")
    if done.returncode:
        reason = (done.stdout.strip() or done.stderr.strip()).splitlines() or ["no reason given"]
        raise MetricError(f"PESQ: {reason[-1]}")
    return float(done.stdout)


def _pesq(clean: np.ndarray, enhanced: np.ndarray, rate: int, mode: str) -> float:
    check(clean, enhanced)
    if clean.size < PESQ_MIN_S * rate:
        raise MetricError(f"PESQ needs at least {PESQ_MIN_S} s, got {clean.size / rate:.3f} s")
    if not np.any(enhanced):
        raise MetricError("PESQ: silent output")
    pair = at_rate(rate, WIDE_RATE, clean, enhanced)
    try:
        value = (float(pesq.pesq(WIDE_RATE, *pair, mode))
                 if clean.size < PESQ_UTTERANCES * PESQ_UTTERANCE_S * rate
                 else _pesq_alone(*pair, mode))
    except pesq.PesqError as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise MetricError(f"PESQ: {reason}") from error
    if not np.isfinite(value):
        raise MetricError("PESQ gave no number")
    return value


def pesq_wb(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """PESQ wide band, MOS-LQO of ITU-T P.862.2 at 16 kHz (package pesq). About 1.02 … 4.64.

    Hears 50 Hz … 7 kHz only. Raises MetricError if too short, silent, without utterance, or with
    more of them than the package holds.
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
