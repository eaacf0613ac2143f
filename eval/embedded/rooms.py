"""Shoebox rooms by the image-source method (Allen & Berkley 1979), 48 kHz.

Walls have one reflection coefficient, from Eyring's formula and the reverberation time. Images
are moved by a few centimetres at random, which breaks the flutter of a perfect shoebox.
"""

import numpy as np

RATE = 48000
SPEED = 343.0  # m/s
TAPS = 32  # windowed-sinc interpolation of the fractional delay
JITTER_M = 0.04

# size (m), talker, microphone, Eyring T60 (s). In a shoebox with equal walls the decay is slower
# than Eyring's; measured T20 of these four: 0.23, 0.31, 0.48, 0.66 s.
ROOMS = {
    "booth": ((2.4, 1.9, 2.3), (1.0, 0.8, 1.5), (1.5, 1.2, 1.3), 0.16),
    "office": ((4.2, 3.4, 2.7), (1.2, 1.3, 1.5), (2.1, 1.9, 1.1), 0.22),
    "meeting": ((6.5, 4.8, 2.9), (2.0, 2.2, 1.4), (3.4, 2.6, 1.0), 0.32),
    "hall": ((11.0, 8.0, 4.2), (4.0, 3.5, 1.6), (5.2, 4.3, 1.2), 0.46),
}


def reflection(size: np.ndarray, t60: float) -> float:
    """Pressure reflection coefficient of the walls by Eyring's formula."""
    surface = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    return float(np.exp(-0.5 * 0.161 * np.prod(size) / (surface * t60)))


def images(size: np.ndarray, talker: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions (k, 3) of all mirror images whose cell is within `reach` m; wall hits (k,)."""
    axes = []
    for length, x in zip(size, talker, strict=True):
        m = np.arange(-int(reach / length) - 1, int(reach / length) + 2)
        axes.append((np.where(m % 2 == 0, m * length + x, (m + 1) * length - x), np.abs(m)))
    position = np.stack(np.meshgrid(*(a[0] for a in axes), indexing="ij"), -1).reshape(-1, 3)
    hits = sum(np.meshgrid(*(a[1] for a in axes), indexing="ij")).ravel()
    return position, hits


def room_response(name: str, rng: np.random.Generator) -> np.ndarray:
    """Response (n,) of the named room, direct sound with amplitude 1."""
    size, talker, microphone, t60 = (np.array(v, float) for v in ROOMS[name])
    n = int(1.5 * t60 * RATE)
    position, hits = images(size, talker, 1.5 * SPEED * t60)
    position[hits > 0] += rng.normal(0, JITTER_M, (np.count_nonzero(hits), 3))
    distance = np.linalg.norm(position - microphone, axis=1)
    direct = distance[hits == 0][0]
    amplitude = reflection(size, float(t60)) ** hits * direct / distance
    delay = distance / SPEED * RATE
    keep = delay < n - TAPS
    whole = np.floor(delay[keep]).astype(int)
    offset = np.arange(1 - TAPS // 2, 1 + TAPS // 2) - (delay[keep] - whole)[:, None]
    taps = np.sinc(offset) * np.cos(np.pi * offset / TAPS) ** 2 * amplitude[keep, None]
    index = whole[:, None] + np.arange(1 - TAPS // 2, 1 + TAPS // 2)
    return np.bincount(index.ravel(), taps.ravel(), minlength=n)[:n]
