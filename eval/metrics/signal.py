"""Measures of the signals themselves: distortion, what happens above PESQ's hearing, lost speech.
"""

import numpy as np

from eval.metrics.base import WIDE_RATE, MetricError, at_rate, check, frames, speech_frames

SI_SDR_DB = 100
SEG_SNR_DB = (-10, 35)  # limits of a frame, Hansen & Pellom 1998
HIGH_HZ = 8000
SPECTRUM_FLOOR = 10 ** (-100 / 20)  # amplitude re full scale: digital silence is not −∞ dB
CUT_DB = 10


def si_sdr(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, Le Roux et al. 2019, means removed.

    At the rate given. Limited to ±SI_SDR_DB, about what 16-bit samples resolve, so that one clip
    that is its own reference neither becomes infinite nor decides a mean. Raises MetricError if
    either is silent (constant).
    """
    check(clean, enhanced)
    clean, enhanced = clean - clean.mean(), enhanced - enhanced.mean()
    energy = clean @ clean
    if energy == 0 or not np.any(enhanced):
        raise MetricError("SI-SDR: silent reference or output")
    target = (enhanced @ clean / energy) * clean
    error = enhanced - target
    wanted, rest, floor = target @ target, error @ error, np.finfo(float).tiny
    ratio = 10 * np.log10(max(wanted, floor)) - 10 * np.log10(max(rest, floor))
    return float(np.clip(ratio, -SI_SDR_DB, SI_SDR_DB))


def seg_snr(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Segmental SNR in dB, mean over Hann frames of 30 ms (hop 7.5 ms) limited to −10 … 35 each.

    Hansen & Pellom 1998, as in the composite measures; at 16 kHz, without the last frame as in the
    published code. Pauses count, so it is low for noise left in them.
    """
    check(clean, enhanced)
    clean, enhanced = at_rate(rate, WIDE_RATE, clean, enhanced)
    length = 3 * WIDE_RATE // 100
    window = np.hanning(length + 2)[1:-1]
    signal, error = (frames(x, length, length // 4)[:-1] * window
                     for x in (clean, clean - enhanced))
    tiny = np.finfo(float).eps
    ratio = np.sum(signal ** 2, axis=1) / (np.sum(error ** 2, axis=1) + tiny) + tiny
    return float(np.mean(np.clip(10 * np.log10(ratio), *SEG_SNR_DB)))


def lsd_high(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Log-spectral distance above 8 kHz in dB, where PESQ and STOI are deaf. 0 … ~100, low best.

    Root mean square over the bins from 8 kHz to half the rate of the difference of the levels of
    Hann frames of 20 ms (hop 10 ms), then the mean over frames of speech (Rabiner & Juang 1993,
    §4.5.1). Levels stop at −100 dB re full scale. Raises MetricError when the rate is below
    32 kHz: there is nothing to hear.
    """
    check(clean, enhanced)
    if rate < 4 * HIGH_HZ:
        raise MetricError(f"the distance above {HIGH_HZ} Hz needs 32 kHz or more, got {rate}")
    spoken = speech_frames(clean, rate)
    length = rate // 50
    window = np.hanning(length)
    first = HIGH_HZ * length // rate

    def level(x: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(frames(x, length, length // 2)[spoken] * window)[:, first:]
        return 20 * np.log10(np.maximum(np.abs(spectrum) * 2 / window.sum(), SPECTRUM_FLOOR))

    return float(np.mean(np.sqrt(np.mean((level(clean) - level(enhanced)) ** 2, axis=1))))


def _on_speech(clean: np.ndarray, enhanced: np.ndarray, rate: int
               ) -> tuple[np.ndarray, np.ndarray]:
    """For each frame of speech, 20 ms: its energy, and its correlation with the enhanced one.

    Their ratio is the gain of the speech (least squares); noise left over, which does not
    resemble the speech, changes it by chance only.
    """
    check(clean, enhanced)
    spoken = speech_frames(clean, rate)
    signal, output = (frames(x, rate // 50, rate // 100)[spoken] for x in (clean, enhanced))
    return np.sum(signal ** 2, axis=1), np.sum(signal * output, axis=1)


def speech_loss(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Attenuation of the speech in dB over frames of speech; 0 best, negative if amplified.

    Own definition: −20 lg of the least-squares gain of the clean speech in the output, one for
    the clip. At the rate given; 100 when no speech is left.
    """
    energy, correlation = _on_speech(clean, enhanced, rate)
    return float(-20 * np.log10(max(correlation.sum() / energy.sum(), 1e-5)))


def speech_cut(clean: np.ndarray, enhanced: np.ndarray, rate: int) -> float:
    """Share of the frames of speech that lost more than 10 dB: 0 … 1, low best.

    Own definition; the gain is least squares in each frame of 20 ms. Noise makes a few frames
    look cut by chance, so compare with the noisy row.
    """
    energy, correlation = _on_speech(clean, enhanced, rate)
    return float(np.mean(correlation < 10 ** (-CUT_DB / 20) * energy))
