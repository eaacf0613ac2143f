"""WMOPS: operations of the plain C by the weights of ITU-T G.191 (STL2023, basop/count.h).

`python -m targets.wmops` compiles `build/armv7/gen` for a CPU without NEON, which leaves the scalar
kernels, to the intermediate language of LLVM, weighs every block, counts the blocks that run under
QEMU, and leaves `build/wmops/run.json`. The library is not written in basic operators, so this is
how its operations are taken for them:

* adding, subtracting, multiplying, shifting, logic, choosing one of two, leading zeros, narrowing:
  1 for 16, 32 and 64 bits; a product that is only added or subtracted is part of that: L_mac;
* division: 32 (div_l); a condition: 3 (If); entering a loop: 3 (For), its turns free;
* a move of what no operation made: 2 for 32 bits, else 1; memcpy alike, in words of 32 bits;
* operands from memory, widening, addresses, counters of loops and calls: free.
"""

import argparse
import json
import re
import tempfile
from pathlib import Path

import soundfile

from targets.build import COMMAND, call
from targets.count import inputs
from targets.run import first_line
from targets.target import HARNESS, Target, load, read_plan

MACHINE = ["--target=arm-linux-gnueabihf", "-march=armv7-a", "-mfpu=vfpv3-d16", "-w", "-O1"]
FLAGS = ["-std=c99", "-fno-vectorize", "-fno-slp-vectorize", "-fno-unroll-loops",
         "-fno-discard-value-names", "-S", "-emit-llvm"]  # fmt: skip
FRAMES_PER_SECOND = 100
BY_WEIGHT = {
    0: "getelementptr phi load sext zext icmp bitcast freeze alloca ret unreachable ptrtoint "
       "inttoptr extractvalue",
    1: "add sub mul shl lshr ashr and or xor trunc select",
    32: "sdiv udiv srem urem",
    6: "switch",
}  # fmt: skip
WEIGHTS = {opcode: weight for weight, names in BY_WEIGHT.items() for opcode in names.split()}
INTRINSICS = {"ctlz": 1, "abs": 1, "smax": 1, "smin": 1, "umax": 1, "umin": 1, "fshl": 3, "fshr": 3}
IF, FOR = 3, 3
MOVES = {"i8": 1, "i16": 1, "i32": 2, "i64": 1}
NAME = re.compile(r"%[\w.$-]+")
ADDRESS_STEPS = {"sext", "zext", "trunc", "add", "sub", "phi", "shl", "mul"}


def opcode_of(line: str) -> str:
    """The operation of one instruction."""
    return re.match(r"\s+(?:%[\w.$-]+ = )?(?:tail |musttail |notail )?([a-z]+)", line)[1]


def read_function(lines: list[str]) -> dict[str, list[str]]:
    """{label: its instructions}; a `switch` with its table is joined to one line."""
    blocks, label = {"": []}, ""
    switches = re.compile(r"\[\n.*?\n\s+\]", re.S)
    text = switches.sub(lambda table: table[0].replace("\n", " "), "\n".join(lines))
    for line in text.split("\n"):
        if found := re.match(r"([\w.$-]+):", line):
            label = found[1]
            blocks[label] = []
        elif line.strip():
            blocks[label].append(line)
    return {label: body for label, body in blocks.items() if body}


def address_names(lines: list[str]) -> set[str]:
    """Values that only serve to find an address, and counters of loops."""
    made = {NAME.match(line.strip())[0]: line for line in lines if re.match(r"\s+%\S+ = ", line)}
    found = {n for line in lines if opcode_of(line) == "getelementptr" for n in NAME.findall(line)}
    found |= {name for name in made if re.match(r"%(indvars|inc|dec)", name)}
    todo = list(found)
    while todo:
        line = made.get(todo.pop(), "")
        if line and opcode_of(line) in ADDRESS_STEPS:
            fresh = set(NAME.findall(line)) - found
            found |= fresh
            todo += fresh
    return found


def merged_products(lines: list[str]) -> set[str]:
    """Products used once, by an addition or subtraction."""
    uses = [(opcode_of(line), name) for line in lines
            for name in NAME.findall(line.split(" = ")[-1])]  # fmt: skip
    products = {NAME.search(line)[0] for line in lines if opcode_of(line) == "mul"}
    return {p for p in products if [op for op, name in uses if name == p] in (["add"], ["sub"])}


def weigh(line: str, free: set[str], made: dict[str, str]) -> int:
    """Weight of one instruction that is no branch. SystemExit for one that has none."""
    opcode = opcode_of(line)
    result = re.match(r"\s+(%\S+) =", line)
    if result and result[1] in free:
        return 0
    if opcode == "store":
        size, value = re.match(r"\s+store (?:volatile )?(\S+) ([^,]+),", line).groups()
        return MOVES.get(size, 0) if made.get(value, "load") in ("load", "phi") else 0
    if opcode == "call":
        intrinsic = re.search(r"@llvm\.(\w+)", line)
        return INTRINSICS.get(intrinsic[1], 0) if intrinsic else 0
    if opcode not in WEIGHTS:
        raise SystemExit(f"no weight for {line.strip()!r}; WEIGHTS in targets/wmops.py needs one")
    return WEIGHTS[opcode]


def targets_of(body: list[str]) -> list[str]:
    """Labels to which a block goes on."""
    return re.findall(r"label %([\w.$-]+)", body[-1])


def back_edges(blocks: dict[str, list[str]]) -> set[tuple[str, str]]:
    """(from, to) of the jumps that close a loop: to a block on the way from the first."""
    first = next(iter(blocks))
    found, seen, way = set(), {first}, [(first, iter(targets_of(blocks[first])))]
    while way:
        label, left = way[-1]
        target = next(left, None)
        if target is None:
            way.pop()
        elif target in {on_way for on_way, _ in way}:
            found.add((label, target))
        elif target not in seen:
            seen.add(target)
            way.append((target, iter(targets_of(blocks[target]))))
    return found


def branch_weight(label: str, body: list[str], back: set[tuple[str, str]]) -> int:
    """A condition that does not close a loop, and loops that are entered."""
    targets, heads = targets_of(body), {head for _, head in back}
    closing = [t for t in targets if (label, t) in back]
    condition = IF if len(targets) == 2 and not closing else 0
    return condition + FOR * sum(t in heads and t not in closing for t in targets)


def instrument(name: str, lines: list[str], stage: int) -> list[str]:
    """The body of a function with a call at the head of every block that weighs anything."""
    blocks = read_function(lines)
    every = [line for body in blocks.values() for line in body]
    made = {NAME.match(line.strip())[0]: opcode_of(line) for line in every
            if re.match(r"\s+%\S+ = ", line)}  # fmt: skip
    free = address_names(every) | merged_products(every)
    back, first, out = back_edges(blocks), next(iter(blocks)), []
    for label, body in blocks.items():
        phis = [line for line in body if opcode_of(line) == "phi"]
        weight = sum(weigh(line, free, made) for line in body if opcode_of(line) != "br")
        if opcode_of(body[-1]) == "br":
            weight += branch_weight(label, body, back)
        out += [f"{label}:"] * bool(label) + phis
        if name == "percepnet_process" and label == first:
            out.append("  call void @wmops_frame()")
        if weight:
            out.append(f"  call void @wmops_count(i32 {stage}, i32 {weight})")
        for line in body[len(phis):]:
            if size := re.search(r"@llvm\.mem\w+\..*(i32 [^,]+), i1", line):
                out.append(f"  call void @wmops_bytes(i32 {stage}, {size[1]})")
            out.append(line)
    return out


def instrument_file(text: str, stage: int) -> str:
    """A whole file in the intermediate language."""
    def body(found: re.Match) -> str:
        lines = instrument(found[2], found[3].strip("\n").split("\n"), stage)
        return "\n".join([found[1], *lines, "}\n"])

    text = re.sub(r"^(define [^\n]*@(\w+)\([^\n]*\{)\n(.*?)^\}\n", body, text, flags=re.S | re.M)
    return text + ("declare void @wmops_count(i32, i32)\ndeclare void @wmops_bytes(i32, i32)\n"
                   "declare void @wmops_frame()\n")  # fmt: skip


def build(target: Target, folder: Path) -> list[str]:
    """`folder`/percepnet, the command that counts; its stages in the order of their numbers."""
    gen = target.folder / "gen"
    stages, parts = [], []
    for source in sorted(p for p in gen.glob("*.c") if p.name != "taps.c"):
        text = call(["clang", *MACHINE, *FLAGS, "-iquote", str(gen), str(source), "-o", "-"])
        parts.append(folder / f"{source.stem}.ll")
        parts[-1].write_text(instrument_file(text, len(stages)))
        stages.append(source.stem)
    harness = [*(HARNESS / f"{name}.c" for name in [*COMMAND, "wmops"]), gen / "taps.c"]
    call(["clang", *MACHINE, "-static", "-iquote", str(gen), *map(str, [*parts, *harness]),
          "-lm", "-o", str(folder / "percepnet")])  # fmt: skip
    return stages


def rows(target: Target) -> list[dict]:
    """One row a stage and one for all: mean over speech; the largest frame of every input."""
    with tempfile.TemporaryDirectory() as name:
        folder, counts = Path(name), {}
        stages = build(target, folder)
        for sound, samples in inputs().items():
            soundfile.write(folder / "in.wav", samples, 48000, "PCM_16")
            call([*target.emulator(target.cpus[0]), "./percepnet", "in.wav", "out.wav"], cwd=folder)
            counts[sound] = json.loads((folder / "wmops.json").read_text())
    speech = counts["speech"]
    scale = FRAMES_PER_SECOND / 1e6
    means = {s: n / speech["frames"] * scale
             for s, n in zip(stages, speech["stages"], strict=False) if n}  # fmt: skip
    found = [{"stage": s, "wmops_mean": round(mean, 3)} for s, mean in means.items()]
    largest = max(count["max"] for count in counts.values()) * scale
    total = {"stage": "total", "wmops_mean": round(sum(means.values()), 3),
             "wmops_max": round(largest, 3)}  # fmt: skip
    return [*found, total]


def main() -> None:
    """Command line."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    target = load("armv7")
    plan = read_plan(target)
    record = {"provenance": {"plan": plan["hash"][:16], "model": plan["model"]["name"],
                             "compiler": first_line(["clang", "--version"])},
              "wmops": rows(target)}  # fmt: skip
    path = Path("build/wmops/run.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    for row in record["wmops"]:
        print("{stage}: {wmops_mean} WMOPS".format(**row))
    print("largest frame: {wmops_max} WMOPS".format(**record["wmops"][-1]))


if __name__ == "__main__":
    main()
