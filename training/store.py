"""A store of labelled frames that networks listen to, and those who fill it.

Shard i is so many mixtures with their targets; seed and i alone decide what is in it, so that a run
can be resumed and repeated exactly: what is missing is made again. A store keeps the newest shards
in slots, in device memory or in a mapped file that several processes share.
"""

import fcntl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reference.files import whole
from training import processes
from training.bank import Bank, Recipe
from training.data import Segment
from training.elder import Elder
from training.mix import Mixer
from training.model import HISTORY
from training.targets import WIDTH, Labeller
from training.teacher import Teacher

AHEAD = 12  # shards that may be made before they are needed
TAUGHT_RMS = 0.05  # of the speech that a teacher hears: quiet and loud mixtures are alike to it
CHUNK = {"cpu": 2, "cuda": 64}  # mixtures in memory as spectra at a time
LISTENED = {"cpu": 8, "cuda": 128}  # mixtures that a teacher hears at a time


@dataclass(frozen=True)
class Source:
    """What shards are made of."""

    segments: tuple[Segment, ...]
    cache: Path  # folder of prepared recordings
    seed: int
    rows: int = 16  # mixtures of a shard
    frames: int = 1200  # of a mixture
    teacher: Path | None = None  # folder of its graphs, or the weights of a network of ours
    synthetic: int = Recipe.synthetic
    rooms: int = Recipe.rooms

    def prepare(self, split: str, workers: int = 1) -> Path:
        """The bank of one split, made if need be: its path."""
        segments = tuple(s for s in self.segments if s.split == split)
        return Recipe(segments, self.synthetic, self.rooms).write(self.cache, workers)

    def mixer(self, split: str, device: torch.device | str = "cpu") -> Mixer:
        """Makes mixtures of the recordings of one split."""
        return Mixer(Bank.read(self.prepare(split), device), self.frames)


class Maker:
    """Makes shards of one split on one device."""

    def __init__(self, source: Source, split: str, device: torch.device | str = "cpu"):
        self.source, self.mixer = source, source.mixer(split, device)
        self.kind = torch.device(device).type
        self.labeller = Labeller(device, chunk=CHUNK[self.kind])
        number = torch.float16 if self.kind == "cuda" else torch.float32
        self.teacher = self.elder = None
        if source.teacher and source.teacher.is_dir():
            self.teacher = Teacher.load(source.teacher, device, number)
        elif source.teacher:
            self.elder = Elder(source.teacher, device)

    @torch.no_grad()
    def shard(self, index: int) -> Tensor:
        """(rows, frames, 242) float16."""
        mixed = self.mixer.many(self.source.rows, (self.source.seed, index))
        taught, heard = None, torch.nonzero(mixed.believed)[:, 0]
        if self.teacher and len(heard):
            taught, level = mixed.clean.clone(), (TAUGHT_RMS / mixed.gain[heard])[:, None]
            said = self.teacher.enhance(mixed.noisy[heard] * level, LISTENED[self.kind])
            taught[heard] = said / level
        frames = self.labeller.frames(
            mixed.noisy, mixed.clean, mixed.bandwidth_hz, taught, mixed.believed
        )
        return self.elder.teach(frames) if self.elder else frames


class Store:
    """Slots of shards: shard i lies in slot i modulo their number, if it is there."""

    def __init__(self, slots: int, rows: int, frames: int, place: Path | torch.device | str):
        """place: a folder, or the device in whose memory it is."""
        self.slots, self.rows, self.length = slots, rows, frames
        shape = slots * rows * frames, WIDTH
        if isinstance(place, Path):
            place.mkdir(parents=True, exist_ok=True)
            self.frames = torch.from_file(
                str(place / "frames.f16"), True, shape[0] * shape[1], dtype=torch.float16
            ).view(shape)
            self.held = torch.from_file(str(place / "held.i64"), True, slots, dtype=torch.int64)
        else:
            self.frames = torch.zeros(shape, dtype=torch.float16, device=place)
            self.held = torch.zeros(slots, dtype=torch.int64)  # index + 1 of the shard in a slot

    def has(self, index: int) -> bool:
        """Whether a shard is there."""
        return self.held[index % self.slots].item() == index + 1

    def put(self, index: int, shard: Tensor) -> None:
        """Take the place of whatever is in its slot."""
        slot, size = index % self.slots, self.rows * self.length
        self.held[slot] = 0
        self.frames[slot * size : (slot + 1) * size] = shard.flatten(0, 1)
        if self.frames.is_cuda:
            torch.cuda.current_stream().synchronize()
        self.held[slot] = index + 1

    def read(self, places: np.ndarray, crop: int) -> Tensor:
        """Crops with the frames before them: (B, 3) of shard, row, frame -> (B, HISTORY + crop,
        242). Before the first frame of all stands that frame again.
        """
        shard, row, frame = places.T
        first = ((shard % self.slots) * self.rows + row) * self.length + frame - HISTORY
        first = torch.as_tensor(first, device=self.frames.device)
        index = first[:, None] + torch.arange(HISTORY + crop, device=self.frames.device)
        return self.frames[index.clamp(min=0)]


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keeps other runs off a store that lies in a folder: they would replace each other's shards.

    Raises RuntimeError if another one is at work there.
    """
    with open(folder / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"{folder} is in use by another run; wait for its end, or choose another --out"
            ) from None
        yield


class Filler:
    """Fills a store with the shards low <= i < high and a few ahead.

    By processes beside a store in a folder, by a thread of this one beside device memory.
    """

    def __init__(self, source: Source, store: Store, place: Path | torch.device, workers: int):
        self.store, self.stopping = store, threading.Event()
        context = get_context("spawn")
        self.low, self.high = context.Value("q", 0), context.Value("q", 0)
        if isinstance(place, Path):
            self.workers = [
                context.Process(
                    target=fill_folder, daemon=True,
                    args=(source, place, store.slots, (k, workers), self.low, self.high),
                )
                for k in range(workers)
            ]  # fmt: skip
        else:
            self.workers = [threading.Thread(target=self._fill_memory, args=(source, place),
                                             daemon=True)]  # fmt: skip

    def _fill_memory(self, source: Source, device: torch.device) -> None:
        """What the thread does, beside the streams of the networks."""
        sys.setswitchinterval(1e-3)  # s: not to keep the trainer waiting
        with torch.cuda.device(device), torch.cuda.stream(torch.cuda.Stream()):
            maker = Maker(source, "train", device)
            going = lambda: not self.stopping.is_set()  # noqa: E731
            fill(maker, self.store, (0, 1), self.low, self.high, going)

    def start(self, low: int, high: int) -> None:
        """Begin with a range."""
        self.need(low, high)
        for worker in self.workers:
            worker.start()

    def need(self, low: int, high: int) -> None:
        """Go on to another range; shards below it may be replaced."""
        self.low.value, self.high.value = low, high

    def stop(self) -> None:
        """End the work."""
        self.stopping.set()
        for worker in self.workers:
            if isinstance(worker, threading.Thread):
                worker.join(60)
            else:
                worker.terminate()
                worker.join()

    def wait(self, shards: Iterable[int]) -> None:
        """Until these shards are there. RuntimeError if nobody is left to make one.

        Workers share the work by index, so each of them is needed.
        """
        for index in shards:
            while not self.store.has(index):
                if not self.workers or not all(worker.is_alive() for worker in self.workers):
                    raise RuntimeError(
                        f"shard {index} is missing, and nobody is at work to make it: see the"
                        " message of one that has stopped, or ask for one (--producers 1)"
                    )
                time.sleep(0.02)


def fill(
    maker: Maker, store: Store, share: tuple[int, int], low, high, going: Callable[[], bool]
) -> None:
    """Make what is missing, oldest first; share: (k, n), this one makes shard k of every n."""
    k, n = share
    while going():
        missing = (i for i in range(low.value, min(high.value + AHEAD, low.value + store.slots))
                   if i % n == k and not store.has(i))  # fmt: skip
        index = next(missing, None)
        if index is None:
            time.sleep(0.05)
        else:
            store.put(index, maker.shard(index))


def fill_folder(source: Source, folder: Path, slots: int, share: tuple, low, high) -> None:
    """What a process does while the trainer lives: a killed one cannot stop it itself."""
    torch.set_num_threads(1)
    processes.keep_memory()
    maker = Maker(source, "train")
    store = Store(slots, source.rows, source.frames, folder)
    fill(maker, store, share, low, high, parent_process().is_alive)


def fixed_set(path: Path, source: Source, shards: int) -> Tensor:
    """Validation sequences (held-out talkers and noises), always the same, kept in a file."""
    if not path.exists():
        maker = Maker(source, "valid")
        made = torch.cat([maker.shard(index) for index in range(shards)]).numpy()
        with whole(path) as new:
            np.save(new, made)
    return torch.from_numpy(np.load(path))
