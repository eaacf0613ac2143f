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

from reference.params import RATE

BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""What the workers read: each has one thread, or they wait for one another all the time."""


def process_set(
    description: str, enhance_clip: Callable, fingerprint: Callable[[str], str]
) -> None:
    """Command line shared by the float reference and the integer twin.

    enhance_clip(samples (N,) int16, model) -> (N,) int16, a function of a module's top level;
    fingerprint(model): changes whenever the result would. A clip that is already there with the
    same fingerprint is kept; files are written whole or not at all.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--set", type=Path, required=True, help="folder with noisy/*.wav, 48 kHz")
    parser.add_argument("--out", type=Path, required=True, help="folder for the enhanced clips")
    parser.add_argument("--model", default="small", help="name in reference/models")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    clips = sorted((args.set / "noisy").glob("*.wav"))
    if not clips:
        parser.error(f"no clips in {args.set}/noisy; make them with python -m eval.testset prepare")
    key = {"model": args.model, "fingerprint": fingerprint(args.model)}
    todo = [clip for clip in clips if not up_to_date(clip, args.out, key)]
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ |= dict.fromkeys(BLAS_THREADS, "1")
    work = partial(one_clip, out=args.out, model=args.model, enhance_clip=enhance_clip)
    with multiprocessing.get_context("spawn").Pool(min(args.jobs, len(todo) or 1)) as pool:
        for clip in tqdm(pool.imap_unordered(work, todo), total=len(todo), desc=str(args.out)):
            record(clip, args.out, key)


def one_clip(clip: Path, out: Path, model: str, enhance_clip: Callable) -> Path:
    """Enhance one file; returns its path."""
    samples, rate = soundfile.read(clip, dtype="int16")
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"{clip}: expected mono at {RATE} Hz, got {samples.shape} at {rate} Hz")
    unfinished = out / f".{clip.name}.part"
    soundfile.write(unfinished, enhance_clip(samples, model), RATE, "PCM_16", format="WAV")
    unfinished.replace(out / clip.name)
    return clip


def up_to_date(clip: Path, out: Path, key: dict) -> bool:
    state = read_state(out)
    return (out / clip.name).exists() and state.get(clip.name) == stamp(clip, key)


def record(clip: Path, out: Path, key: dict) -> None:
    state = read_state(out) | {clip.name: stamp(clip, key)}
    unfinished = out / ".done.json.part"
    unfinished.write_text(json.dumps(state, indent=1, sort_keys=True))
    unfinished.replace(out / "done.json")


def read_state(out: Path) -> dict:
    return json.loads((out / "done.json").read_text()) if (out / "done.json").exists() else {}


def stamp(clip: Path, key: dict) -> dict:
    return key | {"bytes": clip.stat().st_size, "mtime": clip.stat().st_mtime_ns}


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Full scale 1 to int16, rounded half up and saturated."""
    return np.clip(np.floor(samples * 32768 + 0.5), -32768, 32767).astype(np.int16)
