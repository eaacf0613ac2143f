"""Voices made for training: held ones are periodic and long, whispered ones are not periodic."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from reference.params import HOP, RATE
from reference.pitch import Pitch
from training.data import Segment, read_folder

pytest.importorskip("pyworld")

from training import voices  # noqa: E402


def correlation(audio: np.ndarray) -> np.ndarray:
    """Pitch correlation of each frame, 0...1."""
    hops = audio[: len(audio) // HOP * HOP].reshape(-1, HOP)
    return Pitch().run(hops)[1]


def test_made_voices(segments, tmp_path):
    voices.make("held", list(segments), 3, 1, tmp_path / "held")
    made = read_folder(tmp_path / "held", "held")
    paths = sorted({segment.path for segment in made})
    assert len(paths) == 3
    for path in paths:
        audio = voices.decode(path) / 32768
        assert 1.4 * RATE < len(audio) < 5.6 * RATE
        assert 0.85 < np.abs(audio).max() < 0.95
        assert np.median(correlation(audio)) > 0.8
    rng = np.random.default_rng(2)
    speech = voices.decode(segments[0].path) / 32768
    whisper = voices.whispered(rng, speech)
    assert len(whisper) == pytest.approx(len(speech), abs=RATE // 50)
    assert np.median(correlation(whisper)) < 0.5 < np.median(correlation(speech))
    with pytest.raises(ValueError, match="made 0 of 2 voices; give more"):
        voices.make("whisper", too_short(tmp_path / "short"), 2, 1, tmp_path / "none")


def too_short(folder: Path) -> list[Segment]:
    """Speech of a tenth of a second."""
    folder.mkdir()
    for k in range(2):
        soundfile.write(folder / f"{k}.wav", np.ones(RATE // 10) / 4, RATE)
    return read_folder(folder, "speech")
