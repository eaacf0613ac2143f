"""The integers' part of the report: the full matrix of builds, and the cost of each step.

Reads BUILD/check/matrix.json (targets.matrix) and BUILD/score/cost-<set>.json (eval.cost).
"""

from pathlib import Path

from reference.files import read_json

HEAD = ["SNR", "step", "clips", "PESQ-WB", "cost", "STOI", "cost"]


def read(build: Path) -> dict:
    """`integers` of report.json: {"matrix": what matrix.json holds or null, "cost": [of a set]}."""
    path = build / "check" / "matrix.json"
    costs = sorted((build / "score").glob("cost-*.json"))
    return {"matrix": read_json(path) if path.exists() else None,
            "cost": [read_json(path) for path in costs]}


def matrix_section(matrix: dict) -> dict:
    """Rows of CPUs, columns of builds; a cell counts the values that differ from the twin."""
    rows = matrix["rows"]
    builds = list(dict.fromkeys(row["build"] for row in rows))
    cells = {(f"{r['target']} {r['cpu']}", r["build"]): f"{r['mismatches']:,}" for r in rows}
    places = list(dict.fromkeys(place for place, _ in cells))
    wrong, values = sum(r["mismatches"] for r in rows), sum(r["values"] for r in rows)
    compilers = "; ".join(dict.fromkeys(r["compiler"] for r in rows))
    facts = matrix["provenance"]
    return {"title": "Every compiler, level and target",
            "note": f"{wrong:,} of {values:,} recorded values differ from the twin: every signal "
                    "of every call, speech and hostile input, optional stages off and on; kernels "
                    "and calls of several hops are checked in each build. "
                    f"{compilers}. Model {matrix['model']}, plan {facts['plan']}, "
                    f"commit {facts['commit']}.",
            "head": ["", *builds],
            "rows": [[place, *(cells.get((place, b), "–") for b in builds)] for place in places]}


def cost_section(cost: dict) -> dict:
    """Means and costs of one set by step and SNR."""
    limits = cost["limits"]
    worst = ", ".join(f"{w['cost']:.3f} {m}" for m, w in cost["worst"].items())
    return {"title": f"Cost of each step to integers: {cost['testset']}, {cost['clips']} clips",
            "note": "Float minus step, each step alone, then all; positive is lost. Allowed for "
                    f"all: {limits['pesq_wb']} PESQ-WB and {limits['stoi']} STOI. The clip that "
                    f"loses most: {worst}.",
            "head": HEAD,
            "rows": [["all" if r["snr"] is None else f"{r['snr']} dB", r["step"], str(r["clips"]),
                      f"{r['pesq_wb']:.3f}", f"{r['cost_pesq_wb']:+.4f}", f"{r['stoi']:.4f}",
                      f"{r['cost_stoi']:+.5f}"] for r in cost["rows"]]}


def sections(integers: dict) -> list[dict]:
    """[{title, note, head, rows}] of what there is, cells as text."""
    matrix = [matrix_section(integers["matrix"])] if integers["matrix"] else []
    return matrix + [cost_section(cost) for cost in integers["cost"]]
