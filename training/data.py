"""Recordings for training: a list of segments and a decoded copy of every file.

Two sources: an index file (columns split, kind, track, start_s, duration_s, bandwidth_hz, source,
group, licence; tracks relative to the index) or plain folders of audio files. Files are decoded
once to 48 kHz mono int16 and mapped into memory from a cache folder.
"""

import csv
import hashlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from reference.files import whole
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


class Cache:
    """Decoded files as int16 memory maps in a folder, which several runs may share."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.open: dict[Path, np.ndarray] = {}

    def file(self, path: Path) -> np.ndarray:
        """All samples of a file (int16, read only)."""
        if path not in self.open:
            stat = path.stat()
            key = f"{path.resolve()} {stat.st_size} {int(stat.st_mtime)}"
            stored = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
            if not stored.exists():
                with whole(stored) as new:
                    np.save(new, decode(path))
            self.open[path] = np.load(stored, mmap_mode="r")
        return self.open[path]

    def audio(self, segment: Segment) -> np.ndarray:
        """Samples of a segment, float32 in +-1."""
        stop = None if segment.length < 0 else segment.start + segment.length
        return self.file(segment.path)[segment.start : stop].astype(np.float32) / 32768


def bandwidth(audio: np.ndarray) -> float:
    """Highest frequency in Hz within 70 dB of the strongest 500-Hz band."""
    n = 960
    frames = audio[: len(audio) // n * n].reshape(-1, n) * np.hanning(n)
    power = (np.abs(np.fft.rfft(frames)) ** 2).sum(axis=0)[:480].reshape(48, 10).sum(axis=1)
    strong = np.flatnonzero(power > 1e-7 * power.max()) if len(frames) else []
    return 500.0 * (strong[-1] + 1) if len(strong) else RATE / 2


class Pool:
    """The segments of one split, drawn by group first so that no talker outweighs another."""

    def __init__(self, segments: list[Segment], split: str, cache: Cache):
        self.cache = cache
        self.bandwidths: dict[Segment, float] = {}
        self.groups: dict[str, dict[tuple[str, str], list[Segment]]] = {
            kind: defaultdict(list) for kind in ("speech", "noise", "music", "rir")
        }
        for s in segments:
            if s.split == split:
                # Files without a named group would be one group of hundreds: split them up.
                group = s.group or f"{s.path.name}:{s.start // (10 * RATE)}"
                self.groups[s.kind][(s.source, group)].append(s)
        self.keys = {kind: sorted(groups) for kind, groups in self.groups.items()}
        for kind in ("speech", "noise"):
            if not self.keys[kind]:
                raise ValueError(f"split {split}: expected {kind} recordings, found none")
        self.weights = {kind: self._weights(kind) for kind in self.keys}

    def _weights(self, kind: str) -> np.ndarray:
        """Probability of each group: grows with the square root of its seconds."""
        seconds = [
            sum(s.length / RATE if s.length > 0 else 5.0 for s in self.groups[kind][key])
            for key in self.keys[kind]
        ]
        weights = np.sqrt(np.maximum(seconds, 1.0))
        return weights / weights.sum() if len(weights) else weights

    def has(self, kind: str) -> bool:
        """True if there is at least one recording of that kind."""
        return bool(self.keys[kind])

    def group(self, kind: str, rng: np.random.Generator) -> list[Segment]:
        """A random group (talker, class of noise)."""
        chosen = rng.choice(len(self.keys[kind]), p=self.weights[kind])
        return self.groups[kind][self.keys[kind][chosen]]

    def pick(self, segments: list[Segment], rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Samples (float32, +-1) and bandwidth (Hz) of a random segment of the list."""
        segment = segments[rng.integers(len(segments))]
        audio = self.cache.audio(segment)
        if segment not in self.bandwidths:
            self.bandwidths[segment] = segment.bandwidth_hz or bandwidth(audio)
        return audio, self.bandwidths[segment]


def hours(segments: list[Segment], cache: Cache) -> list[tuple[str, str, str, str, float]]:
    """Rows (split, kind, source, licence, hours) for a model card."""
    table: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for s in segments:
        length = s.length if s.length > 0 else len(cache.file(s.path))
        table[(s.split, s.kind, s.source, s.licence)] += length / RATE / 3600
    return [(*key, value) for key, value in sorted(table.items())]
