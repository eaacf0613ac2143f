"""Where the figures of a report come from: set, weights, systems, delays, commit, versions."""

import subprocess
from datetime import date
from pathlib import Path
from statistics import median

from eval.score import system_key, tools
from reference.dnn import model_path, weights_hash
from reference.files import read_json

ROOT = Path(__file__).parents[1]


def commit() -> str:
    """Commit of the working tree, "-dirty" behind it when files are changed; or "unknown"."""
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT,
                          check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def weights(models: list[str]) -> dict[str, dict]:
    """{model: {sha256, card}} of those in reference/models."""
    return {model: {"sha256": weights_hash(model), "card": f"reference/models/{model}.md"}
            for model in models if model_path(model).exists()}


def read_systems(build: Path, name: str) -> dict[str, dict]:
    """system.json of every system of systems.toml that has run on a set, by name."""
    found = {}
    for path in sorted((build / "out").glob(f"*/{name}/system.json")):
        about = read_json(path)
        found[about["name"]] = about
    return found


def delays(rows: list[dict], systems: dict[str, dict]) -> dict[str, dict]:
    """{system: {removed, median, largest}} in samples at 48 kHz: taken out, and still there."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["delay"] is not None:
            found.setdefault(row["system"], []).append(row["delay"])
    return {s: {"removed": systems.get(s, {}).get("delay", 0), "median": median(d),
                "largest": max(d, key=abs)}
            for s, d in sorted(found.items(), key=lambda item: system_key(item[0]))}


def set_facts(build: Path, name: str, rows: list[dict]) -> dict:
    """What `provenance` says about one scored set."""
    path = build / "sets" / name / "set.json"
    about = read_json(path) if path.exists() else {}
    facts = {key: about.get(key) for key in ("source", "source_sha256", "score_rate", "resampler")}
    table = build / "score" / f"{name}.csv"
    facts["scored"] = date.fromtimestamp(table.stat().st_mtime).isoformat()
    systems = read_systems(build, name)
    return facts | {
        "clips": len({row["clip"] for row in rows}), "left_out": about.get("problems", []),
        "failed": [{k: r[k] for k in ("system", "clip", "error")} for r in rows if r["error"]],
        "delay": delays(rows, systems),
        "systems": {s: {k: a[k] for k in ("entry", "version", "resampler")}
                    for s, a in systems.items()}}


def provenance(build: Path, scores: dict[str, list[dict]], runs: dict[str, dict]) -> dict:
    """`provenance` of report.json, but for `margins` and `missing`."""
    targets = {name: run.get("provenance", {}) for name, run in runs.items()}
    models = sorted({t["model"] for t in targets.values() if "model" in t} or {"small"})
    return {
        "commit": commit(), "weights": weights(models),
        "scoring": {"versions": tools(), "pesq": "P.862.2 (WB), P.862.1 (NB), both at 16 kHz",
                    "stoi": "10 kHz", "dnsmos, composite, segSNR": "16 kHz",
                    "all others": "at the set's score_rate"},
        "sets": {name: set_facts(build, name, rows) for name, rows in scores.items()},
        "targets": targets}
