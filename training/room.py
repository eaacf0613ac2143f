"""Rooms: simulated impulse responses, and the reverberation that the target keeps (DRV22)."""

import numpy as np
from scipy.signal import butter, sosfilt

from reference.params import RATE

KEEP, FADED = 0.020, 0.030  # s: kept untouched up to, attenuated from (DRV22: T0, T1)
ATTENUATION = 0.2  # alpha of DRV22 (there 0.4, and 0 is no worse to its listeners): -14 dB after T1
TARGET_DECAY = 0.200  # s: R_D of DRV22, 60 dB in 200 ms on top of the room's own decay
IMAGE_ORDER = 17  # bounces of an image source: all that arrive within 115 ms are there
MIXING = (0.050, 0.100)  # s after the direct sound: image sources give way to shaped noise
# Bands of the late reverberation, Hz, and their decay time relative to the room's.
TAIL = [
    (butter(2, band, "band", fs=RATE, output="sos"), decay)
    for band, decay in (((20, 500), 1.1), ((500, 4000), 1.0), ((4000, 20_000), 0.6))
]


def simulate(rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a random room, aligned: (n,) float32, T60 0.15-1.2 s.

    Image sources (pyroomacoustics) until they get too many, then noise that decays faster at high
    frequencies.
    """
    import pyroomacoustics  # a second that not every process has to wait for

    pyroomacoustics.constants.set("num_threads", 1)  # workers share the cores; same sums every time
    t60 = np.exp(rng.uniform(np.log(0.15), np.log(1.2)))
    size = rng.uniform([2.5, 2.5, 2.3], [9, 7, 4])
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    absorption = min(0.161 * volume / (surface * t60), 0.95)  # Sabine
    source, ear = (rng.uniform(0.3, size - 0.3) for _ in range(2))
    ear = source + (ear - source) * rng.uniform(0.15, 1)  # talkers are often near
    walls = pyroomacoustics.Material(absorption)
    box = pyroomacoustics.ShoeBox(size, fs=RATE, materials=walls, max_order=IMAGE_ORDER)
    box.add_source(source)
    box.add_microphone(ear)
    box.compute_rir()
    return with_tail(aligned(box.rir[0][0]), t60, rng).astype(np.float32)


def with_tail(images: np.ndarray, t60: float, rng: np.random.Generator) -> np.ndarray:
    """Early response (n,), then noise of matching level, in three bands of different decay."""
    time = np.arange(int(RATE * (t60 * 1.1 + 0.1))) / RATE
    early = np.zeros(len(time))
    early[: len(images)] = images[: len(time)]
    noise = rng.standard_normal(len(time))
    late = sum(sosfilt(sos, noise) * 10 ** (-3 * time / (t60 * decay)) for sos, decay in TAIL)
    start, end = MIXING
    before = (time >= start / 2) & (time < start)
    level = np.sqrt(np.sum(early[before] ** 2) / np.sum(late[before] ** 2))
    rise = np.clip((time - start) / (end - start), 0, 1)
    return early * np.sqrt(1 - rise) + level * late * np.sqrt(rise)


def aligned(response: np.ndarray) -> np.ndarray:
    """Measured response from its direct sound on, 1 ms of lead cut to the strongest sample."""
    peak = int(np.argmax(np.abs(response)))
    return response[max(peak - 24, 0) :]


def kept(n: int) -> np.ndarray:
    """What the network should leave of each sample of a response: (n,) factors.

    The early part is kept, the tail weaker and faster.
    """
    time = np.arange(n) / RATE
    decay = 10 ** (-3 * np.maximum(time - KEEP, 0) / TARGET_DECAY)
    place = np.clip((time - KEEP) / (FADED - KEEP), 0, 1)
    return decay * (ATTENUATION + (1 - ATTENUATION) * (0.5 + 0.5 * np.cos(np.pi * place)))
