"""What a hop costs in an engineer's units: time on a processor by name, memory traffic, bytes.

Times on ARM are estimates (targets.cycles), those of this kind of machine measured.
"""

from eval.baseline import read, read_all
from eval.complexity import share_of_core, span
from eval.systems import read_table
from pages.counts import CPUS, instructions
from pages.scores import model_names
from reference.markdown import table
from reference.params import DELAY, HOP, RATE
from targets.cycles import L2_KB, fits

PEER = "pyrnnoise"
HOP_MS = 1000 * HOP / RATE
BOARDS = ("m7", "m55")
CORES = ("Cortex-A53", "Cortex-A55", "Cortex-A76")  # in README; docs/targets.md has all


def estimates() -> str:
    """A line for every core, model and call shape; L2 of some sizes side by side."""
    lines = []
    for model in model_names():
        stored = read("cycles", f"arm64-{model}") or {"rows": []}
        for row in stored["rows"]:
            shares = [span(row["percent_l2" if fits(row, size) else "percent_dram"])
                      for size in L2_KB]
            lines.append([f"{row['core']}, {row['ghz']} GHz", model, row["call"],
                          f"{row['cycles_estimate'] / 1e6:.3f}", row["weight_bytes"],
                          *(f"{row[f'ms_{part}']:.3f}" for part in ("compute", "l2", "dram")),
                          *shares])
    head = ["core", "model", "call", "million cycles", "weights read, bytes", "ms, computing",
            "ms, weights from L2", "ms, from DRAM", f"% of the core, L2 of {L2_KB[0]} KB",
            *(f"{size // 1024} MB" for size in L2_KB[1:])]
    return table(head, sorted(lines, key=lambda line: line[0]))


def boards() -> str:
    """What `tiny` asks of a microcontroller: clock, flash, RAM."""
    lines = []
    for found in filter(None, (read("counts", f"{target}-tiny") for target in BOARDS)):
        rows = [row for row in found["rows"] if (row["call"], row["stage"]) == ("frame", "total")]
        size = bytes_in(found["footprint"])
        for row in rows:
            most = row["instructions_max"]
            lines.append([row["cpu"].title(), round(row["instructions_mean"]), most,
                          f"{most * 1000 / HOP_MS / 1e6:.0f}", f"{size['flash'] / 1024:,.0f}",
                          f"{size['ram'] / 1024:,.0f}"])
    return table(["core", "instructions a hop, mean", "largest",
                  "MHz at one instruction a cycle", "flash, KB", "RAM, KB"], lines)


def time_on(core: str, model: str) -> str | None:
    """ms and per cent of a core: weights in the largest L2 that holds them, to all from memory."""
    rows = (read("cycles", f"arm64-{model}") or {"rows": []})["rows"]
    row = next((r for r in rows if (r["core"], r["call"]) == (core, "frame")), None)
    if row is None:
        return None
    ends = share_of_core(row, 1024 * L2_KB[-1])
    return f"{span([end * HOP_MS / 100 for end in ends])} ms, {span(ends)} %"


def measured(runs: list[dict], model: str) -> str | None:
    """The same of timed runs on one machine: the fastest kernels, median."""
    rows = [r for run in runs for r in run["rows"] if r["call"] == "frame" and
            (r["kernels"] == PEER if model == PEER
             else r["kernels"] != PEER and run["model"] == model)]  # fmt: skip
    best = min((r["us_median"] for r in rows), default=None)
    return best and f"{best / 1000:.3f} ms, {best / 10 / HOP_MS:.2g} %"


def bytes_in(size: dict) -> dict[str, int]:
    """Bytes of weights that a hop reads, of RAM and of flash, of a footprint row."""
    return {"weights": size["read_frame"], "ram": size["state"] + size["scratch"] + size["stack"],
            "flash": size["weights"] + size["rodata"] + size["text"]}


def per_hop(model: str) -> dict[str, float]:
    """The bytes on arm64, and ms of latency, the hop included."""
    if model == PEER:
        return read_table()[PEER]["per_hop"]
    latency_ms = 1000 * (DELAY + HOP) / RATE
    return bytes_in(read("counts", f"arm64-{model}")["footprint"]) | {"latency_ms": latency_ms}


def counted(target: str, cpu: str, model: str) -> str | None:
    """Instructions of a hop, in thousands."""
    if model == PEER:
        entry = read_table()[PEER]
        count = entry["instructions"] if cpu == "cortex-a53" else entry["per_hop"].get(cpu)
        return count and f"{count / 1e3:,.0f} k"
    stored = read("counts", f"{target}-{model}")
    return stored and f"{instructions(stored, cpu, 'frame', 'total') / 1e3:,.0f} k"


def summary() -> str:
    """README: a column a model and RNNoise, a call a hop."""
    systems = [*(m for m in model_names() if read("counts", f"arm64-{m}")), PEER]
    clocks = {r["core"]: r["ghz"] for r in read("cycles", f"arm64-{systems[0]}")["rows"]}
    lines = [[f"{core}, {clocks[core]} GHz: estimate", *(time_on(core, s) for s in systems)]
             for core in CORES]  # fmt: skip
    timed = list(read_all("times", "host-*").values())
    for machine in dict.fromkeys(run["machine"] for run in timed):
        runs = [run for run in timed if run["machine"] == machine]
        lines.append([f"{machine}: measured", *(measured(runs, s) for s in systems)])
    sizes = [per_hop(s) for s in systems]
    per_second = RATE / HOP
    lines += [
        ["weights read", *(f"{s['weights'] * per_second / 1e6:,.0f} MB/s" for s in sizes)],
        ["RAM an instance, stack included", *(f"{s['ram'] / 1024:,.0f} KB" for s in sizes)],
        ["flash: weights, tables, code", *(f"{s['flash'] / 1024:,.0f} KB" for s in sizes)],
        ["latency, hop included", *(f"{s['latency_ms']:g} ms" for s in sizes)],
        *([f"instructions, {CPUS[cpu]}", *(counted("arm64", cpu, s) for s in systems)]
          for cpu in CPUS),
        ["instructions, armv7 (NEON)", *(counted("armv7", "cortex-a9", s) for s in systems)],
    ]  # fmt: skip
    names = [*(f"`{s}`" for s in systems[:-1]), "RNNoise"]
    return table(["a hop of 10 ms, one channel", *names], lines)
