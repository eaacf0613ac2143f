"""Score every system's output of a prepared set: `python -m eval.score --set build/sets/X`.

Reads the set, and BUILD/out/<system>/X/<clip>.wav of every system that has run; "noisy" is a
system too. Writes BUILD/score/X.csv, a row a clip and system:

    system, clip, snr, noise, reverb, <every measure of eval.metrics>, delay, sha256, error

Clips are scored on a cluster (eval.cluster): this machine's cores, or --scheduler. Scores are
kept in BUILD/score/cache.jsonl as they come, by the samples' hash, so a run that was killed goes
on where it was, and outputs that are equal (twin, host, arm64) are scored once. `delay` is in
samples at 48 kHz and should be 0: it is reported, never corrected here.

A clip that cannot be scored has `error` filled and no figures; it is listed and counted, and is in
no mean of any system (eval.statistics). The exit code is then 3, INCOMPLETE; the CSV is whole. It
is said whose fault it is: the clip's where noisy fails too (too short for PESQ, no speech), else
the system's.
"""

import argparse
import csv
import hashlib
import json
import math
import sys
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

import numpy as np
import soundfile as sf
import soxr
from distributed import Client

from eval.cluster import check_versions, connect, spread
from eval.metrics import (
    METRICS,
    VERSION,
    MetricError,
    available,
    delay,
    measure,
    measure_alone,
)
from eval.systems import read_table
from eval.testset import read_set
from reference.files import whole

ORDER = ("noisy", "float", "twin", "host")
INCOMPLETE = 3  # exit code: all was written, but clips are in no mean
FIELDS = ("system", "clip", "snr", "noise", "reverb", *METRICS, "delay", "sha256", "error")


@cache
def outside() -> frozenset[str]:
    """Names in systems.toml of systems that are not ours."""
    return frozenset(name for name, entry in read_table().items() if not entry.get("ours"))


def system_key(system: str) -> tuple:
    """Sort key: noisy, float, twin, host, then targets and others of ours by name, then outside."""
    place = ORDER.index(system) if system in ORDER else len(ORDER)
    return (place + (system in outside()), system)


def best_system(systems: list[str]) -> str | None:
    """The system to show as ours: the first arm64 one, else twin, host, float; None if none."""
    arm = sorted(s for s in systems if s.startswith("arm64"))
    return next((s for s in [*arm, "twin", "host", "float"] if s in systems), None)


def tools() -> str:
    """Versions that a score depends on, in one line."""
    names = ["pesq", "pystoi", "soxr", "numpy", "scipy"]
    names += ["onnxruntime", "speechmos"] if available() else []
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


def samples_hash(path: Path) -> dict:
    """{"sha256"} of samples and rate, whatever the header or bit depth, or {"error": reason}."""
    try:
        x, rate = read_output(path)
    except MetricError as error:
        return {"error": str(error)}
    return {"sha256": hashlib.sha256(x.tobytes() + str(rate).encode()).hexdigest()}


def score_pair(job: tuple[Path | None, Path, int]) -> dict:
    """{metric: value, …, "delay": samples, "cpu_s"} of (clean, output, score_rate), or
    {"error": reason}. Without clean there is DNSMOS alone, and no delay."""
    (clean_path, path, score_rate), begin = job, time.process_time()
    try:
        if clean_path is None:
            result = measure_alone(*read_output(path))
            return result | {"cpu_s": round(time.process_time() - begin, 3)}
        (clean, rate), (x, got) = read_output(clean_path), read_output(path)
        if got != rate:
            raise MetricError(f"{path}: rate is {got} Hz, the set has {rate}")
        if x.size != clean.size:
            raise MetricError(f"{path}: {x.size} samples, the clean file has {clean.size}")
        result = {"delay": delay(clean, x, rate)}
        if rate != score_rate:
            clean, x = (soxr.resample(s, rate, score_rate) for s in (clean, x))
        result |= measure(clean, x, score_rate)
        return result | {"cpu_s": round(time.process_time() - begin, 3)}
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


def read_csv(path: Path) -> list[dict]:
    """Rows of BUILD/score/X.csv: figures as float, empty ones None. SystemExit when it is none."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError("no rows")
        for row in rows:
            figures = {name: row.get(name) or None for name in (*METRICS, "delay", "snr")}
            row |= {name: text and float(text) for name, text in figures.items()}
            if not all(math.isfinite(row[name] or 0) for name in figures):
                raise ValueError("a figure is not finite")
            _ = row["system"], row["clip"], row["error"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SystemExit(f"error: {path}: holds no scores ({type(error).__name__}: {error}); "
                         "remove it, then make score") from error
    return rows


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
    about = read_set(folder, with_clean=False)
    rows = []
    for system in ["noisy", *find_systems(build, about["name"], wanted)]:
        for clip in about["clips"]:
            path = (folder / clip["noisy"] if system == "noisy"
                    else build / "out" / system / about["name"] / f"{clip['name']}.wav")
            rows.append({"system": system, "clip": clip["name"], "snr": clip.get("snr"),
                         "noise": clip.get("noise"), "reverb": clip.get("reverb"),
                         "path": path,
                         "clean": clip["clean"] and folder / clip["clean"]})
    return about, rows


def give_keys(client: Client, rows: list[dict], score_rate: int) -> None:
    """Fill row["sha256"] and row["key"], or row["error"] where a file is missing or broken."""
    paths = {row[kind] for row in rows for kind in ("path", "clean") if row[kind]}
    hashes = dict(spread(client, samples_hash, sorted(paths), "reading", len(paths)))
    common = f"{score_rate} {tools()}"
    for row in rows:
        mine = hashes[row["path"]]
        clean = hashes[row["clean"]] if row["clean"] else {"sha256": "no clean speech"}
        row.update(clean if "error" in clean else mine)
        if "error" not in row:
            text = f"{clean['sha256']} {row['sha256']} {common}"
            row["key"] = hashlib.sha256(text.encode()).hexdigest()


def run_missing(client: Client, rows: list[dict], cache: Cache, score_rate: int) -> int:
    """Score what the cache does not know, each key once; how many were scored. Says how fast."""
    missing = {row["key"]: row for row in rows if "key" in row and row["key"] not in cache.known}
    keys = {(row["clean"], row["path"], score_rate): key for key, row in missing.items()}
    failed, seconds = {}, []
    for job, result in spread(client, score_pair, keys, "scoring", len(keys)):
        if isinstance(result, Exception):
            failed[keys[job]] = {"error": f"{job[1]}: the process that scored it died again and "
                                            f"again ({result})"}
        elif "error" in result:  # may be mended without a change of the samples: not kept
            failed[keys[job]] = result
        else:
            seconds.append(result.pop("cpu_s"))
            cache.add(keys[job], result)
    if sum(seconds):
        print(f"{60 / fmean(seconds):.0f} clips a minute and core", file=sys.stderr)
    for row in rows:
        row.update(failed.get(row.get("key"), {}))
    return len(missing)


def score_rows(rows: list[dict], score_rate: int, build: Path, workers: int = 2,
               scheduler: str | None = None) -> int:
    """Fill every row with its measures, or with `error`; how many were not known before."""
    cache = Cache(build / "score" / "cache.jsonl")
    with connect(scheduler, workers) as client:
        check_versions(client, tools)
        give_keys(client, rows, score_rate)
        new = run_missing(client, rows, cache, score_rate)
    for row in rows:
        row.update(cache.known.get(row.get("key"), {}))
    return new


def write_csv(path: Path, rows: list[dict]) -> None:
    """Write BUILD/score/X.csv whole or not at all; figures with 6 significant decimals."""
    with whole(path) as new, open(new, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            figures = {m: f"{row[m]:.6f}" for m in METRICS if m in row}
            writer.writerow(row | figures)


def score(folder: Path, build: Path, workers: int = 2, wanted: list[str] | None = None,
          scheduler: str | None = None) -> list[dict]:
    """Score systems (all, or those wanted) on the prepared set in `folder`.

    Returns the rows, which are also in BUILD/score/X.csv.
    """
    about, rows = jobs(folder, build, wanted or [])
    new = score_rows(rows, about["score_rate"], build, workers, scheduler)
    write_csv(build / "score" / f"{about['name']}.csv", rows)
    print(f"{about['name']}: {len(rows)} clips of {len({r['system'] for r in rows})} systems, "
          f"{new} newly scored, the rest known", file=sys.stderr)
    return rows


def exit_code(rows: list[dict]) -> int:
    """Name on stderr what could not be scored; INCOMPLETE if there is any, else 0."""
    failed = [row for row in rows if row.get("error")]
    unusable = {row["clip"] for row in failed if row["system"] == "noisy"}
    for row in failed:
        whose = "clip" if row["clip"] in unusable else "system"
        print(f"failed ({whose}): {row['system']} {row['clip']}: {row['error']}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(rows)} clips could not be scored and are in no mean",
              file=sys.stderr)
    return INCOMPLETE * bool(failed)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 3 when clips could not be scored (each is listed), 2 without a set."""
    parser = argparse.ArgumentParser(prog="python -m eval.score", description="score all systems")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--systems", nargs="+", help="names, or targets for all of their CPUs")
    parser.add_argument("--workers", type=int, default=2, help="processes here (%(default)s)")
    parser.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="of a dask cluster, instead")
    parser.add_argument("--read", action="store_true",
                        help="score nothing: name what could not be scored last time")
    args = parser.parse_args(arguments)
    if not (args.set / "set.json").exists():
        print(f"error: {args.set}: no prepared set; run python -m eval.testset prepare first",
              file=sys.stderr)
        return 2
    if args.read:
        return exit_code(read_csv(args.build / "score" / f"{args.set.name}.csv"))
    return exit_code(score(args.set, args.build, args.workers, args.systems, args.scheduler))


if __name__ == "__main__":
    sys.exit(main())
