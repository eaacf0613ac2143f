"""Decisions and what was measured for them: `python -m eval.decisions --set build/sets/X`.

Scores BUILD/decisions/out/<step>/X/, which `python -m studies decisions` left, and
writes a Markdown table a decision: means, and the difference from what was chosen with the 95 %
interval of the mean over clips.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from eval.score import score, tools
from eval.studies import means
from eval.tables import DIGITS, HEADS, STEP_MEASURES, markdown_table, show

CHANGES = {"pesq_wb": 3, "stoi": 4, "si_sdr": 2}


@dataclass(frozen=True)
class Decision:
    """A question, the steps that answer it by name, the step chosen, and why."""

    question: str
    steps: dict[str, str]
    chosen: str
    reason: str


DECISIONS = [
    Decision(
        "Look-ahead",
        {"lookahead-0": "0 frames", "lookahead-1": "1 frame", "comb": "2 frames",
         "lookahead-3": "3 frames"},
        "comb",
        "None costs 0.12 PESQ, one frame 0.03; two are all that comb and tracker need, and the"
        " network judges a frame better with what follows.",
    ),
    Decision(
        "Strength",
        {"band-gains": "none (r = 0)", "closed-form-plain": "closed form of the paper",
         "exact": "exact quadratic", "comb": "r_cos"},
        "comb",
        "r_cos is best by every measure and needs neither the clean pitch nor cases; the exact"
        " quadratic comes near, the closed form stays far behind.",
    ),
    Decision(
        "Strength in low bands",
        {"comb": "0 in bands that end below the pitch",
         "comb-peak": "0 in bands whose peak is below the pitch",
         "comb-two": "0 in bands 0 and 1", "comb-free": "as computed everywhere"},
        "comb",
        "A band that ends below the pitch holds no harmonic: nothing for a comb to keep. One whose"
        " peak alone lies below may hold the fundamental, and is worth combing.",
    ),
    Decision(
        "Renormalisation (scale bands)",
        {"closed-form-unscaled": "closed form, without", "closed-form": "closed form, with",
         "exact-unscaled": "exact, without", "exact": "exact, with",
         "comb-unscaled": "r_cos, without", "comb": "r_cos, with"},
        "comb",
        "With: gains and comb must not both take energy out of a band; no loss by any measure,"
        " whatever the strength.",
    ),
    Decision(
        "Coherence that strengths are computed from",
        {"closed-form-plain": "closed form, plain", "closed-form": "closed form, leave-one-out",
         "exact-plain": "exact, plain", "exact": "exact, leave-one-out"},
        "exact",
        "Leave-one-out: it is 0 for noise, and as a feature says more about the gains (R² 0.027"
        " against 0.018, ten clips). The strength the product trains, r_cos, needs neither.",
    ),
    Decision(
        "Bands",
        {"bands-32-gains": "32, gains only", "band-gains": "34, gains only",
         "bands-32": "32, with comb", "comb": "34, with comb"},
        "comb",
        "34: a small gain with and without comb, most of it below 100 Hz.",
    ),
    Decision(
        "Comb: periods on each side",
        {"periods-1": "1", "periods-3": "3", "comb": "5"},
        "comb",
        "5, as the paper has it; 3 is as good here and would save 1600 samples of history, so it is"
        " the first candidate where memory is short. 1 loses noise reduction.",
    ),
]  # fmt: skip


def difference(rows: list[dict], step: str, other: str, measure: str) -> tuple[float, float]:
    """(mean of step - other over the clips both have, half its 95 % interval)."""
    value = {(r["system"], r["clip"]): r[measure] for r in rows if not r.get("error")}
    gaps = [v - value[other, clip] for (system, clip), v in value.items()
            if system == step and (other, clip) in value]
    return fmean(gaps), 1.96 * stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0


def decision_table(rows: list[dict], decision: Decision) -> str:
    """Markdown of one decision: the steps, the chosen one in bold, and the reason."""
    table = []
    for step, title in decision.steps.items():
        mean = means(rows, step)
        cells = [title, *(show(mean[m], DIGITS[m]) for m in STEP_MEASURES)]
        if step == decision.chosen:
            table.append([*(f"**{cell}**" for cell in cells), "**chosen**", "", ""])
            continue
        gaps = {m: difference(rows, step, decision.chosen, m) for m in CHANGES}
        table.append(cells + [f"{gaps[m][0]:+.{k}f} ± {gaps[m][1]:.{k}f}"
                              for m, k in CHANGES.items()])
    head = ["", *(HEADS[m] for m in STEP_MEASURES), *(f"Δ {HEADS[m]}" for m in CHANGES)]
    return f"## {decision.question}\n\n{markdown_table(head, table)}\n{decision.reason}\n"


def to_markdown(rows: list[dict], name: str) -> str:
    """All decisions, the commands on top."""
    clips = len({row["clip"] for row in rows})
    noisy = means(rows, "noisy")
    told = ", ".join(f"{HEADS[m]} {show(noisy[m], DIGITS[m])}" for m in STEP_MEASURES)
    return "\n".join([
        "# Decisions, measured\n",
        f"    python -m studies decisions --set build/sets/{name} --out build/decisions",
        f"    python -m eval.decisions --set build/sets/{name} --out docs/decisions.md\n",
        f"Set {name}, {clips} clips; noisy: {told}. {tools()}.\n",
        "True gains, and strengths from the clean speech, everywhere: compared is the method, no",
        "network. Δ: mean over clips of the difference from the chosen row, and half the 95 %",
        "interval of that mean. STOI is a fraction: 0.005 is half a point.\n",
        "The pitch tracker has a page of its own: [pitch.md](pitch.md).\n",
        *(decision_table(rows, decision) for decision in DECISIONS)])


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when clips could not be scored, 2 when the study has not run."""
    parser = argparse.ArgumentParser(prog="python -m eval.decisions", description="decisions")
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--out", type=Path, default=Path("docs/decisions.md"))
    parser.add_argument("--workers", type=int, default=2, help="processes (%(default)s)")
    args = parser.parse_args(arguments)
    if not any((args.build / "decisions" / "out").glob(f"*/{args.set.name}")):
        print(f"error: {args.build}/decisions/out has nothing of {args.set.name};"
              " run python -m studies decisions", file=sys.stderr)
        return 2
    rows = score(args.set, args.build / "decisions", args.workers)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(to_markdown(rows, args.set.name))
    print(args.out)
    return 1 if any(row.get("error") for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
