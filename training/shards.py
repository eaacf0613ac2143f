"""Shards: files of ready training sequences, made afresh all the time by producer processes.

A shard is a float16 array (sequences, frames, 207): features, gain, strength and their weights,
vad. Shard ``i`` depends on the seed and ``i`` only, so a run can be resumed and repeated exactly.
"""

import shutil
import time
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import torch

from reference.files import whole
from reference.oracle import examples
from reference.params import N_BANDS, N_FEATURES
from training.data import Cache, Pool, Segment
from training.loss import Batch
from training.mix import mixture

EDGES = np.cumsum([N_FEATURES, N_BANDS, N_BANDS, N_BANDS, N_BANDS])  # where a frame is cut
WIDTH = int(EDGES[-1]) + 1
SEQUENCES, FRAMES = 16, 1200  # of one shard: 3.2 minutes
AHEAD = 12  # shards a producer may be ahead of the trainer


def make_shard(pool: Pool, seed: int, index: int, frames: int = FRAMES) -> np.ndarray:
    """Shard ``index`` of the row named by ``seed``: (16, frames, 207) float16."""
    shard = np.empty((SEQUENCES, frames, WIDTH), np.float16)
    for k in range(SEQUENCES):
        mixed = mixture(pool, seed, index * SEQUENCES + k, frames)
        noisy, clean = mixed.noisy.astype(np.float64), mixed.clean.astype(np.float64)
        made = examples(noisy, clean, bandwidth_hz=mixed.bandwidth_hz)
        parts = [made.features, made.gain, made.strength, made.gain_weight, made.strength_weight]
        shard[k] = np.concatenate([*parts, made.vad[:, None]], axis=1)
    return shard


def unpack(frames: np.ndarray) -> Batch:
    """Frames (batch, L, 207) as the tensors of a training step, time first."""
    stacked = torch.from_numpy(frames.astype(np.float32)).transpose(0, 1).contiguous()
    *parts, vad = torch.tensor_split(stacked, torch.as_tensor(EDGES), dim=2)
    return Batch(*parts, vad[..., 0])


@dataclass(frozen=True)
class Source:
    """What a producer needs: recordings, decoded copies, seed and length of a sequence."""

    segments: list[Segment]
    cache: Path
    seed: int
    frames: int = FRAMES

    def pool(self, split: str) -> Pool:
        """The recordings of one split."""
        return Pool(self.segments, split, Cache(self.cache))


class Ring:
    """A folder of shards from which the trainer reads a sliding range ``low <= i < high``."""

    def __init__(self, folder: Path, source: Source, producers: int):
        self.folder, self.source = Path(folder), source
        self.folder.mkdir(parents=True, exist_ok=True)
        self.open: dict[int, np.ndarray] = {}
        context = get_context("spawn")
        self.low, self.high = context.Value("q", 0), context.Value("q", 0)
        self.processes = [
            context.Process(
                target=produce, daemon=True,
                args=(self.folder, source, k, producers, self.low, self.high),
            )
            for k in range(producers)
        ]  # fmt: skip

    def start(self, low: int, high: int) -> None:
        """Start the producers for a range."""
        for remains in self.folder.glob(".*"):  # of producers that were killed while writing
            shutil.rmtree(remains, ignore_errors=True)
        self.low.value, self.high.value = low, high
        for process in self.processes:
            process.start()

    def stop(self) -> None:
        """End the producers."""
        for process in self.processes:
            process.terminate()
            process.join()

    def producing(self) -> bool:
        """Whether there are producers and all of them live: each makes its own share."""
        return bool(self.processes) and all(p.is_alive() for p in self.processes)

    def shard(self, index: int) -> np.ndarray:
        """A shard as a memory map; waits for it if need be.

        Raises RuntimeError if no producer is left to make it.
        """
        path = shard_path(self.folder, index)
        while index not in self.open:
            if path.exists():
                self.open[index] = np.load(path, mmap_mode="r")
            elif not self.producing():
                raise RuntimeError(
                    f"{path} is missing, and no producer is at work to make it: see the message of"
                    " one that has stopped, or ask for one (--producers 1)"
                )
            else:
                time.sleep(0.2)
        return self.open[index]

    def crops(self, low: int, high: int, draw: tuple, batch: int, crop: int) -> Batch:
        """Random crops from the shards low <= i < high; the arguments alone decide which.

        draw: numbers that name this draw, such as (seed, step, process).
        """
        rng = np.random.default_rng(draw)
        places = []
        for index in rng.integers(low, high, batch):
            length = self.shard(int(index)).shape[1]
            places.append((index, rng.integers(SEQUENCES), rng.integers(length - crop + 1)))
        return self.read(places, crop)

    def read(self, places: list[tuple[int, int, int]], crop: int) -> Batch:
        """Crops that begin at the places (shard, sequence of it, frame)."""
        self.high.value = max(self.high.value, *(index + 1 for index, _, _ in places))
        rows = [self.shard(int(i))[row, start : start + crop] for i, row, start in places]
        return unpack(np.stack(rows))

    def forget(self, low: int) -> None:
        """Delete the shards below ``low``."""
        self.low.value = low
        for index in [i for i in self.open if i < low]:
            del self.open[index]
        for path in self.folder.glob("*.npy"):
            if int(path.stem) < low:
                path.unlink()


def shard_path(folder: Path, index: int) -> Path:
    """File of a shard."""
    return folder / f"{index:06d}.npy"


def write_shard(path: Path, shard: np.ndarray) -> None:
    """Whole or not at all."""
    with whole(path) as new:
        np.save(new, shard)


def produce(folder: Path, source: Source, worker: int, workers: int, low, high) -> None:
    """Process: make every ``workers``-th shard, a little ahead of the trainer, while it lives."""
    pool, index = source.pool("train"), worker
    while parent_process().is_alive():  # a killed trainer cannot stop us itself
        if index < low.value or shard_path(folder, index).exists():
            index += workers
        elif index >= high.value + AHEAD:
            time.sleep(0.2)
        else:
            made = make_shard(pool, source.seed, index, source.frames)
            write_shard(shard_path(folder, index), made)
            index += workers


def fixed_set(folder: Path, source: Source, shards: int) -> Batch:
    """Validation sequences (held-out talkers and noises), always the same; kept in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = None
    parts = []
    for index in range(shards):
        path = shard_path(folder, index)
        if not path.exists():
            pool = pool or source.pool("valid")
            write_shard(path, make_shard(pool, source.seed, index, source.frames))
        parts.append(np.load(path))
    return unpack(np.concatenate(parts))
