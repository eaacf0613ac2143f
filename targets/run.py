"""Run every CPU of a target over a set and compare it with the twin, sample by sample.

`python -m targets.run TARGET --set build/sets/X` leaves `build/out/<system>/X/*.wav` and the rows
of `build/<target>/run.json`; any difference is named down to stage, frame and index, and fails.
"""

import argparse
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from reference.files import read_json, whole
from targets import diff
from targets.diff import run_command
from targets.target import ROOT, Target, load, read_plan


class Mismatch(Exception):
    """The command and the twin differ; the text says where."""


def first_line(command: list[str]) -> str:
    """First line that `command` prints, "unknown" when it cannot be run."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def sha(path: Path) -> str:
    """First 12 hexadecimal digits of the file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def provenance(target: Target) -> dict[str, str]:
    """What the figures were made with: tools, flags, commit, plan and command."""
    emulators = {first_line([e[0], "--version"]) for c in target.cpus if (e := target.emulator(c))}
    plan = read_plan(target)
    return {
        "commit": first_line(["git", "describe", "--always", "--dirty", "--abbrev=12"]),
        "plan": plan["hash"][:16],
        "command": sha(target.folder / "percepnet"),
        "model": plan["model"]["name"],
        "compiler": first_line([target.compile["cc"], "--version"]),
        "flags": " ".join(target.compile["flags"]),
        "emulator": ", ".join(sorted(emulators)) or "none",
    }


def last_record(path: Path) -> dict:
    """run.json as it was left; nothing of one that is cut off, which is then written anew."""
    try:
        return read_json(path, "it is written anew")
    except SystemExit as reason:
        print(str(reason).removeprefix("error: "), file=sys.stderr)
        return {}


def read_record(target: Target) -> dict:
    """run.json of this very command, or an empty one: rows of an older build are not kept."""
    path = target.folder / "run.json"
    now = provenance(target)
    record = last_record(path) if path.is_file() else {}
    before = record.get("provenance", {})
    if any(before.get(key) != now[key] for key in ("plan", "command", "emulator")):
        record = {}
    empty = {"conformance": [], "complexity": [], "inputs": [], "footprint": [],
             "cycles": [], "realtime": []}
    return {**empty, **record, "provenance": now}


def write_record(target: Target, record: dict) -> None:
    """Writes run.json, whole or not at all."""
    with whole(target.folder / "run.json") as new:
        new.write_text(json.dumps(record, indent=1) + "\n")


def put_row(rows: list[dict], row: dict, keys: tuple[str, ...]) -> list[dict]:
    """`rows` without those that agree with `row` in `keys`, and `row`."""
    return [r for r in rows if any(r[key] != row[key] for key in keys)] + [row]


def explain(target: Target, cpu: str, noisy: Path) -> str:
    """Runs one clip with taps on both sides; first stage, frame, index and both values."""
    plan = read_plan(target)
    twin, ours = diff.twin_taps(plan["model"]["name"], noisy), diff.command_taps(target, cpu, noisy)
    words = diff.first_difference(twin, ours, plan["taps"])
    return words or "no signal differs: what differs lies after the last one"


def count_mismatches(ours: Path, twin: Path) -> tuple[int, int]:
    """(samples, mismatches) of two 16-bit files; samples that one lacks are mismatches."""
    a, _ = soundfile.read(ours, dtype="int16", always_2d=True)
    b, _ = soundfile.read(twin, dtype="int16", always_2d=True)
    shared = min(len(a), len(b))
    longest = max(len(a), len(b))
    return longest, int(np.sum(a[:shared] != b[:shared])) + longest - shared


def run_cpu(target: Target, cpu: str, test_set: Path) -> dict:
    """Runs one CPU over the set; its conformance row.

    Only an output equal to the twin's gets its place under `build/out`: the rest is never scored.
    Raises Mismatch after the whole set was compared.
    """
    clips = sorted((test_set / "noisy").glob("*.wav"))
    twin = Path("build/out/twin") / test_set.name
    if not clips:
        raise SystemExit(f"{test_set}/noisy: no clips found; `make sets` prepares them")
    if missing := [clip.name for clip in clips if not (twin / clip.name).is_file()]:
        raise SystemExit(f"{twin}: {missing[0]} is missing; `make twin` writes it")
    place = Path("build/out") / target.system(cpu) / test_set.name
    shutil.rmtree(place, ignore_errors=True)
    command = target.command(cpu)
    with whole(place) as new:
        new.mkdir()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda c: run_command([*command, str(c), str(new / c.name)]), clips))
        results = [count_mismatches(new / clip.name, twin / clip.name) for clip in clips]
        row = {
            "target": target.name,
            "cpu": cpu,
            "compiler": first_line([target.compile["cc"], "--version"]),
            "testset": test_set.name,
            "samples": sum(samples for samples, _ in results),
            "mismatches": sum(wrong for _, wrong in results),
        }
        if row["mismatches"]:
            bad = next(clip for clip, (_, wrong) in zip(clips, results, strict=True) if wrong)
            raise Mismatch(f"{bad.name}: {explain(target, cpu, bad)}", row)
    return row


def check_kernels(target: Target) -> int:
    """Kernels against scalar ones, blocks against single hops, on every CPU; number of failures."""
    programs = [p for p in ("kernel_check", "block_check") if (target.folder / p).exists()]
    failures = 0
    for cpu, program in itertools.product(target.every_cpu, programs):
        command = target.command(cpu, program=program)
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        print(f"{target.name} {cpu}: {done.stdout}", end="")
        if done.returncode:
            failures += 1
            print(f"{done.stderr}{target.name} {cpu}: exit {done.returncode}", file=sys.stderr)
    return failures


def run(target: Target, test_set: Path) -> int:
    """Kernels, then every CPU of the target over the set; number of CPUs that differ."""
    record = read_record(target)
    failures = check_kernels(target)
    for cpu in target.cpus:
        try:
            row = run_cpu(target, cpu, test_set)
        except Mismatch as mismatch:
            where, row = mismatch.args
            failures += 1
            print(f"{target.name} {cpu}: differs from the twin: {where}", file=sys.stderr)
        print(f"{target.name} {cpu}: {row['mismatches']} of {row['samples']} samples differ")
        record["conformance"] = put_row(record["conformance"], row, ("cpu", "testset"))
        write_record(target, record)
    return failures


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--set", type=Path, required=True, help="folder under build/sets")
    options = parser.parse_args()
    sys.exit(1 if run(load(options.target), options.set) else 0)


if __name__ == "__main__":
    main()
