"""Plant small faults by seed and see whether the tests find them: `make mutants`.

    python -m mutants [--count N] [--seed S] [--again] [--so-far]

Goes on where a stopped run was: what was found stands in mutants/results.json, which docs/ shows.
The tests are those of the commit at hand, in a clone under build/mutants. --again: tries the
survivors once more, after new tests.
"""

import argparse
import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from mutants import faults, results
from mutants.trial import Trial
from reference.markdown import table

ROOT = Path(__file__).parents[1]
# What a share is told of: (folder, endings) of files under git.
ROOMS = {
    "codegen, Python": ("codegen", (".py",)),
    "codegen, templates of C": ("codegen", (".j2",)),
    "eval": ("eval", (".py",)),
    "targets, Python": ("targets", (".py",)),
    "targets, C of the command and the checks": ("targets", (".c", ".h", ".j2")),
}


def every(room: str) -> list[faults.Fault]:
    """All faults of a room."""
    folder, endings = ROOMS[room]
    listed = subprocess.check_output(["git", "ls-files", folder], cwd=ROOT, text=True).split()
    found = faults.sources(ROOT, [name for name in listed if name.endswith(endings)])
    return [fault for some in found.values() for fault in some]


def lot(fault: faults.Fault, seed: int) -> bytes:
    """Place of a fault in the order of trials: random, and the same whatever the others are."""
    return hashlib.sha256(f"{seed} {fault.key}".encode()).digest()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=68, help="faults a room (%(default)s)")
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--again", action="store_true", help="try once more what has survived")
    parser.add_argument("--so-far", action="store_true", help="try no more, show what is known")
    args = parser.parse_args()
    listed = {room: every(room) for room in ROOMS}
    there = {fault.key for some in listed.values() for fault in some}
    trials = {key: trial for key, trial in results.known().items() if key in there}
    drawn = [sorted(some, key=lambda fault: lot(fault, args.seed))[: args.count]
             for some in listed.values()]  # fmt: skip
    if not args.so_far:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # as by Ctrl-C
        bench = Trial(ROOT, ROOT / "build" / "mutants", trials)
        # room by room in turn, so that a stopped run has seen some of all
        turns = [(room, fault) for row in zip(*drawn, strict=True)
                 for room, fault in zip(ROOMS, row, strict=True)]  # fmt: skip
        # those of kernels last: their tests run under emulators
        for room, fault in sorted(turns, key=lambda turn: "/kernels/" in turn[1].path):
            before = trials.get(fault.key, {}).get("verdict")
            equal = fault.key in results.reasons()
            if before and (equal or not (args.again and before == "survived")):
                continue
            start = time.monotonic()
            verdict, by = ("survived", "") if equal else bench.run(fault)
            print(f"{verdict} in {time.monotonic() - start:.0f} s: {fault.key}"
                  + f" ({by})" * bool(by), flush=True)  # fmt: skip
            if verdict != "untried":
                trials[fault.key] = {"room": room, "verdict": verdict, "by": by}
                results.keep(trials)
    print(table(results.HEAD, results.rows(trials)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
