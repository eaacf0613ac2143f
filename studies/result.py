"""What a study leaves: one JSON file, from the scores of its steps clip by clip."""

import json
from pathlib import Path
from statistics import fmean

from eval.tables import STEP_MEASURES
from reference.files import whole


def means(rows: list[dict], step: str) -> dict[str, float | None]:
    """{measure: mean} over the clips of a step that could be scored; None if none could."""
    good = [row for row in rows if row["system"] == step and not row.get("error")]
    return {m: round(fmean(r[m] for r in good), 5) if good else None for m in STEP_MEASURES}


def by_step(rows: list[dict], steps: dict[str, str]) -> dict:
    """{"rows": [{step, title, <means>}]} in the order of the steps."""
    return {"rows": [{"step": step, "title": title, **means(rows, step)}
                     for step, title in steps.items()]}  # fmt: skip


def write(build: Path, name: str, content: dict) -> Path:
    """BUILD/studies/<name>.json, whole or not at all; its path."""
    path = build / "studies" / f"{name}.json"
    with whole(path) as new:
        new.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return path
