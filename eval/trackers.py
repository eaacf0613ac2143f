"""The pitch tracker's part of the report: BUILD/studies/pitch-<set>.json of studies.pitch."""

from pathlib import Path

from reference.files import read_json

HEAD = ["noise", "clips", "voiced frames", "gross %", "octave %", "moved %", "coherence",
        "coherence, WORLD's period"]  # fmt: skip
NOTE = (
    "Gross: more than 5 % off WORLD's view of the clean speech; octave: of these, half or double; "
    "moved: more than 5 % off what the same tracker finds in the clean speech; coherence: how much "
    "of the clean speech a comb with this period keeps. See docs/method.md."
)


def read(build: Path) -> list[dict]:
    """`pitch` of report.json: [{set, tools, pitch: [a row a condition]}]."""
    return [read_json(path) for path in sorted(build.glob("studies/pitch-*.json"))]


def cell(value: float | None, digits: int) -> str:
    """A figure, or – where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def sections(judged: list[dict]) -> list[dict]:
    """[{title, note, head, rows}] of the sets that were judged, cells as text."""
    return [{"title": f"Pitch tracker: {one['testset']}", "note": NOTE, "head": HEAD,
             "rows": [[r["condition"], str(r["clips"]), f"{r['voiced']:,}",
                       *(cell(r.get(f"{k}_percent"), 1) for k in ("gross", "octave", "moved")),
                       cell(r["coherence"], 3), cell(r["coherence_outside"], 3)]
                      for r in one["pitch"]]} for one in judged]  # fmt: skip
