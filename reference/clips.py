"""Run a suppressor over every clip of a prepared set, in several processes, resumable."""

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from reference import dnn
from reference.files import whole
from reference.params import DELAY, HOP, RATE

TOGETHER = 16
"""Clips of like length that a worker takes at once: they share every product of the network."""
TOGETHER_BYTES = 20_000_000
"""Of int16 samples; the signals of the float reference take 20 times as much."""
BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""What the workers read: each has one thread, or they wait for one another all the time."""


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
    clips = sorted((args.set / "noisy").glob("*.wav"), key=lambda clip: clip.stat().st_size)
    if not clips:
        parser.error(f"no clips in {args.set}/noisy; make them with python -m eval.testset prepare")
    try:
        dnn.load(args.model)
        key = {"model": args.model, "fingerprint": fingerprint(args.model)}
    except (FileNotFoundError, OverflowError, ValueError) as error:
        parser.error(str(error))
    todo = [clip for clip in clips if not up_to_date(clip, args.out, key)]
    forget(todo, args.out)
    os.environ |= dict.fromkeys(BLAS_THREADS, "1")
    work = partial(some_clips, out=args.out, model=args.model, enhance_clips=enhance_clips)
    groups = grouped(todo, max(1, len(todo) // args.jobs))
    with (
        multiprocessing.get_context("spawn").Pool(min(args.jobs, len(groups) or 1)) as pool,
        tqdm(total=len(todo), desc=str(args.out)) as progress,
    ):
        for group in pool.imap_unordered(work, groups):
            record(group, args.out, key)
            progress.update(len(group))


def grouped(clips: list[Path], most: int) -> list[list[Path]]:
    """Clips that go side by side: at most `most`, TOGETHER, and TOGETHER_BYTES of the longest."""
    groups: list[list[Path]] = []
    for clip in clips:
        room = min(most, TOGETHER, TOGETHER_BYTES // clip.stat().st_size)
        if groups and len(groups[-1]) < room:
            groups[-1].append(clip)
        else:
            groups.append([clip])
    return groups


def some_clips(clips: list[Path], out: Path, model: str, enhance_clips: Callable) -> list[Path]:
    """Enhance some files; returns their paths."""
    sounds = [read(clip) for clip in clips]
    for clip, samples in zip(clips, enhance_clips(sounds, model), strict=True):
        with whole(out / clip.name) as new:
            soundfile.write(new, samples, RATE, "PCM_16")
    return clips


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


def up_to_date(clip: Path, out: Path, key: dict) -> bool:
    state = read_state(out)
    return (out / clip.name).exists() and state.get(clip.name) == stamp(clip, key)


def record(clips: list[Path], out: Path, key: dict) -> None:
    write_state(out, read_state(out) | {clip.name: stamp(clip, key) for clip in clips})


def forget(clips: list[Path], out: Path) -> None:
    """Before they are made anew: who is killed then must not find new sound under an old note."""
    names = {clip.name for clip in clips}
    write_state(out, {name: note for name, note in read_state(out).items() if name not in names})


def write_state(out: Path, state: dict) -> None:
    with whole(out / "done.json") as new:
        new.write_text(json.dumps(state, indent=1, sort_keys=True))


def read_state(out: Path) -> dict:
    return json.loads((out / "done.json").read_text()) if (out / "done.json").exists() else {}


def stamp(clip: Path, key: dict) -> dict:
    return key | {"bytes": clip.stat().st_size, "mtime": clip.stat().st_mtime_ns}


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Full scale 1 to int16, rounded half up and saturated."""
    return np.clip(np.floor(samples * 32768 + 0.5), -32768, 32767).astype(np.int16)
