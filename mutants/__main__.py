"""Plant small faults by seed and see whether the tests find them: `make mutants`.

    python -m mutants [--count N] [--seed S] [--again] [--so-far]

Goes on where a stopped run was (build/mutants/results.jsonl). The tests are those of the commit at
hand, in a clone under build/mutants. --again: tries the survivors once more, after new tests.
What was found is kept in mutants/results.json, which docs/ shows.
"""

import argparse
import random
import subprocess
import sys
from pathlib import Path

from mutants import faults, results
from mutants.trial import Trial

ROOT = Path(__file__).parents[1]
# What a share is told of: (folder, endings) of files under git.
ROOMS = {
    "codegen, Python": ("codegen", (".py",)),
    "codegen, templates of C": ("codegen", (".j2",)),
    "eval": ("eval", (".py",)),
    "targets, Python": ("targets", (".py",)),
    "targets, C of the command and the checks": ("targets", (".c", ".h", ".j2")),
}


def draw(count: int, seed: int) -> dict[str, list[faults.Fault]]:
    """`count` faults of every room, all equally likely, in random order."""
    drawn = {}
    for room, (folder, endings) in ROOMS.items():
        listed = subprocess.check_output(["git", "ls-files", folder], cwd=ROOT, text=True).split()
        found = faults.sources(ROOT, [name for name in listed if name.endswith(endings)])
        every = [fault for some in found.values() for fault in some]
        drawn[room] = random.Random(f"{seed} {room}").sample(every, count)
    return drawn


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=60, help="faults a room (%(default)s)")
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--again", action="store_true", help="try the survivors once more")
    parser.add_argument("--so-far", action="store_true", help="try no more, keep what is known")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutants")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    log = results.Log(args.out / "results.jsonl")
    drawn = draw(args.count, args.seed)
    if not args.so_far:
        trial = Trial(ROOT, args.out)
        # room by room in turn, so that a stopped run has seen some of all
        turns = [(room, fault) for row in zip(*drawn.values(), strict=True)
                 for room, fault in zip(drawn, row, strict=True)]  # fmt: skip
        # those of kernels last: their tests run under emulators
        for room, fault in sorted(turns, key=lambda turn: "/kernels/" in turn[1].path):
            known = log.known.get(fault.key)
            if known is None or (args.again and known["verdict"] in ("survived", "uncovered")):
                found = trial.run(fault)
                if found["verdict"] != "untried":
                    log.add({"key": fault.key, "room": room, "commit": trial.commit, **found})
                print(found["verdict"], fault.key, flush=True)
    summary = log.summary(args.seed)
    print(results.table(summary))
    results.keep(summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
