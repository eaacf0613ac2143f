"""Noise made by rule: shaped, hum, fan, wind, clicks and beeps. Fills the gaps of the recordings.

Every function: (rng, n samples) -> (n,) float32, about unit power. Frequencies in Hz.
"""

import numpy as np
from scipy.signal import fftconvolve, firwin2, lfilter

from reference.params import RATE

Rng = np.random.Generator


def unit(audio: np.ndarray) -> np.ndarray:
    """Scaled to unit mean power; silence stays silence."""
    return (audio / np.sqrt(np.mean(audio**2) + 1e-12)).astype(np.float32)


def slow(rng: Rng, n: int, rate: float, depth_db: float) -> np.ndarray:
    """A random gain that wanders by about +-depth_db, ``rate`` points a second."""
    points = max(int(n / RATE * rate), 1) + 2
    decibel = np.interp(np.linspace(0, points - 1, n), np.arange(points), rng.normal(size=points))
    return 10 ** (decibel * depth_db / 20)


def shaped(rng: Rng, n: int) -> np.ndarray:
    """White noise through a random smooth spectrum (between white and brown), slowly modulated."""
    points = np.concatenate([[0.0], np.sort(np.geomspace(60, 22_000, 10)), [RATE / 2]])
    octaves = np.log2(np.maximum(points, 50) / 50)
    decibel = -rng.uniform(0, 7) * octaves + rng.normal(size=len(points)) * rng.uniform(0, 8)
    noise = rng.standard_normal(n, dtype=np.float32)
    spectrum = firwin2(513, points, 10 ** (decibel / 20), fs=RATE).astype(np.float32)
    gain = slow(rng, n, rng.uniform(0.3, 6), rng.uniform(0, 4))
    return unit(fftconvolve(noise, spectrum, "same") * gain)


def hum(rng: Rng, n: int) -> np.ndarray:
    """Mains or motor hum: a fundamental of 40-200 Hz with many harmonics, a little drift."""
    base = rng.choice([50.0, 60.0, 100.0, 120.0]) if rng.random() < 0.5 else rng.uniform(40, 200)
    drift = 1 + 0.02 * rng.random() * np.log(slow(rng, n, 0.5, 1))
    phase = 2 * np.pi * np.cumsum(base * drift) / RATE
    audio = np.zeros(n)
    for k in range(1, int(rng.integers(4, 30))):
        level = k ** -rng.uniform(0.3, 1.5) * rng.uniform(0.2, 1)
        audio += level * np.sin(k * phase + rng.uniform(0, 6.28))
    return unit(audio + 0.1 * rng.random() * shaped(rng, n))


def fan(rng: Rng, n: int) -> np.ndarray:
    """Steady wide-band air noise with blade tones."""
    blades = 1 + 0.3 * rng.random() * np.sin(2 * np.pi * rng.uniform(5, 60) * np.arange(n) / RATE)
    return unit(shaped(rng, n) * blades + rng.uniform(0.05, 0.6) * hum(rng, n))


def wind(rng: Rng, n: int) -> np.ndarray:
    """Low rumble in gusts."""
    pole = np.exp(-2 * np.pi * rng.uniform(30, 300) / RATE)
    rumble = lfilter([1 - pole], [1, -pole], rng.standard_normal(n))
    rumble = lfilter([1 - pole], [1, -pole], rumble) if rng.random() < 0.5 else rumble
    return unit(rumble * slow(rng, n, rng.uniform(0.5, 5), rng.uniform(3, 9)))


def clicks(rng: Rng, n: int) -> np.ndarray:
    """Keyboard, knocks and taps: short decaying bursts, some with a resonance, some doubled."""
    audio = np.zeros(n + RATE)
    length = int(RATE * rng.uniform(0.004, 0.08))
    decay = np.exp(-np.arange(length) / (length * rng.uniform(0.08, 0.3)))
    tone = np.sin(2 * np.pi * rng.uniform(150, 5000) * np.arange(length) / RATE)
    ring, double = rng.uniform(0, 2), rng.random() < 0.5
    position = 0.0
    while (position := position + rng.exponential(1 / rng.uniform(1, 10)) * RATE) < n:
        burst = decay * (rng.standard_normal(length) + ring * tone) * rng.lognormal(0, 0.5)
        audio[int(position) : int(position) + length] += burst
        if double:
            later = int(position + rng.uniform(0.03, 0.12) * RATE)
            audio[later : later + length] += 0.5 * burst
    return unit(audio[:n])


def beeps(rng: Rng, n: int) -> np.ndarray:
    """Alarms, rings and sirens: tones switched on and off, or sweeping."""
    time = np.arange(n) / RATE
    period = rng.uniform(0.2, 2)
    low, high = np.sort(rng.uniform(300, 4000, 2))
    place = time / period % 1
    if rng.random() < 0.4:  # siren
        frequency = low + (high - low) * (0.5 - 0.5 * np.cos(2 * np.pi * place))
        on = np.ones(n)
    else:
        frequency = np.where(time / period % 2 < 1, low, high)
        on = np.clip(np.minimum(place, rng.uniform(0.2, 1) - place) * period / 0.005, 0, 1)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    audio = sum(rng.uniform(0, 1) / k * np.sin(k * phase) for k in range(1, 5))
    return unit(on * audio)


KINDS = (shaped, shaped, shaped, hum, fan, fan, wind, clicks, clicks, beeps)


def noise(rng: Rng, n: int) -> np.ndarray:
    """One of the kinds, wide-band noise most often."""
    return KINDS[rng.integers(len(KINDS))](rng, n)
