"""The report as one page that opens offline: audio, pictures, plots and tables all inside."""

from pathlib import Path

import jinja2

from eval import complexity, pareto, plots, trackers
from eval.integers import sections
from eval.listen import ladder_listening, listening, uri
from eval.metrics import METRICS
from eval.tables import (
    BASELINE_HEAD,
    DIGITS,
    HEADS,
    SPREAD_HEAD,
    STEP_MEASURES,
    baseline_rows,
    ladder_cells,
    noise_rows,
    show,
    spread_rows,
    summary,
)
from reference.files import whole


def ladder_tables(report: dict) -> list[dict]:
    """For each set of the oracle ladder: {name, head, rows}; steps in words."""
    cells = ladder_cells(report)
    return [{"name": name, "head": ["step", *(HEADS[m] for m in STEP_MEASURES), ""],
             "rows": [row[1:] for row in cells if row[0] == name]}
            for name in dict.fromkeys(row[0] for row in cells)]


def quality_tables(report: dict) -> list[dict]:
    """For each set: {name, head, overall, by_snr, by_noise, spread, plots, pareto}."""
    tables = []
    for name in dict.fromkeys(r["testset"] for r in report["quality"]):
        rows = [[r["system"], "all" if r["snr"] is None else f"{r['snr']} dB", str(r["clips"]),
                 *(show(r[m], DIGITS[m]) for m in METRICS)]
                for r in report["quality"] if r["testset"] == name]
        overall = [row for row in rows if row[1] == "all"]
        bars = [p for m in plots.SHOWN if (p := plots.plot(report, name, m))]
        tables.append({"name": name, "head": ["system", "SNR", "clips", *HEADS.values()],
                       "overall": overall, "by_snr": [r for r in rows if r[1] != "all"],
                       "plots": bars, "pareto": pareto.plot(report, name),
                       "by_noise": noise_rows(report, name), "spread": spread_rows(report, name)})
    return tables


def stage_tables(report: dict) -> list[dict]:
    """For each target, CPU, model and call: {title, total, stages: [{name, mean, max, share}]}."""
    groups: dict[str, list[dict]] = {}
    for row in report["complexity"]:
        title = f"{row['target']} {row['cpu']}, model {row['model']}, {row['call']}"
        groups.setdefault(title, []).append(row)
    tables = []
    for title, rows in groups.items():
        stages = [r for r in rows if r["stage"] != "total"]
        total = next((r for r in rows if r["stage"] == "total"), None)
        whole = total["instructions_mean"] if total else sum(r["instructions_mean"] for r in stages)
        tables.append({"title": title, "stages": [
            {"name": r["stage"], "mean": show(r["instructions_mean"]),
             "max": show(r["instructions_max"]),
             "share": 100 * r["instructions_mean"] / whole if whole else 0}
            for r in [*stages, *([total] if total else [])]]})
    return tables


def clip_rows(scores: dict[str, list[dict]]) -> list[list[str]]:
    """One row for every clip and system of every set, failures with their reason."""
    return [[name, r["clip"], r["system"],
             *([show(r[m], DIGITS[m]) for m in METRICS] if not r["error"]
               else [f"failed: {r['error']}"] + [""] * (len(METRICS) - 1)), show(r["delay"])]
            for name, rows in scores.items() for r in rows]


def plain(rows: list[dict]) -> dict:
    """{head, rows} of a list of dicts, for a table."""
    head = list(rows[0]) if rows else []
    return {"head": head, "rows": [[show(row.get(k)) for k in head] for row in rows]}


def write_page(path: Path, report: dict, scores: dict[str, list[dict]], build: Path) -> None:
    """Render report_template.html.j2 to `path`, whole or not at all."""
    listen = next(((name, listening(build, name, rows)) for name, rows in scores.items()), None)
    runs = complexity.read_runs(build)
    image = complexity.plot(runs)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined,
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    ).get_template("report_template.html.j2")
    text = template.render(
        summary=summary(report), missing=report["provenance"]["missing"],
        ladder=ladder_tables(report),
        ladder_clip=ladder_listening(build, report, scores),
        pitch=trackers.sections(report["pitch"]),
        quality=quality_tables(report), stages=stage_tables(report), listen=listen,
        cost_plot=uri("image/svg+xml", image.encode()) if image else None,
        cost_tables=complexity.sections(runs),
        integers=sections(report["integers"]),
        conformance=plain(report["conformance"]), footprint=plain(report["footprint"]),
        margins=report["provenance"]["margins"], clips=clip_rows(scores),
        heard={clip["name"] for clip in listen[1]} if listen else set(),
        spread_head=SPREAD_HEAD,
        baseline={"head": BASELINE_HEAD, "rows": baseline_rows(report)},
        clip_head=["test set", "clip", "system", *HEADS.values(), "delay"],
        provenance={k: v for k, v in report["provenance"].items()
                    if k not in ("margins", "missing")})
    with whole(path) as new:
        new.write_text(text)
