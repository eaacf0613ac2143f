"""Twin = C for every compiler, optimisation level and target, and sanitised on this machine.

`python -m targets.matrix` builds each variant from `build/<target>/gen` into
`build/check/<variant>/`, runs it on four seconds of speech and of hostile input, and compares every
recorded signal of every frame with the twin's; kernels and calls of several hops are compared with
scalar code and single hops, which the twin equals. The table goes to `build/check/matrix.json`.
An interrupted check goes on with the builds it had not come to.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from reference.clips import to_int16
from reference.files import read_json, whole
from reference.signals import adversarial, speech
from targets import build
from targets.diff import command_taps, first_difference, twin_taps
from targets.run import check_kernels, first_line
from targets.settings import EVERY_STAGE
from targets.target import Target, load, read_plan
from targets.variants import variants

FOLDER = Path("build/check")
DONE = FOLDER / "done"
"""A file for each build that an unfinished check has come through."""
CLIP = FOLDER / "clip.wav"
SECONDS = 2.0
"""Of speech; the hostile hops after it take another second and a half."""


def write_clip(path: Path = CLIP) -> Path:
    """Speech, then hops chosen to break things, then 20 ms of silence and a cut hop."""
    samples = np.concatenate(
        [to_int16(speech(SECONDS)), adversarial().ravel(), np.zeros(1111, int)]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.astype(np.int16), 48000, "PCM_16")
    return path


def count_differences(a: bytes, b: bytes, taps: list[dict]) -> tuple[int, int]:
    """(values, values that differ) of two dumps; what one lacks differs."""
    frame = np.dtype([(tap["name"], tap["dtype"], (tap["count"],)) for tap in taps])
    x, y = (np.frombuffer(dump[: len(dump) // frame.itemsize * frame.itemsize], frame)
            for dump in (a, b))  # fmt: skip
    per_frame = sum(tap["count"] for tap in taps)
    shared = min(len(x), len(y))
    wrong = sum(int(np.sum(x[n][:shared] != y[n][:shared])) for n in frame.names)
    return max(len(x), len(y)) * per_frame, wrong + (max(len(x), len(y)) - shared) * per_frame


def check_cell(name: str, target: Target, twins: dict[tuple[str, ...], bytes]) -> list[dict]:
    """Builds one variant and runs it on every CPU, with the options of each twin dump; its rows."""
    base = name.split("-")[0]
    shutil.rmtree(target.folder, ignore_errors=True)
    shutil.copytree(Path("build") / base / "gen", target.folder / "gen")
    build.build(target, check="asan" not in name)
    taps, rows = read_plan(target)["taps"], []
    for cpu in target.cpus:
        row = {"target": base, "cpu": cpu, "build": name.partition("-")[2],
               "compiler": first_line([target.compile["cc"], "--version"]),
               "values": 0, "mismatches": 0, "first": ""}  # fmt: skip
        for options, twin in twins.items():
            ours = command_taps(target, cpu, CLIP, options)
            values, wrong = count_differences(twin, ours, taps)
            row["values"] += values
            row["mismatches"] += wrong
            row["first"] = row["first"] or first_difference(twin, ours, taps)
        rows.append(row)
    if failures := check_kernels(target):
        rows[0]["mismatches"] += failures
        rows[0]["first"] = rows[0]["first"] or "kernel_check or block_check, see above"
    print(f"{name}: {sum(r['mismatches'] for r in rows)} mismatches", flush=True)
    return rows


def made_of(name: str, target: Target, twins: dict[tuple[str, ...], bytes]) -> str:
    """SHA-256 of what a build and its rows are made of: sources, checks, compiler, flags, twin."""
    compiler = first_line([target.compile["cc"], "--version"])
    digest = hashlib.sha256(json.dumps([target.compile, target.cpus, compiler]).encode())
    for folder in (Path("build") / name.split("-")[0] / "gen", Path(__file__).parent):
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            digest.update(str(path).encode() + path.read_bytes())
    for options, twin in twins.items():
        digest.update(" ".join(options).encode() + twin)
    return digest.hexdigest()


def finished_cell(name: str, target: Target, twins: dict[tuple[str, ...], bytes]) -> dict:
    """{"made_of", "seconds", "rows"} of a build: from an interrupted check if it would be the same
    again, else of `check_cell`.
    """
    path, digest, begin = DONE / f"{name}.json", made_of(name, target, twins), time.monotonic()
    if path.exists() and (found := read_json(path))["made_of"] == digest:
        print(f"{name}: as the interrupted check found it", flush=True)
        return found
    rows = check_cell(name, target, twins)
    found = {"made_of": digest, "seconds": time.monotonic() - begin, "rows": rows}
    with whole(path) as new:
        new.write_text(json.dumps(found))
    return found


def table(rows: list[dict]) -> str:
    """One line a CPU, one column a build; a cell is the number of values that differ."""
    builds = list(dict.fromkeys(row["build"] for row in rows))
    cells = {(f"{r['target']} {r['cpu']}", r["build"]): f"{r['mismatches']:,}" for r in rows}
    places = list(dict.fromkeys(place for place, _ in cells))
    lines = [["", *builds]] + [[p, *(cells.get((p, b), "–") for b in builds)] for p in places]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def check(cells: dict[str, Target], jobs: int, path: Path) -> list[dict]:
    """Rows of all cells, also in `path` with what they were made from."""
    plan, clip = read_plan(load("host")), write_clip()
    model = plan["model"]["name"]
    twins = {(): twin_taps(model, clip), EVERY_STAGE: twin_taps(model, clip, every_stage=True)}
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda item: finished_cell(*item, twins), cells.items()))
    rows = [row for cell in found for row in cell["rows"]]
    commit = first_line(["git", "describe", "--always", "--dirty", "--abbrev=12"])
    report = {
        "model": model,
        "weights": plan["model"]["sha256"],
        "seconds": round(sum(cell["seconds"] for cell in found) / jobs),
        "provenance": {"commit": commit, "plan": plan["hash"][:16]},
        "rows": rows,
    }
    path.write_text(json.dumps(report, indent=1) + "\n")
    for name in cells:
        (DONE / f"{name}.json").unlink()
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="builds whose name holds this; into build/check/some.json")
    args = parser.parse_args()
    cells = {n: t for n, t in variants().items() if (args.only or "") in n}
    if not cells:
        raise SystemExit(f"{args.only!r} found; builds are {', '.join(variants())}")
    rows = check(cells, args.jobs, FOLDER / ("some.json" if args.only else "matrix.json"))
    wrong, values = sum(row["mismatches"] for row in rows), sum(row["values"] for row in rows)
    print(table(rows))
    print(f"{len(cells)} builds, {len(rows)} runs: {wrong:,} of {values:,} values differ")
    for row in rows:
        if row["first"]:
            print(f"{row['target']} {row['cpu']} {row['build']}: {row['first']}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
