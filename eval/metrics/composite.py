"""Composite measures CSIG, CBAK, COVL: regressions of PESQ, LLR, WSS and segmental SNR.

Hu & Loizou 2008 (IEEE TASLP 16(1)), with PESQ-WB at 16 kHz as is usual since VoiceBank-DEMAND;
LLR and WSS as in Loizou's book (Speech Enhancement, 2nd ed., ch. 11): frames of 30 ms, hop 7.5 ms.
"""

import numpy as np

from eval.metrics.base import WIDE_RATE, at_rate, check, frames
from eval.metrics.perceptual import pesq_wb
from eval.metrics.signal import seg_snr

LENGTH, HOP = 480, 120  # 30 ms and 7.5 ms at 16 kHz
WINDOW = np.hanning(LENGTH + 2)[1:-1]
BEST_FRAMES = 0.95  # the worst frames are left out of LLR and WSS
LPC_ORDER = 16
FFT = 1024
# Centres and widths (Hz) of the 25 bands of WSS, Klatt 1982: 70 Hz wide up to 470 Hz, then Bark.
CENTRES = np.array([50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128,
                    1020.38, 1148.30, 1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08,
                    2446.71, 2701.97, 2978.04, 3276.17, 3597.63])
WIDTHS = np.array([70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256,
                   127.914, 140.423, 153.823, 168.154, 183.457, 199.776, 217.153, 235.631,
                   255.255, 276.072, 298.126, 321.465, 346.136])
GLOBAL_PEAK, LOCAL_PEAK = 20, 1  # K_max and K_locmax of Klatt's weights


def _windowed(x: np.ndarray) -> np.ndarray:
    """Hann frames (count, LENGTH), without the last one as in the published code; an eps keeps
    digital silence invertible."""
    return frames(x + np.finfo(float).eps, LENGTH, HOP)[:-1] * WINDOW


def _mean_of_best(distance: np.ndarray) -> float:
    return float(np.sort(distance)[:round(distance.size * BEST_FRAMES)].mean())


def _lpc(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(autocorrelation, predictor 1, a1 … (count, 17) each, residual energy (count,)): Levinson."""
    r = np.stack([np.sum(x[:, k:] * x[:, :LENGTH - k], axis=1) for k in range(LPC_ORDER + 1)], 1)
    a, error = np.zeros_like(r), r[:, 0].copy()
    a[:, 0] = 1
    for m in range(1, LPC_ORDER + 1):
        k = -np.sum(a[:, :m] * r[:, m:0:-1], axis=1) / error
        a[:, 1:m + 1] += k[:, None] * a[:, m - 1::-1][:, :m]
        error *= 1 - k ** 2
    return r, a, error


def llr(clean: np.ndarray, enhanced: np.ndarray) -> float:
    """Log-likelihood ratio of the LPC spectra, 16 kHz, mean of the best 95 % of frames. 0 best."""
    r, _, error = _lpc(_windowed(clean))
    _, a, _ = _lpc(_windowed(enhanced))
    lags = np.stack([np.sum(a[:, k:] * a[:, :a.shape[1] - k], axis=1)
                     for k in range(LPC_ORDER + 1)], 1)
    lags[:, 1:] *= 2
    return _mean_of_best(np.log(np.sum(lags * r, axis=1) / error))


def _band_filters() -> np.ndarray:
    """Gaussian band filters (25, FFT / 2) of WSS, cut off 30 dB / 2 below their peak."""
    scale = FFT / WIDE_RATE
    centre, width = np.floor(CENTRES * scale)[:, None], (WIDTHS * scale)[:, None]
    shape = -11 * ((np.arange(FFT // 2) - centre) / width) ** 2
    shape += np.log(WIDTHS[0] / WIDTHS)[:, None]
    gain = np.exp(shape)
    return np.where(gain > np.exp(-30 / (2 * 2.303)), gain, 0)


def _nearest_peak(level: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Level (count, 24) of the peak that each band climbs to, right if rising, else left."""
    n = slope.shape[1]
    right, left = np.empty(slope.shape, int), np.empty(slope.shape, int)
    last, first = np.full(len(slope), n), np.full(len(slope), -1)
    for k in range(n):
        right[:, n - 1 - k] = last = np.where(slope[:, n - 1 - k] > 0, last, n - 1 - k)
        left[:, k] = first = np.where(slope[:, k] > 0, k, first)
    # one band short of the peak on the right, as the published code has it
    return np.take_along_axis(level, np.where(slope > 0, right - 1, left + 1), axis=1)


def _slopes(x: np.ndarray, filters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(slopes between bands in dB, Klatt's weights of them), (count, 24) each."""
    power = np.abs(np.fft.rfft(_windowed(x), FFT)[:, :FFT // 2]) ** 2
    level = 10 * np.log10(np.maximum(power @ filters.T, 1e-10))
    slope = np.diff(level)
    below_top = level.max(axis=1, keepdims=True) - level[:, :-1]
    below_peak = _nearest_peak(level, slope) - level[:, :-1]
    return slope, (GLOBAL_PEAK / (GLOBAL_PEAK + below_top)
                   * LOCAL_PEAK / (LOCAL_PEAK + below_peak))


def wss(clean: np.ndarray, enhanced: np.ndarray) -> float:
    """Weighted spectral slope distance at 16 kHz, Klatt 1982, mean of the best 95 %. 0 best."""
    filters = _band_filters()
    (s1, w1), (s2, w2) = (_slopes(x, filters) for x in (clean, enhanced))
    weight = (w1 + w2) / 2
    return _mean_of_best(np.sum(weight * (s1 - s2) ** 2, axis=1) / weight.sum(axis=1))


def composite(clean: np.ndarray, enhanced: np.ndarray, rate: int, pesq: float | None = None
              ) -> dict[str, float]:
    """{csig, cbak, covl}: predicted ratings of signal, background and all, 1 … 5 each, at 16 kHz.

    `pesq` is the PESQ-WB of the pair where it is known already. Errors as pesq_wb.
    """
    check(clean, enhanced)
    clean, enhanced = at_rate(rate, WIDE_RATE, clean, enhanced)
    pesq = pesq_wb(clean, enhanced, WIDE_RATE) if pesq is None else pesq
    ratio, slope = llr(clean, enhanced), wss(clean, enhanced)
    rated = {"csig": 3.093 - 1.029 * ratio + 0.603 * pesq - 0.009 * slope,
             "cbak": 1.634 + 0.478 * pesq - 0.007 * slope
                     + 0.063 * seg_snr(clean, enhanced, WIDE_RATE),
             "covl": 1.594 + 0.805 * pesq - 0.512 * ratio - 0.007 * slope}
    return {name: float(np.clip(value, 1, 5)) for name, value in rated.items()}
