"""The report in words and tables: summary, Markdown, terminal."""

import json
from collections.abc import Iterable

from eval import trackers
from eval.integers import sections
from eval.metrics import METRICS
from eval.score import best_system, outside, system_key
from reference.markdown import plain, table

HEADS = {name: metric.head for name, metric in METRICS.items()}
DIGITS = {name: metric.digits for name, metric in METRICS.items()}
MAIN = ("pesq_wb", "stoi", "estoi", "si_sdr", "covl", "lsd_high", "speech_loss", "speech_cut",
        "dnsmos_ovrl")  # on the terminal and in report.md; the page and the CSV hold all
SPREAD_HEAD = ["measure", "system", "clips", "mean", "median", "worst", "worst clip",
               "difference to noisy", "95 % interval"]
BASELINE_HEAD = ["test set", "system", "measure", "clips", "baseline", "now", "difference"]
STEP_MEASURES = ("pesq_wb", "stoi", "estoi", "si_sdr")


def show(value: object, digits: int | None = None) -> str:
    """A cell: fixed digits for measures, thousands separated for counts, – for None."""
    if value is None:
        return "–"
    if digits is not None:
        return f"{value:.{digits}f}"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def titles(rows: list[dict]) -> dict[str, str]:
    """{system: its title} of one set; systems with the same outputs share one and stand once.

    A target all of whose processors are in a group is named once: "twin = host = arm64".
    """
    outputs: dict[str, list] = {}
    for row in rows:
        outputs.setdefault(row["system"], []).append((row["clip"], row.get("sha256")))
    groups: dict[tuple, list[str]] = {}
    for system, made in outputs.items():
        known = all(digest for _, digest in made)
        groups.setdefault(tuple(sorted(made)) if known else (system,), []).append(system)
    found = {}
    for group in groups.values():
        group.sort(key=system_key)
        kin = {s: [name for name in outputs if name.split("-")[0] == s]
               for s in (name.split("-")[0] for name in group)}
        whole = [s for s, names in kin.items() if len(names) > 1 and set(names) <= set(group)]
        short = dict.fromkeys(name.split("-")[0] if name.split("-")[0] in whole else name
                              for name in group)
        found |= dict.fromkeys(group, " = ".join(short))
    return found


def merged(report: dict, scores: dict[str, list[dict]]) -> dict:
    """The report with every output once in its tables of quality (`titles`)."""
    shown = dict(report)
    names = {name: titles(rows) for name, rows in scores.items()}
    for key in ("quality", "by_noise", "spread", "baseline"):
        once = {}
        for row in report[key]:
            system = names[row["testset"]].get(row["system"], row["system"])
            place = tuple(row.get(k) for k in ("testset", "snr", "noise", "measure"))
            once.setdefault((system, place), row | {"system": system})
        shown[key] = list(once.values())
    return shown


def quality_rows(report: dict, snr_rows: bool) -> list[list[str]]:
    """Cells of the quality table; overall only, or with the rows of every SNR."""
    return [[r["testset"], r["system"], "all" if r["snr"] is None else f"{r['snr']} dB",
             str(r["clips"]), *(show(r[m], DIGITS[m]) for m in MAIN)]
            for r in report["quality"] if snr_rows or r["snr"] is None]


def noise_rows(report: dict, name: str, shown: Iterable[str] = METRICS) -> list[list[str]]:
    """Cells of one set by class of noise: noise, system, clips, measures."""
    return [[r["noise"], r["system"], str(r["clips"]), *(show(r[m], DIGITS[m]) for m in shown)]
            for r in report["by_noise"] if r["testset"] == name]


def spread_rows(report: dict, name: str, shown: Iterable[str] = METRICS) -> list[list[str]]:
    """Cells of SPREAD_HEAD for one set, measure by measure."""
    def cells(r: dict) -> list[str]:
        digits = DIGITS[r["measure"]]
        paired = r["difference"] is not None and r["system"] != "noisy"
        return [HEADS[r["measure"]], r["system"], str(r["clips"]),
                *(show(r[k], digits) for k in ("mean", "median", "worst")), r["worst_clip"],
                f"{r['difference']:+.{digits}f}" if paired else "–",
                f"{r['low']:+.{digits}f} … {r['high']:+.{digits}f}" if paired else "–"]
    return [cells(r) for m in shown for r in report["spread"]
            if r["testset"] == name and r["measure"] == m]


def baseline_rows(report: dict) -> list[list[str]]:
    """Cells of BASELINE_HEAD."""
    return [[r["testset"], r["system"], HEADS[r["measure"]], str(r["clips"]),
             *(show(r[k], 4) for k in ("baseline", "now")), f"{round(r['difference'], 4) + 0:+.4f}"]
            for r in report["baseline"]]


def ladder_cells(report: dict) -> list[list[str]]:
    """Cells of the oracle ladder: test set, step, measures, step in words."""
    return [[r["testset"], r["step"], *(show(r[m], DIGITS[m]) for m in STEP_MEASURES), r["title"]]
            for r in report["ladder"]]


def to_markdown(report: dict) -> str:
    """report.md."""
    said = summary(report) + report["provenance"]["missing"]
    parts = ["# Report\n", *(f"* {plain(words)}\n" for words in said)]
    head = ["test set", "system", "SNR", "clips", *(HEADS[m] for m in MAIN)]
    parts += ["\n## Quality\n\n", table(head, quality_rows(report, True))]
    for name in dict.fromkeys(r["testset"] for r in report["spread"]):
        head = ["noise", "system", "clips", *(HEADS[m] for m in MAIN)]
        parts += [f"\n### {name}: by class of noise\n\n",
                  table(head, noise_rows(report, name, MAIN)),
                  f"\n### {name}: spread, and paired difference to noisy\n\n",
                  table(SPREAD_HEAD, spread_rows(report, name, MAIN))]
    parts += ["\n## Difference to the baseline\n\n",
              table(BASELINE_HEAD, baseline_rows(report))]
    head = ["test set", "step", *(HEADS[m] for m in STEP_MEASURES), ""]
    parts += ["\n## Oracle ladder\n\n", table(head, ladder_cells(report))]
    titles = {"conformance": "Conformance: samples that differ from the twin",
              "complexity": "Complexity: instructions per 10 ms frame (counted, not cycles)",
              "footprint": "Footprint in bytes"}
    for key, title in titles.items():
        head = list(report[key][0]) if report[key] else []
        rows = [[show(row.get(k)) for k in head] for row in report[key]]
        parts += [f"\n## {title}\n\n", table(head, rows)]
    for part in trackers.sections(report["pitch"]) + sections(report["integers"]):
        parts += [f"\n## {part['title']}\n\n{part['note']}\n\n",
                  table(part["head"], part["rows"])]
    facts = json.dumps(report["provenance"], indent=1, ensure_ascii=False)
    return "".join([*parts, "\n## Provenance\n\n```json\n", facts, "\n```\n"])


def quality_sentence(report: dict, name: str) -> str | None:
    """What ours gains on a set, and where the outside systems stand; None without both ends."""
    row = {r["system"]: r for r in report["quality"]
           if r["testset"] == name and r["snr"] is None and r["clips"]}
    ours = best_system(list(row))
    if not ours or "noisy" not in row:
        return None
    a, b = row["noisy"], row[ours]
    if a["pesq_wb"] is None:
        return dnsmos_sentence(name, row, ours)
    others = ", ".join(f"{s} {row[s]['pesq_wb']:.2f} and {row[s]['stoi']:.3f}"
                       for s in row if s in outside())
    return (f"{name}, {b['clips']} clips: PESQ-WB {a['pesq_wb']:.2f} → {b['pesq_wb']:.2f}, "
            f"STOI {a['stoi']:.3f} → {b['stoi']:.3f} ({ours})"
            + (f"; {others}." if others else "."))


def dnsmos_sentence(name: str, row: dict[str, dict], ours: str) -> str | None:
    """The same of recordings without clean speech; None when nothing could be measured."""
    shown = {system: means["dnsmos_ovrl"] for system, means in row.items()}
    if None in (shown["noisy"], shown[ours]):
        return None
    others = "".join(f"; {s} {shown[s]:.2f}" for s in shown if s in outside() and shown[s])
    return (f"{name}, {row[ours]['clips']} recordings without clean speech: DNSMOS OVRL "
            f"{shown['noisy']:.2f} → {shown[ours]:.2f} ({ours}){others}.")


def complexity_sentence(report: dict) -> str | None:
    """Instructions a frame of every CPU, in single frames and blocks; None if nothing counted."""
    totals = [r for r in report["complexity"] if r["stage"] == "total"]
    blocks = {(r["target"], r["cpu"]): f"; in blocks {r['instructions_mean'] / 1e6:.2f} M"
              for r in totals if r["call"] == "block4"}
    counts = [f"{r['instructions_mean'] / 1e6:.2f} M ({r['target']} {r['cpu']}, at most "
              f"{r['instructions_max'] / 1e6:.2f} M{blocks.get((r['target'], r['cpu']), '')})"
              for r in totals if r["call"] == "frame"]
    return f"Instructions per 10 ms: {', '.join(counts)}." if counts else None


def summary(report: dict) -> list[str]:
    """Up to five sentences that hold the result; one more for every further set."""
    lines = []
    if rows := report["conformance"]:
        wrong, total = (sum(r[k] for r in rows) for k in ("mismatches", "samples"))
        where = ", ".join(dict.fromkeys(f"{r['target']} {r['cpu']}" for r in rows))
        lines.append(f"{wrong:,} of {total:,} samples differ from the twin ({where}).")
    lines += [quality_sentence(report, name)
              for name in dict.fromkeys(r["testset"] for r in report["quality"])]
    lines.append(complexity_sentence(report))
    if rows := report["footprint"]:
        lines.append("Memory: " + "; ".join(
            f"{r['target']} " + ", ".join(f"{k} {r[k] / 1024:,.0f} KB" for k in
                                          ("weights", "state", "scratch", "text"))
            for r in rows) + ".")
    falls = [f"{r['system']} {HEADS[r['measure']]} {round(r['difference'], 4) + 0:+.4f}"
             for r in report["baseline"] if r["system"] in ("float", "twin")]
    if falls:
        lines.append(f"Against the baseline: {', '.join(falls)}.")
    return [line for line in lines if line]


def print_table(report: dict) -> None:
    """The quality table on the terminal, columns aligned."""
    head = ["test set", "system", "SNR", "clips", *(HEADS[m] for m in MAIN)]
    rows = [head, *quality_rows(report, False)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    for row in rows:
        print("  ".join(c.ljust(w) if k < 2 else c.rjust(w)
                        for k, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip())
