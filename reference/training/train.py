"""Train a network.

    python -m reference.training.train --model small --index data/index.csv --out run --minutes 60
    python -m reference.training.train --speech DIR --noise DIR [--rir DIR] --out run --frames 2e7

A second call with the same ``--out`` goes on from the last checkpoint. With ``--frames`` the result
is the same as without the interruption; with ``--minutes`` the learning rate follows the clock.
"""

import argparse
import copy
import csv
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from reference.params import NETWORK_SIZES
from reference.training.data import Segment, read_folder, read_index
from reference.training.loss import Batch, Terms, loss
from reference.training.model import Model
from reference.training.shards import SEQUENCES, Ring, Source, fixed_set

VALID_SEED = 20_000  # of the validation mixtures: the same in all runs
LOG = ["step", "frames", "seconds", "rate", "total", "square", "fourth", "strength", "voice",
       "error", "valid_square", "valid_fourth", "valid_strength", "valid_voice", "valid_error",
       "frames_per_s"]  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on beside its recordings."""

    model: str = "small"
    seed: int = 1
    frames: float = 0  # budget in frames, or
    minutes: float = 0  # in minutes
    batch: int = 16
    crops: tuple[int, int] = (300, 600)  # frames: before and after LATE
    rate: float = 1.5e-3  # peak learning rate
    warm_up: int = 300  # steps
    reuse: float = 3.0  # how often a frame is used before it is replaced, on average
    ring: int = 160  # shards kept
    first: int = 8  # shards made before the first step
    sequence: int = 1200  # frames of a sequence
    valid_shards: int = 4
    producers: int = 1
    check_every: int = 400  # steps between validation and checkpoint


LATE = 0.6  # part of the budget after which crops are longer
FLOOR = 0.01  # last learning rate, of the peak
BETAS, DECAY, CLIP = (0.9, 0.98), 0.01, 5.0
AVERAGE = 0.999  # exponential average of the weights, which is what is exported


class Run:
    """State of a training run and everything it does with it."""

    def __init__(self, settings: Settings, folder: Path, source: Source):
        if bool(settings.frames) == bool(settings.minutes):
            raise ValueError("expected a budget either in frames or in minutes")
        torch.set_num_threads(1)
        torch.manual_seed(settings.seed)
        self.settings, self.folder = settings, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.model = Model(settings.model)
        self.average = copy.deepcopy(self.model)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), betas=BETAS, weight_decay=DECAY, foreach=True
        )
        self.step, self.frames, self.seconds, self.best = 0, 0, 0.0, math.inf
        self.ring = Ring(self.folder / "shards", source, settings.producers)
        valid = Source(source.segments, source.cache, VALID_SEED, source.frames)
        self.valid = fixed_set(self.folder / "valid", valid, settings.valid_shards)
        if (self.folder / "last.pt").exists():
            self.load(self.folder / "last.pt")

    def progress(self) -> float:
        """Spent part of the budget, 0 ... 1."""
        s = self.settings
        return self.frames / s.frames if s.frames else self.seconds / (60 * s.minutes)

    def rate(self) -> float:
        """Learning rate: linear warm-up, then a cosine down to 1 %."""
        cosine = 0.5 + 0.5 * math.cos(math.pi * min(self.progress(), 1))
        warm = min(1.0, (self.step + 1) / self.settings.warm_up)
        return self.settings.rate * warm * (FLOOR + (1 - FLOOR) * cosine)

    def range(self) -> tuple[int, int]:
        """Shards in use now: a function of the frames seen, so that a run can be repeated."""
        s = self.settings
        high = s.first + int(self.frames / (s.reuse * SEQUENCES * s.sequence))
        return max(0, high - s.ring), high

    def train(self, stop_at: int | None = None) -> None:
        """Train until the budget is spent (or, for tests, until step ``stop_at``)."""
        self.ring.start(*self.range())
        try:
            if not self.step:
                self._first_biases()
            sums: list[np.ndarray] = []
            clock, seen = time.monotonic(), self.frames
            while self.progress() < 1 and self.step != stop_at:
                begun = time.monotonic()
                sums.append(self.update())
                self.seconds += time.monotonic() - begun
                if self.step % self.settings.check_every == 0 or self.progress() >= 1:
                    speed = (self.frames - seen) / (time.monotonic() - clock)
                    self.check(np.mean(sums, axis=0), speed)
                    sums, clock, seen = [], time.monotonic(), self.frames
        finally:
            self.ring.stop()

    def update(self) -> np.ndarray:
        """One step; returns the terms of the loss."""
        s = self.settings
        crop = s.crops[self.progress() >= LATE]
        batch = self.ring.crops(*self.range(), s.seed, self.step, s.batch, crop)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.zero_grad()
        terms = loss(self.model(batch.features), batch)
        terms.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        if not (torch.isfinite(terms.total) and torch.isfinite(norm)):
            torch.save({"step": self.step, "batch": tuple(batch)}, self.folder / "nan_batch.pt")
            raise FloatingPointError(
                f"step {self.step}: loss {terms.total.item()}, gradient {norm.item()}; the batch is"
                f" in {self.folder / 'nan_batch.pt'}, the last good state in last.pt"
            )
        self.optimiser.step()
        self.model.clamp()
        self.step += 1
        self.frames += s.batch * crop
        self._follow()
        return torch.stack(terms).detach().numpy()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the new ones, faster at the start."""
        share = 1 - min(AVERAGE, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), share)

    def _first_biases(self) -> None:
        """Start from the mean targets of a few hundred crops."""
        b: Batch = self.ring.crops(
            *self.range(), self.settings.seed, 0, 128, self.settings.crops[0]
        )
        means = [
            (x * w).sum((0, 1)) / (w.sum((0, 1)) + 1)
            for x, w in ((b.gain, b.gain_weight), (b.strength, b.strength_weight))
        ]
        for model in (self.model, self.average):
            model.start_from_means(*means, b.vad.mean().item())

    @torch.no_grad()
    def validate(self) -> Terms:
        """Loss of the averaged weights on the validation set, in pieces of 16 sequences."""
        pieces = [
            loss(self.average(piece.features), piece)
            for piece in (
                Batch(*(x[:, k : k + SEQUENCES] for x in self.valid))
                for k in range(0, self.valid.vad.shape[1], SEQUENCES)
            )
        ]
        return Terms(*(torch.stack(values).mean() for values in zip(*pieces, strict=True)))

    def check(self, terms: np.ndarray, speed: float) -> None:
        """Validate, log, print, save, and drop the shards that no resume can need."""
        valid = self.validate()
        values = [self.step, self.frames, round(self.seconds), self.rate(), *terms,
                  *(valid[k].item() for k in (1, 2, 3, 4, 5)), speed]  # fmt: skip
        path = self.folder / "log.csv"
        new = not path.exists()
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(LOG)
            writer.writerow([f"{v:.6g}" for v in values])
        left = self.seconds * (1 / max(self.progress(), 1e-9) - 1) / 60
        print(
            f"step {self.step}  frames {self.frames / 1e6:.2f} M  loss {terms[0]:.3f}"
            f"  square {terms[1]:.3f}  |dg| {terms[5]:.4f}  valid square {valid.square:.3f}"
            f"  |dg| {valid.error:.4f}  strength {valid.strength:.3f}  {speed:.0f} frames/s"
            f"  {left:.0f} min left",
            flush=True,
        )
        self.save(self.folder / "last.pt")
        if valid.square.item() < self.best:
            self.best = valid.square.item()
            self.save(self.folder / "best.pt")
        self.ring.forget(self.range()[0])

    def save(self, path: Path) -> None:
        """Checkpoint, whole or not at all."""
        state = {name: getattr(self, name) for name in ("step", "frames", "seconds", "best")}
        for name in ("model", "average", "optimiser"):
            state[name] = getattr(self, name).state_dict()
        state["settings"] = asdict(self.settings)
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True)
        if state["settings"]["model"] != self.settings.model:
            raise ValueError(
                f"{path}: a run of model {state['settings']['model']!r}, asked for"
                f" {self.settings.model!r}; choose another --out"
            )
        for name in ("step", "frames", "seconds", "best"):
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
    parser.add_argument("--model", default="small", choices=sorted(NETWORK_SIZES))
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    add_sources(parser)
    parser.add_argument("--minutes", type=float, default=0, help="budget in minutes, or")
    parser.add_argument("--frames", type=float, default=0, help="in frames of 10 ms")
    for name in ("seed", "batch", "producers"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    for name in ("rate", "reuse"):
        parser.add_argument(f"--{name}", type=float, default=getattr(Settings, name))
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of the producers: one process, one thread
    given = {k: getattr(args, k) for k in Settings.__dataclass_fields__ if hasattr(args, k)}
    settings = Settings(**given)
    source = Source(read_segments(args), args.cache or args.out / "cache", settings.seed)
    Run(settings, args.out, source).train()


if __name__ == "__main__":
    main()
