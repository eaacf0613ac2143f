"""Where two builds, or a build and the twin, part on a clip: first stage, frame and index.

    python -m targets.diff A B CLIP.wav

A and B: `twin`, a target (`host`, `arm64:cortex-a53`) or a build of the full check
(`armv7-clang-O2`); a target runs on its first CPU unless one is named. CLIP: 48 kHz, 16-bit, mono.
Prints the difference and exits with 1, or says that there is none.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from targets.target import Target, load, read_plan
from targets.variants import variants


def run_command(command: list[str]) -> None:
    """Raises SystemExit with the command's own words when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}".rstrip())


def command_taps(target: Target, cpu: str, noisy: Path, options: tuple[str, ...] = ()) -> bytes:
    """The taps of one clip that `build/<target>/percepnet` records."""
    with tempfile.TemporaryDirectory() as folder:
        taps, out = Path(folder) / "taps", Path(folder) / "out.wav"
        run_command([*target.command(cpu), *options, "--taps", str(taps), str(noisy), str(out)])
        return taps.read_bytes()


def twin_taps(model: str, noisy: Path, every_stage: bool = False) -> bytes:
    """The twin's taps of one clip in the same format; every_stage: all that can be switched on."""
    from codegen import twin  # here: most runs need no twin
    from reference.suppressor import EVERY_STAGE, Options

    samples, _ = soundfile.read(noisy, dtype="int16")
    options = EVERY_STAGE if every_stage else Options()
    frames: list[dict] = []
    twin.enhance(samples, twin.network(model), options, frames)
    return twin.dump(frames, twin.settle(model)[0]).tobytes()


def tap_frames(data: bytes, taps: list[dict]) -> Iterator[tuple[int, dict, np.ndarray]]:
    """(call, tap, values) in the order of the dump."""
    layout = [(tap, np.dtype(tap["dtype"]).newbyteorder("<"), tap["count"]) for tap in taps]
    frame_bytes = sum(dtype.itemsize * count for _, dtype, count in layout)
    for call in range(len(data) // frame_bytes):
        at = call * frame_bytes
        for tap, dtype, count in layout:
            yield call, tap, np.frombuffer(data, dtype, count, at)
            at += count * dtype.itemsize


def first_difference(
    a: bytes, b: bytes, taps: list[dict], names: tuple[str, str] = ("twin", "here")
) -> str:
    """Names the first tap (in pipeline order, call by call) in which two dumps differ.

    Empty when the dumps are equal.
    """
    if a == b:
        return ""
    pairs = zip(tap_frames(a, taps), tap_frames(b, taps), strict=False)
    for (call, tap, x), (_, _, y) in pairs:
        if not np.array_equal(x, y):
            i = int(np.flatnonzero(x != y)[0])
            return (
                f"stage {tap['stage']}, signal {tap['name']}, frame {call}, index {i}: "
                f"{names[0]} {x[i]}, {names[1]} {y[i]} ({tap['dtype']}; {tap['format']})"
            )
    return f"the signals agree but end apart: {names[0]} {len(a)} bytes, {names[1]} {len(b)} bytes"


def resolve(name: str) -> tuple[Target, str]:
    """(target, CPU) of `TARGET`, `TARGET:CPU` or a build of the full check."""
    target_name, _, cpu = name.partition(":")
    target = variants().get(target_name) or load(target_name)
    if cpu and cpu not in target.cpus:
        raise SystemExit(f"CPU {cpu!r} found; {target.name} has {', '.join(target.cpus)}")
    return target, cpu or target.cpus[0]


def compare(a: str, b: str, clip: Path) -> str:
    """First difference of A and B on a clip, empty when there is none. SystemExit says why not."""
    if "twin" in (a, b) and (a == b):
        raise SystemExit("twin and twin found; at least one build is needed")
    builds = {name: resolve(name) for name in (a, b) if name != "twin"}
    plans = {name: read_plan(target) for name, (target, _) in builds.items()}
    plan, *others = plans.values()
    if any(other["taps"] != plan["taps"] for other in others):
        raise SystemExit(f"{a} and {b} record different signals: their plans are not of one model")
    dumps = {name: command_taps(*build, clip) for name, build in builds.items()}
    if "twin" in (a, b):
        dumps["twin"] = twin_taps(plan["model"]["name"], clip)
    return first_difference(dumps[a], dumps[b], plan["taps"], (a, b))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("a", metavar="A")
    parser.add_argument("b", metavar="B")
    parser.add_argument("clip", type=Path, metavar="CLIP")
    args = parser.parse_args()
    if not args.clip.is_file():
        raise SystemExit(f"{args.clip}: no such file; a 48 kHz 16-bit mono WAV is needed")
    difference = compare(args.a, args.b, args.clip)
    print(difference or f"{args.a} and {args.b}: no signal differs in any frame")
    sys.exit(1 if difference else 0)


if __name__ == "__main__":
    main()
