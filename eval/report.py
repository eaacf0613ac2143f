"""The report: `python -m eval.report` writes BUILD/report/{report.json, report.md, index.html}.

Reads what the other tools left: BUILD/score/<set>.csv (eval.score), BUILD/<target>/run.json and
BUILD/<target>/gen/plan.json (targets), BUILD/sets/<set>/ and BUILD/out/<system>/<set>/ for audio,
BUILD/studies/{ladder,pitch}-<set>.json (studies), BUILD/ladder/out/ for their audio.
What is not there is said in words, in all three files.

`report.json` is an interface and is kept stable. Keys, in this order:

provenance   {"commit", "weights": {model: {sha256, card}},
              "scoring": versions and rates, "sets": {set: {source, source_sha256, score_rate,
              clips, scored: day, left_out: [sentences], failed: [{system, clip, error}],
              delay: {system: {removed, median, largest}} in samples,
              systems: {name: entry, version and resampler of those of systems.toml}}},
              "targets": {target: tools, flags, commit, plan and command hashes},
              "margins": {target: [[accumulator, bits]]}, the smallest of every stage,
              "missing": [sentences]}
conformance  [{target, cpu, compiler, samples, mismatches, …}]
quality      [{system, testset, snr, clips, <every measure of eval.metrics>}]: means over the
              `clips` that could be scored, null if none; snr null = all
by_noise     the same with `noise`, its class, for snr
spread       [{system, testset, measure, clips, mean, median, worst, worst_clip, difference, low,
              high}]: paired difference to noisy and its 95 % interval (eval.statistics)
baseline     [{testset, system, measure, baseline, now, difference, clips}] (eval.baseline)
ladder       [{testset, step, title, pesq_wb, stoi, estoi, si_sdr}]: means; true values from the
             clean speech one by one
pitch        [{testset, tools, pitch: [{condition, clips, voiced, <figures>}]}] (studies.pitch)
complexity   [{target, cpu, model, call, stage, instructions_mean, instructions_max}] per frame of
              10 ms; call "frame" or "block4", stage "total" or its name
footprint    [{target, model, state, scratch, stack, text, rodata, weights}] in bytes
pareto       [{testset, system, instructions, pesq_wb, counted}] (eval.pareto)
integers     {"matrix": {model, weights, seconds, provenance, rows: [{target, cpu, build, compiler,
              values, mismatches, first}]} or null,
              "cost": [{model, weights, versions, testset, clips, limits, rows, worst}] (eval.cost)}
"""

import argparse
import json
import sys
from pathlib import Path

from eval import baseline, integers, pareto, statistics, trackers
from eval.page import write_page
from eval.provenance import provenance
from eval.score import INCOMPLETE, read_csv, system_key
from eval.tables import print_table, summary, to_markdown
from reference.files import read_json

PLAN = "remove it, then make"  # a plan.json that is cut off
LISTS = ("conformance", "complexity", "footprint")


def set_order(name: str) -> tuple:
    """Sort key of test sets: embedded first."""
    return (name != "embedded", name)


def read_scores(build: Path, only: list[str] | None = None) -> dict[str, list[dict]]:
    """Rows of BUILD/score/*.csv by set (all, or `only` these); figures as float, empty as None."""
    scores = {}
    for path in sorted((build / "score").glob("*.csv"), key=lambda p: set_order(p.stem)):
        if only and path.stem not in only:
            continue
        scores[path.stem] = read_csv(path)
    return scores


def read_runs(build: Path) -> dict[str, dict]:
    """run.json of every target by name, host first. Raises SystemExit if one cannot be read."""
    runs = {}
    for path in sorted(build.glob("*/run.json"), key=lambda p: system_key(p.parent.name)):
        runs[path.parent.name] = read_json(path, "`make check bench` writes it anew")
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
    """The smallest margin of every stage, from each target's plan.json; smallest first."""
    table = {}
    for target in targets:
        path = build / target / "gen" / "plan.json"
        if path.exists():
            stages: dict[str, list] = {}
            for what, bits in sorted(margins(read_json(path, PLAN)), key=lambda m: m[1]):
                stages.setdefault(what.split()[0], [what, bits])
            table[target] = list(stages.values())
    return table


def incomplete(name: str, failed: list[dict]) -> str:
    """A sentence on the clips of a set that are in no mean, with the reasons of the first ones."""
    clips = list(dict.fromkeys(row["clip"] for row in failed))
    shown = "; ".join(f"{r['system']} {r['clip']}: {r['error']}" for r in failed[:3])
    more = f"; {len(failed) - 3} more in {name}.csv" if len(failed) > 3 else ""
    return (f"Incomplete: {len(clips)} clips of {name} could not be scored for every system and "
            f"are in no mean: {shown}{more}.")


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
        if facts["left_out"]:
            words.append(f"{len(facts['left_out'])} faults in the files of {name}: these clips are "
                         "left out.")
        if facts["failed"]:
            words.append(incomplete(name, facts["failed"]))
        late = [s for s, d in facts["delay"].items() if d["median"]]
        if late:
            words.append(f"Not aligned on {name}: {', '.join(late)}; their scores are too low.")
    return words


def model_of(facts: dict) -> str:
    """The model that the targets were built with; the default one where none was built."""
    return next((t["model"] for t in facts["targets"].values() if "model" in t), "small")


def ladder(build: Path, only: list[str] | None) -> list[dict]:
    """`ladder` of report.json, from what `python -m studies ladder` left."""
    found = (read_json(path) for path in sorted(build.glob("studies/ladder-*.json")))
    return [{"testset": one["testset"], **row} for one in found
            if not only or one["testset"] in only for row in one["rows"]]


def gather(build: Path, only: list[str] | None = None) -> tuple[dict, dict[str, list[dict]]]:
    """(report.json as a dict, score rows by set); scores of all sets, or `only` of these."""
    scores, runs = read_scores(build, only), read_runs(build)
    lists = {key: [row for run in runs.values() for row in run.get(key, [])] for key in LISTS}
    facts = provenance(build, scores, runs)
    shared = {name: statistics.common(rows) for name, rows in scores.items()}
    report = {
        "provenance": facts | {"margins": plan_margins(build, list(runs)), "missing": []},
        "conformance": lists["conformance"], "quality": statistics.quality(shared),
        "by_noise": statistics.by_noise(shared), "spread": statistics.spread(shared),
        "baseline": baseline.differences(shared, model_of(facts)),
        "ladder": ladder(build, only),
        "pitch": trackers.read(build),
        "complexity": lists["complexity"], "footprint": lists["footprint"],
        "integers": integers.read(build)}
    report["pareto"] = pareto.points(report, build)
    report["provenance"]["missing"] = missing_parts(report)
    return report, scores


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when there is nothing at all to report, 3 when clips are in no mean."""
    parser = argparse.ArgumentParser(prog="python -m eval.report", description="write the report")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--sets", nargs="+", help="names of the sets to show (default: all)")
    parser.add_argument("--out", type=Path, help="folder to write to (default: BUILD/report)")
    args = parser.parse_args(arguments)
    report, scores = gather(args.build, args.sets)
    if not report["quality"] and not report["provenance"]["targets"]:
        print(f"error: {args.build}: no scores and no target; run make target=arm64 first",
              file=sys.stderr)
        return 1
    out = args.out or args.build / "report"
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False,
                                                allow_nan=False) + "\n")
    (out / "report.md").write_text(to_markdown(report))
    write_page(out / "index.html", report, scores, args.build)
    print_table(report)
    for line in summary(report)[:1] * bool(report["conformance"]):
        print(line)
    for line in report["provenance"]["missing"]:
        print(f"note: {line}")
    print(f"report: {out / 'index.html'}")
    return INCOMPLETE * any(facts["failed"] for facts in report["provenance"]["sets"].values())


if __name__ == "__main__":
    sys.exit(main())
