"""The embedded set is what its code draws: noises and rooms are found again in the shipped clips.

Only the voices come from outside, so noise and room of a clip follow from its number alone.
"""

import csv

import numpy as np
import pytest
import soundfile as sf
from scipy.signal import fftconvolve

from eval.embedded import make
from eval.embedded.noises import NOISES
from eval.embedded.rooms import room_response
from eval.mixing import early_part, to_level
from eval.testset import EMBEDDED

THREE_SENTENCES = ("2", "7")  # two in the other clips; each has a pause behind it
with open(EMBEDDED / "manifest.csv", newline="") as manifest:
    CLIPS = {row["fileid"]: row for row in csv.DictReader(manifest) if row["noise"] != "babble"}


def drawn(row: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    """(noisy, clean, noise of the clip at its level, random numbers that come next)."""
    noisy, clean = (sf.read(EMBEDDED / row[name])[0] for name in ("noisy", "clean"))
    rng = np.random.default_rng([make.SEED, int(row["fileid"])])
    rng.uniform(size=4 if row["fileid"] in THREE_SENTENCES else 3)  # of the pauses
    rng.standard_normal(noisy.size)  # of the recording's own noise
    noise = NOISES[row["noise"]](rng, noisy.size)
    return noisy, clean, to_level(noise, int(row["level"]) - int(row["snr"])), rng


@pytest.mark.parametrize("number", [n for n, row in CLIPS.items() if not row["reverb"]])
def test_a_dry_clip_holds_its_noise(number):
    """To two roundings to 16 bits."""
    noisy, clean, noise, _ = drawn(CLIPS[number])
    assert np.abs(noisy - clean - noise).max() <= 1.01 / 32768


@pytest.mark.parametrize("number", [n for n, row in CLIPS.items() if row["reverb"]])
def test_a_clip_in_a_room_holds_its_noise_and_its_room(number):
    """Speech in the room after the early part of its response is early speech after the whole."""
    noisy, clean, noise, rng = drawn(CLIPS[number])
    room = room_response(CLIPS[number]["reverb"], rng)
    late, early = fftconvolve(noisy - noise, early_part(room)), fftconvolve(clean, room)
    n = clean.size - room.size  # what the clip cuts off
    error = late[:n] - early[:n]
    assert np.square(error).sum() < 1e-6 * np.square(early[:n]).sum()


def test_babble_is_of_seven_others_within_3_db(monkeypatch):
    """Each with six sentences, none of them twice, and a pause behind each."""
    said, levels = [], []

    def speak(voice, text):
        said.append((voice.name, text))
        return np.ones(100)

    def to_level(x, level_db):
        levels.append(level_db)
        return x

    monkeypatch.setattr(make, "speak", speak)
    monkeypatch.setattr(make, "to_level", to_level)
    for seed in range(20):
        heard = make.babble(make.VOICES[seed % 8], 6 * 4900, np.random.default_rng(seed))
        assert heard.sum() == pytest.approx(7 * 600)
        others = {name for name, _ in said} - {make.VOICES[seed % 8].name}
        assert len(others) == 7 and len(set(said)) == len(said) == 42
        said.clear()
    assert min(levels) > -3 and max(levels) < 3 and np.std(levels) == pytest.approx(3**0.5, rel=0.1)
