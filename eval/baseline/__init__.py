"""Scores to compare with: `python -m eval.baseline --set build/sets/X` (make baseline) stores them.

eval/baseline/<set>-<model>.json, committed, all sizes beside each other:

    {"model": name, "weights": SHA-256 of the weights' file, "versions": of the tools,
     "scores": {system: {clip: {pesq_wb, stoi}}}}

for noisy, float and host. The report shows the differences; the test suite fails when the host's
mean falls by more than LIMITS (tests/test_baseline.py).
"""

import argparse
import csv
import hashlib
import json
from pathlib import Path
from statistics import fmean

from eval.score import tools
from reference.files import whole

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "reference" / "models"
SYSTEMS = ("noisy", "float", "host")
LIMITS = {"pesq_wb": 0.02, "stoi": 0.003}  # a mean may fall by this much


def weights_hash(model: str) -> str:
    """SHA-256 of reference/models/<model>.safetensors."""
    return hashlib.sha256((MODELS / f"{model}.safetensors").read_bytes()).hexdigest()


def read(name: str, model: str) -> dict | None:
    """The baseline of a set and model, None without one."""
    path = HERE / f"{name}-{model}.json"
    return json.loads(path.read_text()) if path.exists() else None


def store(scores: Path, model: str) -> Path:
    """Make the baseline of BUILD/score/<set>.csv; the file written. Raises SystemExit if a system
    of SYSTEMS is missing or a clip has an error."""
    with open(scores, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["system"] in SYSTEMS]
    failed = [f"{row['system']} {row['clip']}: {row['error']}" for row in rows if row["error"]]
    absent = sorted(set(SYSTEMS) - {row["system"] for row in rows})
    if failed or absent:
        raise SystemExit(f"error: {scores}: needs scores of {', '.join(SYSTEMS)}; missing "
                         f"{', '.join(absent + failed)}; run make score")
    table: dict[str, dict] = {system: {} for system in SYSTEMS}
    for row in rows:
        table[row["system"]][row["clip"]] = {m: round(float(row[m]), 4) for m in LIMITS}
    path = HERE / f"{scores.stem}-{model}.json"
    content = {"model": model, "weights": weights_hash(model), "versions": tools(), "scores": table}
    with whole(path) as new:
        new.write_text(json.dumps(content, indent=1) + "\n")
    return path


def drops(before: dict[str, dict], now: dict[str, dict]) -> dict[str, float]:
    """{measure: mean fall, before minus now} over the clips of `now`; {clip: {measure: value}}."""
    return {m: fmean(before[clip][m] - now[clip][m] for clip in now) for m in LIMITS}


def differences(scores: dict[str, list[dict]], model: str) -> list[dict]:
    """`baseline` of report.json: [{testset, system, measure, baseline, now, difference, clips}]
    of the sets that have a baseline, over the clips scored in both."""
    table = []
    for name, rows in scores.items():
        for system, before in (read(name, model) or {"scores": {}})["scores"].items():
            now = {r["clip"]: r for r in rows
                   if r["system"] == system and not r["error"] and r["clip"] in before}
            for measure, drop in drops(before, now).items() if now else ():
                mean = fmean(r[measure] for r in now.values())
                table.append({"testset": name, "system": system, "measure": measure,
                              "baseline": round(mean + drop, 5), "now": round(mean, 5),
                              "difference": round(-drop, 5), "clips": len(now)})
    return table


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0. What changed against the old baseline is for git to show."""
    parser = argparse.ArgumentParser(prog="python -m eval.baseline", description="store scores")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", default="small")
    args = parser.parse_args(arguments)
    path = store(args.build / "score" / f"{args.set.name}.csv", args.model)
    print(f"baseline: {path.relative_to(HERE.parents[1])}")
    return 0
