"""Scores at the edge: `python -m eval.trials --set build/sets/X`.

Reads BUILD/trials/steps.json and out/<step>/X/, left by `python -m studies`; writes
BUILD/trials/score/X.csv, a row a clip and step, and BUILD/trials/X.json:
{"testset", "clips", "rows": [{"trial", "measure", "mean", "worst", "wanted", "rnnoise"}]},
"wanted" in words, "rnnoise" [mean, worst] or null. The rows of BUILD/trials/cases/X.json
(studies/cases.py) stand below its own:

* clean in: PESQ-WB of the result, and how much quieter active speech has become (dB);
* noise alone in: how much quieter it has become (dB);
* level: PESQ-WB at -20...+20 dB from the clip's own level, and the spread of these means; and how
  much the noisy recording itself loses at +20 dB, where a converter clips it;
* minutes without a reset: PESQ-WB of the clip after them, and how much less than after a reset.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import fmean

import numpy as np
import soundfile

from eval.mixing import active_level
from eval.score import score
from eval.tables import markdown_table
from studies.trials import LATE_MINUTES, LEVELS_DB

NOISY = "network"  # noisy speech in; "network+10": 10 dB louder
HEAD = ["trial", "measure", "mean", "worst clip", "wanted", "RNNoise"]


def read(build: Path, step: str, testset: str, clip: str) -> np.ndarray:
    """Samples of one clip of one step, full scale 1."""
    return soundfile.read(build / "trials" / "out" / step / testset / f"{clip}.wav")[0]


def power_db(samples: np.ndarray) -> float:
    """Mean power, dB of full scale; silence counts as -120."""
    return 10 * np.log10(max(np.mean(samples**2), 1e-12))


def row(trial: str, measure: str, values: list[float], best: str, wanted: str = "") -> dict:
    """Mean and worst over the clips; `best`: whether "high" or "low" is good."""
    worst = min(values) if best == "high" else max(values)
    return {"trial": trial, "measure": measure, "mean": round(fmean(values), 3),
            "worst": round(worst, 3), "wanted": wanted, "rnnoise": None}


def cells(found: dict) -> list[str]:
    """The cells of HEAD of one row."""
    return [found["trial"], found["measure"], f"{found['mean']:g}", f"{found['worst']:g}",
            found["wanted"] or "–", ", ".join(f"{v:g}" for v in found["rnnoise"] or ()) or "–"]


def levels(scores: dict[str, list[float]]) -> list[dict]:
    """Rows of the trials at other levels, and the spread of the means."""
    by_level = {int(step.removeprefix(NOISY) or 0): found
                for step, found in scores.items() if step.startswith(NOISY)}
    rows = [row(f"level {level:+d} dB", "PESQ-WB", found, "high")
            for level, found in sorted(by_level.items())]
    means = [r["mean"] for r in rows]
    spread = round(max(means) - min(means), 3)
    return [*rows, row("level", "spread", [spread], "low")]


def measure(folder: Path, build: Path, workers: int) -> dict:
    """What is written to BUILD/trials/<set>.json. Raises SystemExit when a clip has no score."""
    about = json.loads((folder / "set.json").read_text())
    steps = [s for s in json.loads((build / "trials" / "steps.json").read_text())
             if s in ("clean-in", "untouched", "clipped", "late") or s.startswith(NOISY)]
    rows = score(folder, build / "trials", workers, steps)
    failed = [f"{r['clip']}: {r['error']}" for r in rows if r.get("error")]
    if failed:
        raise SystemExit("error: not scored: " + "; ".join(failed))
    scores = {step: [r["pesq_wb"] for r in rows if r["system"] == step] for step in steps}
    lost, clipping = ([a - b for a, b in zip(scores[before], scores[after], strict=True)]
                      for before, after in ((NOISY, "late"), ("untouched", "clipped")))
    long = f"{LATE_MINUTES} min without a reset"
    name, quieter, reduced = about["name"], [], []
    for clip in about["clips"]:
        clean = soundfile.read(folder / clip["clean"])[0]
        after, noise, left = (read(build, s, name, clip["name"])
                              for s in ("clean-in", "noise", "noise-in"))
        quieter.append(active_level(clean) - active_level(after))
        reduced.append(power_db(noise) - power_db(left))
    return {"testset": name, "clips": len(about["clips"]), "rows": [
        row("clean speech in", "PESQ-WB", scores["clean-in"], "high", "mean ≥ 4.3"),
        row("clean speech in", "attenuation dB", quieter, "low", "≤ 0.5, ≤ 1.5"),
        row("noise alone in", "reduction dB", reduced, "high", "≥ 30, ≥ 20"),
        *levels(scores),
        row(f"level {LEVELS_DB[-1]:+d} dB, nothing done", "PESQ-WB lost", clipping, "low"),
        row(long, "PESQ-WB", scores["late"], "high"),
        row(long, "PESQ-WB lost", lost, "low"),
        *json.loads((build / "trials" / "cases" / f"{name}.json").read_text())]}


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m eval.trials", description="trials at the edge")
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    args = parser.parse_args(arguments)
    result = measure(args.set, args.build, args.workers)
    path = args.build / "trials" / f"{result['testset']}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown_table(HEAD, [cells(r) for r in result["rows"]]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
