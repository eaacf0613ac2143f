"""Run systems of systems.toml over a set: `python -m eval.systems --set build/sets/X NAME…`.

Leaves BUILD/out/<system>/X/<clip>.wav, 48 kHz, 16-bit, aligned with the clean clip and as long, and
system.json beside them:

    {"name", "entry": of systems.toml, "version": of its package, "resampler", "clips",
     "delay": samples at 48 kHz taken out, "delay_range": [smallest, largest] of a clip,
     "failed": {clip: reason}}

Every clip is run with 0.1 s of silence behind it, so that the delay pushes nothing out; the delay
is the median of the clips', against the clean clip, or the noisy one where there is none. A clip
that fails is named and left out; the scores list it.
"""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median_low

import numpy as np
import soundfile as sf
import soxr

from eval.metrics.base import DELAY_MAX_S, MetricError, delay
from eval.testset import read_set
from reference.clips import to_int16
from reference.files import whole
from reference.runner import Clip, every_clip

RATE = 48000
TABLE = Path(__file__).parent / "systems.toml"
TAIL = int(DELAY_MAX_S * RATE)
KEYS = {"command", "python", "package", "rate", "ours", "instructions", "instructions_from",
        "per_hop"}  # fmt: skip


class SystemFault(Exception):
    """A system that cannot be run, or not on this clip; the message says why."""


def read_table(path: Path = TABLE) -> dict[str, dict]:
    """Entries of systems.toml by name, in order. Raises SystemFault naming a wrong one."""
    table = tomllib.loads(path.read_text())
    for name, entry in table.items():
        if set(entry) - KEYS or ("command" in entry) == ("python" in entry) or "rate" not in entry:
            raise SystemFault(f"{path.name}: [{name}] has {', '.join(entry)}; it needs rate, "
                              f"either command or python, and may have {', '.join(sorted(KEYS))}")
        if not all(word in entry.get("command", "{in} {out}") for word in ("{in}", "{out}")):
            raise SystemFault(f"{path.name}: [{name}] command needs {{in}} and {{out}}")
    return table


def run_command(command: str, rate: int, x: np.ndarray) -> np.ndarray:
    """Output samples of a shell command for x, through WAV files. Raises SystemFault."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.wav" for name in ("in", "out")}
        sf.write(paths["in"], to_int16(x), rate, subtype="PCM_16")
        words = command.format_map({k: shlex.quote(str(p)) for k, p in paths.items()})
        done = subprocess.run(words, shell=True, check=False, capture_output=True, text=True)
        if done.returncode or not paths["out"].exists():
            last = (done.stderr.strip().splitlines() or ["it wrote no output file"])[-1]
            raise SystemFault(f"exit code {done.returncode}: {last}")
        try:
            y, got = sf.read(paths["out"])
        except (sf.SoundFileError, RuntimeError) as error:
            raise SystemFault(f"its output cannot be read ({error})") from error
    if got != rate or y.ndim != 1:
        raise SystemFault(f"its output has {got} Hz and shape {y.shape}, needs {rate} Hz, mono")
    return y


def run_python(entry_point: str, x: np.ndarray) -> np.ndarray:
    """Output samples of "module:function" for x. Raises SystemFault when something is missing."""
    module, function = entry_point.split(":")
    try:
        return getattr(import_module(module), function)(x)
    except ImportError as error:
        raise SystemFault(f"{error}; pip install -e '.[peers,dfn3]', or the package that is "
                          "missing") from error
    except FileNotFoundError as error:
        raise SystemFault(str(error)) from error


def enhance(entry: dict, noisy: np.ndarray) -> np.ndarray:
    """`noisy` (n,) at 48 kHz through a system, (n + TAIL,), delay still in it. Raises SystemFault.
    """
    x = np.pad(noisy, (0, TAIL))
    at_rate = soxr.resample(x, RATE, entry["rate"]) if entry["rate"] != RATE else x
    y = (run_command(entry["command"], entry["rate"], at_rate) if "command" in entry
         else run_python(entry["python"], at_rate))
    if not np.all(np.isfinite(y)):
        raise SystemFault("its output holds NaN or infinite samples")
    if y.size < at_rate.size - TAIL * entry["rate"] // RATE:
        raise SystemFault(f"its output has {y.size} samples, its input {at_rate.size}")
    y = soxr.resample(y, entry["rate"], RATE) if entry["rate"] != RATE else y
    return np.pad(y, (0, max(0, x.size - y.size)))[:x.size]


def run_clips(clips: list[Clip], entry: dict, out: Path) -> list[dict]:
    """Write the outputs of some clips, with TAIL, to `out`; a dict each, "delay" or "failed"."""
    found = []
    for clip in clips:
        noisy, clean = (sf.read(path)[0] for path in clip.sources)
        try:
            y = to_int16(enhance(entry, noisy))
            shift = delay(np.pad(clean, (0, TAIL)), y, RATE)
        except (SystemFault, MetricError) as error:
            found.append({"failed": str(error), "files": []})
            continue
        path = out / f"{clip.name}.wav"
        with whole(path) as new:
            sf.write(new, y, RATE, subtype="PCM_16")
        found.append({"delay": int(shift), "files": [str(path)]})
    return found


def align(source: Path, out: Path, shift: int) -> None:
    """A WAV without `shift` samples at its beginning and the rest of TAIL at its end."""
    y, _ = sf.read(source, dtype="int16")
    sf.write(out, y[shift:shift + y.size - TAIL], RATE, subtype="PCM_16")


def package_version(entry: dict) -> str | None:
    """Version of the PyPI package an entry names, None without one."""
    try:
        return version(entry["package"]) if "package" in entry else None
    except PackageNotFoundError:
        return None


def run(name: str, entry: dict, folder: Path, build: Path, workers: int) -> dict:
    """Run one system over a prepared set, whole or not at all; what system.json holds.

    What it has made before it is killed lies in a hidden folder, and is not made again. Raises
    SystemFault when every clip fails.
    """
    about = read_set(folder, with_clean=False)
    clips = [Clip(clip["name"],
                  (folder / clip["noisy"], folder / (clip["clean"] or clip["noisy"])))
             for clip in about["clips"]]
    place = build / "out" / name / about["name"]
    raw = place.with_name(f".{place.name}.raw")
    key = {"entry": entry, "version": package_version(entry)}
    found = every_clip(clips, partial(run_clips, entry=entry, out=raw), raw / "done.json", key,
                       jobs=workers, title=name)
    failed = {clip: told["failed"] for clip, told in found.items() if "failed" in told}
    delays = {clip: told["delay"] for clip, told in found.items() if clip not in failed}
    if not delays:
        shutil.rmtree(raw)
        raise SystemFault(f"{name}: {next(iter(failed.values()))}")
    facts = {"name": name, "entry": entry, "version": key["version"],
             "resampler": f"soxr {soxr.__version__} HQ", "clips": len(clips),
             "delay": max(0, median_low(delays.values())),
             "delay_range": [min(delays.values()), max(delays.values())], "failed": failed}
    with whole(place) as new:
        new.mkdir()
        for clip in delays:
            align(raw / f"{clip}.wav", new / f"{clip}.wav", facts["delay"])
        (new / "system.json").write_text(json.dumps(facts, indent=1) + "\n")
    shutil.rmtree(raw)
    return facts


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips failed (each is named), 2 when a system cannot run at all."""
    parser = argparse.ArgumentParser(prog="python -m eval.systems", description="run systems")
    parser.add_argument("names", nargs="+", metavar="NAME", help="as in systems.toml")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--table", type=Path, default=TABLE, help="systems.toml (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="clips at a time (%(default)s)")
    args = parser.parse_args(arguments)
    failed = 0
    try:
        table = read_table(args.table)
        for name in args.names:
            if name not in table:
                raise SystemFault(f"{name}: not in {args.table.name}, which has {', '.join(table)}")
            about = run(name, table[name], args.set, args.build, args.workers)
            failed += len(about["failed"])
            for clip, why in about["failed"].items():
                print(f"failed: {name} {clip}: {why}", file=sys.stderr)
            print(f"{name}: {about['clips'] - len(about['failed'])} of {about['clips']} clips, "
                  f"delay {about['delay']} samples taken out")
    except SystemFault as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
