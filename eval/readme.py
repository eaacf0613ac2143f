"""The tables of README.md and docs/models.md: `python -m eval.readme` writes them.

They hold what eval/baseline (make baseline, targets.baseline) and the model cards (eval.card) hold,
and tests/test_readme.py compares them, so no figure there outlives what it was measured on.
eval/baseline/systems.json is theirs alone, from `--scores BUILD/score/embedded.csv` of a run with
outside systems:

    {"model": name, "weights": SHA-256 of the weights' file, "versions": of the tools,
     "outside": {system: version}, "clips": count, "means": {system: {measure: mean}}}
"""

import argparse
import csv
import json
import re
from pathlib import Path
from statistics import fmean

from eval.baseline import HERE, MODELS, weights_hash
from eval.provenance import read_systems
from eval.score import tools
from eval.tables import DIGITS, HEADS, markdown_table
from reference.files import fill

ROOT = HERE.parents[1]
MEANS = ("pesq_wb", "stoi", "estoi", "si_sdr", "dnsmos_ovrl")
PAGES = {"README.md": ("scores", "models", "counts", "bytes"), "docs/models.md": ("models",)}
NAMES = {"noisy": "noisy", "float": "float reference", "host": "integers: twin = C on every target",
         "pyrnnoise": "RNNoise", "webrtc-noise-gain": "WebRTC"}
CPUS = {"cortex-a53": "Cortex-A53 (NEON)", "cortex-a76": "Cortex-A76 (dot product)",
        "max": "newer (i8mm)"}
CALLS = {"frame": "a call a frame", "block4": "four frames a call"}
SIZES = {"weights": "weights", "rodata": "other constants", "text": "code", "state": "state",
         "scratch": "scratch", "stack": "stack"}
SETS = {"embedded": "embedded set", "valid60": "recorded speech"}


def read(name: str) -> dict:
    """A file of eval/baseline."""
    return json.loads((HERE / f"{name}.json").read_text())


def means(rows: list[dict]) -> dict[str, float | None]:
    """{measure: mean over the rows of one system}, None unless every clip has it."""
    values = {m: [float(row[m]) for row in rows if row.get(m)] for m in MEANS}
    return {m: round(fmean(v), 6) if len(v) == len(rows) else None for m, v in values.items()}


def store(scores: Path, model: str) -> None:
    """eval/baseline/systems.json from a table of scores. SystemExit without a system of ours."""
    known = read_systems(scores.parents[1], scores.stem)
    outside = {s: facts["version"] for s, facts in known.items() if not facts["entry"].get("ours")}
    with open(scores, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["system"] in {*NAMES, *outside}]
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["system"], []).append(row)
    if missing := {"noisy", "float", "host"} - set(found):
        raise SystemExit(f"{scores}: no {', '.join(sorted(missing))}; `make score` adds them")
    content = {"model": model, "weights": weights_hash(model), "versions": tools(),
               "outside": {s: outside[s] for s in found if s in outside},
               "clips": len(found["noisy"]), "means": {s: means(r) for s, r in found.items()}}
    (HERE / "systems.json").write_text(json.dumps(content, indent=1) + "\n")


def cell(measure: str, value: float | None) -> str:
    """With the digits of the measure."""
    return "–" if value is None else f"{value:.{DIGITS[measure]}f}"


def scores() -> str:
    """Means over the embedded set, a row a system."""
    stored = read("systems")
    rows = []
    for system, values in stored["means"].items():
        version = stored["outside"].get(system)
        name = NAMES.get(system, system) + (f" ({system} {version})" if version else "")
        rows.append([name, *(cell(m, values[m]) for m in MEANS)])
    title = f"embedded set, {stored['clips']} clips, model `{stored['model']}`"
    return markdown_table([title, *(HEADS[m] for m in MEANS)], rows)


def card_row(model: str, name: str, system: str) -> list[str]:
    """PESQ-WB and STOI of a system over all clips of a set, as the card has them; – without."""
    card = (MODELS / f"{model}.md").read_text()
    found = re.search(rf"^\| {name} \| all \| \d+ \| {system} \| (\S+) \| (\S+) \|", card, re.M)
    return list(found.groups()) if found else ["–", "–"]


def models() -> str:
    """A row a model, and one each for noisy and RNNoise, from the cards."""
    rows = [["noisy", "–", *(c for name in SETS for c in card_row("small", name, "noisy"))]]
    for model in ("tiny", "small", "full"):
        count = re.search(r"^([\d,]+) parameters", (MODELS / f"{model}.md").read_text(), re.M)
        rows.append([f"[`{model}`](reference/models/{model}.md)", count[1],
                     *(c for name in SETS for c in card_row(model, name, "twin"))])
    rnnoise = (card_row("small", name, "pyrnnoise") for name in SETS)
    rows.append(["RNNoise", "–", *(c for cells in rnnoise for c in cells)])
    head = (f"{title}, {measure}" for title in SETS.values() for measure in ("PESQ-WB", "STOI"))
    return markdown_table(["model", "parameters", *head], rows)


def counts() -> str:
    """Instructions of a frame of 10 ms on arm64, in thousands; a row a CPU."""
    rows = [row for row in read("arm64-small")["rows"] if row["stage"] == "total"]
    calls = [call for call in CALLS if call in {row["call"] for row in rows}]
    lines = []
    for cpu in dict.fromkeys(row["cpu"] for row in rows):
        found = {row["call"]: row for row in rows if row["cpu"] == cpu}
        lines.append([CPUS.get(cpu, cpu),
                      *(f"{found[call][f'instructions_{figure}'] / 1e3:,.0f} k"
                        for call in calls for figure in ("mean", "max"))])  # fmt: skip
    head = ["instructions a frame of 10 ms, `small`",
            *(f"{CALLS[call]}, {figure}" for call in calls for figure in ("mean", "largest"))]
    return markdown_table(head, lines)


def sizes() -> str:
    """Bytes on arm64."""
    found = read("arm64-small")["footprint"]
    return markdown_table(["bytes, arm64, `small`", *SIZES.values()],
                          [["one library for all of these", *(f"{found[s]:,}" for s in SIZES)]])


PARTS = {"scores": scores, "models": models, "counts": counts, "bytes": sizes}


def filled(page: str, text: str) -> str:
    """The text of a page of PAGES with its tables made anew."""
    up = "../" * page.count("/")
    for name in PAGES[page]:
        text = fill(text, name, PARTS[name]().replace("](", f"]({up}"))
    return text


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m eval.readme", description="write the tables")
    parser.add_argument("--scores", type=Path, help="store the means of this table first")
    parser.add_argument("--model", default="small", help="that was scored")
    args = parser.parse_args()
    if args.scores:
        store(args.scores, args.model)
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(page, path.read_text()))
        print(f"{path}: tables written")


if __name__ == "__main__":
    main()
