"""Count instructions per frame and stage under QEMU, and measure the footprint.

`python -m targets.count TARGET --set build/sets/X` adds the rows `complexity`, `inputs` and
`footprint` to `build/<target>/run.json` and prints how the counts differ from `eval/baseline/`.
Instructions, not cycles: the count is exact and the same on every run and machine.
Counted are frame by frame and blocks of four, on every CPU that takes other kernels, always per
frame of 10 ms. Only a build that equals the twin is counted (targets/run.py), and only calls
whose output is the same on every CPU.
"""

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from elftools.elf.elffile import ELFFile

from reference.clips import to_int16
from reference.signals import adversarial, speech
from targets import baseline
from targets.build import call
from targets.footprint import footprint
from targets.run import read_record, write_record
from targets.target import HARNESS, Target, load, read_plan

CALL = "percepnet_process"
"""Functions of this name, or that begin with it, are the calls that are counted."""
PROGRAM = "calls"
"""targets/harness/calls.c, which makes them."""
SHAPES = {"frame": 1, "block4": 4}
"""Hops of a call by its name."""


def inputs() -> dict[str, np.ndarray]:
    """int16 samples by name, a second or more each; made here, so that no test set moves a count.

    The mean is that of speech, the maximum that of all.
    """
    noise = np.random.default_rng(3).integers(-8000, 8001, 48000)
    return {
        "speech": to_int16(speech(2)).astype(np.int16),
        "noise": noise.astype(np.int16),
        "silence": np.zeros(48000, np.int16),
        "adversarial": adversarial().ravel(),
    }


def read_symbols(command: Path, objects: list[Path]) -> list[tuple[str, str, int, int]]:
    """(source file without suffix, name, begin, end) of the functions of a program.

    Local symbols stand behind their FILE entry in the symbol table; global ones are looked up in
    the objects and left out when they are of none.
    """
    source_of = {}
    for path in objects:
        with path.open("rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF":
                    source_of[symbol.name] = path.stem
    found, current = [], ""
    with command.open("rb") as file:
        elf = ELFFile(file)
        thumb = 1 if elf["e_machine"] == "EM_ARM" else 0  # the lowest bit of a function: Thumb code
        for symbol in elf.get_section_by_name(".symtab").iter_symbols():
            kind, size = symbol["st_info"]["type"], symbol["st_size"]
            if kind == "STT_FILE":
                current = Path(symbol.name).stem
            elif kind == "STT_FUNC" and size:
                local = symbol["st_info"]["bind"] == "STB_LOCAL"
                source = current if local else source_of.get(symbol.name)
                begin = symbol["st_value"] & ~thumb
                if source:
                    found.append((source, symbol.name, begin, begin + size))
    return found


def read_ranges(target: Target) -> list[tuple[str, int, int]]:
    """(name, begin, end) for the counting plugin; a stage is a source file of the library.

    A call ends where the program goes on. Raises SystemExit when it calls nothing to be counted.
    """
    command, objects = target.folder / PROGRAM, target.folder / "obj"
    library, caller = (sorted((objects / part).glob("*.o")) for part in ("library", PROGRAM))
    stages = {path.stem for path in library}
    ranges = []
    for source, name, begin, end in read_symbols(command, [*library, *caller]):
        if source in stages:
            ranges.append((source, begin, end))
            ranges += [("@begin", begin, begin + 1)] if name.startswith(CALL) else []
        elif source in {path.stem for path in caller}:
            ranges.append(("@end", begin, end))
    if missing := {"@begin", "@end"} - {name for name, _, _ in ranges}:
        raise SystemExit(
            f"{command}: no {' and no '.join(sorted(missing))} found; functions {CALL}* of the "
            "library and functions of the program that call them are needed, with symbols"
        )
    return ranges


def build_plugin(target: Target) -> Path:
    """Compiles the counting plugin for this machine."""
    plugin = target.folder / "count_plugin.so"
    source = HARNESS / "count_plugin.c"
    flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC"]
    call([load("host").compile["cc"], *flags, str(source), "-o", str(plugin)])
    return plugin.resolve()


def count_clip(target: Target, cpu: str, shape: str, samples: np.ndarray) -> dict:
    """{"frames": n, "ranges": {stage: {"sum", "max"}}, "blocks": […], "output": SHA-256}.

    Instructions of single frames, the maximum as well (a block's divided by its frames, rounded
    up). Runs in a folder of its own, under the same names and without environment: these lie on
    the stack and the heap and move what comes after them, and memset and memcpy of the C library
    take a few instructions more or less with the alignment of their arguments.
    """
    hops = SHAPES[shape]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in ("count_plugin.so", "ranges", PROGRAM):
            shutil.copy(target.folder / source, folder)
        (folder / "in").write_bytes(samples.astype("<i2").tobytes())
        emulator, *rest = target.emulator(cpu)
        plugin = ["-plugin", "./count_plugin.so,ranges=ranges,out=count"]
        program = [f"./{PROGRAM}", str(hops), "in", "out"]
        call([shutil.which(emulator), *rest, *plugin, *program], cwd=folder, env={})
        counts = json.loads((folder / "count").read_text())
        output = hashlib.sha256((folder / "out").read_bytes()).hexdigest()
    for figures in counts["ranges"].values():
        figures["max"] = -(-figures["max"] // hops)
    return counts | {"frames": counts["frames"] * hops, "output": output}


def count_clips(
    target: Target, cpu: str, shape: str, clips: dict[str, np.ndarray]
) -> dict[str, dict]:
    """What `count_clip` gives, of several sounds at a time; int16 samples by name."""
    build_plugin(target)
    lines = [f"{name} {begin:x} {end:x}\n" for name, begin, end in read_ranges(target)]
    (target.folder / "ranges").write_text("".join(lines))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda x: count_clip(target, cpu, shape, x), clips.values())
        return dict(zip(clips, counts, strict=True))


def complexity_rows(target: Target, cpu: str, shape: str, counts: dict[str, dict]) -> list[dict]:
    """One row a stage: the mean over speech, the maximum over all frames of all inputs."""
    model, frames = read_plan(target)["model"]["name"], counts["speech"]["frames"]
    return [
        {
            "target": target.name,
            "cpu": cpu,
            "model": model,
            "call": shape,
            "stage": stage,
            "instructions_mean": round(figures["sum"] / frames, 1),
            "instructions_max": max(c["ranges"][stage]["max"] for c in counts.values()),
        }
        for stage, figures in counts["speech"]["ranges"].items()
        # kernels of other instruction sets, <op>_<isa>, are in the library but not run here
        if "_" not in stage or any(c["ranges"][stage]["max"] for c in counts.values())
    ]


def input_rows(target: Target, cpu: str, shape: str, counts: dict[str, dict]) -> list[dict]:
    """One row an input: instructions of all stages per frame."""
    return [
        {
            "target": target.name,
            "cpu": cpu,
            "call": shape,
            "input": name,
            "frames": c["frames"],
            "instructions_mean": round(c["ranges"]["total"]["sum"] / c["frames"], 1),
            "instructions_max": c["ranges"]["total"]["max"],
        }
        for name, c in counts.items()
    ]


def require_equal(target: Target, record: dict, test_set: str) -> None:
    """Raises SystemExit when a CPU has not been found equal to the twin over the set."""
    equal = {
        row["cpu"]
        for row in record["conformance"]
        if row["testset"] == test_set and row["mismatches"] == 0
    }
    if missing := [cpu for cpu in target.cpus if cpu not in equal]:
        raise SystemExit(
            f"{target.name} {missing[0]}: not found equal to the twin over {test_set}; "
            f"`make check target={target.name}` comes first"
        )


def require_same(counted: dict[tuple[str, str], dict[str, dict]]) -> None:
    """Raises SystemExit when a CPU or call shape gives another output than the first."""
    (first, wanted), *others = counted.items()
    for place, counts in others:
        for name, c in counts.items():
            if c["output"] != wanted[name]["output"]:
                raise SystemExit(f"{' '.join(place)}: output of {name} differs from that of "
                                 f"{' '.join(first)}; `make check` finds where")  # fmt: skip


def count_all(target: Target) -> dict[tuple[str, str], dict[str, dict]]:
    """{(CPU, call): counts by input}. Raises SystemExit when outputs differ."""
    sounds = inputs()
    counted = {
        (cpu, shape): count_clips(target, cpu, shape, sounds)
        for cpu in target.every_cpu
        for shape in SHAPES
    }
    require_same(counted)
    return counted


def count(target: Target, test_set: Path) -> None:
    """Adds the rows to run.json. Raises SystemExit when a CPU has not been found equal."""
    record = read_record(target)
    require_equal(target, record, test_set.name)
    if "module" in target.compile:
        size = (target.folder / "percepnet.wasm").stat().st_size
        print(f"{target.name}: percepnet.wasm has {size:,} bytes, weights included")
    else:
        record["footprint"] = [footprint(target, SHAPES)]
    if target.counted:
        record["complexity"], record["inputs"] = [], []
        for place, counts in count_all(target).items():
            record["complexity"] += complexity_rows(target, *place, counts)
            record["inputs"] += input_rows(target, *place, counts)
        for row in record["inputs"]:
            print("{target} {cpu}, {call}, {input}: {instructions_mean:,.0f} instructions a frame, "
                  "at most {instructions_max:,}".format(**row))  # fmt: skip
    write_record(target, record)
    for line in baseline.differences(record) if target.counted else []:
        print(line)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--set", type=Path, required=True, help="folder under build/sets")
    options = parser.parse_args()
    count(load(options.target), options.set)


if __name__ == "__main__":
    main()
