"""Results that were agreed on, committed: reports and tests compare with them, pages show them.

    scores/<set>/<name>.json       noisy, a model of ours, or an outside system (below)
    counts/<target>-<model>.json   instructions and footprint (targets.baseline)
    cycles/<target>-<model>.json   estimates for processors by name (targets.cycles)
    times/<target>-<model>.json    real time on one machine (targets.realtime)
    integers/<kind>-<model>….json  first-ring, cost, drift, matrix: as their tools wrote them
    studies/<study>….json          as `python -m studies` and eval.weaknesses wrote them

`make baseline` puts there what build/ holds (pages.store); `make publish` writes the pages anew.
A file of scores:

    {"testset", "name", "weights": SHA-256 of the model's file | "version": of the package,
     "versions": of the tools,
     "rows": [{"system", "snr", "noise", "clips", <measures>}], means; snr and noise null = all,
     "scores": {system: {clip: {pesq_wb, stoi}}}}

Systems of a model are float and twin, which every target equals bit for bit. The report shows the
differences; the test suite fails when the mean falls by more than LIMITS (tests/test_baseline.py).
"""

from pathlib import Path
from statistics import fmean

from reference.files import read_json

HERE = Path(__file__).parent
LIMITS = {"pesq_wb": 0.02, "stoi": 0.003}  # a mean may fall by this much


def read(kind: str, stem: str) -> dict | None:
    """The content of <kind>/<stem>.json; None without it."""
    path = HERE / kind / f"{stem}.json"
    return read_json(path, "git has it") if path.exists() else None


def read_all(kind: str, pattern: str = "*") -> dict[str, dict]:
    """{stem: content} of the files <kind>/<pattern>.json by name."""
    paths = sorted((HERE / kind).glob(f"{pattern}.json"))
    return {path.stem: read_json(path, "git has it") for path in paths}


def clips(testset: str, model: str) -> dict[str, dict]:
    """{system: {clip: {measure: value}}} stored for noisy and a model; {} without the model."""
    found = [read("scores", f"{testset}/{name}") or {} for name in ("noisy", model)]
    return found[0].get("scores", {}) | found[1]["scores"] if all(found) else {}


def drops(before: dict[str, dict], now: dict[str, dict]) -> dict[str, float]:
    """{measure: mean fall, before minus now} over the clips of `now`; {clip: {measure: value}}."""
    return {m: fmean(before[clip][m] - now[clip][m] for clip in now) for m in LIMITS}


def differences(scores: dict[str, list[dict]], model: str) -> list[dict]:
    """`baseline` of report.json: [{testset, system, measure, baseline, now, difference, clips}]
    of the sets that have a baseline, over the clips scored in both."""
    table = []
    for name, rows in scores.items():
        for system, before in clips(name, model).items():
            now = {r["clip"]: r for r in rows
                   if r["system"] == system and not r["error"] and r["clip"] in before}
            for measure, drop in drops(before, now).items() if now else ():
                mean = fmean(r[measure] for r in now.values())
                table.append({"testset": name, "system": system, "measure": measure,
                              "baseline": round(mean + drop, 5), "now": round(mean, 5),
                              "difference": round(-drop, 5), "clips": len(now)})
    return table
