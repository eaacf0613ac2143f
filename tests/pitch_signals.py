"""Sounds for the tests of the pitch tracker: vowels, something like speech, and the awkward."""

import numpy as np

from reference.params import HOP, RATE

FORMANTS = ((600, 150, 1.0), (1200, 150, 0.5), (2500, 250, 0.3))  # Hz, half width, amplitude


def vowel(f0, first: int = 1, noise: float = 1e-3, seed: int = 1) -> np.ndarray:
    """Harmonics first...80 of f0 (N,) Hz below 12 kHz under three formants, peak 0.5."""
    rng = np.random.default_rng(seed)
    phase, out = 2 * np.pi * np.cumsum(f0) / RATE, np.zeros(len(f0))
    for k in range(first, 81):
        f = k * f0
        height = sum(g / (1 + ((f - at) / width) ** 2) for at, width, g in FORMANTS)
        out += np.where(f < 12_000, height, 0) * np.sin(k * phase + rng.uniform(0, 2 * np.pi))
    return out / (2 * np.abs(out).max()) + noise * rng.normal(size=len(f0))


def speech_like(seed: int, level: float) -> np.ndarray:
    """6 s of gliding vowels, noise and pauses in noise 30 dB down: int16 (600, 480)."""
    rng = np.random.default_rng(seed)
    parts = []
    while sum(map(len, parts)) < 6 * RATE:
        count, kind = int(rng.uniform(0.1, 0.4) * RATE), rng.choice(3, p=[0.7, 0.15, 0.15])
        start = rng.uniform(70, 350)
        glide = np.geomspace(start, start * rng.uniform(0.8, 1.25), count)
        sound = (vowel(glide, seed=seed), 0.1 * rng.normal(size=count), np.zeros(count))[kind]
        parts.append(rng.uniform(0.2, 1) * np.sin(np.pi * np.arange(count) / count) ** 0.5 * sound)
    signal = np.concatenate(parts)[: 6 * RATE]
    signal += 10 ** (-30 / 20) * 0.1 * rng.normal(size=len(signal))
    return (
        np.clip(np.round(level * 32768 * signal), -32768, 32767).astype(np.int16).reshape(-1, HOP)
    )


def awkward_signals() -> dict[str, np.ndarray]:
    """Inputs at and beyond the edge of sense: int16 (120, 480) each."""
    n, rng = np.arange(120 * HOP), np.random.default_rng(4)
    signals = {
        "silence": 0 * n,
        "DC": 0 * n - 32768,
        "impulses": 32767 * (n % 7000 == 0),
        "one LSB": rng.integers(-1, 2, n.size),
        "alternating": 32767 - 65535 * (n % 2),
        "square": np.where(n // 240 % 2, 32767, -32768),
        "full-scale noise": rng.choice([-32768, 32767], n.size),
        "fading tone": 32767 * np.sin(0.02 * n) * np.exp(-n / 3000),
        "low tone": 32767 * np.sin(0.002 * n),
        "onset": np.where(n < 30_000, rng.integers(-2, 3, n.size), 30_000 * np.sin(0.03 * n)),
    }
    return {k: np.round(v).astype(np.int16).reshape(-1, HOP) for k, v in signals.items()}
