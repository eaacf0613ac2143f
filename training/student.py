"""One network in training, and all that goes with it: optimiser, average, log, checkpoints."""

import copy
import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from reference.files import whole
from training import log, processes, prune
from training.graph import Recorded
from training.grow import grown
from training.listen import Listener, Score
from training.loss import Batch, Shape, Terms, loss
from training.model import HISTORY, Model
from training.optimiser import Optimiser
from training.renew import LONGEST, leaks, renew
from training.targets import batch

CLIP = 5.0  # norm of the gradient
AVERAGE = 0.999  # exponential average of the weights, which is what is exported
PIECE = 16  # validation sequences judged at a time


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on beside its recordings; the networks of a run share all but model,
    rate, dropout, teach, density and the shape of the loss.
    """

    model: str = "small"
    seed: int = 1
    frames: float = 0  # budget in frames, or
    minutes: float = 0  # in minutes
    batch: int = 32
    crops: tuple[int, int] = (150, 300)  # frames: before and after LATE
    rate: float = 3e-3  # peak learning rate
    dropout: float = 0.0  # share of units that go unheard in training
    teach: float = 0.0  # share of the teacher in the targets
    density: float = 1.0  # share of the blocks of weights that is left at the end: see prune.py
    warm_up: int = 300  # steps
    reuse: float = 3.0  # how often a frame is used before it is replaced, on average
    ring: int = 160  # shards kept
    first: int = 8  # shards made before the first step
    rows: int = 16  # mixtures of a shard
    sequence: int = 1200  # frames of a mixture
    valid_shards: int = 4
    clips: int = 12  # validation mixtures scored by PESQ and ESTOI; 0 = choose by the loss
    producers: int = 1
    bfloat16: bool = False  # factors of the large products: see Model
    gamma: float = Shape().gamma
    over: float = Shape().over
    strength: float = Shape().strength
    heard: float = Shape().heard
    unlike: float = Shape().unlike
    check_every: int = 1600  # steps between validation and checkpoint

    def __post_init__(self) -> None:
        """Raises ValueError naming what lies out of its range."""
        for names, fits, needed in LIMITS:
            for name in names:
                if not fits(getattr(self, name)):
                    raise ValueError(f"--{name.replace('_', '-')} {getattr(self, name):g} found; "
                                     f"{needed} is needed")  # fmt: skip


LIMITS = (
    (("batch", "warm_up", "ring", "first", "rows", "producers", "check_every"),
     lambda count: count >= 1, "1 or more"),
    (("frames", "minutes", "clips"), lambda count: count >= 0, "0 or more"),
    (("rate", "reuse"), lambda value: 0 < value < math.inf, "more than 0"),
    (("dropout",), lambda share: 0 <= share < 1, "0 or more, below 1,"),
    (("teach",), lambda share: 0 <= share <= 1, "0 to 1"),
    (("density",), lambda share: 0 < share <= 1, "more than 0, at most 1,"),
)
"""Which settings have to lie where; those of the loss may be any."""


@dataclass
class Clock:
    """How far a run has come."""

    step: int = 0
    frames: int = 0
    seconds: float = 0.0


class Student:
    """A network that is trained, its average that is exported, and the states its rows are in."""

    def __init__(self, settings: Settings, folder: Path, device: str, first: Path | None = None):
        torch.manual_seed(settings.seed)
        self.settings, self.folder, self.device, self.first = settings, folder, device, first
        self.folder.mkdir(parents=True, exist_ok=True)
        products = torch.bfloat16 if settings.bfloat16 else None
        self.model = Model(settings.model, products, settings.dropout).to(device)
        self.average = copy.deepcopy(self.model)
        self.optimiser = Optimiser(self.model)
        self.share = torch.zeros((), device=device)  # of the new weights in the average
        self.kept = prune.Kept(self.model) if settings.density < 1 else None
        self.states = self.model.fresh(settings.batch)  # that the crops of the last step ended with
        self.step = Recorded(self._step)
        self.stream = torch.cuda.Stream(priority=-1) if device == "cuda" else None
        self.best = -math.inf
        self.began_with = first and hashlib.sha256(Path(first).read_bytes()).hexdigest()
        self.log = log.Log(self.folder) if processes.rank() == 0 else None

    def shape(self) -> Shape:
        """Shape of the loss; validation has the default one, so that runs can be compared."""
        return Shape(*(getattr(self.settings, name) for name in Shape._fields))

    def begin(self, stored: Tensor) -> None:
        """Start from the weights of an earlier run, or from the mean targets of some crops."""
        if self.first:
            self.model.load_state_dict(grown(load_file(self.first), self.model))
        else:
            b = batch(stored, self.settings.teach, HISTORY)
            means = [
                (x * w).sum((0, 1)) / (w.sum((0, 1)) + 1)
                for x, w in ((b.gain, b.gain_weight), (b.strength, b.strength_weight))
            ]
            self.model.start_from_means(*means, b.vad.mean().item())
        processes.average(list(self.model.parameters()))
        self.average.load_state_dict(self.model.state_dict())

    def learn(
        self, stored: Tensor, before: Tensor, keep: Tensor, draw: int, rate: float, step: int,
        progress: float,
    ) -> Tensor:  # fmt: skip
        """A step along the gradients of crops (B, HISTORY + L, 242); the terms of the loss, and
        the norm of the gradient.

        before, keep: (B,), 1 where the frames before belong to the crop, and where it starts from
        the states that its row ended with. draw: of what is dropped; progress: part of the run,
        0...1.
        """
        torch.manual_seed(draw)
        self.optimiser.rate.fill_(rate)
        self.share.fill_(1 - min(AVERAGE, (2 + step) / (11 + step)))  # faster at the start
        if self.prunes(progress):
            self.kept.prune(self.model, prune.density_at(progress, self.settings.density), step)
        return self.step(stored, before, keep)

    def _step(self, stored: Tensor, before: Tensor, keep: Tensor) -> Tensor:
        """What is done on the device, the same at every step."""
        crops = batch(stored, self.settings.teach, HISTORY)
        start = [states * keep[:, None] for states in self.states]
        self.model.zero_grad()
        logits, ends = self.model.go_on(crops.features, start, before)
        terms = loss(logits, crops, self.shape())
        terms.total.backward()
        processes.average([p.grad for p in self.model.parameters()])
        if self.kept:
            self.kept.listen(self.model)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        self.model.clamp()
        self._follow()
        if self.kept:
            self.kept.hold(self.model, self.average)
        torch._foreach_copy_(self.states, ends)
        return torch.stack([*terms, norm]).detach()

    def forget(self) -> None:
        """The next crops start from fresh states."""
        torch._foreach_zero_(self.states)

    def prunes(self, progress: float) -> bool:
        """Whether blocks of weights are left out by now."""
        return self.settings.density < 1 and progress >= prune.BEGIN

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averaged weights towards the new ones."""
        averages = list(self.average.parameters())
        ways = torch._foreach_sub(list(self.model.parameters()), averages)
        torch._foreach_mul_(ways, self.share)
        torch._foreach_add_(averages, ways)

    def renew(self, stored: Tensor, step: int) -> None:
        """Start units anew that no longer learn; in all processes the same."""
        found = leaks(self.model, batch(stored[:, HISTORY:], 0).features)
        processes.average(list(found.values()))
        slow = {name: leak < 1 / LONGEST for name, leak in found.items()}
        with torch.random.fork_rng():
            torch.manual_seed(self.settings.seed + step)
            new = Model(self.settings.model).to(self.device)
        for network in (self.model, self.average):
            renew(network, slow, new)
        if self.log:
            counts = ", ".join(f"{name} {int(units.sum())}" for name, units in slow.items())
            print(f"{self.folder.name}, step {step}: units started anew: {counts}", flush=True)

    @torch.no_grad()
    def validate(self, stored: Tensor) -> Terms:
        """Loss of the averaged weights on whole sequences (R, L, 242), against true targets."""
        pieces = [self._judge(piece.to(self.device)) for piece in stored.split(PIECE)]
        return Terms(*(torch.stack(values).mean() for values in zip(*pieces, strict=True)))

    def _judge(self, stored: Tensor) -> Terms:
        """Loss on some of them."""
        whole_sequences: Batch = batch(stored, 0)
        return loss(self.average(whole_sequences.features), whole_sequences)

    def weights(self) -> dict[str, np.ndarray]:
        """The averaged weights by name, float32."""
        return {key: x.cpu().numpy() for key, x in self.average.state_dict().items()}

    def check(
        self, row: dict[str, float], terms: np.ndarray, valid: Tensor, listener: Listener,
        clock: Clock, left: float,
    ) -> None:  # fmt: skip
        """Validate, log, print and save. row: what the run knows; left: minutes to its end."""
        judged, heard = self.validate(valid), listener.score(self.weights())
        row = row | heard._asdict() | dict(zip(Terms._fields, terms.tolist(), strict=True))
        row |= {f"valid_{key}": x.item() for key, x in judged._asdict().items()}
        self.log.write(row)
        print(self.folder.name, log.line(row, left), flush=True)
        self._keep(heard, judged, clock)

    def _keep(self, heard: Score, valid: Terms, clock: Clock) -> None:
        """Write the checkpoint, and the best one if this is it."""
        merit = heard.both if self.settings.clips else -valid.square.item()
        better, self.best = merit > self.best, max(merit, self.best)
        self.save(self.folder / "last.pt", clock)
        if better:
            self.save(self.folder / "best.pt", clock)

    def save(self, path: Path, clock: Clock) -> None:
        """Checkpoint, whole or not at all."""
        state = asdict(clock) | {"best": self.best, "began_with": self.began_with}
        for name in ("model", "average", "optimiser"):
            state[name] = getattr(self, name).state_dict()
        if self.kept:
            state["worth"] = self.kept.worth
        state["settings"] = asdict(self.settings)
        with whole(path) as new:
            torch.save(state, new)

    def load(self, path: Path) -> Clock:
        """Go on from a checkpoint; how far it had come."""
        state = torch.load(path, weights_only=True, map_location=self.device)
        try:
            self.best, self.began_with = state["best"], state["began_with"]
            for name in ("model", "average", "optimiser"):
                getattr(self, name).load_state_dict(state[name])
            for name, worth in self.kept.worth.items() if self.kept else ():
                worth.copy_(state["worth"][name])
        except (KeyError, ValueError, RuntimeError) as error:
            raise SystemExit(
                f"{path}: expected the checkpoint of a run of this network with or without "
                f"--density as here, found another ({str(error).splitlines()[0]}); give its "
                "options, or choose another --out"
            ) from error
        clock = Clock(state["step"], state["frames"], state["seconds"])
        print(f"resumed {path} at step {clock.step}", flush=True)
        return clock
