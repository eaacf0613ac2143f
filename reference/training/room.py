"""Rooms: simulated impulse responses, and the reverberation that the target keeps (DRV22)."""

import numpy as np
from scipy.signal import butter, sosfilt

from reference.params import RATE

SPEED = 343.0  # m/s
KEEP, FADED = 0.020, 0.030  # s: kept untouched up to, attenuated from (DRV22: T0, T1)
ATTENUATION = 0.4  # alpha of DRV22: -8 dB after T1
TARGET_DECAY = 0.200  # s: R_D of DRV22, 60 dB in 200 ms on top of the room's own decay
ORDER = 3  # reflections along each axis; later ones are shaped noise


def simulate(rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a random room with the direct sound first: (n,) float32, T60 0.15-1.2 s.

    Image sources for the early reflections, then noise that decays faster at high frequencies.
    """
    t60 = np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    size = rng.uniform([2.5, 2.5, 2.3], [9, 7, 4])
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    absorption = min(0.161 * volume / (surface * t60), 0.95)  # Sabine
    source, ear = (rng.uniform(0.3, size - 0.3) for _ in range(2))
    ear = source + (ear - source) * rng.uniform(0.15, 1)  # talkers are often near
    delays, levels = _images(size, source, ear, np.sqrt(1 - absorption))
    first = delays.min()
    response = np.zeros(int(RATE * (t60 * 1.1 + 0.1)))
    places = np.round((delays - first) * RATE).astype(int)
    inside = places < len(response)
    np.add.at(response, places[inside], levels[inside])
    return _with_tail(response, t60, rng).astype(np.float32)


def _images(size, source, ear, reflection) -> tuple[np.ndarray, np.ndarray]:
    """Delays (s) and amplitudes of the image sources of a box."""
    number = np.arange(-ORDER, ORDER + 1)
    axes = []
    for length, s, e in zip(size, source, ear, strict=True):
        distance = np.concatenate([2 * number * length + s - e, 2 * number * length - s - e])
        bounces = np.concatenate([np.abs(2 * number), np.abs(2 * number - 1)])
        axes.append((distance, bounces))
    squared = sum(
        np.expand_dims(d**2, [j for j in range(3) if j != i]) for i, (d, _) in enumerate(axes)
    )
    bounces = sum(
        np.expand_dims(b, [j for j in range(3) if j != i]) for i, (_, b) in enumerate(axes)
    )
    distance = np.maximum(np.sqrt(squared), 0.1)
    return (distance / SPEED).ravel(), (reflection**bounces / distance).ravel()


def _with_tail(response: np.ndarray, t60: float, rng: np.random.Generator) -> np.ndarray:
    """Early response plus late noise of matching level, in three bands of different decay."""
    time = np.arange(len(response)) / RATE
    noise = rng.standard_normal(len(response))
    tail = np.zeros(len(response))
    for band, factor in (((20, 500), 1.1), ((500, 4000), 1.0), ((4000, 20_000), 0.6)):
        part = sosfilt(butter(2, band, "band", fs=RATE, output="sos"), noise)
        tail += part * 10 ** (-3 * time / (t60 * factor))
    rise = np.clip((time - 0.01) / 0.03, 0, 1)  # the images get sparse, the noise takes over
    span = slice(int(0.015 * RATE), int(0.04 * RATE))
    early, late = np.sum(response[span] ** 2), np.sum(tail[span] ** 2)
    level = np.sqrt((early + 1e-3 * response[0] ** 2) / (late + 1e-12))
    decay = 10 ** (-3 * np.maximum(time - 0.04, 0) / 0.05)
    return response * decay + level * rise * tail


def aligned(response: np.ndarray) -> np.ndarray:
    """Measured response from its direct sound on, 1 ms of lead cut to the strongest sample."""
    peak = int(np.argmax(np.abs(response)))
    return response[max(peak - 24, 0) :]


def target(response: np.ndarray) -> np.ndarray:
    """What the network should leave of the room: the early part and a weaker, faster tail."""
    time = np.arange(len(response)) / RATE
    decay = 10 ** (-3 * np.maximum(time - KEEP, 0) / TARGET_DECAY)
    place = np.clip((time - KEEP) / (FADED - KEEP), 0, 1)
    fade = ATTENUATION + (1 - ATTENUATION) * (0.5 + 0.5 * np.cos(np.pi * place))
    return (response * decay * fade).astype(np.float32)
