"""Run a suppressor over every clip of a prepared set, in several processes, resumable."""

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from reference import dnn
from reference.files import whole
from reference.params import DELAY, HOP, RATE
from reference.runner import Clip, every_clip

TOGETHER = 16
"""Clips of like length that a worker takes at once: they share every product of the network."""
TOGETHER_BYTES = 20_000_000
"""Of int16 samples; the signals of the float reference take 20 times as much."""


def process_set(
    description: str, enhance_clips: Callable, fingerprint: Callable[[str], str]
) -> None:
    """Command line shared by the float reference and the integer twin.

    enhance_clips(list of samples (N,) int16, model) -> list of the same shapes, a function of a
    module's top level, which may let them go side by side;
    fingerprint(model): changes whenever the result would. A clip that is already there with the
    same fingerprint is kept; files are written whole or not at all.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, help="folder with noisy/*.wav, 48 kHz")
    parser.add_argument("--out", type=Path, required=True, help="folder for the enhanced clips")
    parser.add_argument("--model", default="small", help="name in reference/models")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    paths = sorted((args.set / "noisy").glob("*.wav"), key=lambda path: path.stat().st_size)
    if not paths:
        parser.error(f"no clips in {args.set}/noisy; make them with python -m eval.testset prepare")
    try:
        dnn.load(args.model)
        key = {"model": args.model, "fingerprint": fingerprint(args.model)}
    except (FileNotFoundError, OverflowError, ValueError) as error:
        parser.error(str(error))
    every_clip(
        [Clip(path.stem, (path,)) for path in paths],
        partial(some_clips, out=args.out, model=args.model, enhance_clips=enhance_clips),
        args.out / "done.json", key, jobs=args.jobs, title=str(args.out),
        group=partial(side_by_side, jobs=args.jobs),
    )  # fmt: skip


def side_by_side(clips: list[Clip], jobs: int) -> list[list[Clip]]:
    """Groups for `jobs` processes: at most TOGETHER clips, and TOGETHER_BYTES of the longest."""
    groups: list[list[Clip]] = []
    for clip in clips:
        most = TOGETHER_BYTES // clip.sources[0].stat().st_size
        if groups and len(groups[-1]) < min(most, TOGETHER, max(1, len(clips) // jobs)):
            groups[-1].append(clip)
        else:
            groups.append([clip])
    return groups


def some_clips(clips: list[Clip], out: Path, model: str, enhance_clips: Callable) -> list[dict]:
    """Enhance some files; what was written."""
    sounds, told = [read(clip.sources[0]) for clip in clips], []
    for clip, samples in zip(clips, enhance_clips(sounds, model), strict=True):
        with whole(out / f"{clip.name}.wav") as new:
            soundfile.write(new, samples, RATE, "PCM_16")
        told.append({"files": [str(out / f"{clip.name}.wav")]})
    return told


def read(clip: Path) -> np.ndarray:
    """Samples (N,) int16. Raises ValueError for anything but mono at 48 kHz."""
    samples, rate = soundfile.read(clip, dtype="int16")
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"{clip}: expected mono at {RATE} Hz, got {samples.shape} at {rate} Hz")
    return samples


def hops_side_by_side(sounds: list[np.ndarray]) -> np.ndarray:
    """Sounds (N,) as hops (L, C, 480): as many as the longest needs, its delay included; zeros."""
    count = -(-(max(map(len, sounds)) + DELAY) // HOP)
    padded = np.zeros((len(sounds), count * HOP), sounds[0].dtype)
    for row, samples in zip(padded, sounds, strict=True):
        row[: len(samples)] = samples
    return padded.reshape(len(sounds), count, HOP).swapaxes(0, 1)


def without_delay(hops: np.ndarray, sounds: list[np.ndarray]) -> list[np.ndarray]:
    """What came out, hops (L, C, 480), aligned with what went in and as long: list of (N,)."""
    streams = hops.swapaxes(0, 1).reshape(len(sounds), -1)
    return [row[DELAY:][: len(x)] for row, x in zip(streams, sounds, strict=True)]


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Full scale 1 to int16, rounded half up and saturated."""
    return np.clip(np.floor(samples * 32768 + 0.5), -32768, 32767).astype(np.int16)
