"""What each choice in training is worth: short equal runs, one table.

    python -m training.ablations --index DATA/index.csv --out RUNS

Every row is a run of `training.train` with one option changed: the same shards, seed and
number of frames. A row that is done is not run again. RUNS/ablations.json has what came of them;
copied to eval/baseline/studies it becomes the table of docs/ablations.md (make publish).
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from reference.files import whole
from training import log
from training.store import Source
from training.student import Settings
from training.train import Run, add_sources, read_segments

BASE = Settings(model="tiny", seed=101, frames=2.4e6, first=120, reuse=1e9)  # no shard is replaced
CHANGES = {
    "nothing": {},
    "as P20: no term for what is heard": {"heard": 0.0},
    "that term weighs a third": {"heard": 5.0},
    "it weighs four times as much": {"heard": 60.0},
    "no penalty on too small gains": {"over": 0.0},
    "twice that penalty": {"over": 0.6},
    "no compression of gains": {"gamma": 1.0},
    "compression of P20": {"gamma": 0.5},
    "stronger compression of gains": {"gamma": 0.3},
    "strengths weigh a fifth": {"strength": 0.1},
    "strengths weigh four times as much": {"strength": 2.0},
    "half the learning rate": {"rate": 0.0015},
    "twice the learning rate": {"rate": 0.006},
    "half the batch, twice the steps": {"batch": 16},
}
MEASURES = ("valid_square", "valid_error", "valid_strength", "pesq_wb", "estoi")


def options(change: dict) -> str:
    """The options of the training command that a row adds."""
    return " ".join(f"--{name} {value:g}" for name, value in change.items())


def run(folder: Path, change: dict, source: Source) -> log.Row:
    """Last row of the log of one run; shards and validation set are shared by all rows."""
    one = Run([replace(BASE, **change)], folder, source, shared=folder.parent)
    if one.progress() < 1:
        one.train()
    return log.read(folder / BASE.model)[-1]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs")
    add_sources(parser)
    args = parser.parse_args()
    source = Source(tuple(read_segments(args)), args.cache or args.out / "cache", BASE.seed)
    rows = []
    for number, (name, change) in enumerate(CHANGES.items()):
        print(f"[{number + 1}/{len(CHANGES)}] {name} {options(change)}", flush=True)
        last = run(args.out / f"{number:02}", change, source)
        rows.append({"change": name, "options": options(change), **{m: last[m] for m in MEASURES}})
        with whole(args.out / "ablations.json") as new:
            new.write_text(json.dumps({"study": "ablations", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
