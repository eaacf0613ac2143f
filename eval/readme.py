"""The tables of README.md and docs/models.md: `python -m eval.readme` writes them.

They hold what eval/baseline (make baseline, targets.baseline) and the model cards (eval.card) hold,
and tests/test_readme.py compares them, so no figure there outlives what it was measured on.
"""

import json
import re

from codegen.document import fill
from eval.baseline import HERE, MEANS, MODELS
from eval.tables import DIGITS, HEADS, markdown_table

ROOT = HERE.parents[1]
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


def cell(measure: str, value: float | None) -> str:
    """With the digits of the measure."""
    return "–" if value is None else f"{value:.{DIGITS[measure]}f}"


def scores() -> str:
    """Means over the embedded set, a row a system."""
    stored = read("embedded")
    clips = len(stored["scores"]["noisy"])
    rows = []
    for system, means in stored["means"].items():
        version = stored["outside"].get(system)
        name = NAMES.get(system, system) + (f" ({system} {version})" if version else "")
        rows.append([name, *(cell(m, means[m]) for m in MEANS)])
    head = [f"embedded set, {clips} clips, model `{stored['model']}`", *(HEADS[m] for m in MEANS)]
    return markdown_table(head, rows)


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
    """Writes all pages."""
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(page, path.read_text()))
        print(f"{path}: tables written")


if __name__ == "__main__":
    main()
