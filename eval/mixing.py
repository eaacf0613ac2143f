"""Mixing of speech and noise at a stated SNR and level, with or without a room.

Definitions used for every set made here (embedded and `testset make`):

* Active level: mean power of the 20 ms frames that lie less than 15.9 dB below that mean
  itself (the margin of ITU-T P.56, without its envelope filter). It is used for speech and
  noise alike, so a keyboard is as loud in its strokes as a fan is all the time.
* SNR: active level of the speech at the microphone (room included) minus that of the noise.
* Level: active level of the speech in the mixture, in dB relative to full scale (±1, RMS).
* Clean reference in a room: direct sound and early reflections up to 20 ms, faded out by a
  raised cosine until 30 ms (T0 and T1 of Valin et al. 2022, with attenuation α = 0).
"""

import numpy as np
from scipy.signal import fftconvolve

RATE = 48000
ACTIVE_MARGIN = 10 ** (-15.9 / 10)
EARLY_S, EARLY_END_S = 0.020, 0.030
PEAK = 0.99


class MixError(ValueError):
    """A signal cannot be mixed as asked; the message says which and why."""


def active_level(x: np.ndarray, rate: int = RATE) -> float:
    """Active level of x in dB re full scale (see the module text). Raises MixError if silent."""
    hop = rate // 50
    if x.size < hop:
        raise MixError(f"level needs at least {hop} samples, got {x.size}")
    power = np.mean(x[: x.size // hop * hop].reshape(-1, hop) ** 2, axis=1)
    level = power.mean()
    if level <= 0:
        raise MixError("signal is silent, its level is not defined")
    for _ in range(100):
        active = power[power > level * ACTIVE_MARGIN].mean()
        if np.isclose(active, level, rtol=1e-9):
            break
        level = active
    return 10 * np.log10(level)


def to_level(x: np.ndarray, level_db: float, rate: int = RATE) -> np.ndarray:
    """x scaled to the active level `level_db` (dB re full scale)."""
    return x * 10 ** ((level_db - active_level(x, rate)) / 20)


def early_part(rir: np.ndarray, rate: int = RATE) -> np.ndarray:
    """Room response (n,) cut to direct sound and early reflections; same length."""
    t = (np.arange(rir.size) - np.argmax(np.abs(rir))) / rate
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((t - EARLY_S) / (EARLY_END_S - EARLY_S), 0, 1))
    return rir * fade


def in_room(speech: np.ndarray, rir: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(reverberant, early) speech, both as long as `speech`, direct sound not delayed."""
    start = int(np.argmax(np.abs(rir)))
    late, early = (fftconvolve(speech, h)[start:start + speech.size]
                   for h in (rir, early_part(rir)))
    return late, early


def mix(speech: np.ndarray, noise: np.ndarray, snr_db: float, level_db: float,
        rir: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(noisy, clean) from dry speech (n,) and noise (n,) at 48 kHz; ±1 is full scale.

    Raises MixError when the lengths differ, a part is silent, or the mixture would clip.
    """
    if speech.shape != noise.shape:
        raise MixError(f"speech has {speech.size} samples, noise {noise.size}")
    heard, clean = in_room(speech, rir) if rir is not None else (speech, speech)
    gain = 10 ** ((level_db - active_level(heard)) / 20)
    noisy = heard * gain + to_level(noise, level_db - snr_db)
    peak = max(np.max(np.abs(noisy)), np.max(np.abs(clean * gain)))
    if peak > PEAK:
        raise MixError(f"mixture peaks at {peak:.2f} of full scale; use a level below "
                       f"{level_db - 20 * np.log10(peak / PEAK):.0f} dBFS")
    return noisy, clean * gain
