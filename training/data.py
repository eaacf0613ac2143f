"""Recordings for training: a list of segments, and how a file is decoded.

Two sources: an index file (columns split, kind, track, start_s, duration_s, bandwidth_hz, source,
group, licence; tracks relative to the index) or plain folders of audio files.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from reference.params import RATE

AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3"}
VALID_SHARE = 20  # of plain folders, one group in 20 is kept for validation


@dataclass(frozen=True)
class Segment:
    """One recording. ``start`` and ``length`` in samples at 48 kHz; -1 = to the end."""

    split: str  # "train" or "valid"
    kind: str  # "speech", "noise", "music" or "rir"
    path: Path
    start: int
    length: int
    bandwidth_hz: float  # 0 = unknown, measured when used
    source: str
    group: str  # talker, or class of noise
    licence: str


def read_index(index: Path) -> list[Segment]:
    """Segments of an index file, and of ``rir/index.csv`` beside it if there is one."""
    root = Path(index).parent
    segments = []
    with open(index, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            start, length = (round(float(row[k]) * RATE) for k in ("start_s", "duration_s"))
            segments.append(
                Segment(row["split"], row["kind"], root / row["track"], start, length,
                        float(row["bandwidth_hz"]), row["source"], row["group"], row["licence"])
            )  # fmt: skip
    rooms = root / "rir" / "index.csv"
    if rooms.exists():
        with open(rooms, newline="", encoding="utf-8") as file:
            for i, row in enumerate(csv.DictReader(file)):
                split = "valid" if i % 4 == 3 else "train"
                path = rooms.parent / row["file"]
                segments.append(
                    Segment(split, "rir", path, 0, -1, 0, row["source"], path.stem, row["licence"])
                )
    return segments


def read_folder(folder: Path, kind: str) -> list[Segment]:
    """Every audio file below ``folder``; the folder a file lies in counts as its group."""
    paths = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    if not paths:
        raise ValueError(f"{folder}: expected audio files {sorted(AUDIO_SUFFIXES)}, found none")
    parents = {p.parent for p in paths}
    segments = []
    for path in paths:
        # One flat folder: every file is its own group, otherwise nothing could be held out.
        group = str(path.parent if len(parents) >= 10 else path)
        held_out = hashlib.sha256(group.encode()).digest()[0] % VALID_SHARE == 0
        split = "valid" if held_out else "train"
        segments.append(Segment(split, kind, path, 0, -1, 0, Path(folder).name, group, "unknown"))
    groups = sorted({s.group for s in segments})
    if len({s.split for s in segments}) < 2:  # so few groups that chance took all or none
        segments = [
            replace(s, split="valid" if s.group == groups[0] else "train") for s in segments
        ]
    if len(groups) == 1:
        segments += [replace(s, split="train") for s in segments]
    return segments


def decode(path: Path) -> np.ndarray:
    """Audio file as int16 at 48 kHz, channels averaged."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio.mean(axis=1)
    if rate != RATE:
        audio = soxr.resample(audio, rate, RATE)
    return np.clip(np.round(audio * 32768), -32768, 32767).astype(np.int16)


def bandwidth(audio: np.ndarray) -> float:
    """Highest frequency in Hz within 70 dB of the strongest 500-Hz band."""
    n = 960
    frames = audio[: len(audio) // n * n].reshape(-1, n) * np.hanning(n)
    power = (np.abs(np.fft.rfft(frames)) ** 2).sum(axis=0)[:480].reshape(48, 10).sum(axis=1)
    strong = np.flatnonzero(power > 1e-7 * power.max()) if len(frames) else []
    return 500.0 * (strong[-1] + 1) if len(strong) else RATE / 2


def hours(segments: Iterable[Segment]) -> list[tuple[str, str, str, str, float]]:
    """Rows (split, kind, source, licence, hours) for a model card."""
    table: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for s in segments:
        seconds = s.length / RATE if s.length > 0 else soundfile.info(s.path).duration
        table[(s.split, s.kind, s.source, s.licence)] += seconds / 3600
    return [(*key, value) for key, value in sorted(table.items())]
