"""Scores of the oracle ladder: `python -m eval.ladder --set build/sets/X`.

Reads BUILD/ladder/out/<step>/X/ and BUILD/ladder/steps.json, which reference.studies left; writes
BUILD/ladder/score/X.csv, a row a clip and step, in the manner of eval.score, and prints the means.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import fmean

from eval.score import score
from eval.tables import DIGITS, HEADS, LADDER, show


def means(rows: list[dict], step: str) -> dict[str, float | None]:
    """{measure: mean} over the clips of a step that could be scored; None if none could."""
    good = [row for row in rows if row["system"] == step and not row.get("error")]
    return {m: round(fmean(r[m] for r in good), 5) if good else None for m in LADDER}


def read_steps(build: Path) -> dict[str, str]:
    """{step: what is done} in the order of the ladder; empty if it has not been made."""
    path = build / "ladder" / "steps.json"
    return json.loads(path.read_text()) if path.exists() else {}


def ladder_rows(scores: dict[str, list[dict]], steps: dict[str, str]) -> list[dict]:
    """`ladder` of report.json, [{step, testset, pesq_wb, stoi, estoi, si_sdr}], steps in order."""
    return [{"step": step, "testset": name, **means(rows, step)}
            for name, rows in scores.items() for step in steps
            if any(row["system"] == step for row in rows)]


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips could not be scored, 2 when there is no ladder."""
    parser = argparse.ArgumentParser(prog="python -m eval.ladder", description="score the ladder")
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    args = parser.parse_args(arguments)
    steps = read_steps(args.build)
    if not steps:
        print(f"error: {args.build}/ladder/steps.json is missing; run make oracle", file=sys.stderr)
        return 2
    rows = score(args.set, args.build / "ladder", args.workers, list(steps))
    width = max(map(len, steps))
    print(" " * width, *(f"{HEADS[m]:>9}" for m in LADDER))
    for step, title in steps.items():
        mean = means(rows, step)
        print(step.ljust(width), *(f"{show(mean[m], DIGITS[m]):>9}" for m in LADDER), "", title)
    return 1 if any(row.get("error") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
