"""Scores of a study step by step: `python -m eval.studies ladder --set build/sets/X`.

Studies are the oracle ladder and the parts of a network. Reads BUILD/<study>/out/<step>/X/ and
BUILD/<study>/steps.json, which `python -m studies` left; writes BUILD/<study>/score/X.csv, a row a
clip and step, in the manner of eval.score, and prints the means.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import fmean

from eval.score import score
from eval.tables import DIGITS, HEADS, STEP_MEASURES, show

COMMANDS = {"ladder": "make oracle", "parts": "make parts"}


def means(rows: list[dict], step: str) -> dict[str, float | None]:
    """{measure: mean} over the clips of a step that could be scored; None if none could."""
    good = [row for row in rows if row["system"] == step and not row.get("error")]
    return {m: round(fmean(r[m] for r in good), 5) if good else None for m in STEP_MEASURES}


def read_steps(build: Path, study: str) -> dict[str, str]:
    """{step: what is done} in the order of the study; empty if it has not been made."""
    path = build / study / "steps.json"
    return json.loads(path.read_text()) if path.exists() else {}


def ladder_rows(scores: dict[str, list[dict]], steps: dict[str, str]) -> list[dict]:
    """`ladder` of report.json, [{step, testset, pesq_wb, stoi, estoi, si_sdr}], steps in order."""
    return [{"step": step, "testset": name, **means(rows, step)}
            for name, rows in scores.items() for step in steps
            if any(row["system"] == step for row in rows)]


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips could not be scored, 2 when the study has not been made."""
    parser = argparse.ArgumentParser(prog="python -m eval.studies", description="score a study")
    parser.add_argument("study", choices=COMMANDS)
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    args = parser.parse_args(arguments)
    steps = read_steps(args.build, args.study)
    if not steps:
        print(f"error: {args.build}/{args.study}/steps.json is missing;"
              f" run {COMMANDS[args.study]}", file=sys.stderr)
        return 2
    rows = score(args.set, args.build / args.study, args.workers, list(steps))
    width = max(map(len, steps))
    print(" " * width, *(f"{HEADS[m]:>9}" for m in STEP_MEASURES))
    for step, title in steps.items():
        mean = means(rows, step)
        cells = (f"{show(mean[m], DIGITS[m]):>9}" for m in STEP_MEASURES)
        print(step.ljust(width), *cells, "", title)
    return 1 if any(row.get("error") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
