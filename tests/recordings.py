"""Recordings for tests of training: three talkers and three noises, three seconds each."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from reference.params import RATE
from training.data import Segment, read_folder


def voice(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Something like speech: harmonics of a moving pitch in syllables."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(rng.uniform(90, 250) * (1 + 0.1 * np.sin(6 * time))) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 30))
    return 0.1 * tone * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)


@pytest.fixture(scope="session")
def segments(tmp_path_factory) -> tuple[Segment, ...]:
    """Folders of three talkers and three noises."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    for kind in ("speech", "noise"):
        (folder / kind).mkdir()
        for i in range(3):
            audio = voice(rng, 3) if kind == "speech" else 0.1 * rng.standard_normal(RATE * 3)
            soundfile.write(folder / kind / f"{i}.wav", audio, RATE)
    return tuple(s for kind in ("speech", "noise") for s in read_folder(folder / kind, kind))


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """Where prepared recordings are kept."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def source(segments, cache):
    """A training.store.Source: shards of four mixtures of 80 frames."""
    from training.store import Source  # here: torch takes two seconds, few tests need it

    return Source(segments, cache, seed=1, rows=4, frames=80, synthetic=2, rooms=2)
