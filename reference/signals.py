"""Sounds that every build is compared on: speech-like, and chosen to break things."""

import numpy as np


def speech(seconds: float, seed: int = 1) -> np.ndarray:
    """Speech-like: gliding harmonics in syllables with a noise floor, (N,) full scale 1."""
    rng = np.random.default_rng(seed)
    n = np.arange(int(seconds * 48000) // 480 * 480)
    f0 = 140 + 40 * np.sin(2 * np.pi * 0.7 * n / 48000)
    phase = 2 * np.pi * np.cumsum(f0) / 48000
    voice = sum(np.sin(k * phase) / k for k in range(1, 30))
    syllables = np.clip(np.sin(2 * np.pi * 3 * n / 48000), 0, 1) ** 0.5
    return 0.1 * voice * syllables + 0.0005 * rng.standard_normal(n.size)


def adversarial(seed: int = 2) -> np.ndarray:
    """Hops (L, 480) int16 chosen to break things: extremes, alternation, impulses, silence."""
    rng = np.random.default_rng(seed)
    alternating = np.where(np.arange(480) % 2, 32767, -32768)
    slow = np.where(np.arange(480) % 160 < 80, 32767, -32768)
    impulse = np.zeros(480)
    impulse[7] = -32768
    loud, quiet = rng.integers(-32768, 32768, 480), rng.integers(-1, 2, 480)
    kinds = [np.full(480, -32768), np.full(480, 32767), alternating, slow, impulse]
    kinds += [loud, quiet, np.zeros(480)]
    order = rng.permutation(np.repeat(np.arange(len(kinds)), 6))
    runs = [kinds[k] for k in range(len(kinds)) for _ in range(12)]  # each long enough to fill
    return np.array(runs + [kinds[k] for k in order]).astype(np.int16)
