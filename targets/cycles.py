"""Modelled cycles of one frame: an *estimate* by llvm-mca, never to be mixed with counts.

`python -m targets.cycles TARGET` adds the rows `cycles` to `build/<target>/run.json`. Every block
of instructions that ran is scheduled by llvm-mca as if it followed itself, and weighted by how
often it ran (QEMU); all loads hit the nearest cache. Beside it stands the memory roofline: each
weight is read from memory once a call, those of the recurrent matrices once a frame, at the
bandwidth of `[cycles]`. The larger of the two is the time. Within a factor of two at best; the LLVM
version is in every row.
"""

import argparse
import itertools
import json
import re
from collections import Counter

from targets.build import call
from targets.count import PROGRAM, SHAPES, count_clips, inputs, read_ranges
from targets.footprint import weight_bytes
from targets.run import read_record, write_record
from targets.target import Target, load, read_plan

VERSION = 19
MCA, OBJDUMP = f"llvm-mca-{VERSION}", f"llvm-objdump-{VERSION}"
ITERATIONS = 100
FRAMES_PER_SECOND = 100
OUTSIDE = "C library"


def read_listing(target: Target) -> dict[int, str]:
    """{address: instruction} of the command, ready for llvm-mca.

    It refuses addresses out of its own reach, so all become a name; calls and returns, for which it
    would assume 100 cycles, become jumps.
    """
    text = call([OBJDUMP, "-d", "--no-show-raw-insn", "--mattr=+all",
                 str(target.folder / PROGRAM)])  # fmt: skip
    listing = {}
    for line in text.splitlines():
        if found := re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line):
            code = re.sub(r"0x[0-9a-f]+ <[^>]*>", "elsewhere", found[2]).split("//")[0]
            code = re.sub(r"^(bl|blr|ret)\b.*", "b elsewhere", code)
            listing[int(found[1], 16)] = code.strip()
    return listing


def read_blocks(counts: dict) -> Counter:
    """{(address, instructions): times executed} of one count."""
    blocks = Counter()
    for address, instructions, executed in counts["blocks"]:
        blocks[address, instructions] += executed
    return blocks


def schedule(blocks: list[tuple[int, int]], listing: dict[int, str], model: str) -> list[float]:
    """Cycles that each block takes on the average of ITERATIONS in a row."""
    text = []
    for number, (address, instructions) in enumerate(blocks):
        lines = [listing[address + 4 * i] for i in range(instructions)]
        text += [f"# LLVM-MCA-BEGIN {number}", *lines, f"# LLVM-MCA-END {number}"]
    options = ["-mtriple=aarch64", f"-mcpu={model}", "-mattr=+dotprod,+i8mm"]
    printed = call([MCA, *options, f"-iterations={ITERATIONS}", "-json", "-"],
                   input="\n".join(text) + "\n")  # fmt: skip
    regions = json.loads(printed)["CodeRegions"]
    return [region["SummaryView"]["TotalCycles"] / ITERATIONS for region in regions]


def stage_cycles(target: Target, blocks: Counter, cycles: list[float], frames: int) -> Counter:
    """{stage: cycles a frame}."""
    ranges = [r for r in read_ranges(target) if not r[0].startswith("@")]
    stages = Counter()
    for ((address, _), executed), each in zip(blocks.items(), cycles, strict=True):
        stage = next((s for s, begin, end in ranges if begin <= address < end), OUTSIDE)
        stages[stage] += executed * each / frames
    return stages


def row(target: Target, core: str, shape: str, counts: dict, read_bytes: int) -> dict:
    """Cycles, milliseconds, per cent of a core of `[cycles]`, bound by what."""
    facts, blocks = target.cycles[core], read_blocks(counts)
    each = schedule(list(blocks), read_listing(target), facts["model"])
    stages = stage_cycles(target, blocks, each, counts["frames"])
    compute_ms = sum(stages.values()) / facts["ghz"] / 1e6
    memory_ms = read_bytes / facts["gb_per_s"] / 1e6
    return {
        "target": target.name, "core": core, "counted_on": facts["cpu"],
        "scheduled_as": facts["model"],
        "llvm": re.search(r"LLVM version (\S+)", call([MCA, "--version"]))[1], "call": shape,
        "model": read_plan(target)["model"]["name"],
        "ghz": facts["ghz"], "gb_per_s": facts["gb_per_s"], "weight_bytes": read_bytes,
        "cycles_estimate": round(sum(stages.values())),
        "ms_compute": round(compute_ms, 4), "ms_memory": round(memory_ms, 4),
        "percent_of_core": round(max(compute_ms, memory_ms) * FRAMES_PER_SECOND / 10, 2),
        "bound_by": "memory" if memory_ms > compute_ms else "compute",
        "stages": {stage: round(value) for stage, value in stages.most_common()},
    }  # fmt: skip


def rows(target: Target) -> list[dict]:
    """One row a core and call shape."""
    found, counted, speech = [], {}, {"speech": inputs()["speech"]}
    for (core, facts), shape in itertools.product(target.cycles.items(), SHAPES):
        place = facts["cpu"], shape
        if place not in counted:
            counted[place] = count_clips(target, *place, speech)["speech"]
        found.append(row(target, core, shape, counted[place], weight_bytes(target, SHAPES[shape])))
    return found


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    target = load(parser.parse_args().target)
    if not target.cycles:
        raise SystemExit(f"{target.name}: no processors found; a table [cycles] in targets/"
                         f"{target.name}.toml is needed")  # fmt: skip
    record = read_record(target)
    record["cycles"] = rows(target)
    for found in record["cycles"]:
        print(
            "{core}, {call}, estimate (LLVM {llvm}): {cycles_estimate:,} cycles a frame, "
            "{ms_compute} ms at {ghz} GHz; {ms_memory} ms to read the weights at {gb_per_s} "
            "GB/s; {percent_of_core} % of a core, bound by {bound_by}".format(**found)
        )
    write_record(target, record)


if __name__ == "__main__":
    main()
