"""A call that lasts: C and integer twin side by side, without a reset: `python -m fuzz.soak`.

    python -m fuzz.soak [--model NAME] [--minutes M] [--seed S] [--keep]

Clips of the embedded set at any level, pauses of silence and hiss, now and then a second of hostile
sound. Every sample is compared as it comes, and after the last hop every recorded signal, which the
states have made. Exits with 1 where they part. --keep: the longest of a model goes to
fuzz/soak.json.
"""

import argparse
import ctypes
import json
import sys
from collections.abc import Iterator

import numpy as np
import soundfile
from tqdm import tqdm

from codegen import render, twin
from codegen.suppressor import Suppressor, recorded
from fuzz.__main__ import HERE, target
from fuzz.recovery import CLIPS
from reference.dnn import fit_model, weights_hash
from reference.files import whole
from reference.params import HOP, RATE
from reference.signals import adversarial
from targets import build

BLOCK = 100  # hops that are compared at a time
KEPT = HERE / "soak.json"


class Tap(ctypes.Structure):
    """percepnet_tap."""

    _fields_ = [("name", ctypes.c_char_p), ("offset", ctypes.c_uint), ("count", ctypes.c_uint),
                ("bytes", ctypes.c_uint)]  # fmt: skip


class Library:
    """The generated C as built for this machine: one instance with default settings."""

    def __init__(self, model: str) -> None:
        goal = target(model, plain=True)
        gen = goal.folder / "gen"
        taps = render.write(model, gen)["taps"]
        goal.compile["flags"] = [f for f in goal.compile["flags"] if "visibility" not in f]
        objects = build.compile_objects(goal, sorted(gen.glob("*.c")), goal.folder / "obj" / "soak")
        self.c = ctypes.CDLL(str(build.link(goal, ["-shared"], objects, "soak.so").resolve()))
        self.c.percepnet_state_bytes.restype = ctypes.c_size_t
        self.c.percepnet_init.restype = ctypes.c_void_p
        size = self.c.percepnet_state_bytes()
        self.memory = np.zeros(size + 16, np.uint8)
        start = -self.memory.ctypes.data % 16
        self.state = self.memory[start : start + size]
        self.instance = ctypes.c_void_p(self.state.ctypes.data)
        if not self.c.percepnet_init(self.instance, ctypes.c_size_t(size)):
            raise SystemExit("percepnet_init: refused the memory that it asked for")
        self.table = list(zip(taps, (Tap * len(taps)).in_dll(self.c, "percepnet_taps"),
                              strict=True))  # fmt: skip

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

    def signals(self) -> dict[str, np.ndarray]:
        """Every recorded signal of the last hop."""
        return {tap["name"]: self.state[at.offset : at.offset + at.count * at.bytes]
                .view(tap["dtype"]) for tap, at in self.table}  # fmt: skip


def sound(seed: int) -> Iterator[np.ndarray]:
    """Blocks (BLOCK, 480) int16 without end."""
    rng = np.random.default_rng(seed)
    clips = [soundfile.read(clip)[0] for clip in CLIPS]
    hostile = adversarial().ravel() / 32768
    rest = np.zeros(0)
    while True:
        while rest.size < BLOCK * HOP:
            piece = clips[rng.integers(len(clips))] * 10 ** (rng.uniform(-40, 12) / 20)
            pause = rng.choice([0, 1e-4, 3e-3]) * rng.standard_normal(rng.integers(1, 5 * RATE))
            rest = np.concatenate([rest, piece, pause, hostile if rng.random() < 0.1 else []])
        block, rest = rest[: BLOCK * HOP], rest[BLOCK * HOP :]
        yield np.clip(np.round(32768 * block), -32768, 32767).astype(np.int16).reshape(BLOCK, HOP)


def soak(model: str, minutes: float, seed: int) -> int:
    """Hops that C and twin made alike. Raises SystemExit naming the first that they did not."""
    library, exact = Library(model), Suppressor(twin.network(model))
    blocks = max(1, round(minutes * 60 * RATE / HOP / BLOCK))
    for number, hops in zip(tqdm(range(blocks), unit="s", disable=None), sound(seed), strict=False):
        frames = exact.run_block(hops)
        ours, wanted = library.run(hops), np.array([frame["out"] for frame in frames])
        if not np.array_equal(ours, wanted):
            hop = int(np.flatnonzero((ours != wanted).any(axis=1))[0])
            raise SystemExit(f"{model}: C and twin part in hop {number * BLOCK + hop}, seed {seed}")
    ends = recorded(frames[-1])
    for name, values in library.signals().items():
        if not np.array_equal(values, np.ravel(ends[name])):
            raise SystemExit(f"{model}: signal {name} of C and twin differ after the last hop")
    return blocks * BLOCK


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz.soak", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--model", type=fit_model, default="small")
    parser.add_argument("--minutes", type=float, default=60, help="of sound (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    hops = soak(args.model, args.minutes, args.seed)
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
