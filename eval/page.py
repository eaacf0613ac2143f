"""The report as one page that opens offline: audio, pictures, plots and tables all inside."""

import base64
import hashlib
from pathlib import Path

import jinja2

from eval import complexity, front, pareto, plots, trackers
from eval.integers import sections
from eval.listen import ladder_listening, listening, uri
from eval.metrics import METRICS
from eval.tables import (
    BASELINE_HEAD,
    DIGITS,
    HEADS,
    MAIN,
    SPREAD_HEAD,
    STEP_MEASURES,
    baseline_rows,
    ladder_cells,
    merged,
    noise_rows,
    show,
    spread_rows,
    summary,
)
from reference.files import whole

HERE = Path(__file__).parent


def ladder_tables(report: dict) -> list[dict]:
    """For each set of the oracle ladder: {name, head, rows}; steps in words."""
    cells = ladder_cells(report)
    return [{"name": name, "head": ["step", *(HEADS[m] for m in STEP_MEASURES), ""],
             "rows": [row[1:] for row in cells if row[0] == name]}
            for name in dict.fromkeys(row[0] for row in cells)]


def quality_tables(report: dict) -> list[dict]:
    """For each set: {name, head, main_head, main, overall, by_snr, by_noise, spread, plots}."""
    tables = []
    for name in dict.fromkeys(r["testset"] for r in report["quality"]):
        rows = [[r["system"], "all" if r["snr"] is None else f"{r['snr']} dB", str(r["clips"]),
                 *(show(r[m], DIGITS[m]) for m in METRICS)]
                for r in report["quality"] if r["testset"] == name]
        overall = [row for row in rows if row[1] == "all"]
        bars = [p for m in plots.SHOWN if (p := plots.plot(report, name, m))]
        main = [[row[0], row[2], *(row[3 + list(METRICS).index(m)] for m in MAIN)]
                for row in overall]
        tables.append({"name": name, "head": ["system", "SNR", "clips", *HEADS.values()],
                       "main_head": ["system", "clips", *(HEADS[m] for m in MAIN)], "main": main,
                       "overall": overall, "by_snr": [r for r in rows if r[1] != "all"],
                       "plots": bars,
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
        stages = [r for r in rows if r["stage"] != "total" and r["instructions_max"]]
        stages.sort(key=lambda r: -r["instructions_mean"])
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


def origins(report: dict) -> list[dict]:
    """Where the figures come from, for a reader: [{title, rows: [[what, which]]}]."""
    about = report["provenance"]
    parts = [{"title": "Measures", "rows": list(about["scoring"].items())}]
    parts += [{"title": f"Model {model}", "rows": [["weights, SHA-256", one["sha256"]],
                                                   ["card", one["card"]]]}
              for model, one in about["weights"].items()]
    for name, one in about["sets"].items():
        rows = [[word, str(one[key])] for word, key in (
            ("source", "source"), ("SHA-256 of its files", "source_sha256"), ("clips", "clips"),
            ("scored on", "scored"), ("resampler", "resampler")) if one.get(key) is not None]
        rows += [[f"delay of {system}", f"{d['removed']} samples taken out; still there: median "
                  f"{d['median']:g}, largest {d['largest']:g}"]
                 for system, d in one["delay"].items()]
        rows += [[system, ", ".join(f"{k}: {v}" for k, v in s.items() if k != "entry" and v)]
                 for system, s in one["systems"].items()]
        rows += [["left out", words] for words in one["left_out"]]
        parts.append({"title": f"Test set {name}", "rows": rows})
    parts += [{"title": f"Target {target}", "rows": list(one.items())}
              for target, one in about["targets"].items()]
    return parts


def policy(script: str) -> str:
    """Content-Security-Policy of the page: nothing from outside, and no script but this one."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (f"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


def write_page(path: Path, report: dict, scores: dict[str, list[dict]], build: Path) -> None:
    """Render report_template.html.j2 to `path`, whole or not at all."""
    first = next(iter(scores), None)
    listen = (first, listening(build, first, scores[first])) if first else None
    runs = complexity.read_runs(build)
    cycles = front.estimates(report, runs)
    shown, script = merged(report, scores), (HERE / "report.js").read_text()
    image = complexity.plot(runs)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined,
        autoescape=True, trim_blocks=True, lstrip_blocks=True,
    ).get_template("report_template.html.j2")
    text = template.render(
        script=script, policy=policy(script),
        facts=front.facts(report, first), verdict=front.verdict(report, first, cycles),
        players=front.players(build, report, first, scores[first]) if first else [],
        plane=pareto.plot(report, first), costs=front.costs(report, cycles),
        summary=summary(report), missing=report["provenance"]["missing"],
        ladder=ladder_tables(report),
        ladder_clip=ladder_listening(build, report, scores),
        pitch=trackers.sections(report["pitch"]),
        quality=quality_tables(shown), stages=stage_tables(report), listen=listen,
        cost_plot=uri("image/svg+xml", image.encode()) if image else None,
        cost_tables=complexity.sections(runs),
        integers=sections(report["integers"]),
        conformance=plain(report["conformance"]), footprint=plain(report["footprint"]),
        margins=report["provenance"]["margins"], clips=clip_rows(scores),
        heard={clip["name"] for clip in listen[1]} if listen else set(),
        spread_head=SPREAD_HEAD,
        baseline={"head": BASELINE_HEAD, "rows": baseline_rows(shown)},
        clip_head=["test set", "clip", "system", *HEADS.values(), "delay"],
        origins=origins(report))
    with whole(path) as new:
        new.write_text(text)
