"""Which weights are better by ear's measures, in minutes: the float reference over prepared sets.

    python -m studies.judge A.safetensors B.safetensors --sets build/sets/X build/sets/Y [--quick]

A line for all clips of a set, then one an SNR: PESQ-WB, ESTOI and DNSMOS OVRL (not with --quick,
which takes a fifth of the time), options as shipped; with --postfilter also with that one on. The
systems of BUILD/score/<set>.csv stand above the candidates; below, the means of the paired
differences to pyrnnoise with their 95 % intervals, where it is among them. --csv keeps the scores
clip by clip. Weights are files of any name in the layout of reference/models, float16 or float32.
"""

import argparse
import csv
import multiprocessing
import os
import sys
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from eval.testset import read_set
from reference import dnn
from reference.clips import hops_side_by_side, read, to_int16, without_delay
from reference.interrupt import deaf
from reference.runner import BLAS_THREADS
from reference.suppressor import BackEnd, Options, Suppressor

TOGETHER = 20  # clips that share the products of a network
MEASURES = ("pesq_wb", "estoi", "dnsmos_ovrl")
HEAD = ("PESQ-WB", "ESTOI", "OVRL")
RIVAL = "pyrnnoise"
RATE = 48000


class Job(NamedTuple):
    """Clips of one set, which are as long as one another or nearly so."""

    folder: Path
    clips: list[dict]
    weights: list[Path]
    quick: bool
    postfilter: bool


weights_of = cache(dnn.read)


def judge(job: Job) -> list[dict]:
    """A row for each clip, file of weights and postfilter: {set, clip, snr, system, measures}."""
    sounds = [read(job.folder / clip["noisy"]) / 32768 for clip in job.clips]
    clean = [read(job.folder / clip["clean"]) / 32768 for clip in job.clips]
    hops = hops_side_by_side(sounds)
    fronts = [Suppressor(None).hear(hops[:, c]) for c in range(len(sounds))]
    features, rows = np.stack([taps["features"] for taps in fronts], axis=1), []
    for path in job.weights:
        gain, strength, _ = dnn.Network(weights_of(path)).run(features)
        for postfilter in (False, True)[: 1 + job.postfilter]:
            out = np.stack([BackEnd(Options(postfilter=postfilter)).run(dict(taps), g, r)
                            for taps, g, r in zip(fronts, gain.swapaxes(0, 1),
                                                  strength.swapaxes(0, 1), strict=True)], axis=1)
            rows += [{"set": job.folder.name, "clip": clip["name"], "snr": clip["snr"],
                      "system": name_of(path, postfilter)} | score(wanted, x, job.quick)
                     for clip, wanted, x in zip(job.clips, clean, without_delay(out, sounds),
                                                strict=True)]
    return rows


def name_of(path: Path, postfilter: bool) -> str:
    """As it stands in the table."""
    return path.stem + " postfilter" * postfilter


def score(clean: np.ndarray, enhanced: np.ndarray, quick: bool) -> dict[str, float]:
    """{measure: value} of samples as a file of 16 bits would hold them, or {"error": reason}."""
    from eval.metrics import MetricError, dnsmos, estoi, pesq_wb
    from eval.metrics.base import WIDE_RATE, at_rate

    enhanced = to_int16(enhanced) / 32768
    wide = at_rate(RATE, WIDE_RATE, clean, enhanced)
    try:
        found = {"pesq_wb": pesq_wb(*wide, WIDE_RATE), "estoi": estoi(clean, enhanced, RATE)}
        ratings = {} if quick else dnsmos(wide[1], WIDE_RATE)
    except MetricError as error:
        return {"error": str(error)}
    return found | {m: ratings[m] for m in MEASURES if m in ratings}


def jobs(folder: Path, weights: list[Path], quick: bool, postfilter: bool) -> list[Job]:
    """The clips of a prepared set by length, TOGETHER at a time."""
    clips = sorted(read_set(folder)["clips"],
                   key=lambda clip: clip["seconds"])
    return [Job(folder, clips[k : k + TOGETHER], weights, quick, postfilter)
            for k in range(0, len(clips), TOGETHER)]


def known(build: Path, folder: Path) -> list[dict]:
    """Rows of BUILD/score/<set>.csv in the manner of `judge`; none without the file."""
    path = build / "score" / f"{folder.name}.csv"
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [{"set": folder.name, "clip": row["clip"],
                 "snr": float(row["snr"]) if row["snr"] else None, "system": row["system"],
                 **{m: float(row[m]) for m in MEASURES if row.get(m)}}
                for row in csv.DictReader(file) if not row["error"]]


def cells(rows: list[dict]) -> str:
    """Means, – for a measure that not every row has."""
    return "".join(f"{fmean(r[m] for r in rows):{w}}" if all(m in r for r in rows) else f"{'–':>8}"
                   for m, w in zip(MEASURES, ("8.3f", "8.4f", "8.3f"), strict=True))


def lead(rows: list[dict], rival: list[dict]) -> str:
    """Mean and 95 % interval of the paired differences to the rival, measure by measure."""
    from eval.statistics import interval

    beside, parts = {row["clip"]: row for row in rival}, []
    for measure, head in zip(MEASURES, HEAD, strict=True):
        pairs = [(row[measure], beside[row["clip"]][measure]) for row in rows
                 if measure in row and measure in beside.get(row["clip"], {})]
        if pairs:
            difference = np.subtract(*np.transpose(pairs))
            low, high = interval(difference)
            parts.append(f"{head} {difference.mean():+.3f} ({low:+.3f} … {high:+.3f})")
    return ", ".join(parts)


def table(rows: list[dict]) -> str:
    """The lines of one set: all clips, then SNR by SNR, a line a system."""
    systems = list(dict.fromkeys(row["system"] for row in rows))
    width, lines = max(map(len, systems)), []
    for snr in [None, *sorted({row["snr"] for row in rows} - {None})]:
        chosen = [row for row in rows if snr is None or row["snr"] == snr]
        title = "all" if snr is None else f"{snr:g} dB"
        lines.append(f"{title:<8}{'':{width}}" + "".join(f"{h:>8}" for h in HEAD))
        for system in systems:
            mine = [row for row in chosen if row["system"] == system]
            lines.append(f"{'':8}{system:{width}}{cells(mine)}")
    rival = [row for row in rows if row["system"] == RIVAL]
    against = [(s, lead([r for r in rows if r["system"] == s], rival)) for s in systems]
    lines += [f"{s:{width}} against {RIVAL}: {text}" for s, text in against if text and s != RIVAL]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips could not be scored (each is named), 2 for unreadable input."""
    parser = argparse.ArgumentParser(prog="python -m studies.judge", description="compare weights")
    parser.add_argument("weights", nargs="+", type=Path, metavar="FILE.safetensors")
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="prepared sets")
    parser.add_argument("--quick", action="store_true", help="without DNSMOS")
    parser.add_argument("--postfilter", action="store_true", help="also with the postfilter on")
    parser.add_argument("--build", type=Path, default=Path("build"), help="of the score tables")
    parser.add_argument("--csv", type=Path, help="file for the scores clip by clip")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args(arguments)
    os.environ |= dict.fromkeys(BLAS_THREADS, "1")
    try:
        for path in args.weights:
            dnn.read(path)
        todo = [job for folder in args.sets
                for job in jobs(folder, args.weights, args.quick, args.postfilter)]
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with deaf():
        pool = multiprocessing.get_context("spawn").Pool(min(args.jobs, len(todo)))
    with pool:
        rows = [row for some in pool.imap_unordered(judge, todo) for row in some]
    for folder in args.sets:
        mine = [row for row in rows if row["set"] == folder.name]
        print(f"\n{folder.name}\n{table(known(args.build, folder) + mine)}")
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["set", "system", "clip", "snr", *MEASURES, "error"])
            writer.writeheader()
            writer.writerows(rows)
    failed = [row for row in rows if "error" in row]
    for row in failed:
        print(f"failed: {row['system']} {row['clip']}: {row['error']}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
