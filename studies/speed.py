"""How fast training examples are made: `python -m studies.speed`.

One mixture of speech-like sound and noise, as a whole and hop by hop, in one process with one
thread: features and targets, and the signal part alone. Best of several runs.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when numpy is loaded

import time
from collections.abc import Callable

import numpy as np

from reference.oracle import examples
from reference.params import HOP, RATE
from reference.suppressor import FrontEnd

SECONDS, RUNS = 12, 5


def fastest(work: Callable[[], object]) -> float:
    """Least processor time of several runs, seconds."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m studies.speed", description=__doc__)
    parser.parse_args(arguments)
    shape = (2, int(SECONDS * RATE))
    clean, noise = 0.1 * np.random.default_rng(1).standard_normal(shape)  # any sound
    noisy = clean + noise
    hops = noisy.reshape(-1, HOP)

    def hop_by_hop() -> None:
        front = FrontEnd()
        for hop in hops:
            front.run(hop[None])

    for name, work in {
        "features and targets, whole": lambda: examples(noisy, clean),
        "features, whole": lambda: FrontEnd().run(hops),
        "features, hop by hop": hop_by_hop,
    }.items():
        seconds = fastest(work)
        times = clean.size / RATE / seconds
        print(f"{name:28} {len(hops) / seconds:6.0f} frames/s, {times:5.1f} x real time")


if __name__ == "__main__":
    main()
