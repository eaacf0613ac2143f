"""How fast each part of training is: frames of 10 ms a second of one core's time.

    python -m training.speed --index data/index.csv [--teacher DIR]

Mixtures of held-out recordings, 16 at a time, are made, labelled and learnt from, three times each;
printed is the median. Time that other programs take does not count.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch

from reference.topology import SIZES
from training import processes
from training.model import HISTORY
from training.store import Maker, Source
from training.student import Settings, Student
from training.train import add_sources, read_segments

ROWS, TIMES, CROP = 16, 3, 150


def speed(work: Callable[[], object], frames: int) -> float:
    """Frames a second of CPU time, after one time for memory to be there."""
    work()
    spent = []
    for _ in range(TIMES):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return frames / median(spent)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_sources(parser)
    parser.add_argument("--teacher", type=Path, help="folder of the graphs of DeepFilterNet 3")
    args = parser.parse_args()
    torch.set_num_threads(1)
    processes.keep_memory()
    with TemporaryDirectory() as room:
        folder = Path(room)
        source = Source(tuple(read_segments(args)), args.cache or folder, 1, ROWS, synthetic=20,
                        rooms=20, teacher=args.teacher)  # fmt: skip
        maker, alone = Maker(source, "valid"), Maker(replace(source, teacher=None), "valid")
        mixed, frames = maker.mixer.mixtures(ROWS, (1,)), ROWS * source.frames
        parts = {
            "mixtures": (lambda: maker.mixer.mixtures(ROWS, (1,)), frames),
            "labels": (lambda: alone.labeller.frames(*mixed[:3]), frames),
            "both": (lambda: alone.shard(1), frames),
        }
        if args.teacher:
            parts["teacher"] = lambda: maker.teacher.enhance(mixed.noisy, 8), frames
            parts["all three"] = lambda: maker.shard(1), frames
        stored, ones = alone.shard(1)[:, : HISTORY + CROP].repeat(2, 1, 1), torch.ones(2 * ROWS)
        for model in SIZES:
            student = Student(Settings(model=model, batch=2 * ROWS), folder / model, "cpu")

            def step(student: Student = student) -> None:
                student.learn(stored, ones, ones, 1, 1e-3, 0, 0)

            parts[f"learning, {model}"] = step, len(stored) * CROP
        for name, (work, count) in parts.items():
            print(f"{name:16} {speed(work, count):10,.0f} frames/s", flush=True)


if __name__ == "__main__":
    main()
