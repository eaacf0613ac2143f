"""Take over what build/ holds of a model and a set into eval/baseline: `make baseline`.

    python -m pages.store --set build/sets/X --model small

Scores (make score) must be there; what else has been measured with the present weights comes along:
studies of this set, costs, drift, matrix, first ring, proof; of the embedded set also one clip to
hear. Results of other weights are named and left.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from eval import baseline
from eval.baseline import LIMITS
from eval.provenance import read_systems
from eval.report import read_scores
from eval.score import tools
from pages import sound
from pages.scores import MEASURES
from reference.dnn import fit_model, weights_hash
from reference.files import read_json, whole

OURS = ("float", "twin")
FOUND = {"integers": ("score/cost-*.json", "drift/*.json", "check/matrix.json",
                      "first-ring/*.json", "proof/*.json"),
         "studies": ("studies/*.json",)}  # fmt: skip


def stem(path: Path, result: dict) -> str:
    """Name of a stored file: those of the integers' tools are told by folder, model and set."""
    kind = {"score": "cost", "check": "matrix"}.get(path.parent.name, path.parent.name)
    if kind == "studies":
        return path.stem
    return "-".join([kind, result["model"], *([result["testset"]] if kind == "cost" else [])])


def write(kind: str, name: str, content: dict) -> str:
    """Puts a result in its place; the place."""
    with whole(baseline.HERE / kind / f"{name}.json") as new:
        new.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return f"{kind}/{name}"


def means(rows: list[dict]) -> dict[str, float | None]:
    """{measure: mean over the rows}, None unless every one of them has it."""
    values = {m: [row[m] for row in rows if not row["error"] and row.get(m) is not None]
              for m in MEASURES}  # fmt: skip
    return {m: round(fmean(v), 5) if len(v) == len(rows) else None for m, v in values.items()}


def groups(rows: list[dict]) -> list[dict]:
    """Rows of a file of scores for one system: all clips, then by SNR, then by class of noise."""
    found = [{"snr": None, "noise": None, "clips": len(rows), **means(rows)}]
    for key in ("snr", "noise"):
        for value in sorted({row[key] for row in rows} - {None, ""}):
            some = [row for row in rows if row[key] == value]
            shown = int(value) if isinstance(value, float) and value.is_integer() else value
            found.append({"snr": None, "noise": None, key: shown, "clips": len(some),
                          **means(some)})  # fmt: skip
    return found


def check_model(build: Path, testset: str, model: str) -> None:
    """Raises SystemExit unless the clips that were scored are of this model."""
    note = build / "out" / "twin" / testset / "done.json"
    notes = read_json(note) if note.exists() else {}
    made = {one["model"] for one in notes.values()}
    if made != {model}:
        raise SystemExit(f"error: {note.parent} is of {', '.join(made) or 'no model'}, not of "
                         f"{model}; run make score model={model} first")  # fmt: skip


def scores(build: Path, testset: str, model: str) -> Iterator[str]:
    """Stores noisy, the model and the outside systems. Raises SystemExit when ours are missing."""
    rows = read_scores(build, [testset]).get(testset, [])
    outside = {name: facts["version"] for name, facts in read_systems(build, testset).items()
               if not facts["entry"].get("ours")}  # fmt: skip
    missing = {"noisy", *OURS} - {row["system"] for row in rows if not row["error"]}
    if missing:
        raise SystemExit(f"error: {build}/score/{testset}.csv: no scores of "
                         f"{', '.join(sorted(missing))}; run make score")  # fmt: skip
    check_model(build, testset, model)
    wanted = {"noisy": ["noisy"], model: OURS, **{name: [name] for name in outside}}
    for name, systems in wanted.items():
        mine = {s: [row for row in rows if row["system"] == s] for s in systems}
        if not all(mine.values()):
            continue
        about = {"version": outside.get(name)}
        if name == model:
            about = {"weights": weights_hash(model)}
        kept = systems if name in ("noisy", model) else ()
        content = {
            "testset": testset, "name": name, **about, "versions": tools(),
            "rows": [{"system": s, **group} for s in systems for group in groups(mine[s])],
            "scores": {s: {row["clip"]: {m: round(row[m], 4) for m in LIMITS}
                           for row in mine[s] if not row["error"]} for s in kept},
        }  # fmt: skip
        yield write("scores", f"{testset}/{name}", content)


def others(build: Path, testset: str, model: str) -> Iterator[str]:
    """Stores what else was measured of the model, the set, or both."""
    for kind, patterns in FOUND.items():
        for path in sorted(found for pattern in patterns for found in build.glob(pattern)):
            result = read_json(path)
            if result.get("model", model) != model or result.get("testset", testset) != testset:
                continue
            if result.get("weights", weights_hash(model)) != weights_hash(model):
                print(f"{path}: of other weights, left", file=sys.stderr)
                continue
            yield write(kind, stem(path, result), result)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0. What changed is for git to show."""
    parser = argparse.ArgumentParser(prog="python -m pages.store", description="store results")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", type=fit_model, default="small")
    args = parser.parse_args(arguments)
    where = (args.build, args.set.name, args.model)
    stored = [*scores(*where), *others(*where)]
    if args.set.name == "embedded":
        sound.keep(args.build / "out" / "twin" / "embedded", args.model)
    print(f"stored in {baseline.HERE.name}: {', '.join(stored)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
