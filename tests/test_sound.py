"""The sound in README.md is the clip that it says, and what the library makes of it today."""

import io

import numpy as np
import pytest
import soundfile
from generated import snr_db
from PIL import Image

from eval import listen
from eval.listen import HEIGHT, SOUND, WIDTH, sound, spectrogram
from pages.scores import model_names
from pages.sound import CLIP, LADDER
from targets.target import ROOT

DELAY, HOP = 1440, 480
CODEC_DB = 40
"""Room for another MP3 encoder; this one repeats its bytes. `tiny` and `full` are at 20 to 22."""


def noisy() -> np.ndarray:
    """(N,) int16."""
    return soundfile.read(ROOT / f"eval/embedded/noisy/{CLIP}.flac", dtype="int16")[0]


@pytest.fixture(scope="module")
def clips(library) -> dict[str, np.ndarray]:
    pcm, instance = noisy(), library.instance()
    padded = np.pad(pcm, (0, DELAY + -(len(pcm) + DELAY) % HOP))
    out = [instance.process(hop)["out"] for hop in padded.reshape(-1, HOP)]
    return {"noisy": pcm, "small": np.concatenate(out)[DELAY:][: len(pcm)]}


@pytest.mark.parametrize("name", ["noisy", "small"])
def test_sound_is_what_the_command_makes(clips, name):
    file = SOUND / f"{name}.mp3"
    heard, rate = soundfile.read(file)
    fresh = soundfile.read(io.BytesIO(sound(clips[name] / 32768)))[0]
    assert (rate, len(heard)) == (48000, len(clips[name]))
    assert snr_db(fresh, heard) > CODEC_DB, "make baseline; python -m pages.sound"
    assert file.stat().st_size < 100_000


def test_pictures_are_there_and_small():
    names = {path.stem for path in SOUND.glob("*.webp")}
    assert {"noisy", "small", *LADDER} <= names <= {"noisy", *model_names(), *LADDER}
    for name in names:
        with Image.open(SOUND / f"{name}.webp") as picture:
            assert picture.size == (WIDTH, HEIGHT)
    assert sum(path.stat().st_size for path in SOUND.iterdir()) < 500_000


def test_a_spectrogram_shows_levels_where_they_are(monkeypatch):
    """A tone of -50 dBFS at 6 kHz: three quarters of the scale, a quarter from the bottom."""
    seen = []
    monkeypatch.setattr(listen.matplotlib, "colormaps",
                        {"magma": lambda level: seen.append(level) or np.zeros((*level.shape, 4))})
    tone = 10 ** (-50 / 20) * np.sin(2 * np.pi * 6000 * np.arange(48000) / 48000)
    with Image.open(io.BytesIO(spectrogram(tone))) as picture:
        assert picture.size == (WIDTH, HEIGHT)
    (level,) = seen
    row = level[:, WIDTH // 2].argmax()
    assert level.shape == (HEIGHT, WIDTH) and abs(row - 0.75 * HEIGHT) <= 1.5
    assert level[row] == pytest.approx(0.75, abs=0.02)
    assert level[: HEIGHT // 2].max() == 0
    assert spectrogram(tone[:500])  # shorter than a window


def test_the_difference_can_be_heard(clips):
    """In a pause the enhanced clip is 15 dB softer; MP3 keeps that."""
    levels = {}
    for name in clips:
        heard = soundfile.read(SOUND / f"{name}.mp3")[0]
        frames = heard[: len(heard) // 4800 * 4800].reshape(-1, 4800)
        levels[name] = np.sort(np.mean(frames**2, 1))[:5].mean()
    assert 10 * np.log10(levels["noisy"] / levels["small"]) > 15
