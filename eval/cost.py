"""What each step to integers costs in quality: `python -m eval.cost --set build/sets/X`.

Reads BUILD/out/<system>/X of the float reference, the steps (codegen.steps) and the twin, scores
what is not scored yet, and writes BUILD/score/cost-X.json:

    {"model", "weights": its SHA-256, "versions", "testset", "clips",
     "limits": {measure: largest cost allowed},
     "rows": [{"system", "step", "snr", "clips", "pesq_wb", "stoi", "cost_pesq_wb", "cost_stoi"}],
     "worst": {measure: {"clip", "cost"}}}

A cost is float minus step, positive where quality is lost; means over the clips, snr null = all.
`worst` is the single clip that loses most by all steps together. Exit code 1 when all steps
together cost more than the limits.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import fmean

from eval import score
from eval.integers import cost_section
from reference.dnn import weights_hash
from reference.markdown import table as markdown

STEPS = {
    "float": "float reference",
    "step-signal": "+ integer signal path",
    "step-weights": "+ int8 weights",
    "step-activations": "+ int8 activations",
    "twin": "all: the integer twin",
}
LIMITS = {"pesq_wb": 0.02, "stoi": 0.002}


def score_steps(folder: Path, build: Path, workers: int) -> tuple[dict, list[dict]]:
    """(set.json, a row a clip and step). Raises SystemExit when a step has not run or failed."""
    about, rows = score.jobs(folder, build, list(STEPS))
    rows = [row for row in rows if row["system"] in STEPS]
    absent = set(STEPS) - {row["system"] for row in rows}
    if absent:
        raise SystemExit(f"error: {about['name']}: {', '.join(sorted(absent))} not found under "
                         f"{build}/out; `make cost` runs every step")
    score.score_rows(rows, about["score_rate"], build, workers)
    for row in rows:
        if "pesq_wb" not in row:
            raise SystemExit(f"error: {row['system']} {row['clip']}: {row.get('error')}")
    return about, rows


def table(rows: list[dict]) -> list[dict]:
    """Means and costs by step, all SNRs together first."""
    found = []
    for snr in [None, *sorted({row["snr"] for row in rows} - {None})]:
        for system, step in STEPS.items():
            mine = [r for r in rows if r["system"] == system and snr in (None, r["snr"])]
            entry = {"system": system, "step": step, "snr": snr, "clips": len(mine)}
            entry |= {m: round(fmean(r[m] for r in mine), 5) for m in LIMITS}
            base = entry if system == "float" else next(
                e for e in found if e["system"] == "float" and e["snr"] == snr)
            found.append(entry | {f"cost_{m}": round(base[m] - entry[m], 5) for m in LIMITS})
    return found


def worst(rows: list[dict]) -> dict:
    """The clip that loses most by all steps together, by measure."""
    by_clip = {(row["system"], row["clip"]): row for row in rows}
    losses = {m: {clip: by_clip["float", clip][m] - row[m]
                  for (system, clip), row in by_clip.items() if system == "twin"} for m in LIMITS}
    return {m: {"clip": max(loss, key=loss.get), "cost": round(max(loss.values()), 5)}
            for m, loss in losses.items()}


def over_limit(cost: dict) -> list[str]:
    """Sentences on what all steps together cost too much; [] when within the limits."""
    total = next(r for r in cost["rows"] if r["system"] == "twin" and r["snr"] is None)
    return [f"{cost['testset']}: all steps cost {total[f'cost_{m}']:.4f} {m}, {limit} is allowed"
            for m, limit in cost["limits"].items() if total[f"cost_{m}"] > limit]


def measure(folder: Path, build: Path, model: str, workers: int) -> dict:
    """Scores every step on a prepared set; what is written to BUILD/score/cost-<set>.json."""
    about, rows = score_steps(folder, build, workers)
    cost = {"model": model, "weights": weights_hash(model), "versions": score.tools(),
            "testset": about["name"], "clips": len(about["clips"]), "limits": LIMITS,
            "rows": table(rows), "worst": worst(rows)}
    path = build / "score" / f"cost-{about['name']}.json"
    path.write_text(json.dumps(cost, indent=1) + "\n")
    return cost


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 1 when the cost is over the limits."""
    parser = argparse.ArgumentParser(prog="python -m eval.cost", description="cost of each step")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", default="small", help="that made the outputs (%(default)s)")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args(arguments)
    cost = measure(args.set, args.build, args.model, args.workers)
    section = cost_section(cost)
    print(f"{section['title']}\n{section['note']}\n")
    print(markdown(section["head"], section["rows"]), end="")
    problems = over_limit(cost)
    for words in problems:
        print(f"error: {words}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
