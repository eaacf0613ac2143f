"""Random calls, WAV files and rates against the C under sanitizers: `make fuzz minutes=10`.

    python -m fuzz [--minutes M] [--seed S] [--models NAME ...] [--only FUZZER ...]
                   [--plain] [--keep]

The time is shared by the fuzzers: half to the C API (all models in turn, every set of kernels that
this machine can run), a quarter each to the WAV reader and writer and to the resampler. --plain:
without sanitizers, for more frames of the comparison of kernels. What was done is printed and added
to build/fuzz/totals.json, by --keep to fuzz/totals.json. A fault ends it with exit code 1 and the
words that repeat the case.
"""

import argparse
import dataclasses
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from codegen import render
from reference.dnn import MODELS, fit_model
from reference.files import whole
from targets import build
from targets.target import HARNESS, Target, load
from targets.variants import sanitized

HERE = Path(__file__).parent
PARTS = {  # sources of the command beside the fuzzer of that name
    "files": ("wav_read", "wav_write", "wav_chunks", "wav_format", "output", "message", "stop",
              "decoder"),
    "rates": ("resample",),
}  # fmt: skip
SHARE = {"calls": 0.5, "files": 0.25, "rates": 0.25}
DONE = re.compile(r"^(.+): (\d+) in \d+ cases of seed \d+$", re.M)


def target(name: str, plain: bool) -> Target:
    """How the fuzzers of a model are compiled: as for this machine, under ASan and UBSan."""
    base = load("host") if plain else sanitized(load("host"), "-O2")
    return dataclasses.replace(base, name=f"fuzz/{'plain' if plain else 'sanitized'}/{name}")


def calls(model: str, plain: bool) -> Path:
    """The program that calls the library of a model."""
    goal = target(model, plain)
    gen = goal.folder / "gen"
    render.write(model, gen)
    sources = sorted(p for p in gen.glob("*.c") if p.name != "taps.c")
    return program(goal, "calls", sources)


def program(goal: Target, name: str, sources: list[Path]) -> Path:
    """Compiled and linked; what has not changed since the last time is left."""
    path, newest = goal.folder / name, [*sources, *HERE.glob("*.[ch]"), *HARNESS.glob("*.h")]
    if path.exists() and path.stat().st_mtime > max(p.stat().st_mtime for p in newest):
        return path
    goal.compile["flags"] += ["-iquote", str(HARNESS)]
    sources = [HERE / f"{name}.c", *sources]
    objects = build.compile_objects(goal, sources, goal.folder / "obj" / name)
    return build.link(goal, goal.compile["link"], [*objects, "-lm"], name)


def run(path: Path, seed: int, seconds: float) -> dict[str, int]:
    """{what: how much} that a fuzzer did. Raises SystemExit with what it found."""
    corpus = sorted(map(str, (HERE / "corpus").glob("*.wav"))) if path.name == "files" else []
    log = path.with_suffix(".log")
    with log.open("w") as errors:
        done = subprocess.run([str(path), str(seed), f"{seconds:.0f}", "0", *corpus], check=False,
                              stdout=subprocess.PIPE, stderr=errors, text=True)  # fmt: skip
    if done.returncode:
        text = log.read_text(errors="replace")
        number = (re.findall(r"case (\d+)", text) or ["0"])[-1]
        report = re.split(r"(?=\n==\d+==ERROR|\S+:\d+:\d+: runtime error)", text)[-1][-3000:]
        again = " ".join([str(path), str(seed), "1", number, *corpus])
        raise SystemExit(f"{done.stdout}{report}\n{path.name}: exit code {done.returncode}; repeat "
                         f"it by\n  {again}")  # fmt: skip
    return {what: int(count) for what, count in DONE.findall(done.stdout)}


def add(totals: Path, found: dict[str, int], how: str) -> dict[str, int]:
    """Adds to what was done before, by kind of build."""
    known = json.loads(totals.read_text()) if totals.exists() else {}
    for what, count in found.items():
        known[f"{what}, {how}"] = known.get(f"{what}, {how}", 0) + count
    with whole(totals) as new:
        new.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return known


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    models = sorted(path.stem for path in MODELS.glob("*.safetensors"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, help="else by the clock, and printed")
    parser.add_argument("--models", nargs="+", type=fit_model, default=models)
    parser.add_argument("--only", nargs="+", choices=list(SHARE), default=list(SHARE))
    parser.add_argument("--plain", action="store_true", help="without sanitizers, faster")
    parser.add_argument("--keep", action="store_true", help="add it to what docs/ shows")
    args = parser.parse_args()
    seed = int(time.time()) if args.seed is None else args.seed
    totals = HERE / "totals.json" if args.keep else Path("build/fuzz/totals.json")
    chosen = [name for name in SHARE if name in args.only]
    whole_share = sum(SHARE[name] for name in chosen)
    programs = {}
    if "calls" in chosen:
        part = SHARE["calls"] / len(args.models)
        programs |= {calls(model, args.plain): part for model in args.models}
    for name in chosen[chosen[:1] == ["calls"] :]:
        goal = target("command", args.plain)
        sources = [HARNESS / f"{source}.c" for source in PARTS[name]]
        programs[program(goal, name, sources)] = SHARE[name]
    for path, share in programs.items():
        found = run(path, seed, 60 * args.minutes * share / whole_share)
        for what, count in found.items():
            print(f"{what}: {count:,}, seed {seed}", flush=True)
        add(totals, found, "plain" if args.plain else "sanitized")
    return 0


if __name__ == "__main__":
    sys.exit(main())
