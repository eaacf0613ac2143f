"""Train one network or several that listen to the same mixtures.

    python -m training.train --model small --index data/index.csv --out run --minutes 60
    python -m training.train --model tiny small --rate 0.004 0.003 --speech DIR --noise DIR
        [--rir DIR] [--held DIR] [--whisper DIR] [--teacher DIR --teach 0.8] --out run --frames 2e7
    torchrun --nproc-per-node 2 -m training.train ... (on one or, with --nnodes, more
    machines that see the same ``--out``: every process takes its own crops)

Each network has its folder in ``--out``; a size may be named several times, to compare options.
A second call with the same ``--out`` goes on from the last checkpoints. With ``--frames`` the
result is the same as without the interruption; with ``--minutes`` the learning rate follows the
clock. A GPU is used if torch finds one.
"""

import argparse
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reference import dnn
from reference.topology import SIZES
from training import processes
from training.data import Segment, read_folder, read_index
from training.listen import Listener
from training.loss import Shape
from training.store import AHEAD, Filler, Source, Store, claimed, fixed_set
from training.student import Clock, Settings, Student

VALID_SEED = 20_000  # of the validation mixtures: the same in all runs
VALID_ROWS = 16  # mixtures of one of their shards
LATE = 0.7  # part of the budget after which crops are longer
FLOOR = 0.01  # last learning rate, of the peak
LOOK = {"cpu": 1, "cuda": 50}  # steps from one look at the losses to the next; a GPU waits for it
GOES_ON = 0.5  # share of sequences that start from the states that another one ended with
NEXT_PROCESS = 1_000_000  # from the seed of one process to that of the next
OWN = ("rate", "dropout", "teach", "density", *Shape._fields)  # each network's own, if given


class Run:
    """Networks that are trained on the same crops, and where these come from."""

    def __init__(
        self, settings: list[Settings], folder: Path, source: Source,
        first: list[Path | None] | None = None, shared: Path | None = None,
    ):  # fmt: skip
        """first: weights that each network begins with. shared: folder of store and validation
        set, which runs one after the other may have in common.
        """
        self.settings = s = settings[0]
        if bool(s.frames) == bool(s.minutes):
            raise SystemExit("expected a budget, either --frames or --minutes")
        torch.set_num_threads(1)
        processes.keep_memory()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.pace = Pace(self.device)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        shared, rank = shared or folder, processes.rank()
        self.students = [
            Student(one, folder / name, self.device, begin)
            for one, name, begin in zip(settings, names([one.model for one in settings]),
                                        first or [None] * len(settings), strict=True)
        ]
        own = replace(source, seed=source.seed + rank * NEXT_PROCESS)
        if rank == 0:
            own.prepare("train", os.cpu_count() or 1)
        processes.meet()
        place = shared / ("store" + (f"-{rank}" if rank else ""))
        self.place = place if self.device == "cpu" else torch.device(self.device)
        behind = math.ceil(s.batch / (s.reuse * s.rows)) + 2  # shards that begun sequences lie in
        self.store = Store(s.ring + behind + AHEAD, s.rows, s.sequence, self.place)
        self.filler = Filler(own, self.store, self.place, s.producers)
        if rank == 0:
            valid = replace(source, seed=VALID_SEED, rows=VALID_ROWS, teacher=None)
            self.valid = fixed_set(shared / "valid.npy", valid, s.valid_shards)
            self.listener = Listener(valid, s.clips)
        self.begun: dict[int, tuple[tuple[int, int], tuple[int, int, int, bool]]] = {}
        self.clock = self._resumed()

    def _resumed(self) -> Clock:
        """Where the checkpoints stand; the beginning without any."""
        paths = [student.folder / "last.pt" for student in self.students]
        if not any(path.exists() for path in paths):
            return Clock()
        missing = [path for path in paths if not path.exists()]
        clocks = [student.load(path) for student, path in zip(self.students, paths, strict=True)
                  if not missing]  # fmt: skip
        if missing or any(clock.step != clocks[0].step for clock in clocks):
            raise SystemExit(
                f"{', '.join(map(str, missing or paths))}: expected checkpoints of one run at the "
                "same step; train the same networks together again, or choose another --out"
            )
        return clocks[0]

    def progress(self) -> float:
        """Spent part of the budget, 0 ... 1."""
        s = self.settings
        return self.clock.frames / s.frames if s.frames else self.clock.seconds / (60 * s.minutes)

    def rate(self, settings: Settings) -> float:
        """Learning rate: linear warm-up, then a cosine down to 1 %."""
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(self.progress(), 1))
        warm = min(1.0, (self.clock.step + 1) / settings.warm_up)
        return settings.rate * warm * (FLOOR + (1 - FLOOR) * cosine)

    def range(self, back: int = 0) -> tuple[int, int]:
        """Shards in use ``back`` steps ago; a function of the frames seen, for repeatable runs."""
        s = self.settings
        each = max(self.clock.frames / processes.world() - back * s.batch * self.crop(), 0)
        high = s.first + int(each / (s.reuse * s.rows * s.sequence))
        return max(0, high - s.ring), high

    def crop(self) -> int:
        """Frames of a crop now."""
        return self.settings.crops[self.progress() >= LATE]

    def need(self) -> tuple[int, int]:
        """Shards that the rows of the next step may read, of begun sequences or new ones."""
        pieces = self.settings.sequence // self.crop()
        return self.range(back=pieces)[0], self.range()[1]

    def train(self, stop_at: int | None = None) -> None:
        """Train until the budget is spent (or, for tests, until step ``stop_at``)."""
        with claimed(self.place) if isinstance(self.place, Path) else nullcontext():
            self.filler.start(*self.need())
            try:
                self._train(stop_at)
            finally:
                self.filler.stop()

    def _train(self, stop_at: int | None) -> None:
        """What is done while the store is filled."""
        clock = self.clock
        if not clock.step:
            stored = self.random(0, 128, self.settings.crops[0])
            for student in self.students:
                student.begin(stored)
            self._renew()
        terms: list[list[Tensor]] = []
        begun, seen = time.monotonic(), clock.frames
        while self.progress() < 1 and clock.step != stop_at:
            started = time.monotonic()
            terms.append(self.update())
            if clock.step % LOOK[self.device] == 0:
                self.look(terms[-1])
            clock.seconds = processes.mean(clock.seconds + time.monotonic() - started)
            if clock.step % self.settings.check_every == 0 or self.progress() >= 1:
                speed = (clock.frames - seen) / (time.monotonic() - begun)
                self.look(terms[-1])
                means = [torch.stack(own).mean(0) for own in zip(*terms, strict=True)]
                self.check([mean[:-1].cpu().numpy() for mean in means], speed)
                terms, begun, seen = [], time.monotonic(), clock.frames

    def update(self) -> list[Tensor]:
        """One step of every network on the same crops; the terms of their losses, and the norms of
        their gradients.
        """
        s, clock, crop = self.settings, self.clock, self.crop()
        places, before, keep = self.places(crop)
        self.filler.need(*self.need())
        stored = self.read(places, crop)
        flags = [torch.from_numpy(x.astype(np.float32)).to(self.device) for x in (before, keep)]
        draw = hash((s.seed, clock.step, processes.rank())) % 2**63
        terms = []
        for student in self.students:
            with beside(student.stream):
                terms.append(student.learn(stored, *flags, draw, self.rate(student.settings),
                                           clock.step, self.progress()).clone())  # fmt: skip
        for student in self.students:
            if student.stream:
                torch.cuda.current_stream().wait_stream(student.stream)
        self.pace.wait()
        clock.step += 1
        clock.frames += s.batch * crop * processes.world()
        return terms

    def look(self, terms: list[Tensor]) -> None:
        """FloatingPointError if a loss or gradient is no number, before a checkpoint has it."""
        for student, own in zip(self.students, terms, strict=True):
            if not torch.isfinite(own).all():
                raise FloatingPointError(
                    f"{student.folder.name}, step {self.clock.step}: loss {own[0].item()}, "
                    f"gradient {own[-1].item()}; the last good state is in "
                    f"{student.folder / 'last.pt'}"
                )

    def read(self, places: np.ndarray, crop: int) -> Tensor:
        """Crops from the store where the networks are."""
        self.filler.wait(sorted(set(places[:, 0].tolist())))
        return self.store.read(places, crop).to(self.device)

    def places(self, crop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each row of the batch reads, (B, 3): shard, row of it, frame; whether the frames
        before that belong to it, (B,); whether it starts from the states its row ended with, (B,).

        A row reads a sequence crop by crop, another one every so many steps. Half of the sequences
        begin with fresh states, as after a reset, half with those of another sequence, as in a
        long use; with fresh ones alone, units that hardly forget would never be seen older than a
        sequence, and wander in use (docs/ablations.md). Steps and frames alone decide.
        """
        pieces = self.settings.sequence // crop
        turns, piece = np.divmod(self.clock.step + np.arange(self.settings.batch), pieces)
        begun = [self.sequence(row, int(turns[row]), int(piece[row]), crop)
                 for row in range(self.settings.batch)]  # fmt: skip
        index, sequence, first, goes_on = (np.array(part) for part in zip(*begun, strict=True))
        places = np.stack([index, sequence, first + piece * crop], 1)
        return places, piece > 0, (piece > 0) | goes_on

    def sequence(self, row: int, turn: int, piece: int, crop: int) -> tuple[int, int, int, bool]:
        """Shard, row of it and first frame of what a row of the batch reads in its ``turn``, and
        whether it starts from the states the row ended with.
        """
        s, key = self.settings, (turn, crop)
        if row not in self.begun or self.begun[row][0] != key:
            rng = np.random.default_rng((s.seed, turn, row, processes.rank()))
            low, high = self.range(back=piece)  # as when the sequence began
            first = int(rng.integers(s.sequence % crop + 1))
            place = int(rng.integers(low, high)), int(rng.integers(s.rows)), first
            self.begun[row] = key, (*place, bool(rng.random() < GOES_ON))
        return self.begun[row][1]

    def random(self, kind: int, count: int, crop: int) -> Tensor:
        """Random crops from the shards in use: a look at the data, by seed, step and kind alone."""
        s, (low, high) = self.settings, self.range()
        rng = np.random.default_rng((s.seed, self.clock.step, kind, processes.rank()))
        places = np.stack([rng.integers(low, high, count), rng.integers(s.rows, size=count),
                           rng.integers(s.sequence - crop + 1, size=count)], 1)  # fmt: skip
        return self.read(places, crop)

    def _renew(self) -> None:
        """Units that no longer learn start anew, in all networks that no blocks are pruned of."""
        stored = self.random(2, 16, self.settings.crops[1])
        for student in self.students:
            if (self.clock.step or student.first) and not student.prunes(self.progress()):
                student.renew(stored, self.clock.step)

    def check(self, terms: list[np.ndarray], speed: float) -> None:
        """Validate, log, print and save all networks.

        Before, units that no longer learn are started anew, while there is time to learn.
        """
        clock = self.clock
        if self.progress() < LATE:
            self._renew()
        left = clock.seconds * (1 / max(self.progress(), 1e-9) - 1) / 60
        for student, own in zip(self.students, terms, strict=True):
            row = {"step": clock.step, "frames": clock.frames, "seconds": clock.seconds,
                   "rate": self.rate(student.settings), "frames_per_s": speed}  # fmt: skip
            if processes.rank() == 0:
                student.check(row, own, self.valid, self.listener, clock, left)
            student.forget()  # in all processes, for a resumed run to go on as this one


def names(models: list[str]) -> list[str]:
    """A folder for each network: its size; small, small-2, small-3 ... for networks of one size."""
    before = [models[:k].count(model) for k, model in enumerate(models)]
    return [f"{model}-{n + 1}" if n else model for model, n in zip(models, before, strict=True)]


@contextmanager
def beside(stream: torch.cuda.Stream | None) -> Iterator[None]:
    """Work on a stream of its own, after all that is under way; on a CPU just work."""
    if stream is None:
        yield
        return
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield


class Pace:
    """Keeps a CPU from running more than a step ahead of its GPU."""

    def __init__(self, device: str):
        self.before = torch.cuda.Event() if device == "cuda" else None

    def wait(self) -> None:
        """Until the step before is done."""
        if self.before:
            self.before.synchronize()
            self.before = torch.cuda.Event()
            self.before.record()


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Options that say where the recordings are."""
    parser.add_argument("--index", type=Path, help="index file of recordings, or folders:")
    for kind in ("speech", "noise", "rir", *ADDED):
        parser.add_argument(f"--{kind}", type=Path, help=f"folder of {kind} recordings")
    parser.add_argument("--cache", type=Path, help="folder of prepared audio (beside the run)")


ADDED = ("held", "whisper")
"""Kinds made of recordings that are there (`voices.py`); none of them is held out."""


def read_segments(args: argparse.Namespace) -> list[Segment]:
    """Recordings named on the command line."""
    if not args.index and not (args.speech and args.noise):
        raise SystemExit("expected --index FILE, or --speech DIR and --noise DIR")
    kinds = ADDED if args.index else ("speech", "noise", "rir", *ADDED)
    found = read_index(args.index) if args.index else []
    for kind in kinds:
        if folder := getattr(args, kind):
            found += read_folder(folder, kind)
    return [replace(s, split="train") if s.kind in ADDED else s for s in found]


def settings_of(args: argparse.Namespace) -> list[Settings]:
    """Of each network: options given once hold for all, or they are given once for each."""
    shared = {k: getattr(args, k) for k in Settings.__dataclass_fields__ if hasattr(args, k)}
    for name in OWN:
        given = shared[name]
        if len(given) not in (1, len(args.model)):
            raise SystemExit(f"--{name}: expected one number, or one for each of {args.model}")
        shared[name] = given * len(args.model) if len(given) == 1 else given
    try:
        return [
            Settings(**shared | {"model": model} | {name: shared[name][k] for name in OWN})
            for k, model in enumerate(args.model)
        ]
    except ValueError as error:
        raise SystemExit(str(error)) from error


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=["small"], nargs="+", choices=sorted(SIZES))
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    add_sources(parser)
    parser.add_argument("--init", type=Path, nargs="+", help="weights that each begins with")
    parser.add_argument("--teacher", type=Path,
                        help="folder of the graphs of DeepFilterNet 3, or weights of ours")
    parser.add_argument("--bfloat16", action="store_true", help="if the CPU multiplies it fast")
    parser.add_argument("--minutes", type=float, default=0, help="budget in minutes, or")
    parser.add_argument("--frames", type=float, default=0, help="in frames of 10 ms")
    for name in ("seed", "batch", "producers", "first", "ring", "rows", "clips", "check_every"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Settings, name))
    for name in ("synthetic", "rooms"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Source, name),
                            help="how many are made by rule")  # fmt: skip
    parser.add_argument("--reuse", type=float, default=Settings.reuse)
    for name in OWN:
        default = [getattr(Settings, name)]
        parser.add_argument(f"--{name}", type=float, nargs="+", default=default)
    args = parser.parse_args()
    if len(args.init or args.model) != len(args.model):
        parser.error("give no --init, or one for each --model")
    taught = [args.teacher] if args.teacher and not args.teacher.is_dir() else []
    for option, paths in (("--init", args.init or ()), ("--teacher", taught)):
        for path in paths:
            try:
                dnn.read(path)
            except (OSError, ValueError) as error:
                parser.error(f"{option}: {error}")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the producers: one process, one thread
    settings = settings_of(args)
    source = Source(
        tuple(read_segments(args)), args.cache or args.out / "cache", args.seed, args.rows,
        Settings.sequence, args.teacher, args.synthetic, args.rooms,
    )  # fmt: skip
    processes.join()
    try:
        Run(settings, args.out, source, args.init).train()
    finally:
        processes.leave()


if __name__ == "__main__":
    main()
