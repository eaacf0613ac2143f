"""What all measures share: the check of their input, frames, active speech, the delay."""

import numpy as np
import soxr
from scipy.signal import correlate

from eval.mixing import ACTIVE_MARGIN, MixError, active_level

WIDE_RATE = 16000  # of PESQ, DNSMOS and the composite measures
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


def at_rate(rate: int, wanted: int, *signals: np.ndarray) -> list[np.ndarray]:
    """The signals resampled with soxr (HQ), or themselves when the rate is the wanted one."""
    return list(signals) if rate == wanted else [soxr.resample(x, rate, wanted) for x in signals]


def frames(x: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Whole frames (count, length) of x, `hop` samples apart. Raises MetricError if there is none.
    """
    if x.size < length:
        raise MetricError(f"needs at least {length} samples, got {x.size}")
    return np.lib.stride_tricks.sliding_window_view(x, length)[::hop]


def speech_frames(clean: np.ndarray, rate: int) -> np.ndarray:
    """Which frames of 20 ms, 10 ms apart, hold speech: (count,) bool.

    Those less than 15.9 dB below the active level of the clip (eval.mixing).
    """
    try:
        level = active_level(clean, rate)
    except MixError as error:
        raise MetricError(str(error)) from error
    power = np.mean(frames(clean, rate // 50, rate // 100) ** 2, axis=1)
    return power > 10 ** (level / 10) * ACTIVE_MARGIN


def delay(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> int:
    """Samples by which `enhanced` lags `clean`: peak of the cross-correlation within ±0.1 s.

    A check, not a score: a system with a delay is not aligned and its scores are not to be trusted.
    """
    check(clean, enhanced)
    reach = min(int(DELAY_MAX_S * rate), clean.size - 1)
    middle = clean.size - 1
    part = correlate(enhanced, clean, method="fft")[middle - reach:middle + reach + 1]
    return int(np.argmax(part)) - reach
