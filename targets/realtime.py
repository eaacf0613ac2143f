"""Processor time of a hop beside real time, for every set of kernels that the CPU can run.

`python -m targets.realtime TARGET` prints and adds to `build/<target>/run.json` the rows

    realtime  [{target, cpu, model, kernels, call, us_median, us_min, percent_of_core, ratio}]

kernels: scalar, avx2 …, or pyrnnoise, RNNoise as its package ships it, timed in turn with ours on
a target that is this machine; call: "frame" or "block4"; us: processor time of 10 ms of sound, of a
WebAssembly module time that passed; percent_of_core: of the median; ratio: to RNNoise's median,
null where it is not timed or not installed (`make .venv/peers`). Times belong to the machine and
its load: no test depends on them.
"""

import argparse
import subprocess
import time
from statistics import median

import numpy as np

from reference.signals import speech
from targets.run import put_row, read_record, write_record
from targets.target import Target, load, read_plan

ROUNDS = 15
HOP_US = 10_000
PEER = ("pyrnnoise", "frame")


def ours(target: Target, cpu: str) -> list[tuple[tuple[str, str], float]]:
    """((kernels, call), µs a hop) for every line of one run of the program."""
    done = subprocess.run(target.command(cpu, program="realtime"), check=False,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{target.name} {cpu}: realtime: exit {done.returncode}: {done.stderr}")
    lines = [line.split() for line in done.stdout.splitlines()]
    return [((isa, "frame" if hops == "1" else f"block{hops}"), int(ns) / 1000)
            for isa, hops, ns in lines]  # fmt: skip


class RNNoise:
    """RNNoise on float frames that lie ready: the time of its own code and of one call."""

    def __init__(self) -> None:
        """Raises ImportError when the package is missing."""
        from pyrnnoise import rnnoise

        self.library, self.state = rnnoise.lib, rnnoise.create()
        self.pointer = self.library.rnnoise_process_frame.argtypes[1]
        self.frames = (32768 * speech(2)).astype(np.float32).reshape(-1, rnnoise.FRAME_SIZE)
        self.out = np.empty(rnnoise.FRAME_SIZE, np.float32)

    def us(self) -> float:
        """Processor time of a frame in µs."""
        out = self.out.ctypes.data_as(self.pointer)
        frames = [frame.ctypes.data_as(self.pointer) for frame in self.frames]
        begin = time.process_time_ns()
        for frame in frames:
            self.library.rnnoise_process_frame(self.state, out, frame)
        return (time.process_time_ns() - begin) / 1000 / len(frames)


def peer() -> RNNoise | None:
    """RNNoise, None where it is not installed."""
    try:
        return RNNoise()
    except ImportError:
        return None


def rows(target: Target, cpu: str, times: dict[tuple[str, str], list[float]]) -> list[dict]:
    """Rows of run.json from the times of every round."""
    base = median(times[PEER]) if PEER in times else None
    return [
        {
            "target": target.name,
            "cpu": cpu,
            "model": read_plan(target)["model"]["name"],
            "kernels": kernels,
            "call": call,
            "us_median": round(median(us), 1),
            "us_min": round(min(us), 1),
            "percent_of_core": round(100 * median(us) / HOP_US, 2),
            "ratio": round(median(us) / base, 2) if base else None,
        }
        for (kernels, call), us in times.items()
    ]


def measure(target: Target, cpu: str, beside: RNNoise | None, rounds: int) -> list[dict]:
    """Runs ours and RNNoise in turn; the rows."""
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        found = ours(target, cpu)
        if beside:
            found.append((PEER, beside.us()))
        for key, us in found:
            times.setdefault(key, []).append(us)
    return rows(target, cpu, times)


def describe(row: dict) -> str:
    """A line for people."""
    line = ("{target} {cpu}, {kernels}, {call}: {percent_of_core} % of real time on one core, "
            "{us_median} us a hop, least {us_min}").format(**row)  # fmt: skip
    return line + ("" if row["ratio"] is None else f"; {row['ratio']} times pyrnnoise")


def realtime(target: Target, rounds: int) -> None:
    """Times every CPU of the target. Under QEMU nothing is timed: its time is not a processor's."""
    if target.counted:
        return
    native = not any(target.emulator(cpu) for cpu in target.cpus)
    record, beside = read_record(target), peer() if native else None
    for cpu in target.cpus:
        for row in measure(target, cpu, beside, rounds):
            record["realtime"] = put_row(record["realtime"], row, ("cpu", "kernels", "call"))
            print(describe(row))
    if native and beside is None:
        print("pyrnnoise: not installed, no ratio to it; `make .venv/peers` installs it")
    write_record(target, record)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs in turn (%(default)s)")
    options = parser.parse_args()
    realtime(load(options.target), options.rounds)


if __name__ == "__main__":
    main()
