"""Quality over instructions: what is gained for what is spent, systems and sizes side by side."""

import math
from pathlib import Path
from statistics import fmean

from eval import baseline
from eval.provenance import read_systems

MEASURE = "pesq_wb"


def points(report: dict, build: Path) -> list[dict]:
    """`pareto` of report.json: [{testset, system, instructions per 10 ms, pesq_wb, counted}].

    Ours where instructions were counted (one call a frame), outside systems where systems.toml
    states them, our other sizes as eval/baseline holds them; `counted` says by whom.
    """
    ours = {}
    for row in report["complexity"]:
        if row["stage"] == "total" and row["call"] == "frame":
            ours[row["target"]] = ours[f"{row['target']}-{row['cpu']}"] = row["instructions_mean"]
    found = []
    for row in report["quality"]:
        if row["snr"] is not None or row[MEASURE] is None:
            continue
        entry = read_systems(build, row["testset"]).get(row["system"], {}).get("entry", {})
        count = ours.get(row["system"], entry.get("instructions"))
        if count:
            found.append({"testset": row["testset"], "system": row["system"],
                          "instructions": count, MEASURE: row[MEASURE],
                          "counted": "here" if row["system"] in ours
                          else entry.get("instructions_from", "not said")})
    built = {row["model"] for row in report["complexity"]}
    for name in dict.fromkeys(row["testset"] for row in report["quality"]):
        found += stored_points(name, built)
    return found


def stored_points(name: str, built: set[str]) -> list[dict]:
    """Points of the sizes that are not `built`: of each CPU, from the files of eval/baseline."""
    found = []
    for stem, counts in baseline.read_all("counts").items():
        target, model = stem.rsplit("-", 1)
        scores = baseline.clips(name, model).get("twin")
        if model in built or not scores:
            continue
        quality = round(fmean(clip[MEASURE] for clip in scores.values()), 5)
        found += [{"testset": name, "system": f"{model} {target}-{row['cpu']}",
                   "instructions": row["instructions_mean"], MEASURE: quality,
                   "counted": "eval/baseline"}
                  for row in counts["rows"] if (row["call"], row["stage"]) == ("frame", "total")]
    return found


def group_of(system: str) -> str:
    """What a point is coloured by: a stored model, ours as it was built, or the system itself."""
    return system.split(" ")[0] if " " in system else system.split("-")[0]


def plot(report: dict, name: str) -> dict | None:
    """Geometry of the plot for the template, area 400 × 150 from (34, 10); None without points.

    Of the stored sizes only processors that were checked here. Instructions on a logarithmic axis
    from one power of ten to another; noisy is a line, it costs nothing.
    """
    here = {f"{r['target']}-{r['cpu']}" for r in report["conformance"]}
    mine = [p for p in report["pareto"] if p["testset"] == name
            and (" " not in p["system"] or p["system"].split(" ")[1] in here)]
    mine.sort(key=lambda p: p["instructions"])
    if not mine:
        return None
    noisy = next((r[MEASURE] for r in report["quality"] if r["testset"] == name
                  and r["system"] == "noisy" and r["snr"] is None), None)
    groups = list(dict.fromkeys(group_of(p["system"]) for p in mine))
    values = [p[MEASURE] for p in mine] + ([noisy] if noisy else [])
    low, high = math.floor(5 * min(values)) / 5, math.ceil(5 * max(values) + 0.01) / 5
    counts = [math.log10(p["instructions"]) for p in mine]
    left, right = math.floor(min(counts)), math.floor(max(counts)) + 1

    def x(count: float) -> float:
        return 34 + 400 * (math.log10(count) - left) / (right - left)

    def y(value: float) -> float:
        return 160 - 150 * (value - low) / (high - low)

    return {"points": [{"x": x(p["instructions"]), "y": y(p[MEASURE]),
                        "colour": 1 + groups.index(group_of(p["system"])),
                        "title": f"{p['system']}: {p['instructions'] / 1e6:.2f} M, "
                                 f"PESQ-WB {p[MEASURE]:.2f}"}
                       for p in mine],
            "noisy": y(noisy) if noisy else None,
            "ticks": [{"y": y(low + k * 0.2), "text": f"{low + k * 0.2:.1f}"}
                      for k in range(round((high - low) / 0.2) + 1)],
            "labels": [{"x": x(10 ** k), "text": f"{10 ** k / 1e6:g} M"}
                       for k in range(left, right + 1)]}
