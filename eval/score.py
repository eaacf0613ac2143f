"""Score every system's output of a prepared set: `python -m eval.score --set build/sets/X`.

Reads the set, and BUILD/out/<system>/X/<clip>.wav of every system that has run; "noisy" is a
system too. Writes BUILD/score/X.csv, a row a clip and system:

    system, clip, snr, noise, reverb, pesq_wb, pesq_nb, stoi, estoi, si_sdr, delay, sha256, error

Scores are kept in BUILD/score/cache.jsonl by the samples' hash, so a run that was stopped goes
on where it was, and outputs that are equal (twin, host, arm64) are scored once. A clip that
cannot be scored has `error` filled and no figures; it is listed, counted, and makes the exit
code 1. `delay` is in samples at 48 kHz and should be 0: it is reported, never corrected.
"""

import argparse
import csv
import hashlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from eval.metrics import METRICS, VERSION, MetricError, delay

ORDER = ("noisy", "float", "twin", "host")
FIELDS = ("system", "clip", "snr", "noise", "reverb", *METRICS, "delay", "sha256", "error")


def system_key(system: str) -> tuple:
    """Sort key: noisy, float, twin, host, then targets by name."""
    return (ORDER.index(system) if system in ORDER else len(ORDER), system)


def best_system(systems: list[str]) -> str | None:
    """The system to show as ours: the first arm64 one, else twin, host, float; None if none."""
    arm = sorted(s for s in systems if s.startswith("arm64"))
    return next((s for s in [*arm, "twin", "host", "float"] if s in systems), None)


def tools() -> str:
    """Versions that a score depends on, in one line."""
    names = ("pesq", "pystoi", "soxr", "numpy", "scipy")
    return ", ".join([f"metrics {VERSION}", *(f"{n} {version(n)}" for n in names)])


def read_output(path: Path) -> tuple[np.ndarray, int]:
    """(samples (n,), rate) of a WAV. Raises MetricError naming what is wrong with the file."""
    if not path.exists():
        raise MetricError(f"{path}: missing; run this system on the set")
    try:
        x, rate = sf.read(path, always_2d=True)
    except (sf.SoundFileError, RuntimeError) as error:
        raise MetricError(f"{path}: cannot be read ({error})") from error
    if x.shape[1] != 1:
        raise MetricError(f"{path}: has {x.shape[1]} channels, needs 1")
    return x[:, 0], rate


def samples_hash(path: Path) -> str:
    """SHA-256 of samples and rate, whatever the header or bit depth."""
    x, rate = read_output(path)
    return hashlib.sha256(x.tobytes() + str(rate).encode()).hexdigest()


def score_pair(clean_path: Path, path: Path, score_rate: int) -> dict:
    """{metric: value, …, "delay": samples} or {"error": reason} of one clip."""
    try:
        (clean, rate), (x, got) = read_output(clean_path), read_output(path)
        if got != rate:
            raise MetricError(f"{path}: rate is {got} Hz, the set has {rate}")
        if x.size != clean.size:
            raise MetricError(f"{path}: {x.size} samples, the clean file has {clean.size}")
        result = {"delay": delay(clean, x, rate)}
        if rate != score_rate:
            clean, x = (soxr.resample(s, rate, score_rate) for s in (clean, x))
        return result | {name: f(clean, x, score_rate) for name, f in METRICS.items()}
    except MetricError as error:
        return {"error": str(error)}


class Cache:
    """Results by key in a JSON-lines file; a line cut off by a stopped run is left out."""

    def __init__(self, path: Path):
        self.path, self.known = path, {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            text = path.read_text()
            for line in text.splitlines():
                try:
                    key, result = json.loads(line)
                    self.known[key] = result
                except ValueError:
                    continue
            if not text.endswith("\n"):
                path.write_text("".join(json.dumps(r) + "\n" for r in self.known.items()))

    def add(self, key: str, result: dict) -> None:
        """Keep a result now and on disk."""
        self.known[key] = result
        with open(self.path, "a") as file:
            file.write(json.dumps([key, result]) + "\n")


def find_systems(build: Path, name: str, wanted: list[str]) -> list[str]:
    """Systems with a folder BUILD/out/<system>/<name>, in order, without noisy.

    wanted: names, or targets for all of their CPUs (arm64 for arm64-cortex-a53); none means all.
    """
    there = (p.parent.name for p in (build / "out").glob(f"*/{name}") if p.is_dir())
    return sorted((system for system in there
                   if not wanted or any(f"{system}-".startswith(f"{w}-") for w in wanted)),
                  key=system_key)


def jobs(folder: Path, build: Path, wanted: list[str]) -> tuple[dict, list[dict]]:
    """(set.json, one row for each system and clip with its paths)."""
    about = json.loads((folder / "set.json").read_text())
    rows = []
    for system in ["noisy", *find_systems(build, about["name"], wanted)]:
        for clip in about["clips"]:
            path = (folder / clip["noisy"] if system == "noisy"
                    else build / "out" / system / about["name"] / f"{clip['name']}.wav")
            rows.append({"system": system, "clip": clip["name"], "snr": clip.get("snr"),
                         "noise": clip.get("noise"), "reverb": clip.get("reverb"),
                         "path": path, "clean": folder / clip["clean"]})
    return about, rows


def give_keys(rows: list[dict], score_rate: int) -> None:
    """Fill row["sha256"] and row["key"], or row["error"] where a file is missing or broken."""
    cleans: dict[Path, str] = {}
    common = f"{score_rate} {tools()}"
    for row in rows:
        try:
            row["sha256"] = samples_hash(row["path"])
            clean = row["clean"]
            cleans[clean] = cleans.get(clean) or samples_hash(clean)
            text = f"{cleans[clean]} {row['sha256']} {common}"
            row["key"] = hashlib.sha256(text.encode()).hexdigest()
        except MetricError as error:
            row["error"] = str(error)


def run_missing(rows: list[dict], cache: Cache, score_rate: int, workers: int) -> int:
    """Score what the cache does not know, each key once; how many were scored."""
    missing = {row["key"]: row for row in rows if "key" in row and row["key"] not in cache.known}
    if not missing:
        return 0
    with ProcessPoolExecutor(workers) as pool:
        futures = {pool.submit(score_pair, row["clean"], row["path"], score_rate): key
                   for key, row in missing.items()}
        for number, future in enumerate(as_completed(futures), 1):
            result = future.result()
            if "error" not in result:  # a fault may be mended without a change of the samples
                cache.add(futures[future], result)
            missing[futures[future]]["result"] = result
            if sys.stderr.isatty():
                print(f"\rscored {number} of {len(futures)}", end="", file=sys.stderr)
    for row in rows:
        if row.get("key") in missing:
            row.update(missing[row["key"]]["result"])
    return len(missing)


def write_csv(path: Path, rows: list[dict]) -> None:
    """Write BUILD/score/X.csv whole or not at all; figures with 6 significant decimals."""
    partial = path.with_suffix(f".partial-{os.getpid()}")
    with open(partial, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            figures = {m: f"{row[m]:.6f}" for m in METRICS if m in row}
            writer.writerow(row | figures)
    partial.rename(path)


def score(folder: Path, build: Path, workers: int = 2, wanted: list[str] | None = None
          ) -> list[dict]:
    """Score systems (all, or those wanted) on the prepared set in `folder`.

    Returns the rows, which are also in BUILD/score/X.csv.
    """
    about, rows = jobs(folder, build, wanted or [])
    rate = about["score_rate"]
    cache = Cache(build / "score" / "cache.jsonl")
    give_keys(rows, rate)
    new = run_missing(rows, cache, rate, workers)
    for row in rows:
        row.update(cache.known.get(row.get("key"), {}))
    write_csv(build / "score" / f"{about['name']}.csv", rows)
    print(f"{about['name']}: {len(rows)} clips of {len({r['system'] for r in rows})} systems, "
          f"{new} newly scored, the rest known", file=sys.stderr)
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips could not be scored (each is listed), 2 without a set."""
    parser = argparse.ArgumentParser(prog="python -m eval.score", description="score all systems")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--systems", nargs="+", help="names, or targets for all of their CPUs")
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    args = parser.parse_args(arguments)
    if not (args.set / "set.json").exists():
        print(f"error: {args.set}: no prepared set; run python -m eval.testset prepare first",
              file=sys.stderr)
        return 2
    rows = score(args.set, args.build, args.workers, args.systems)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"failed: {row['system']} {row['clip']}: {row['error']}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(rows)} clips could not be scored", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
