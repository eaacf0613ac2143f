"""The measured tables of docs/quantisation.md: cost of each step, drift, builds compared.

    python -m eval.evidence                  writes the page from eval/baseline/integers/
    python -m eval.evidence --store BUILD    puts there first what BUILD holds

One stored file a run, committed: cost-<model>-<set>.json (make cost), drift-<model>.json
(codegen.drift) and matrix-<model>.json (make check full=1). Each names the weights that it was
measured with; where these are not the present ones the page says so.
"""

import argparse
import json
import sys
from pathlib import Path

from eval.baseline import HERE as BASELINE
from eval.baseline import weights_hash
from eval.cost import STEPS
from eval.tables import HEADS, markdown_table
from reference.files import fill

STORE = BASELINE / "integers"
PAGE = BASELINE.parents[1] / "docs" / "quantisation.md"
MODELS = ("tiny", "small", "full")
WHERE = {"cost": "score/cost-*.json", "drift": "drift/*.json", "matrix": "check/matrix.json"}


def stem(kind: str, result: dict) -> str:
    """Name of a stored file without suffix."""
    return "-".join([kind, result["model"], *([result["testset"]] if kind == "cost" else [])])


def store(build: Path, to: Path = STORE) -> list[Path]:
    """Copies every result below BUILD; the files written. Raises SystemExit when there is none."""
    written = []
    for kind, pattern in WHERE.items():
        for path in sorted(build.glob(pattern)):
            result = json.loads(path.read_text())
            written.append(to / f"{stem(kind, result)}.json")
            to.mkdir(parents=True, exist_ok=True)
            written[-1].write_text(json.dumps(result, indent=1) + "\n")
    if not written:
        raise SystemExit(f"error: {build}: none of {', '.join(WHERE.values())} found; "
                         "make cost, python -m codegen.drift and make check full=1 write them")
    return written


def read(kind: str, folder: Path = STORE) -> list[dict]:
    """Stored results of a kind, models from small to large."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{kind}-*.json"))]
    return sorted(found, key=lambda result: MODELS.index(result["model"]))


def names(results: list[dict]) -> str:
    """Which weights were measured, and which of them are not the present ones."""
    words = []
    for model, weights in {r["model"]: r["weights"] for r in results}.items():
        old = "" if weights == weights_hash(model) else ", which are not the present ones"
        words.append(f"`{model}` {weights[:12]}{old}")
    absent = [f"`{model}`" for model in MODELS if model not in {r["model"] for r in results}]
    also = f" No run stored: {', '.join(absent)}." if absent else ""
    return f"Weights: {'; '.join(words)}.{also}"


def cost_table(costs: list[dict], measure: str) -> str:
    """Mean of a measure, and what each step costs, all clips and by SNR; one set, all models."""
    snrs = [row["snr"] for row in costs[0]["rows"] if row["system"] == "float"]
    titles = ["all" if snr is None else f"{snr:g} dB" for snr in snrs]
    digits, lines = {"pesq_wb": 4, "stoi": 5}[measure], []
    for cost in costs:
        cells = {(row["system"], row["snr"]): row for row in cost["rows"]}
        for system, step in STEPS.items():
            lost = [f"{cells[system, snr][f'cost_{measure}']:+.{digits}f}" for snr in snrs]
            lines.append([f"`{cost['model']}`", step, f"{cells[system, None][measure]:.4f}",
                          *(lost if system != "float" else [""] * len(snrs))])
    return markdown_table(["model", "step", HEADS[measure], *titles], lines)


def worst_table(costs: list[dict]) -> str:
    """The clip that loses most by all steps together, by set, model and measure."""
    lines = [[cost["testset"], f"`{cost['model']}`", HEADS[measure], f"{worst['cost']:+.4f}",
              worst["clip"].split("_snr")[0]]
             for cost in costs for measure, worst in cost["worst"].items()]
    return markdown_table(["set", "model", "measure", "worst clip", "its talker and noise"], lines)


def cost_part(costs: list[dict]) -> str:
    """Both measures of every set, then the worst clips."""
    parts = []
    for name in dict.fromkeys(cost["testset"] for cost in costs):
        mine = [cost for cost in costs if cost["testset"] == name]
        parts += [f"Set `{name}`, {mine[0]['clips']} clips, cost in PESQ-WB and in STOI. "
                  f"{names(mine)}\n", cost_table(mine, "pesq_wb"), cost_table(mine, "stoi")]
    return "\n".join([*parts, worst_table(costs)])


def drift_part(drifts: list[dict]) -> str:
    """RMS of the states' difference in the first and last twelfth and in all, and the greatest."""
    lines = []
    for drift in drifts:
        rms = [part["rms"] for part in drift["parts"]]
        whole = (sum(r * r for r in rms) / len(rms)) ** 0.5
        cells = (rms[0], rms[-1], max(rms), whole, max(p["greatest"] for p in drift["parts"]))
        lines.append([f"`{drift['model']}`", f"{drift['minutes']:g}", *(f"{c:.4f}" for c in cells)])
    head = ["model", "minutes", "RMS, first twelfth", "last twelfth", "largest twelfth", "all",
            "greatest difference"]
    return f"{names(drifts)}\n\n{markdown_table(head, lines)}"


def matrix_part(matrices: list[dict]) -> str:
    """A row a model: how much was compared, and how much of it differs."""
    lines = []
    for matrix in matrices:
        rows = matrix["rows"]
        wrong = sum(row["mismatches"] for row in rows)
        builds = {(row["target"], row["build"]) for row in rows}
        lines.append([f"`{matrix['model']}`", str(len(builds)), str(len(rows)),
                      f"{sum(row['values'] for row in rows):,}", str(wrong),
                      f"{matrix['seconds'] / 60:.0f}", matrix["provenance"]["commit"]])
    head = ["model", "builds", "builds × CPUs", "values compared", "differ", "minutes", "commit"]
    return f"{names(matrices)}\n\n{markdown_table(head, lines)}"


def page(text: str) -> str:
    """The page with its measured parts. Raises ValueError when one's markers are not there."""
    for kind, part in {"cost": cost_part, "drift": drift_part, "matrix": matrix_part}.items():
        results = read(kind)
        text = fill(text, kind, part(results) if results else "Nothing is stored yet.\n")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0."""
    parser = argparse.ArgumentParser(prog="python -m eval.evidence", description="measured tables")
    parser.add_argument("--store", type=Path, metavar="BUILD", help="take over its results first")
    args = parser.parse_args(arguments)
    for path in store(args.store) if args.store else ():
        print(f"stored {path.name}")
    PAGE.write_text(page(PAGE.read_text()))
    print(f"written {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
