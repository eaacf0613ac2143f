"""Eight noises, made from numpy's random numbers only: name → function(rng, n) → (n,) at 48 kHz.

Levels are arbitrary; the mixer sets them. `babble` needs voices and is made in make.py.
"""

import numpy as np
from scipy.signal import fftconvolve

RATE = 48000


def shaped(rng: np.random.Generator, n: int, points: dict[float, float]) -> np.ndarray:
    """Stationary Gaussian noise; `points` maps Hz → dB, straight lines over log frequency."""
    hz = np.maximum(np.fft.rfftfreq(n, 1 / RATE), 1.0)
    db = np.interp(np.log(hz), np.log(list(points)), list(points.values()))
    x = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * 10 ** (db / 20), n)
    return x / np.std(x)


def slow(rng: np.random.Generator, n: int, rate_hz: float) -> np.ndarray:
    """Smooth random curve with standard deviation 1, changing about `rate_hz` times a second."""
    points = rng.standard_normal(int(n / RATE * rate_hz) + 4)
    x = np.interp(np.arange(n) * rate_hz / RATE, np.arange(points.size), points)
    ramp = np.hanning(int(RATE / rate_hz) | 1)
    return fftconvolve(x, ramp / ramp.sum(), mode="same")


def harmonics(rng: np.random.Generator, f0: np.ndarray, count: int, fall_db: float) -> np.ndarray:
    """Sum of `count` harmonics of the instantaneous f0 (n,) Hz, each `fall_db` below the last."""
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    return sum(10 ** (-fall_db * k / 20) * np.sin((k + 1) * phase + rng.uniform(0, 2 * np.pi))
               for k in range(count))


def strokes(rng: np.random.Generator, n: int, times: np.ndarray, make) -> np.ndarray:
    """Sum of short sounds make(rng) starting at `times` (s); cut at the end."""
    x = np.zeros(n)
    starts = (times * RATE).astype(int)
    for start in starts[starts < n]:
        piece = make(rng)[: n - start]
        x[start:start + piece.size] += piece
    return x


def ring(rng: np.random.Generator, hz: float, decay_s: float, noisiness: float) -> np.ndarray:
    """Damped resonance with a noisy start: a click on wood, plastic or water."""
    t = np.arange(int(8 * decay_s * RATE)) / RATE
    tone = np.sin(2 * np.pi * hz * t + rng.uniform(0, 2 * np.pi))
    return np.exp(-t / decay_s) * ((1 - noisiness) * tone
                                   + noisiness * rng.standard_normal(t.size))


def pink(rng: np.random.Generator, n: int) -> np.ndarray:
    """−3 dB per octave from 30 Hz to 20 kHz."""
    return shaped(rng, n, {20: -6, 30: 0, 20000: -28.2, 24000: -40})


def car(rng: np.random.Generator, n: int) -> np.ndarray:
    """Road and wind outside, an engine whose speed drifts."""
    road = shaped(rng, n, {20: -8, 60: 0, 200: -8, 800: -26, 3000: -34, 10000: -46, 24000: -60})
    engine = harmonics(rng, 62 + 5 * slow(rng, n, 0.5), 12, 3.5)
    return road * (1 + 0.12 * slow(rng, n, 2)) + 0.25 * engine


def fan(rng: np.random.Generator, n: int) -> np.ndarray:
    """A fan's air and blades over mains hum (50 Hz and its odd harmonics)."""
    air = shaped(rng, n, {30: -20, 150: -4, 500: 0, 1500: -8, 6000: -24, 20000: -42})
    blades = harmonics(rng, 178 + 0.6 * slow(rng, n, 1), 7, 4)
    t = np.arange(n) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in (1, 2, 3, 5, 7, 9))
    return air + 0.3 * blades + 0.5 * hum


def keyboard(rng: np.random.Generator, n: int) -> np.ndarray:
    """Key strokes, down and up, in words of 3–8 letters, over the noise of a quiet room."""
    times, now = [], 0.05
    while now < n / RATE - 0.2:
        for _ in range(rng.integers(3, 9)):
            times += [now, now + rng.uniform(0.06, 0.1)]
            now += rng.uniform(0.09, 0.2)
        now += rng.uniform(0.1, 0.5)
    times = np.array(times)

    def key(rng: np.random.Generator) -> np.ndarray:
        body = ring(rng, rng.uniform(180, 420), 0.012, 0.2)
        click = ring(rng, rng.uniform(2500, 6500), 0.004, 0.7)
        body[:click.size] += 0.7 * click
        return rng.uniform(0.4, 1.0) * body

    return strokes(rng, n, times, key) + 0.004 * pink(rng, n)


def rain(rng: np.random.Generator, n: int) -> np.ndarray:
    """Hiss of many drops far away and single drops near by."""
    hiss = shaped(rng, n, {50: -24, 400: -12, 2000: -3, 6000: 0, 14000: -4, 22000: -12})
    times = np.sort(rng.uniform(0, n / RATE, int(60 * n / RATE)))
    drops = strokes(rng, n, times, lambda r: r.lognormal(0, 0.6) * ring(
        r, r.uniform(1200, 7000), r.uniform(0.001, 0.005), 0.3))
    return hiss * (1 + 0.15 * slow(rng, n, 1)) + 0.8 * drops


def wind(rng: np.random.Generator, n: int) -> np.ndarray:
    """Gusts at a microphone: strong below 300 Hz, their strength and colour moving."""
    low = shaped(rng, n, {10: 0, 60: 0, 200: -12, 600: -30, 3000: -50, 24000: -80})
    howl = shaped(rng, n, {100: -20, 350: 0, 700: -4, 2000: -24, 8000: -44, 24000: -70})
    gust = np.exp(0.7 * slow(rng, n, 1.2))
    return gust * (low + 0.35 * gust * howl)


def beeps(rng: np.random.Generator, n: int) -> np.ndarray:
    """Machine signals: pips, two-tone calls and sweeps, with pauses, over a faint hiss."""
    def signal(rng: np.random.Generator) -> np.ndarray:
        t = np.arange(int(rng.uniform(0.08, 0.4) * RATE)) / RATE
        hz = rng.choice([523, 880, 1000, 1320, 1760, 2350, 3100])
        glide = rng.choice([0, 0, 600, -300])
        tone = np.sin(2 * np.pi * (hz * t + glide * t * t / 2))
        tone += rng.choice([0, 0.6]) * np.sin(2 * np.pi * 1.26 * hz * t)
        return tone * np.minimum(1, np.minimum(t, t[::-1]) / 0.005)

    times, now = [], rng.uniform(0, 0.3)
    while now < n / RATE - 0.1:
        times += [now]
        now += rng.uniform(0.25, 0.8)
    return strokes(rng, n, np.array(times), signal) + 0.01 * pink(rng, n)


NOISES = {"pink": pink, "car": car, "fan": fan, "keyboard": keyboard,
          "rain": rain, "wind": wind, "beeps": beeps}
