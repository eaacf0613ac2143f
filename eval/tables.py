"""The report in words and tables: summary, Markdown, terminal."""

import json

from eval.integers import sections
from eval.metrics import METRICS
from eval.score import best_system

HEADS = {"pesq_wb": "PESQ-WB", "pesq_nb": "PESQ-NB", "stoi": "STOI", "estoi": "ESTOI",
         "si_sdr": "SI-SDR dB"}
DIGITS = {"pesq_wb": 3, "pesq_nb": 3, "stoi": 4, "estoi": 4, "si_sdr": 2}

LADDER = ("pesq_wb", "stoi", "estoi", "si_sdr")


def show(value: object, digits: int | None = None) -> str:
    """A cell: fixed digits for measures, thousands separated for counts, – for None."""
    if value is None:
        return "–"
    if digits is not None:
        return f"{value:.{digits}f}"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


def quality_rows(report: dict, snr_rows: bool) -> list[list[str]]:
    """Cells of the quality table; overall only, or with the rows of every SNR."""
    return [[r["testset"], r["system"], "all" if r["snr"] is None else f"{r['snr']} dB",
             str(r["clips"]), *(show(r[m], DIGITS[m]) for m in METRICS)]
            for r in report["quality"] if snr_rows or r["snr"] is None]


def ladder_cells(report: dict) -> list[list[str]]:
    """Cells of the oracle ladder: test set, step, measures."""
    return [[r["testset"], r["step"], *(show(r[m], DIGITS[m]) for m in LADDER)]
            for r in report["ladder"]]


def markdown_table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, or the words that there is none."""
    if not rows:
        return "nothing yet\n"
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_markdown(report: dict) -> str:
    """report.md."""
    parts = ["# Report\n", *(f"* {w}\n" for w in summary(report) + report["provenance"]["missing"])]
    head = ["test set", "system", "SNR", "clips", *HEADS.values()]
    parts += ["\n## Quality\n\n", markdown_table(head, quality_rows(report, True))]
    head = ["test set", "step", *(HEADS[m] for m in LADDER)]
    parts += ["\n## Oracle ladder\n\n", markdown_table(head, ladder_cells(report))]
    titles = {"conformance": "Conformance: samples that differ from the twin",
              "complexity": "Complexity: instructions per 10 ms frame (counted, not cycles)",
              "footprint": "Footprint in bytes"}
    for key, title in titles.items():
        head = list(report[key][0]) if report[key] else []
        rows = [[show(row.get(k)) for k in head] for row in report[key]]
        parts += [f"\n## {title}\n\n", markdown_table(head, rows)]
    for part in sections(report["integers"]):
        parts += [f"\n## {part['title']}\n\n{part['note']}\n\n",
                  markdown_table(part["head"], part["rows"])]
    facts = json.dumps(report["provenance"], indent=1, ensure_ascii=False)
    return "".join([*parts, "\n## Provenance\n\n```json\n", facts, "\n```\n"])


def summary(report: dict) -> list[str]:
    """Up to four sentences that hold the result."""
    lines = []
    if rows := report["conformance"]:
        wrong, total = (sum(r[k] for r in rows) for k in ("mismatches", "samples"))
        where = ", ".join(dict.fromkeys(f"{r['target']} {r['cpu']}" for r in rows))
        lines.append(f"{wrong:,} of {total:,} samples differ from the twin ({where}).")
    overall = [r for r in report["quality"] if r["snr"] is None and r["clips"]]
    for name in dict.fromkeys(r["testset"] for r in overall):
        row = {r["system"]: r for r in overall if r["testset"] == name}
        ours = best_system(list(row))
        if ours and "noisy" in row:
            a, b = row["noisy"], row[ours]
            lines.append(f"{name}, {b['clips']} clips: PESQ-WB {a['pesq_wb']:.2f} → "
                         f"{b['pesq_wb']:.2f}, STOI {a['stoi']:.3f} → {b['stoi']:.3f} ({ours}).")
    for r in report["complexity"]:
        if r["stage"] == "total":
            lines.append(f"{r['target']} {r['cpu']}: {r['instructions_mean'] / 1e6:.2f} M "
                         f"instructions per 10 ms ({r['call']}), at most "
                         f"{r['instructions_max'] / 1e6:.2f} M.")
    for r in report["footprint"]:
        kib = {k: r[k] / 1024 for k in ("weights", "state", "scratch", "text")}
        lines.append(f"{r['target']}: " + ", ".join(f"{k} {v:,.0f} KiB" for k, v in kib.items())
                     + ".")
    return lines


def print_table(report: dict) -> None:
    """The quality table on the terminal, columns aligned."""
    head = ["test set", "system", "SNR", "clips", *HEADS.values()]
    rows = [head, *quality_rows(report, False)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    for row in rows:
        print("  ".join(c.ljust(w) if k < 2 else c.rjust(w)
                        for k, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip())
