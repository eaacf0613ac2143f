"""Modelled cycles of one frame: an *estimate* by llvm-mca, never to be mixed with counts.

`python -m targets.cycles TARGET` adds the rows `cycles` to `build/<target>/run.json`. Every block
of instructions that ran is scheduled by llvm-mca as if it followed itself, and weighted by how
often it ran (QEMU); all loads hit the nearest cache. Beside it stands the time to read the weights,
each once a call, those of the recurrent matrices once a frame: from the second-level cache (L2) or
from memory (DRAM), at the bandwidths of `[cycles]`. They are read in the same order every frame, so
a cache that drops what was used longest ago holds all of them or none: they come from L2 where they
and all else that a frame touches fit (`fits`), else from DRAM. A time lies between the larger of
the two, when all reading is hidden behind computing, and their sum, when none is. Within a factor
of two at best; the LLVM version is in every row. `python -m targets.baseline TARGET` keeps them.
"""

import argparse
import itertools
import json
import re
from collections import Counter

from targets.build import call
from targets.count import PROGRAM, SHAPES, count_clips, inputs, read_ranges
from targets.footprint import footprint
from targets.run import read_record, write_record
from targets.target import Target, load

VERSION = 19
MCA, OBJDUMP = f"llvm-mca-{VERSION}", f"llvm-objdump-{VERSION}"
ITERATIONS = 100
HOP_MS = 10
OUTSIDE = "C library"
L2_KB = (512, 1024, 2048)
"""Second-level caches of usual phones: of little, middle and big cores."""


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


def resident_bytes(sizes: dict) -> int:
    """What must lie in a cache for no weight to be read anew, by a footprint row: one layout of the
    weights, memory, tables, code."""
    return sum(sizes[part] for part in ("read_frame", "state", "scratch", "rodata", "text"))


def fits(row: dict, l2_kb: int) -> bool:
    """Whether a second-level cache keeps the weights from frame to frame, alone with this."""
    return row["resident_bytes"] <= 1024 * l2_kb


def times(facts: dict, cycles: float, read_bytes: int) -> dict:
    """ms of computing, of reading the weights; per cent of a core, [all hidden, none hidden]."""
    compute = cycles / facts["ghz"] / 1e6
    reading = {"l2": read_bytes / facts["l2_bytes_per_cycle"] / facts["ghz"] / 1e6,
               "dram": read_bytes / facts["gb_per_s"] / 1e6}  # fmt: skip
    found = {"ms_compute": round(compute, 4)}
    for place, ms in reading.items():
        found[f"ms_{place}"] = round(ms, 4)
        found[f"percent_{place}"] = [round(100 * time / HOP_MS, 2)
                                     for time in (max(compute, ms), compute + ms)]  # fmt: skip
    return found


def row(target: Target, core: str, shape: str, counts: dict, sizes: dict) -> dict:
    """Cycles, milliseconds and shares of a core of `[cycles]`; sizes: a footprint row."""
    facts, blocks = target.cycles[core], read_blocks(counts)
    each = schedule(list(blocks), read_listing(target), facts["model"])
    stages = stage_cycles(target, blocks, each, counts["frames"])
    cycles, read_bytes = sum(stages.values()), sizes[f"read_{shape}"]
    return {
        "target": target.name, "model": sizes["model"], "core": core, "call": shape,
        "counted_on": facts["cpu"], "scheduled_as": facts["model"],
        "llvm": re.search(r"LLVM version (\S+)", call([MCA, "--version"]))[1],
        **{key: facts[key] for key in ("ghz", "l2_bytes_per_cycle", "gb_per_s")},
        "weight_bytes": read_bytes, "resident_bytes": resident_bytes(sizes),
        "cycles_estimate": round(cycles), **times(facts, cycles, read_bytes),
        "stages": {stage: round(value) for stage, value in stages.most_common()},
    }  # fmt: skip


def rows(target: Target) -> list[dict]:
    """One row a core and call shape."""
    found, counted, speech = [], {}, {"speech": inputs()["speech"]}
    sizes = footprint(target, SHAPES)
    for (core, facts), shape in itertools.product(target.cycles.items(), SHAPES):
        place = facts["cpu"], shape
        if place not in counted:
            counted[place] = count_clips(target, *place, speech)["speech"]
        found.append(row(target, core, shape, counted[place], sizes))
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
            "{ms_compute} ms at {ghz} GHz; weights from L2 {ms_l2} ms, from DRAM {ms_dram} ms; "
            "per cent of a core {percent_l2}, {percent_dram}".format(**found)
        )
    write_record(target, record)


if __name__ == "__main__":
    main()
