"""A call that lasts: C against the integer twin, without a reset: `python -m fuzz.soak`.

    python -m fuzz.soak [--model NAME] [--minutes M] [--seed S] [--jobs N] [--keep]

Clips of the embedded set at any level, pauses of silence and hiss, now and then a second of hostile
sound. First C hears the whole call, and every five minutes its memory is kept. Then the twin takes
each piece of the call, several at a time: it goes on from what C kept where the piece begins
(`handover.py`), the first from its own beginning. Every sample has to equal C's, and the state that
the piece ends with what C kept there. So one twin that hears the whole call equals C throughout.
Stopped and called again it goes on where it was. Exits with 1 where they part. --keep: the longest
of a model goes to fuzz/soak.json.
"""

import argparse
import ctypes
import hashlib
import json
import math
import os
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from codegen import render, twin
from codegen.declare import POINTER_BYTES
from codegen.suppressor import Suppressor
from fuzz.__main__ import HERE, target
from fuzz.handover import alike, taken_over
from fuzz.recovery import CLIPS
from reference.dnn import fit_model, weights_hash
from reference.files import whole
from reference.params import HOP, RATE
from reference.runner import Clip, every_clip
from reference.signals import adversarial
from targets import build

BLOCK = 100  # hops that are compared at a time
PIECE = 300  # blocks: five minutes
KEPT = HERE / "soak.json"


def built(model: str) -> Path:
    """The generated C as a library for this machine."""
    goal = target(model, plain=True)
    gen = goal.folder / "gen"
    render.write(model, gen)
    goal.compile["flags"] = [f for f in goal.compile["flags"] if "visibility" not in f]
    objects = build.compile_objects(goal, sorted(gen.glob("*.c")), goal.folder / "obj" / "soak")
    return build.link(goal, ["-shared"], objects, "soak.so").resolve()


class Library:
    """One instance of it with default settings."""

    def __init__(self, path: Path) -> None:
        self.c = ctypes.CDLL(str(path))
        self.c.percepnet_state_bytes.restype = ctypes.c_size_t
        self.c.percepnet_init.restype = ctypes.c_void_p
        size = self.c.percepnet_state_bytes()
        self.room = np.zeros(size + 16, np.uint8)
        start = -self.room.ctypes.data % 16
        self.memory = self.room[start : start + size]
        self.instance = ctypes.c_void_p(self.memory.ctypes.data)
        if not self.c.percepnet_init(self.instance, ctypes.c_size_t(size)):
            raise SystemExit("percepnet_init: refused the memory that it asked for")

    def go_on_from(self, memory: np.ndarray) -> None:
        """Become what was kept, but for the kernels: they lie elsewhere in each process."""
        self.memory[POINTER_BYTES:] = memory[POINTER_BYTES:]

    def run(self, hops: np.ndarray) -> np.ndarray:
        """(L, 480) int16 -> (L, 480) int16, hop by hop."""
        hops, out = np.ascontiguousarray(hops), np.empty_like(hops)
        for source, place in zip(hops, out, strict=True):
            voice = self.c.percepnet_process(
                self.instance, ctypes.c_void_p(place.ctypes.data),
                ctypes.c_void_p(source.ctypes.data))  # fmt: skip
            if voice < 0:
                raise SystemExit(f"percepnet_process: returned {voice}")
        return out


def sound(seed: int, piece: int) -> Iterator[np.ndarray]:
    """Blocks (BLOCK, 480) int16 of a piece of the call, without end."""
    rng = np.random.default_rng([seed, piece])
    clips = [soundfile.read(clip)[0] for clip in CLIPS]
    hostile = adversarial().ravel() / 32768
    rest = np.zeros(0)
    while True:
        while rest.size < BLOCK * HOP:
            clip = clips[rng.integers(len(clips))] * 10 ** (rng.uniform(-40, 12) / 20)
            pause = rng.choice([0, 1e-4, 3e-3]) * rng.standard_normal(rng.integers(1, 5 * RATE))
            rest = np.concatenate([rest, clip, pause, hostile if rng.random() < 0.1 else []])
        block, rest = rest[: BLOCK * HOP], rest[BLOCK * HOP :]
        yield np.clip(np.round(32768 * block), -32768, 32767).astype(np.int16).reshape(BLOCK, HOP)


def hear(path: Path, folder: Path, pieces: int, blocks: int, seed: int) -> None:
    """C hears the call. <folder>/<k>.npy: its memory before piece k, the last behind the call."""
    library = Library(path)
    keep(folder / "0.npy", library.memory)
    for piece in tqdm(range(pieces), desc="C", unit="piece", disable=None):
        end = folder / f"{piece + 1}.npy"
        if end.exists():
            library.go_on_from(np.load(end))
            continue
        for hops in islice(sound(seed, piece), blocks):
            library.run(hops)
        keep(end, library.memory)


def keep(path: Path, memory: np.ndarray) -> None:
    """Writes what is not there yet."""
    if not path.exists():
        with whole(path) as new, new.open("wb") as file:
            np.save(file, memory)


def follow(clips: list[Clip], path: Path, model: str, blocks: int, seed: int) -> list[dict]:
    """The twin takes pieces, by number, each made of C's memory before and behind it."""
    return [compare(int(clip.name), *map(np.load, clip.sources), path, model, blocks, seed)
            for clip in clips]  # fmt: skip


def compare(piece: int, before: np.ndarray, behind: np.ndarray, path: Path, model: str,
            blocks: int, seed: int) -> dict:  # fmt: skip
    """What is told of a piece: "failed" names where C and twin part."""
    library = Library(path)
    library.go_on_from(before)
    exact = taken_over(model, before) if piece else Suppressor(twin.network(model))
    for block, hops in enumerate(islice(sound(seed, piece), blocks)):
        wanted = np.array([frame["out"] for frame in exact.run_block(hops)])
        wrong = np.flatnonzero((library.run(hops) != wanted).any(axis=1))
        if wrong.size:
            hop = (piece * blocks + block) * BLOCK + wrong[0]
            return {"files": [], "failed": f"C and twin part in hop {hop}"}
    if not alike(exact, taken_over(model, behind)):
        hop = (piece + 1) * blocks * BLOCK
        return {"files": [], "failed": f"states of C and twin differ after {hop} hops"}
    return {"files": []}


def soak(model: str, minutes: float, seed: int, jobs: int = 1, blocks: int = PIECE) -> int:
    """Hops that C and twin made alike, in whole pieces of so many blocks.

    Raises SystemExit naming where they did not.
    """
    path, pieces = built(model), max(1, math.ceil(minutes * 60 * RATE / HOP / BLOCK / blocks))
    key = {"library": hashlib.sha256(path.read_bytes()).hexdigest(), "seed": seed,
           "blocks": blocks, "twin": twin.fingerprint(model)}  # fmt: skip
    folder = path.parent / "soak" / hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    hear(path, folder, pieces, blocks, seed)
    clips = [Clip(str(k), (folder / f"{k}.npy", folder / f"{k + 1}.npy")) for k in range(pieces)]
    work = partial(follow, path=path, model=model, blocks=blocks, seed=seed)
    told = every_clip(clips, work, folder / "done.json", key, jobs=jobs, title="twin")
    for one in told.values():
        if "failed" in one:
            raise SystemExit(f"{model}: {one['failed']}, seed {seed}")
    return pieces * blocks * BLOCK


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz.soak", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--model", type=fit_model, default="small")
    parser.add_argument("--minutes", type=float, default=60,
                        help="of sound, in whole pieces of five (%(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (%(default)s)")
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    hops = soak(args.model, args.minutes, args.seed, args.jobs)
    print(f"{args.model}: {hops:,} hops, C equal to the twin, {hops / 360_000:.2f} h")
    if args.keep:
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        if hops > kept.get(args.model, {}).get("hops", 0):
            kept[args.model] = {"weights": weights_hash(args.model), "hops": hops}
        with whole(KEPT) as new:
            new.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
