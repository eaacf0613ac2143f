"""Run every CPU of a target over a set and compare it with the twin, sample by sample.

`python -m targets.run TARGET --set build/sets/X` leaves `build/out/<system>/X/*.wav` and the rows
of `build/<target>/run.json`; any difference is named down to stage, frame and index, and fails.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from targets.target import ROOT, Target, load


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


def read_plan(target: Target) -> dict:
    """`build/<target>/gen/plan.json`."""
    return json.loads((target.folder / "gen" / "plan.json").read_text())


def provenance(target: Target) -> dict[str, str]:
    """What the figures were made with: tools, flags, commit, plan and command."""
    emulator = target.run[0] if target.run else None
    plan = read_plan(target)
    return {
        "commit": first_line(["git", "describe", "--always", "--dirty", "--abbrev=12"]),
        "plan": plan["hash"][:16],
        "command": sha(target.folder / "percepnet"),
        "model": plan["model"]["name"],
        "compiler": first_line([target.compile["cc"], "--version"]),
        "flags": " ".join(target.compile["flags"]),
        "emulator": first_line([emulator, "--version"]) if emulator else "none",
    }


def read_record(target: Target) -> dict:
    """run.json of this very command, or an empty one: rows of an older build are not kept."""
    path = target.folder / "run.json"
    now = provenance(target)
    record = json.loads(path.read_text()) if path.is_file() else {}
    before = record.get("provenance", {})
    if any(before.get(key) != now[key] for key in ("plan", "command", "emulator")):
        record = {}
    empty = {"conformance": [], "complexity": [], "footprint": []}
    return {**empty, **record, "provenance": now}


def write_record(target: Target, record: dict) -> None:
    """Writes run.json."""
    (target.folder / "run.json").write_text(json.dumps(record, indent=1) + "\n")


def put_row(rows: list[dict], row: dict, keys: tuple[str, ...]) -> list[dict]:
    """`rows` without those that agree with `row` in `keys`, and `row`."""
    return [r for r in rows if any(r[key] != row[key] for key in keys)] + [row]


def run_command(command: list[str]) -> None:
    """Raises SystemExit with the command's own words when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}".rstrip())


def twin_taps(model: str, noisy: Path) -> bytes:
    """The twin's taps of one clip, in the format of the command's `--taps`."""
    from codegen import plan, twin  # here: a twin is only needed once something differs

    content, arrays = plan.plan(model)
    samples, _ = soundfile.read(noisy, dtype="int16")
    frames: list[dict] = []
    twin.enhance(samples, twin.Suppressor(content, arrays), frames)
    return twin.dump(frames, content).tobytes()


def tap_frames(data: bytes, taps: list[dict]) -> Iterator[tuple[int, str, np.ndarray]]:
    """(call, tap name, values) in the order of the dump."""
    layout = [(tap["name"], np.dtype(tap["dtype"]).newbyteorder("<"), tap["count"]) for tap in taps]
    at, call = 0, 0
    while at < len(data):
        for name, dtype, count in layout:
            yield call, name, np.frombuffer(data, dtype, count, at)
            at += count * dtype.itemsize
        call += 1


def first_difference(twin: bytes, ours: bytes, taps: list[dict]) -> str:
    """Names the first tap (in pipeline order, call by call) in which two dumps differ."""
    for (call, name, a), (_, _, b) in zip(
        tap_frames(twin, taps), tap_frames(ours, taps), strict=False
    ):
        if not np.array_equal(a, b):
            index = int(np.flatnonzero(a != b)[0])
            return f"stage {name}, frame {call}, index {index}: twin {a[index]}, here {b[index]}"
    if len(twin) != len(ours):
        return f"the taps agree but end apart: twin {len(twin)} bytes, here {len(ours)} bytes"
    return "no tap differs: what differs lies after the last one"


def explain(target: Target, cpu: str, noisy: Path) -> str:
    """Runs one clip with taps on both sides; first stage, frame, index and both values."""
    plan = read_plan(target)
    with tempfile.TemporaryDirectory() as folder:
        taps, out = Path(folder) / "taps", Path(folder) / "out.wav"
        run_command([*target.command(cpu), "--taps", str(taps), str(noisy), str(out)])
        twin = twin_taps(plan["model"]["name"], noisy)
        return first_difference(twin, taps.read_bytes(), plan["taps"])


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
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    command = target.command(cpu)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda c: run_command([*command, str(c), str(part / c.name)]), clips))
    results = [count_mismatches(part / clip.name, twin / clip.name) for clip in clips]
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
    part.rename(place)
    return row


def check_kernels(target: Target) -> int:
    """Every kernel against the scalar one on every CPU; number of CPUs on which one differs."""
    if not (target.folder / "kernel_check").exists():
        return 0
    failures = 0
    for cpu in [*target.cpus, *target.check.get("kernel_cpus", [])]:
        command = target.command(cpu, program="kernel_check")
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
