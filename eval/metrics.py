"""Measures of speech quality. Each is a function (clean, enhanced, rate) → float.

`clean` (n,) and `enhanced` (n,) are float, ±1 full scale, equal in length, aligned; neither gain
nor delay is touched. Higher is better for all. A measure not defined for its input raises
MetricError; nothing is turned into NaN or averaged away. Signals at other rates than a measure
wants are resampled with soxr (HQ).

`delay` is a check, not a score: nonzero values mean that a system is not aligned and its scores are
not to be trusted.
"""

import warnings
from collections.abc import Callable

import numpy as np
import pesq
import soxr
from pystoi import stoi as pystoi_stoi
from scipy.signal import correlate

VERSION = 1  # of this file's definitions: scores cached under another version are made anew
PESQ_RATE = 16000
PESQ_MIN_S = 0.25
STOI_RATE = 10000  # the package's own rate
DELAY_MAX_S = 0.1


class MetricError(ValueError):
    """A measure is not defined for this input; the message says why."""


def check(clean: np.ndarray, enhanced: np.ndarray) -> None:
    """Raise MetricError unless both are (n,), n ≥ 1, finite, and the reference is not silent."""
    if clean.ndim != 1 or clean.shape != enhanced.shape:
        raise MetricError(f"needs two signals of one length, got {clean.shape} clean and "
                          f"{enhanced.shape} enhanced")
    if clean.size == 0:
        raise MetricError("signals have no samples")
    if not (np.all(np.isfinite(clean)) and np.all(np.isfinite(enhanced))):
        raise MetricError("NaN or infinite samples")
    if not np.any(clean):
        raise MetricError("silent reference")


def _pesq(clean: np.ndarray, enhanced: np.ndarray, rate: int, mode: str) -> float:
    check(clean, enhanced)
    if clean.size < PESQ_MIN_S * rate:
        raise MetricError(f"PESQ needs at least {PESQ_MIN_S} s, got {clean.size / rate:.3f} s")
    if not np.any(enhanced):
        raise MetricError("PESQ: silent output")
    if rate != PESQ_RATE:
        clean, enhanced = (soxr.resample(x, rate, PESQ_RATE) for x in (clean, enhanced))
    try:
        value = float(pesq.pesq(PESQ_RATE, clean, enhanced, mode))
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
            if rate != STOI_RATE:
                clean, enhanced = (soxr.resample(x, rate, STOI_RATE) for x in (clean, enhanced))
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


def si_sdr(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, Le Roux et al. 2019, means removed.

    At the rate given. Unbounded; inf only if `enhanced` is exactly the scaled reference. Raises
    MetricError if either is silent (constant).
    """
    check(clean, enhanced)
    clean, enhanced = clean - clean.mean(), enhanced - enhanced.mean()
    energy = clean @ clean
    if energy == 0 or not np.any(enhanced):
        raise MetricError("SI-SDR: silent reference or output")
    target = (enhanced @ clean / energy) * clean
    error = enhanced - target
    floor = np.finfo(float).tiny
    return float(10 * np.log10(max(target @ target, floor) / max(error @ error, floor)))


def delay(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> int:
    """Samples by which `enhanced` lags `clean`: peak of the cross-correlation within ±0.1 s."""
    check(clean, enhanced)
    reach = min(int(DELAY_MAX_S * rate), clean.size - 1)
    middle = clean.size - 1
    part = correlate(enhanced, clean, method="fft")[middle - reach:middle + reach + 1]
    return int(np.argmax(part)) - reach


METRICS: dict[str, Callable[[np.ndarray, np.ndarray, int], float]] = {
    "pesq_wb": pesq_wb, "pesq_nb": pesq_nb, "stoi": stoi, "estoi": estoi, "si_sdr": si_sdr,
}
