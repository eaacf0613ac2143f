"""Measures of speech quality, one function each: (clean, enhanced, rate) → float.

`clean` (n,) and `enhanced` (n,) are float, ±1 full scale, equal in length, aligned; neither gain
nor delay is touched. A measure not defined for its input raises MetricError; nothing is turned
into NaN or averaged away. Signals at other rates than a measure wants are resampled with soxr (HQ).
"""

from typing import NamedTuple

import numpy as np

from eval.metrics.base import WIDE_RATE, MetricError, at_rate, check, delay
from eval.metrics.composite import composite
from eval.metrics.dnsmos import available, dnsmos
from eval.metrics.perceptual import estoi, pesq_nb, pesq_wb, stoi
from eval.metrics.signal import HIGH_HZ, lsd_high, seg_snr, si_sdr, speech_cut, speech_loss

__all__ = ["METRICS", "VERSION", "MetricError", "available", "check", "composite", "delay",
           "dnsmos", "estoi", "lsd_high", "measure", "measure_alone", "pesq_nb", "pesq_wb",
           "seg_snr", "si_sdr", "speech_cut", "speech_loss", "stoi"]

VERSION = 2  # of these definitions: scores cached under another version are made anew


class Metric(NamedTuple):
    """How a measure is shown: head of its column, digits, whether more is better."""
    head: str
    digits: int
    high_is_good: bool = True


METRICS = {
    "pesq_wb": Metric("PESQ-WB", 3), "pesq_nb": Metric("PESQ-NB", 3),
    "stoi": Metric("STOI", 4), "estoi": Metric("ESTOI", 4),
    "si_sdr": Metric("SI-SDR dB", 2), "seg_snr": Metric("segSNR dB", 2),
    "csig": Metric("CSIG", 3), "cbak": Metric("CBAK", 3), "covl": Metric("COVL", 3),
    "lsd_high": Metric("LSD > 8 kHz dB", 2, False),
    "speech_loss": Metric("speech lost dB", 2, False),
    "speech_cut": Metric("speech cut", 3, False),
    "dnsmos_sig": Metric("DNSMOS SIG", 3), "dnsmos_bak": Metric("DNSMOS BAK", 3),
    "dnsmos_ovrl": Metric("DNSMOS OVRL", 3),
}


def measure(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> dict[str, float]:
    """All measures of one clip by name, in the order of METRICS. Raises MetricError.

    DNSMOS is left out where its packages are missing, the distance above 8 kHz below 32 kHz.
    """
    check(clean, enhanced)
    wide = at_rate(rate, WIDE_RATE, clean, enhanced)
    found = {f.__name__: f(*wide, WIDE_RATE) for f in (pesq_wb, pesq_nb, seg_snr)}
    found |= {f.__name__: f(clean, enhanced, rate)
              for f in (stoi, estoi, si_sdr, speech_loss, speech_cut)}
    found |= composite(*wide, WIDE_RATE, found["pesq_wb"])
    if rate >= 4 * HIGH_HZ:
        found["lsd_high"] = lsd_high(clean, enhanced, rate)
    if available():
        found |= dnsmos(wide[1], WIDE_RATE)
    return {name: found[name] for name in METRICS if name in found}


def measure_alone(enhanced: np.ndarray, rate: int) -> dict[str, float]:
    """The measures of a clip that has no reference: DNSMOS. Raises MetricError, also without it."""
    if not available():
        raise MetricError("a recording without clean speech is measured by DNSMOS alone, which is "
                          "not installed; `make .venv/dnsmos` does it")
    return dnsmos(enhanced, rate)
