"""Train a network.

    python -m training.train --model small --index data/index.csv --out run --minutes 60
    python -m training.train --speech DIR --noise DIR [--rir DIR] --out run --frames 2e7
    torchrun --nproc-per-node 2 -m training.train ... (on one or, with --nnodes, more
    machines that see the same ``--out``: every process takes its own crops)

A second call with the same ``--out`` goes on from the last checkpoint. With ``--frames`` the result
is the same as without the interruption; with ``--minutes`` the learning rate follows the clock.
A GPU is used if torch finds one.
"""

import argparse
import copy
import hashlib
import math
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from reference.files import whole
from reference.topology import SIZES
from training import log, processes
from training.data import Segment, read_folder, read_index
from training.grow import grown
from training.listen import Listener, Score
from training.loss import Batch, Shape, Terms, loss
from training.model import Model
from training.optimiser import Optimiser
from training.renew import LONGEST, leaks, renew
from training.shards import SEQUENCES, Ring, Source, fixed_set

VALID_SEED = 20_000  # of the validation mixtures: the same in all runs


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on beside its recordings."""

    model: str = "small"
    seed: int = 1
    frames: float = 0  # budget in frames, or
    minutes: float = 0  # in minutes
    batch: int = 32
    crops: tuple[int, int] = (150, 300)  # frames: before and after LATE
    rate: float = 3e-3  # peak learning rate
    warm_up: int = 300  # steps
    reuse: float = 3.0  # how often a frame is used before it is replaced, on average
    ring: int = 160  # shards kept
    first: int = 8  # shards made before the first step
    sequence: int = 1200  # frames of a sequence
    valid_shards: int = 4
    clips: int = 12  # validation mixtures scored by PESQ and ESTOI; 0 = choose by the loss
    producers: int = 1
    bfloat16: bool = False  # factors of the large products: see Model
    gamma: float = Shape().gamma
    over: float = Shape().over
    strength: float = Shape().strength
    heard: float = Shape().heard
    check_every: int = 1600  # steps between validation and checkpoint


LATE = 0.7  # part of the budget after which crops are longer
FLOOR = 0.01  # last learning rate, of the peak
CLIP = 5.0  # norm of the gradient
NEXT_PROCESS = 1_000_000  # from the seed of one process to that of the next
KEPT = ("step", "frames", "seconds", "best", "began_with")  # by a checkpoint, beside tensors
AVERAGE = 0.999  # exponential average of the weights, which is what is exported


class Run:
    """State of a training run and everything it does with it."""

    def __init__(self, settings: Settings, folder: Path, source: Source, first: Path | None = None):
        if bool(settings.frames) == bool(settings.minutes):
            raise ValueError("expected a budget either in frames or in minutes")
        torch.set_num_threads(1)
        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.first = settings, Path(folder), first
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        products = torch.bfloat16 if settings.bfloat16 else None
        self.model = Model(settings.model, products).to(self.device)
        self.average = copy.deepcopy(self.model)
        self.optimiser = Optimiser(self.model)
        self.step, self.frames, self.seconds, self.best = 0, 0, 0.0, -math.inf
        self.states: list[torch.Tensor] | None = None  # that the crops of the last step ended with
        self.began_with = first and hashlib.sha256(Path(first).read_bytes()).hexdigest()
        rank = processes.rank()
        own = replace(source, seed=source.seed + rank * NEXT_PROCESS)
        shards = self.folder / ("shards" + (f"-{rank}" if rank else ""))
        self.ring = Ring(shards, own, settings.producers)
        self.first_process = rank == 0
        if self.first_process:
            valid = replace(source, seed=VALID_SEED)
            self.valid = fixed_set(self.folder / "valid", valid, settings.valid_shards)
            self.listener = Listener(valid, settings.clips)
            self.log = log.Log(self.folder)
        if (self.folder / "last.pt").exists():
            self.load(self.folder / "last.pt")

    def shape(self) -> Shape:
        """Shape of the loss; validation has the default one, so that runs can be compared."""
        return Shape(*(getattr(self.settings, name) for name in Shape._fields))

    def progress(self) -> float:
        """Spent part of the budget, 0 ... 1."""
        s = self.settings
        return self.frames / s.frames if s.frames else self.seconds / (60 * s.minutes)

    def rate(self) -> float:
        """Learning rate: linear warm-up, then a cosine down to 1 %."""
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(self.progress(), 1))
        warm = min(1.0, (self.step + 1) / self.settings.warm_up)
        return self.settings.rate * warm * (FLOOR + (1 - FLOOR) * cosine)

    def range(self, back: int = 0) -> tuple[int, int]:
        """Shards in use ``back`` steps ago; a function of the frames seen, for repeatable runs."""
        s = self.settings
        each = max(self.frames / processes.world() - back * s.batch * self.crop(), 0)
        high = s.first + int(each / (s.reuse * SEQUENCES * s.sequence))
        return max(0, high - s.ring), high

    def crop(self) -> int:
        """Frames of a crop now."""
        return self.settings.crops[self.progress() >= LATE]

    def train(self, stop_at: int | None = None) -> None:
        """Train until the budget is spent (or, for tests, until step ``stop_at``)."""
        self.ring.start(*self.range())
        try:
            if not self.step:
                self._begin()
            sums: list[np.ndarray] = []
            clock, seen = time.monotonic(), self.frames
            while self.progress() < 1 and self.step != stop_at:
                begun = time.monotonic()
                sums.append(self.update())
                self.seconds = processes.mean(self.seconds + time.monotonic() - begun)
                if self.step % self.settings.check_every == 0 or self.progress() >= 1:
                    speed = (self.frames - seen) / (time.monotonic() - clock)
                    self.check(np.mean(sums, axis=0), speed)
                    sums, clock, seen = [], time.monotonic(), self.frames
        finally:
            self.ring.stop()

    def update(self) -> np.ndarray:
        """One step; returns the terms of the loss."""
        s = self.settings
        crop = self.crop()
        places, goes_on = self.places(crop)
        batch = self.to_device(self.ring.read(places, crop))
        self.model.zero_grad()
        logits, self.states = self.model.go_on(batch.features, self.start_states(goes_on))
        terms = loss(logits, batch, self.shape())
        terms.total.backward()
        processes.average([p.grad for p in self.model.parameters()])
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        if not (torch.isfinite(terms.total) and torch.isfinite(norm)):
            torch.save({"step": self.step, "batch": tuple(batch)}, self.folder / "nan_batch.pt")
            raise FloatingPointError(
                f"step {self.step}: loss {terms.total.item()}, gradient {norm.item()}; the batch is"
                f" in {self.folder / 'nan_batch.pt'}, the last good state in last.pt"
            )
        self.optimiser.step(self.rate())
        self.model.clamp()
        self.step += 1
        self.frames += s.batch * crop * processes.world()
        self._follow()
        return torch.stack(terms).detach().cpu().numpy()

    def places(self, crop: int) -> tuple[list[tuple[int, int, int]], np.ndarray]:
        """Where each row of the batch reads: (shard, sequence, frame); and which rows go on, (B,).

        A row reads a sequence crop by crop, another one every so many steps, and starts each with
        the states that the last one ended with, as in use. Steps and frames alone decide.
        """
        s, places = self.settings, []
        pieces = s.sequence // crop
        turns, piece = np.divmod(self.step + np.arange(s.batch), pieces)
        for row in range(s.batch):
            rng = np.random.default_rng((s.seed, int(turns[row]), row, processes.rank()))
            low, high = self.range(back=int(piece[row]))  # as when the sequence began
            first = rng.integers(s.sequence - pieces * crop + 1)
            index, sequence = rng.integers(low, high), rng.integers(SEQUENCES)
            places.append((int(index), int(sequence), int(first + piece[row] * crop)))
        return places, piece > 0

    def start_states(self, goes_on: np.ndarray) -> list[torch.Tensor]:
        """States the crops of this step begin with; zeros in rows whose sequence begins.

        With crops that always begin afresh, units that hardly forget would never be seen older than
        a crop, and wander in use (docs/ablations.md).
        """
        if self.states is None:
            return self.model.fresh(self.settings.batch)
        keep = torch.from_numpy(goes_on[:, None])
        return [state * keep.to(state) for state in self.states]

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the new ones, faster at the start."""
        share = 1 - min(AVERAGE, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), share)

    def to_device(self, batch: Batch) -> Batch:
        """The batch where the network is."""
        return Batch(*(x.to(self.device) for x in batch))

    def _begin(self) -> None:
        """Start from the weights of an earlier run, or from the mean targets of 128 crops."""
        s = self.settings
        if self.first:
            self.model.load_state_dict(grown(load_file(self.first), self.model))
            self._renew()
        else:
            b = self.ring.crops(*self.range(), (s.seed, 0, 0), 128, s.crops[0])
            means = [
                (x * w).sum((0, 1)) / (w.sum((0, 1)) + 1)
                for x, w in ((b.gain, b.gain_weight), (b.strength, b.strength_weight))
            ]
            self.model.start_from_means(*means, b.vad.mean().item())
        processes.average(list(self.model.parameters()))
        self.average.load_state_dict(self.model.state_dict())

    def _renew(self) -> None:
        """Start units anew that no longer learn; in all processes the same."""
        s = self.settings
        batch = self.ring.crops(*self.range(), (s.seed, self.step, 2), SEQUENCES, s.crops[1])
        found = leaks(self.model, self.to_device(batch).features)
        processes.average(list(found.values()))
        slow = {name: leak < 1 / LONGEST for name, leak in found.items()}
        with torch.random.fork_rng():
            torch.manual_seed(s.seed + self.step)
            new = Model(s.model).to(self.device)
        for network in (self.model, self.average):
            renew(network, slow, new)
        if self.first_process:
            counts = ", ".join(f"{name} {int(units.sum())}" for name, units in slow.items())
            print(f"step {self.step}: units started anew: {counts}", flush=True)

    @torch.no_grad()
    def validate(self) -> Terms:
        """Loss of the averaged weights on the validation set, in pieces of 16 sequences."""
        pieces = [
            loss(self.average(piece.features), piece)
            for piece in (
                self.to_device(Batch(*(x[:, k : k + SEQUENCES] for x in self.valid)))
                for k in range(0, self.valid.vad.shape[1], SEQUENCES)
            )
        ]
        return Terms(*(torch.stack(values).mean() for values in zip(*pieces, strict=True)))

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights by name, float32."""
        return {key: x.cpu().numpy() for key, x in self.average.state_dict().items()}

    def check(self, terms: np.ndarray, speed: float) -> None:
        """Validate, log, print, save, and drop the shards that no resume can need.

        Before, units that no longer learn are started anew, while there is time to learn.
        """
        if self.progress() < LATE:
            self._renew()
        if self.first_process:
            valid, heard = self.validate(), self.listener.score(self.weights())
            row = {"step": self.step, "frames": self.frames, "seconds": self.seconds,
                   "rate": self.rate(), "frames_per_s": speed, **heard._asdict()}  # fmt: skip
            row |= dict(zip(Terms._fields, terms.tolist(), strict=True))
            row |= {f"valid_{key}": x.item() for key, x in valid._asdict().items()}
            self.log.write(row)
            left = self.seconds * (1 / max(self.progress(), 1e-9) - 1) / 60
            print(log.line(row, left), flush=True)
            self._keep(heard, valid)
        self.states = None  # of all, for a resumed run to go on as this one
        self.ring.forget(self.range(back=self.settings.sequence // self.crop())[0])

    def _keep(self, heard: Score, valid: Terms) -> None:
        """Write the checkpoint, and the best one if this is it."""
        merit = heard.both if self.settings.clips else -valid.square.item()
        better, self.best = merit > self.best, max(merit, self.best)
        self.save(self.folder / "last.pt")
        if better:
            self.save(self.folder / "best.pt")

    def save(self, path: Path) -> None:
        """Checkpoint, whole or not at all."""
        state = {name: getattr(self, name) for name in KEPT}
        for name in ("model", "average", "optimiser"):
            state[name] = getattr(self, name).state_dict()
        state["settings"] = asdict(self.settings)
        with whole(path) as new:
            torch.save(state, new)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True, map_location=self.device)
        if state["settings"]["model"] != self.settings.model:
            raise ValueError(
                f"{path}: a run of model {state['settings']['model']!r}, asked for"
                f" {self.settings.model!r}; choose another --out"
            )
        for name in KEPT:
            setattr(self, name, state[name])
        for name in ("model", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        print(f"resumed {path} at step {self.step}", flush=True)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Options that say where the recordings are."""
    parser.add_argument("--index", type=Path, help="index file of recordings, or folders:")
    for kind in ("speech", "noise", "rir"):
        parser.add_argument(f"--{kind}", type=Path, help=f"folder of {kind} recordings")
    parser.add_argument("--cache", type=Path, help="folder of decoded audio (beside the run)")


def read_segments(args: argparse.Namespace) -> list[Segment]:
    """Recordings named on the command line."""
    if args.index:
        return read_index(args.index)
    if not (args.speech and args.noise):
        raise SystemExit("expected --index FILE, or --speech DIR and --noise DIR")
    folders = {"speech": args.speech, "noise": args.noise, "rir": args.rir}
    return [s for kind, folder in folders.items() if folder for s in read_folder(folder, kind)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="small", choices=sorted(SIZES))
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    add_sources(parser)
    parser.add_argument("--init", type=Path, help="weights to start from, as wide or narrower")
    parser.add_argument("--bfloat16", action="store_true", help="if the CPU multiplies it fast")
    parser.add_argument("--minutes", type=float, default=0, help="budget in minutes, or")
    parser.add_argument("--frames", type=float, default=0, help="in frames of 10 ms")
    for name in ("seed", "batch", "producers", "first", "ring", "clips", "check_every"):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Settings, name))
    for name in ("rate", "reuse", *Shape._fields):
        parser.add_argument(f"--{name}", type=float, default=getattr(Settings, name))
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the producers: one process, one thread
    given = {k: getattr(args, k) for k in Settings.__dataclass_fields__ if hasattr(args, k)}
    settings = Settings(**given)
    source = Source(read_segments(args), args.cache or args.out / "cache", settings.seed)
    processes.join()
    try:
        Run(settings, args.out, source, args.init).train()
    finally:
        processes.leave()


if __name__ == "__main__":
    main()
