"""The scores of a model, written into its card.

    python -m eval.card --model small --sets embedded valid60

Reads BUILD/score/<set>.csv (make score) and, where they are, BUILD/parts (make parts) and
BUILD/trials/<set>.json (make trials); puts tables by SNR and by noise, of parts and of trials
between "## Scores" and the next heading of reference/models/<model>.md. Systems: noisy, float,
twin, and outside ones that were scored.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from eval.studies import read_steps
from eval.tables import DIGITS, HEADS, STEP_MEASURES, markdown_table
from eval.trials import HEAD, cells

CARDS = Path(__file__).parent.parent / "reference" / "models"
OURS = ("noisy", "float", "twin")
MEASURES = ("pesq_wb", "stoi", "estoi", "si_sdr", "dnsmos_ovrl")
TITLE, NEXT = "## Scores\n", "\n## "


def read_scores(path: Path) -> list[dict]:
    """Rows of a score table that have scores. Raises SystemExit without the file."""
    if not path.exists():
        raise SystemExit(f"error: {path} not found; run make score on that set first")
    with open(path, newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if not row["error"]]


def systems(rows: list[dict]) -> list[str]:
    """Ours in order, then outside ones; targets equal the twin and are left out."""
    found = dict.fromkeys(row["system"] for row in rows)
    targets = ("host", "arm64", "armv7", "wasm")
    return [s for s in OURS if s in found] + [
        s for s in found if s not in OURS and not s.startswith(targets)]


def means(rows: list[dict], system: str, measures: tuple[str, ...]) -> list[str]:
    """A cell a measure: the mean over the clips, – unless it was taken of every one of them."""
    mine, clips = [r for r in rows if r["system"] == system], len({r["clip"] for r in rows})
    values = {m: [float(row[m]) for row in mine if row.get(m)] for m in measures}
    return [f"{fmean(v):.{DIGITS.get(m, 3)}f}" if len(v) == clips else "–"
            for m, v in values.items()]


def by_snr(name: str, rows: list[dict]) -> str:
    """Table of one set: all SNRs, then each; a row a system."""
    groups = [("all", rows)]
    for snr in sorted({float(r["snr"]) for r in rows if r["snr"]}):
        groups.append((f"{snr:g} dB", [r for r in rows if r["snr"] and float(r["snr"]) == snr]))
    lines = [[name, title, str(len({r["clip"] for r in some})), system,
              *means(some, system, MEASURES)]
             for title, some in groups for system in systems(rows)]
    head = ["set", "SNR", "clips", "system", *(HEADS.get(m, m) for m in MEASURES)]
    return markdown_table(head, lines)


def by_noise(name: str, rows: list[dict]) -> str:
    """PESQ-WB of one set by class of noise: a column a system."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["noise"] or "?"].append(row)
    lines = [[name, noise, str(len({r["clip"] for r in some})),
              *(means(some, s, ("pesq_wb",))[0] for s in systems(rows))]
             for noise, some in sorted(groups.items())]
    return markdown_table(["set", "noise", "clips", *systems(rows)], lines)


def trials(path: Path) -> str:
    """Table of the trials at the edge; empty if they have not been made."""
    if not path.exists():
        return ""
    found = json.loads(path.read_text())
    lines = [[found["testset"], *cells(row)] for row in found["rows"]]
    return markdown_table(["set", *HEAD], lines)


def parts(name: str, build: Path) -> str:
    """Table of what each part is worth on a set; empty if that has not been made."""
    path, steps = build / "parts" / "score" / f"{name}.csv", read_steps(build, "parts")
    if not path.exists():
        return ""
    rows = read_scores(path)
    lines = [[name, title, *means(rows, step, STEP_MEASURES)] for step, title in steps.items()]
    return markdown_table(["set", "what", *(HEADS[m] for m in STEP_MEASURES)], lines)


def section(build: Path, names: list[str]) -> str:
    """The text between the headings."""
    tables = {name: read_scores(build / "score" / f"{name}.csv") for name in names}
    worth = [parts(name, build) for name in names]
    edge = [trials(build / "trials" / f"{name}.json") for name in names]
    text = ["`make score` with default options; \"twin\" is the integer model, which every target",
             "equals bit for bit. Means over the clips; higher is better.\n",
             *(by_snr(name, rows) for name, rows in tables.items()),
             "By class of noise, PESQ-WB:\n",
             *(by_noise(name, rows) for name, rows in tables.items())]
    if any(worth):
        text += ["What each part is worth, and true values would be (`make parts`):\n",
                 *filter(None, worth)]
    if any(edge):
        text += ["At the edge (`make trials`):\n", *filter(None, edge)]
    return "\n".join(text)


def fill(card: str, text: str) -> str:
    """The card with its scores replaced. Raises ValueError for a card without the headings."""
    start = card.index(TITLE) + len(TITLE)
    return card[:start] + text + card[card.index(NEXT, start):]


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m eval.card", description="scores into a card")
    parser.add_argument("--model", required=True, help="name in reference/models")
    parser.add_argument("--sets", nargs="+", required=True, help="names of scored sets")
    parser.add_argument("--build", type=Path, default=Path("build"))
    args = parser.parse_args(arguments)
    path = CARDS / f"{args.model}.md"
    path.write_text(fill(path.read_text(), section(args.build, args.sets)))
    print(f"{path}: scores of {', '.join(args.sets)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
