"""What a frame costs, beyond the tables by stage: a plot, the inputs, the estimates.

    python -m eval.complexity      writes BUILD/report/complexity.svg and prints the tables

Reads BUILD/<target>/run.json (`complexity` and `inputs` of targets.count, `cycles` of
targets.cycles, `realtime` of targets.realtime, `wmops` of targets.wmops) and the kernels of
BUILD/<target>/gen/plan.json.
"""

import argparse
import io
from collections import Counter
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from reference.files import read_json

INPUTS = ["target", "cpu", "call", "input", "frames", "instructions_mean", "instructions_max"]
CYCLES = ["target", "core", "call", "scheduled_as", "cycles_estimate", "ms_compute", "ghz",
          "weight_bytes", "ms_l2", "ms_dram", "gb_per_s", "percent_l2", "percent_dram"]  # fmt: skip
REALTIME = ["target", "cpu", "model", "kernels", "call", "us_median", "us_min", "percent_of_core",
            "ratio"]  # fmt: skip
COLOURS = {"axes.prop_cycle": "cycler('color', ['#4477aa', '#66ccee', '#228833', '#ccbb44', "
           "'#ee6677', '#aa3377', '#bbbbbb', '#332288', '#ddcc77', '#000000'])"}  # fmt: skip


def read_runs(build: Path) -> list[dict]:
    """run.json of every target, `stages` in pipeline order, and `kernels`: {operation: stage}."""
    runs = []
    for path in sorted(build.glob("*/run.json")):
        plan = path.with_name("gen") / "plan.json"
        content = read_json(plan, "make builds it anew") if plan.exists() else {}
        kernels = {op["name"]: op["stage"] for op in content.get("kernels", {}).get("ops", [])}
        plans = {"kernels": kernels, "stages": content.get("stages", [])}
        runs.append(read_json(path) | plans)
    return runs


def stage_of(name: str, kernels: dict[str, str]) -> str:
    """Stage of a source file of the library: kernels, <operation>_<isa>, belong to one."""
    return kernels.get(name.rpartition("_")[0], name)


def stacks(runs: list[dict]) -> dict[str, Counter]:
    """{"target cpu, call": {stage: mean instructions of a frame, its kernels included}}."""
    bars: dict[str, Counter] = {}
    for run in runs:
        for row in run.get("complexity", []):
            if row["stage"] != "total":
                bar = bars.setdefault(f"{row['target']} {row['cpu']}, {row['call']}", Counter())
                bar[stage_of(row["stage"], run["kernels"])] += row["instructions_mean"]
    return bars


def plot(runs: list[dict]) -> str | None:
    """Cost by stage as an SVG image, one bar a CPU; None when nothing was counted."""
    bars = stacks(runs)
    if not bars:
        return None
    known = dict.fromkeys(stage for run in runs for stage in run["stages"])
    names = [s for s in known if any(bar[s] for bar in bars.values())]
    names += sorted({s for bar in bars.values() for s in bar if bar[s]} - set(known))
    with rc_context(COLOURS | {"svg.hashsalt": "percepnet", "font.size": 9}):
        figure = Figure(figsize=(8, 0.8 + 0.45 * len(bars)), layout="constrained")
        axes = figure.subplots()
        left = [0.0] * len(bars)
        for name in names:
            widths = [bar[name] / 1000 for bar in bars.values()]
            axes.barh(list(bars), widths, left=left, label=name)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.invert_yaxis()
        axes.set_xlabel("thousand instructions per 10 ms")
        axes.legend(ncols=5, loc="lower center", bbox_to_anchor=(0.4, 1), frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def cell(value: object) -> str:
    """Text of a figure, of a range [least, most], or of a name."""
    if isinstance(value, list):
        return "–".join(map(cell, value))
    return f"{value:,}" if isinstance(value, int | float) else value


def share_of_core(row: dict, l2_bytes: int = 2 << 20) -> list[float]:
    """Per cent of a core [least, most] by a row of targets.cycles: from weights that stay in a
    second-level cache of that size, if they fit, to all read from memory with nothing read ahead.
    """
    near = row["resident_bytes"] <= l2_bytes
    return [row["percent_l2" if near else "percent_dram"][0], row["percent_dram"][1]]


def span(ends: list[float]) -> str:
    """Two figures as a range, with two significant digits."""
    least, most = (f"{end:#.2g}".rstrip(".") for end in ends)
    return least if least == most else f"{least}–{most}"


def table(title: str, note: str, head: list[str], rows: list[dict]) -> list[dict]:
    """[{title, note, head, rows}] with cells as text; nothing without rows."""
    cells = [[cell(row[k]) for k in head] for row in rows]
    return [{"title": title, "note": note, "head": head, "rows": cells}] if rows else []


def sections(runs: list[dict]) -> list[dict]:
    """Tables of the inputs and of the estimates, as many as there are."""
    inputs = [row for run in runs for row in run.get("inputs", [])]
    cycles = [row for run in runs for row in run.get("cycles", [])]
    wmops = [row for run in runs for row in run.get("wmops", [])]
    times = [row | {"ratio": row["ratio"] or "-"}
             for run in runs for row in run.get("realtime", [])]  # fmt: skip
    llvm = ", ".join(sorted({row["llvm"] for row in cycles}))
    return [
        *table("By input", "Instructions of a frame; the largest is the worst of its input.",
               INPUTS, inputs),
        *table("Estimated cycles",
               f"An estimate, not a count: llvm-mca {llvm} on the blocks that ran. ms_l2, ms_dram: "
               "the time to read weight_bytes, what a frame of that call reads of the weights, "
               "from second-level cache or memory; per cent of a core with all of it hidden behind "
               "computing, and with none.", CYCLES, cycles),
        *table("Real time",
               "Median and least of runs on the machine that made this report, under its load, in "
               "microseconds of processor time a hop of 10 ms; ratio: to RNNoise in the same run.",
               REALTIME, times),
        *table("WMOPS", "Of the plain C, by the operator weights of ITU-T G.191; speech.",
               ["stage", "wmops_mean"], wmops),
    ]  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"))
    build = parser.parse_args().build
    runs = read_runs(build)
    image = plot(runs)
    if image is None:
        raise SystemExit(f"{build}: no counts found; `make bench target=arm64` makes them")
    out = build / "report" / "complexity.svg"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(image)
    for part in sections(runs):
        print(f"{part['title']}: {part['note']}")
        for row in [part["head"], *part["rows"]]:
            print("  ".join(row))
    print(out)


if __name__ == "__main__":
    main()
