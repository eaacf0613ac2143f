"""The report: `python -m eval.report` writes BUILD/report/{report.json, report.md, index.html}.

Reads what the other tools left: BUILD/score/<set>.csv (eval.score), BUILD/<target>/run.json and
BUILD/<target>/gen/plan.json (targets), BUILD/sets/<set>/ and BUILD/out/<system>/<set>/ for audio,
BUILD/ladder/ (reference.studies, eval.ladder).
What is not there is said in words, in all three files.

`report.json` is an interface and is kept stable. Six keys, in this order:

provenance   {"scoring": versions and rates, "sets": {set: {source_sha256, score_rate, clips,
              failed: [{system, clip, error}], delay: {system: {median, largest}} in samples}},
              "targets": {target: tools, flags, commit, plan and command hashes},
              "margins": {target: [[what, bits]] smallest first}, "missing": [sentences]}
conformance  [{target, cpu, compiler, samples, mismatches, …}]
quality      [{system, testset, snr, clips, pesq_wb, pesq_nb, stoi, estoi, si_sdr}]: means over the
              `clips` that could be scored, null if none; snr null = all
ladder       [{step, testset, pesq_wb, stoi, estoi, si_sdr}]: means; true values from the clean
             speech one by one, and the network's
complexity   [{target, cpu, model, call, stage, instructions_mean, instructions_max}] per frame of
              10 ms; call "frame" or "block4", stage "total" or its name
footprint    [{target, model, state, scratch, stack, text, rodata, weights}] in bytes
integers     {"matrix": {provenance, rows: [{target, cpu, build, compiler, values, mismatches,
              first}]} or null, "cost": [{testset, clips, limits, rows, worst}] (eval.cost)}
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from statistics import fmean, median

from eval import integers
from eval.ladder import ladder_rows, read_steps
from eval.metrics import METRICS
from eval.page import write_page
from eval.score import system_key, tools
from eval.tables import print_table, summary, to_markdown

LISTS = ("conformance", "complexity", "footprint")
SMALLEST_MARGINS = 12


def set_order(name: str) -> tuple:
    """Sort key of test sets: embedded first."""
    return (name != "embedded", name)


def read_scores(build: Path, only: list[str] | None = None) -> dict[str, list[dict]]:
    """Rows of BUILD/score/*.csv by set (all, or `only` these); figures as float, empty as None."""
    scores = {}
    for path in sorted((build / "score").glob("*.csv"), key=lambda p: set_order(p.stem)):
        if only and path.stem not in only:
            continue
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for name in (*METRICS, "delay", "snr"):
                row[name] = float(row[name]) if row[name] else None
        scores[path.stem] = rows
    return scores


def mean_row(system: str, name: str, snr: float | None, rows: list[dict]) -> dict:
    """One entry of `quality`: means over the rows without error."""
    good = [row for row in rows if not row["error"]]
    figures = {m: round(fmean(r[m] for r in good), 5) if good else None for m in METRICS}
    snr = int(snr) if snr is not None and snr == int(snr) else snr
    return {"system": system, "testset": name, "snr": snr, "clips": len(good), **figures}


def quality(scores: dict[str, list[dict]]) -> list[dict]:
    """All entries of `quality`: sets in order, all SNRs together first, systems in order."""
    table = []
    for name, rows in scores.items():
        systems = sorted({row["system"] for row in rows}, key=system_key)
        snrs = sorted({row["snr"] for row in rows} - {None})
        for snr in [None, *snrs]:
            for system in systems:
                mine = [r for r in rows if r["system"] == system and snr in (None, r["snr"])]
                table.append(mean_row(system, name, snr, mine))
    return table


def read_runs(build: Path) -> dict[str, dict]:
    """run.json of every target by name, host first. Raises SystemExit if one cannot be read."""
    runs = {}
    for path in sorted(build.glob("*/run.json"), key=lambda p: system_key(p.parent.name)):
        try:
            runs[path.parent.name] = json.loads(path.read_text())
        except ValueError as error:
            raise SystemExit(f"error: {path}: is not JSON ({error}); build the target anew") \
                from error
    return runs


def margins(plan: object, where: str = "") -> list[list]:
    """[what, bits] for every key ending in margin_bits, anywhere in a plan."""
    found = []
    if isinstance(plan, dict):
        where = f"{where} {plan['name']}".strip() if isinstance(plan.get("name"), str) else where
        for key, value in plan.items():
            if key.endswith("margin_bits") and isinstance(value, int | float):
                kind = key.removesuffix("margin_bits").strip("_")
                found.append([f"{where} {kind}".strip(), value])
            else:
                named = isinstance(value, dict) and "name" not in value
                found += margins(value, f"{where} {key}".strip() if named else where)
    elif isinstance(plan, list):
        for item in plan:
            found += margins(item, where)
    return found


def plan_margins(build: Path, targets: list[str]) -> dict[str, list]:
    """The smallest margins of each target's plan.json; targets without a plan are left out."""
    table = {}
    for target in targets:
        path = build / target / "gen" / "plan.json"
        if path.exists():
            found = margins(json.loads(path.read_text()))
            table[target] = sorted(found, key=lambda m: m[1])[:SMALLEST_MARGINS]
    return table


def set_facts(build: Path, name: str, rows: list[dict]) -> dict:
    """What `provenance` says about one scored set."""
    path = build / "sets" / name / "set.json"
    about = json.loads(path.read_text()) if path.exists() else {}
    facts = {key: about.get(key) for key in ("source_sha256", "score_rate", "resampler")}
    delays: dict[str, list[float]] = {}
    for row in rows:
        if row["delay"] is not None:
            delays.setdefault(row["system"], []).append(row["delay"])
    return facts | {
        "clips": len({row["clip"] for row in rows}),
        "failed": [{k: r[k] for k in ("system", "clip", "error")} for r in rows if r["error"]],
        "delay": {s: {"median": median(d), "largest": max(d, key=abs)}
                  for s, d in sorted(delays.items(), key=lambda i: system_key(i[0]))}}


def missing_parts(report: dict) -> list[str]:
    """Sentences on what this report does not hold and how to get it."""
    words = []
    if not report["quality"]:
        words.append("No scores yet: nothing has been scored (make score).")
    systems = {row["system"] for row in report["quality"]}
    for system, word in (("float", "reference"), ("twin", "twin")):
        if report["quality"] and system not in systems:
            words.append(f"No scores of {system}: it has not run on the set (make {word}).")
    if not report["provenance"]["targets"]:
        words.append("No target has run yet (make target=arm64).")
    absent = {"conformance": "No conformance: outputs have not been compared with the twin "
                             "(make check).",
              "complexity": "No instruction counts (make bench).",
              "footprint": "No footprint (make bench)."}
    words += [sentence for key, sentence in absent.items() if not report[key]]
    for name, facts in report["provenance"]["sets"].items():
        if facts["failed"]:
            words.append(f"{len(facts['failed'])} clips of {name} could not be scored and are in "
                         "no mean.")
        late = [s for s, d in facts["delay"].items() if d["median"]]
        if late:
            words.append(f"Not aligned on {name}: {', '.join(late)}; their scores are too low.")
    return words


def gather(build: Path, only: list[str] | None = None) -> tuple[dict, dict[str, list[dict]]]:
    """(report.json as a dict, score rows by set); scores of all sets, or `only` of these."""
    scores, runs = read_scores(build, only), read_runs(build)
    lists = {key: [row for run in runs.values() for row in run.get(key, [])] for key in LISTS}
    report = {"provenance": {
        "scoring": {"versions": tools(), "pesq": "P.862.2 (WB), P.862.1 (NB), both at 16 kHz",
                    "stoi": "10 kHz", "si_sdr": "at the set's score_rate"},
        "sets": {name: set_facts(build, name, rows) for name, rows in scores.items()},
        "targets": {name: run.get("provenance", {}) for name, run in runs.items()},
        "margins": plan_margins(build, list(runs)), "missing": []},
        "conformance": lists["conformance"], "quality": quality(scores),
        "ladder": ladder_rows(read_scores(build / "ladder", only), read_steps(build)),
        "complexity": lists["complexity"], "footprint": lists["footprint"],
        "integers": integers.read(build)}
    report["provenance"]["missing"] = missing_parts(report)
    return report, scores


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 1 when there is nothing at all to report."""
    parser = argparse.ArgumentParser(prog="python -m eval.report", description="write the report")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--sets", nargs="+", help="names of the sets to show (default: all)")
    args = parser.parse_args(arguments)
    report, scores = gather(args.build, args.sets)
    if not report["quality"] and not report["provenance"]["targets"]:
        print(f"error: {args.build}: no scores and no target; run make target=arm64 first",
              file=sys.stderr)
        return 1
    out = args.build / "report"
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    (out / "report.md").write_text(to_markdown(report))
    write_page(out / "index.html", report, scores, args.build)
    print_table(report)
    for line in summary(report)[:1] * bool(report["conformance"]):
        print(line)
    for line in report["provenance"]["missing"]:
        print(f"note: {line}")
    print(f"report: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
