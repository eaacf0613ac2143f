"""Recordings prepared once: cut, levelled, as one file of int16 samples with a table of clips.

A mixture is made of clips by copying and resampling, so what costs time (decoding, cutting off
silence, synthetic noise, rooms) is done before. The file is mapped into memory, or lies whole on a
GPU.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, sosfilt
from torch import Tensor

from reference.files import whole
from reference.interrupt import deaf
from reference.params import HOP, RATE
from training import room, synth
from training.data import Segment, bandwidth, decode

EDGE = 960  # samples faded where recordings are joined
SHORT = 2 * RATE  # samples: a noise that is shorter is an event, and levelled by itself
LEAST = {"noise": HOP, "music": HOP, "rir": 1}  # samples worth keeping, of speech:
LEAST_SPEECH = 4800
SPEECH_RMS, PEAK = 0.06, 0.99  # of what is stored, full scale 1
VOICES = ("speech", "held", "whisper")
RUMBLE = butter(2, 25, "high", fs=RATE, output="sos")  # below voices; takes off a DC offset
SYNTHETIC_FRAMES = 1200  # of one clip of synthetic noise
RESPONSE = 72_000  # samples: longest response of a room
CHUNK = 8  # clips that a worker makes in one go


@dataclass(frozen=True)
class Clip:
    """One recording in the file. ``gain`` times its int16 samples: see `prepared`."""

    kind: str  # of Segment, or "synthetic", or "room"
    group: str
    start: int
    length: int
    gain: float
    bandwidth_hz: float

    @property
    def short(self) -> bool:
        """Whether it is an event."""
        return self.length < SHORT


def frame_power(audio: np.ndarray) -> np.ndarray:
    """Mean power of each 10-ms frame."""
    count = len(audio) // HOP
    return np.mean(audio[: count * HOP].reshape(count, HOP) ** 2, axis=1)


def active_rms(audio: np.ndarray) -> float:
    """RMS over the frames within 15 dB of the loud ones (95th percentile)."""
    power = frame_power(audio)
    if not len(power) or not power.any():
        return 0.0
    return float(np.sqrt(power[power >= np.percentile(power, 95) * 10**-1.5].mean()))


def trimmed(speech: np.ndarray) -> np.ndarray:
    """Speech without the silence round it and with the hiss in its pauses lowered by 20 dB."""
    power = frame_power(speech)
    if len(power) < 10 or not power.any():
        return speech[:0]
    loud, floor = np.percentile(power, 95), np.percentile(power, 10)
    # 6 dB above the floor of the recording, but between 40 and 25 dB below the loud frames.
    active = power > loud * np.clip(4 * floor / loud, 1e-4, 3e-3)
    active = maximum_filter1d(active.astype(np.float32), 17)  # 80 ms to both sides
    inside = np.flatnonzero(active)
    gain = 0.1 + 0.9 * np.convolve(active, np.full(5, 0.2), "same")
    start, stop = inside[0], inside[-1] + 1
    places = (np.arange(start * HOP, stop * HOP) + 0.5) / HOP - 0.5
    return faded(speech[start * HOP : stop * HOP] * np.interp(places, np.arange(len(gain)), gain))


def faded(audio: np.ndarray) -> np.ndarray:
    """20-ms fades at both ends."""
    n = min(EDGE, len(audio) // 2)
    audio = audio.astype(np.float32)
    if n:
        ramp = np.linspace(0, 1, n, dtype=np.float32)
        audio[:n] *= ramp
        audio[-n:] *= ramp[::-1]
    return audio


def prepared(kind: str, audio: np.ndarray) -> tuple[np.ndarray, float]:
    """Samples to store, int16, and their gain; empty if there is nothing worth keeping.

    With the gain, voices and short noises have an active RMS of 1, long noises and responses the
    level they were recorded at: between the recordings of one class it may differ by tens of dB.
    """
    nothing = np.zeros(0, np.int16), 0.0
    if len(audio) < LEAST.get(kind, LEAST_SPEECH):
        return nothing
    if kind in VOICES:
        audio = sosfilt(RUMBLE, audio).astype(np.float32)
        audio = trimmed(audio) if kind == "speech" else audio
    elif kind == "rir":
        audio = room.aligned(audio)
    peak = np.abs(audio).max(initial=0)
    rms = active_rms(audio)
    levelled = kind in VOICES or kind != "rir" and len(audio) < SHORT
    if peak < 1e-4 or levelled and not rms:
        return nothing
    scale = PEAK / peak
    if kind in VOICES:
        scale = min(scale, SPEECH_RMS / rms)
    stored = np.round(audio * scale * 32768).astype(np.int16)
    return stored, float(1 / (scale * (rms if levelled else 1) * 32768))


def of_file(path: Path, segments: list[Segment]) -> list[tuple[Clip, np.ndarray]]:
    """Clips of one file, their samples with them."""
    audio, made = decode(path).astype(np.float32) / 32768, []
    for s in segments:
        piece = audio[s.start : None if s.length < 0 else s.start + s.length]
        samples, gain = prepared(s.kind, piece)
        # Files without a named group would be one group of hundreds: split them up.
        group = f"{s.source}/{s.group or f'{path.name}:{s.start // (10 * RATE)}'}"
        top = s.bandwidth_hz or bandwidth(piece)
        made.append((Clip(s.kind, group, 0, len(samples), gain, top), samples))
    return made


def of_rule(kind: str, seed: int) -> list[tuple[Clip, np.ndarray]]:
    """A clip of synthetic noise, or the response of a simulated room."""
    rng = np.random.default_rng([kind == "room", seed])
    if kind == "room":
        audio = room.simulate(rng)[:RESPONSE]
    else:
        audio = synth.noise(rng, SYNTHETIC_FRAMES * HOP)
    peak = float(np.abs(audio).max()) + 1e-6
    samples = np.round(audio / peak * PEAK * 32768).astype(np.int16)
    return [(Clip(kind, str(seed), 0, len(samples), peak / PEAK / 32768, RATE / 2), samples)]


def make(job: tuple) -> list[tuple[Clip, np.ndarray]]:
    """What a worker does: one file, or one clip made by rule."""
    function, *arguments = job
    return {"file": of_file, "rule": of_rule}[function](*arguments)


@dataclass(frozen=True)
class Recipe:
    """What a bank is made of: the recordings of one split, and how much is made by rule."""

    segments: tuple[Segment, ...]
    synthetic: int = 400  # clips of 12 s
    rooms: int = 1000

    def jobs(self) -> Iterator[tuple]:
        """One for each file, then those made by rule."""
        files = defaultdict(list)
        for segment in self.segments:
            files[segment.path].append(segment)
        yield from (("file", path, segments) for path, segments in files.items())
        yield from (("rule", "synthetic", seed) for seed in range(self.synthetic))
        yield from (("rule", "room", seed) for seed in range(self.rooms))

    def digest(self) -> str:
        """Names the bank: recordings, their files, and the programs that prepare them."""
        parts = [repr((self.synthetic, self.rooms))]
        parts += [repr(astuple(segment)) for segment in self.segments]
        for path in sorted({segment.path for segment in self.segments}):
            stat = path.stat()
            parts.append(f"{path.resolve()} {stat.st_size} {int(stat.st_mtime)}")
        for module in (__file__, room.__file__, synth.__file__):
            parts.append(Path(module).read_text())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]

    def write(self, folder: Path, workers: int) -> Path:
        """The bank in a folder, made if it is not there; the path of its samples."""
        path = Path(folder) / f"{self.digest()}.i16"
        if not (path.exists() and path.with_suffix(".json").exists()):
            if workers > 1:
                with deaf():
                    pool = get_context("spawn").Pool(workers)
                with pool:
                    write(path, pool.imap(make, self.jobs(), CHUNK))
            else:
                write(path, map(make, self.jobs()))
        return path


def write(path: Path, made: Iterator[list[tuple[Clip, np.ndarray]]]) -> None:
    """Samples one behind the other, and the table of clips beside them."""
    table, start = [], 0
    with whole(path) as new:
        with open(new, "wb") as file:
            for clip, samples in (pair for pairs in made for pair in pairs):
                if clip.length:
                    table.append([clip.kind, clip.group, start, *astuple(clip)[3:]])
                    file.write(samples.tobytes())
                    start += clip.length
    with whole(path.with_suffix(".json")) as new:
        new.write_text(json.dumps(table))


class Bank:
    """The clips of one split, drawn by group first so that no talker outweighs another."""

    def __init__(self, samples: Tensor, clips: list[Clip]):
        self.samples = samples
        groups: dict[str, dict[str, list[Clip]]] = defaultdict(lambda: defaultdict(list))
        for clip in clips:
            groups[clip.kind][clip.group].append(clip)
        self.groups = {kind: list(found.values()) for kind, found in groups.items()}
        self.shares = {kind: self._shares(found) for kind, found in self.groups.items()}

    @staticmethod
    def _shares(groups: list[list[Clip]]) -> np.ndarray:
        """Probability of each group up to and with it: grows with the square root of seconds."""
        seconds = np.array([sum(clip.length for clip in group) / RATE for group in groups])
        weights = np.sqrt(np.maximum(seconds, 1.0))
        return np.cumsum(weights / weights.sum())

    @classmethod
    def read(cls, path: Path, device: torch.device | str = "cpu") -> "Bank":
        """A bank that `Recipe.write` made. ValueError without speech or without noise."""
        clips = [Clip(*row) for row in json.loads(path.with_suffix(".json").read_text())]
        for kind in ("speech", "noise"):
            if not any(clip.kind == kind for clip in clips):
                raise ValueError(
                    f"expected recordings of {kind} that hold sound, found none; give more"
                )
        samples = torch.from_file(str(path), size=path.stat().st_size // 2, dtype=torch.int16)
        return cls(samples.to(device), clips)

    def has(self, kind: str) -> bool:
        """Whether there is at least one clip of that kind."""
        return kind in self.groups

    def group(self, kind: str, rng: np.random.Generator) -> list[Clip]:
        """A random group: talker, class of noise."""
        return self.groups[kind][np.searchsorted(self.shares[kind], rng.random())]

    def clip(self, kind: str, rng: np.random.Generator) -> Clip:
        """A random clip of a random group."""
        group = self.group(kind, rng)
        return group[rng.integers(len(group))]

    def audio(self, clip: Clip) -> Tensor:
        """Its samples, int16."""
        return self.samples[clip.start : clip.start + clip.length]
