"""Count instructions per frame and stage under QEMU, and measure the footprint.

`python -m targets.count TARGET --set build/sets/X` adds the rows `complexity` and `footprint` to
`build/<target>/run.json`. Instructions, not cycles: the count is exact and the same every time.
Only a command that equals the twin is counted (targets/run.py).
"""

import argparse
import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from targets.build import call
from targets.run import put_row, read_record, write_record
from targets.target import HARNESS, Target, load, read_plan

N_CLIPS = 4
"""Clips counted, spread over the set: about 3000 frames of speech are enough for a mean."""
SILENCE_SECONDS = 1.0
EVERY_STAGE = ["--postfilter", "--decay-floor", "--highpass"]
"""Footprint with the stages that can be switched off: none may need more stack unseen."""


def stage_ranges(command: Path, objects: list[Path]) -> list[tuple[str, int, int]]:
    """(stage, begin, end) of every library function in the linked command.

    A stage is a source file of the library. Local functions stand behind their FILE entry in the
    symbol table; global ones are looked up in the library's objects.
    """
    stage_of = {}
    for path in objects:
        with path.open("rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF":
                    stage_of[symbol.name] = path.stem
    stages = {path.stem for path in objects}
    ranges, current = [], ""
    with command.open("rb") as file:
        for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
            info, begin = symbol["st_info"], symbol["st_value"]
            if info["type"] == "STT_FILE":
                current = Path(symbol.name).stem
            elif info["type"] == "STT_FUNC" and symbol["st_size"]:
                local = info["bind"] == "STB_LOCAL"
                stage = current if local else stage_of.get(symbol.name, "")
                if stage in stages:
                    ranges.append((stage, begin, begin + symbol["st_size"]))
    return ranges


def marker_ranges(command: Path, codes: dict) -> list[tuple[str, int, int]]:
    """("@begin" or "@end", address, address + 4) of the markers. SystemExit when one is missing."""
    found = []
    with command.open("rb") as file:
        text = ELFFile(file).get_section_by_name(".text")
        words = np.frombuffer(text.data()[: text.data_size // 4 * 4], "<u4")
        for name in ("begin", "end"):
            places = text["sh_addr"] + 4 * np.flatnonzero(words == codes[name])
            if not len(places):
                raise SystemExit(f"{command}: no {name} marker {codes[name]:#x} found in .text")
            found += [(f"@{name}", int(place), int(place) + 4) for place in places]
    return found


def build_plugin(target: Target) -> Path:
    """Compiles the counting plugin for this machine."""
    plugin = target.folder / "count_plugin.so"
    source = HARNESS / "count_plugin.c"
    flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-shared", "-fPIC"]
    call(["gcc", *flags, str(source), "-o", str(plugin)])
    return plugin.resolve()


def count_clip(target: Target, cpu: str, plugin: Path, ranges: Path, clip: Path) -> dict:
    """{"frames": n, "ranges": {stage: {"sum", "max"}}} of one clip."""
    with tempfile.TemporaryDirectory() as folder:
        out, wav = Path(folder) / "count.json", Path(folder) / "out.wav"
        options = f"{plugin},ranges={ranges},out={out}"
        call([*target.command(cpu, "-plugin", options), str(clip), str(wav)])
        return json.loads(out.read_text())


def choose_clips(test_set: Path, folder: Path) -> list[Path]:
    """N_CLIPS clips spread over the set, and a second of silence written to `folder`."""
    clips = sorted((test_set / "noisy").glob("*.wav"))
    chosen = [clips[i] for i in sorted({i * len(clips) // N_CLIPS for i in range(N_CLIPS)})]
    silence = folder / "silence.wav"
    zeros = np.zeros(int(48000 * SILENCE_SECONDS), np.int16)
    soundfile.write(silence, zeros, 48000, subtype="PCM_16")
    return [*chosen, silence]


def count_clips(target: Target, cpu: str, clips: list[Path]) -> list[dict]:
    """What `count_clip` gives, of several clips at a time."""
    plugin = build_plugin(target)
    command = target.folder / "percepnet"
    objects = sorted((target.folder / "obj" / "library").glob("*.o"))
    lines = marker_ranges(command, target.count) + stage_ranges(command, objects)
    with tempfile.TemporaryDirectory() as folder:
        ranges = Path(folder) / "ranges"
        ranges.write_text("".join(f"{name} {a:x} {b:x}\n" for name, a, b in lines))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda c: count_clip(target, cpu, plugin, ranges, c), clips))


def count_cpu(target: Target, cpu: str, test_set: Path) -> list[dict]:
    """Complexity rows of one CPU: mean and maximum over all frames of the chosen clips."""
    with tempfile.TemporaryDirectory() as folder:
        counts = count_clips(target, cpu, choose_clips(test_set, Path(folder)))
    frames = sum(count["frames"] for count in counts)
    model = read_plan(target)["model"]["name"]
    return [
        {
            "target": target.name,
            "cpu": cpu,
            "model": model,
            "call": "frame",
            "stage": stage,
            "instructions_mean": round(sum(c["ranges"][stage]["sum"] for c in counts) / frames, 1),
            "instructions_max": max(c["ranges"][stage]["max"] for c in counts),
        }
        for stage in counts[0]["ranges"]
        # kernels of other instruction sets, <op>_<isa>, are in the library but not run here
        if "_" not in stage or any(c["ranges"][stage]["max"] for c in counts)
    ]


def section_bytes(path: Path) -> tuple[int, int]:
    """(code, constants) in bytes that an object brings into a program."""
    code = constants = 0
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                code += section["sh_size"]
            elif section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                constants += section["sh_size"]
    return code, constants


def footprint(target: Target) -> dict:
    """Footprint row in bytes.

    state: memory that lasts from call to call; scratch: signals of one frame in the same block;
    stack: high-water mark over frames of noise, every stage on, on a painted stack; text: code;
    rodata: tables and unwind data; weights: the constants of the `weights*` files.
    """
    measured = [
        json.loads(
            subprocess.check_output([*target.command(cpu), "--footprint", *EVERY_STAGE], text=True)
        )
        for cpu in target.cpus
    ]
    sizes = {
        path.stem: section_bytes(path) for path in (target.folder / "obj" / "library").glob("*.o")
    }
    weights = sum(data for name, (_, data) in sizes.items() if name.startswith("weights"))
    return {
        "target": target.name,
        "model": read_plan(target)["model"]["name"],
        "state": measured[0]["state"],
        "scratch": measured[0]["scratch"],
        "stack": max(m["stack"] for m in measured),
        "text": sum(code for code, _ in sizes.values()),
        "rodata": sum(data for _, data in sizes.values()) - weights,
        "weights": weights,
    }


def count(target: Target, test_set: Path) -> None:
    """Adds the rows to run.json. Raises SystemExit when a CPU has not been found equal."""
    record = read_record(target)
    equal = {
        row["cpu"]
        for row in record["conformance"]
        if row["testset"] == test_set.name and row["mismatches"] == 0
    }
    if missing := [cpu for cpu in target.cpus if cpu not in equal]:
        raise SystemExit(
            f"{target.name} {missing[0]}: not found equal to the twin over {test_set.name}; "
            f"`make check target={target.name}` comes first"
        )
    record["footprint"] = [footprint(target)]
    for cpu in target.cpus if target.count else []:
        for row in count_cpu(target, cpu, test_set):
            record["complexity"] = put_row(record["complexity"], row, ("cpu", "call", "stage"))
            if row["stage"] == "total":
                mean, most = row["instructions_mean"], row["instructions_max"]
                print(f"{target.name} {cpu}: {mean:,.0f} instructions a frame, at most {most:,}")
    write_record(target, record)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--set", type=Path, required=True, help="folder under build/sets")
    options = parser.parse_args()
    count(load(options.target), options.set)


if __name__ == "__main__":
    main()
