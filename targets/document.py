"""Write the generated tables of docs/targets.md: `python -m targets.document`.

They hold what eval/baseline/<target>-<model>.json hold, all sizes beside each other, and nothing
else; the mechanism is that of codegen.document.
"""

import json

from codegen import kernels
from codegen.document import table
from reference.files import fill
from targets.baseline import FOLDER
from targets.count import SHAPES
from targets.target import ROOT

PAGE = ROOT / "docs" / "targets.md"
SIZES = {"weights": "weights", "rodata": "other constants", "text": "code", "state": "state",
         "scratch": "scratch", "stack": "stack", "read_frame": "weights read, frame",
         "read_block4": "weights read, block of 4"}  # fmt: skip
NETWORK = {"dnn", "kernels"} | {op["name"] for op in kernels.OPS if op["stage"] == "dnn"}
SIGNAL = "signal part"
BARS = [  # what is counted, target, CPU, call, model, bar and arithmetic floor in millions
    ("total", "arm64", "cortex-a76", "frame", "full", 1.15, "0.50 `sdot`, 0.13 loads"),
    ("total", "arm64", "cortex-a76", "block4", "full", 0.90, "0.50"),
    ("total", "arm64", "max", "block4", "full", 0.70, "0.25–0.38"),
    ("total", "arm64", "cortex-a53", "frame", "full", 2.8, "1.5–2.0"),
    ("total", "armv7", "cortex-a9", "frame", "full", 3.4, ""),
    (SIGNAL, "arm64", "cortex-a53", "frame", "full", 0.25, ""),
    ("total", "arm64", "cortex-a76", "frame", "small", 0.39, ""),
]


def read_baselines() -> dict[tuple[str, str], dict]:
    """Stored counts and footprint by (target, model), the smallest model first."""
    found = {}
    for path in sorted(FOLDER.glob("*-*.json")):
        target, _, model = path.stem.rpartition("-")
        content = json.loads(path.read_text())
        if "rows" in content:  # counts, not scores
            found[target, model] = content
    return dict(sorted(found.items(), key=lambda i: (i[0][0], i[1]["footprint"]["weights"])))


def instructions(content: dict, cpu: str, call: str, stage: str, figure: str = "mean") -> float:
    """Of a frame: a stage, `total`, or SIGNAL, all stages but those of the network."""
    rows = [row for row in content["rows"] if (row["cpu"], row["call"]) == (cpu, call)]
    if stage == SIGNAL:
        rows = [r for r in rows if r["stage"].rpartition("_")[0] not in NETWORK
                and r["stage"] not in NETWORK | {"total"}]  # fmt: skip
    else:
        rows = [row for row in rows if row["stage"] == stage]
    return sum(row[f"instructions_{figure}"] for row in rows)


def costs(baselines: dict[tuple[str, str], dict]) -> str:
    """A line for every target, CPU and model: mean and largest frame of each call shape."""
    head = ["target", "CPU", "model", *(f"{s}, {f}" for s in SHAPES for f in ("mean", "largest"))]
    rows = []
    for (target, model), content in baselines.items():
        for cpu in dict.fromkeys(row["cpu"] for row in content["rows"]):
            figures = [instructions(content, cpu, call, "total", figure)
                       for call in SHAPES for figure in ("mean", "max")]  # fmt: skip
            rows.append([target, cpu, model, *map(round, figures)])
    return table(head, sorted(rows, key=lambda row: row[:2]))


def footprints(baselines: dict[tuple[str, str], dict]) -> str:
    """A line for every target and model, in bytes."""
    rows = [
        [target, model, *(content["footprint"][size] for size in SIZES)]
        for (target, model), content in baselines.items()
    ]
    return table(["target", "model", *SIZES.values()], rows)


def bars(baselines: dict[tuple[str, str], dict]) -> str:
    """What we set out to reach, and what is counted, in millions."""
    rows = []
    for stage, target, cpu, call, model, bar, floor in BARS:
        if (target, model) not in baselines:
            continue
        counted = instructions(baselines[target, model], cpu, call, stage) / 1e6
        verdict = "reached" if counted <= bar else "**not reached**"
        rows.append([f"{target} {cpu}", model, call, stage, bar, floor, f"{counted:.3f}", verdict])
    head = ["on", "model", "call", "what", "at most", "arithmetic alone", "counted", ""]
    return table(head, rows)


def parts() -> dict[str, str]:
    """The generated parts by name."""
    baselines = read_baselines()
    return {
        "costs": costs(baselines), "bars": bars(baselines), "footprints": footprints(baselines),
    }  # fmt: skip


def main() -> None:
    """Writes the page."""
    text = PAGE.read_text()
    for name, part in parts().items():
        text = fill(text, name, part)
    PAGE.write_text(text)
    print(f"{PAGE}: written")


if __name__ == "__main__":
    main()
