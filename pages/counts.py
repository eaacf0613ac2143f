"""What a frame costs: instructions, bytes and time (docs/targets.md)."""

from codegen import kernels
from eval.baseline import read_all
from reference.markdown import table
from targets.count import SHAPES

SIZES = {"weights": "weights", "rodata": "other constants", "text": "code", "state": "state",
         "scratch": "scratch", "stack": "stack", "read_frame": "weights read, frame",
         "read_block4": "weights read, block of 4"}  # fmt: skip
NETWORK = {"dnn", "kernels"} | {op["name"] for op in kernels.OPS if op["stage"] == "dnn"}
SIGNAL = "signal part"
BARS = [  # what is counted, target, CPU, call, model, bar in millions
    ("total", "arm64", "cortex-a53", "frame", "full", 1.0),
    ("total", "arm64", "cortex-a76", "frame", "full", 0.50),
    ("total", "arm64", "cortex-a76", "block4", "full", 0.45),
    ("total", "arm64", "max", "block4", "full", 0.40),
    ("total", "armv7", "cortex-a9", "frame", "full", 1.4),
    ("total", "arm64", "cortex-a53", "frame", "small", 0.36),
    ("total", "arm64", "cortex-a76", "frame", "small", 0.26),
    (SIGNAL, "arm64", "cortex-a76", "frame", "small", 0.15),
]
CPUS = {"cortex-a53": "Cortex-A53 (NEON)", "cortex-a76": "Cortex-A76 (dot product)",
        "max": "newer (i8mm)"}  # fmt: skip
CALLS = {"frame": "a call a frame", "block4": "four frames a call"}
TIMES = ("us_min", "us_median")
KERNELS = {"scalar": "plain C", "avx2": "AVX2", "vnni": "VNNI", "pyrnnoise": "RNNoise, in turn"}


def stored() -> dict[tuple[str, str], dict]:
    """Counts and footprint by (target, model), the smallest model first."""
    found = {tuple(stem.rsplit("-", 1)): counts for stem, counts in read_all("counts").items()}
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


def totals() -> str:
    """A line for every target, CPU and model: mean and largest frame of each call shape."""
    head = ["target", "CPU", "model", *(f"{s}, {f}" for s in SHAPES for f in ("mean", "largest"))]
    rows = []
    for (target, model), content in stored().items():
        for cpu in dict.fromkeys(row["cpu"] for row in content["rows"]):
            figures = [instructions(content, cpu, call, "total", figure)
                       for call in SHAPES for figure in ("mean", "max")]  # fmt: skip
            rows.append([target, cpu, model, *map(round, figures)])
    return table(head, sorted(rows, key=lambda row: row[:2]))


def densities() -> str:
    """Instructions by CPU and call, and bytes, of copies with fewer and fewer blocks."""
    parts, sizes = [], ("read_frame", "read_block4", "weights")
    for model, content in read_all("density").items():
        places = [(cpu, call) for cpu, calls in content["rows"][0]["instructions"].items()
                  for call in calls]  # fmt: skip
        head = [f"`{model}`, share of blocks", *(f"{cpu}, {call}" for cpu, call in places),
                *(SIZES[size] for size in sizes)]  # fmt: skip
        parts.append(table(head, [
            [row["density"], *(row["instructions"][cpu][call] for cpu, call in places),
             *(row[size] for size in sizes)] for row in content["rows"]
        ]))  # fmt: skip
    return "\n\n".join(parts)


def footprints() -> str:
    """A line for every target and model, in bytes."""
    rows = [
        [target, model, *(content["footprint"][size] for size in SIZES)]
        for (target, model), content in stored().items()
    ]
    return table(["target", "model", *SIZES.values()], rows)


def bars() -> str:
    """What we set out to reach, and what is counted, in millions."""
    found, rows = stored(), []
    for stage, target, cpu, call, model, bar in BARS:
        if (target, model) not in found:
            continue
        counted = instructions(found[target, model], cpu, call, stage) / 1e6
        verdict = "reached" if counted <= bar else "**not reached**"
        rows.append([f"{target} {cpu}", model, call, stage, bar, f"{counted:.3f}", verdict])
    head = ["on", "model", "call", "what", "at most", "counted", ""]
    return table(head, rows)


def times() -> str:
    """Per cent of one core, of every stored run that was timed."""
    parts = []
    for run in read_all("times").values():
        shares = {(row["kernels"], row["call"]): [f"{row[figure] / 100:.2f}" for figure in TIMES]
                  for row in run["rows"]}  # fmt: skip
        lines = [[KERNELS.get(name, name),
                  *(cell for call in CALLS for cell in shares.get((name, call), [None] * 2))]
                 for name in dict.fromkeys(name for name, _ in shares)]  # fmt: skip
        head = ["kernels", "single frame, least", "median", "block of 4, least", "median"]
        parts.append(f"`{run['model']}` on {run['machine']}, per cent of one core:\n\n"
                     f"{table(head, lines)}")  # fmt: skip
    return "\n".join(parts)
