"""What the method, its decisions and the choices in training are worth: one table a study."""

from eval.baseline import read, read_all
from eval.tables import DIGITS, HEADS, STEP_MEASURES
from pages.scores import figures
from reference.markdown import table
from studies.decisions import DECISIONS, MEASURED, Decision

CLEAN = "clean"
HEARD = ("pesq_wb", "estoi")


def about(one: dict) -> str:
    """The heading of a set."""
    return f"Set `{one['testset']}`, {one['clips']} clips:\n"


def ladder() -> str:
    """Steps of the method with true values, by set."""
    head = ["step", *(HEADS[m] for m in STEP_MEASURES), ""]
    return "\n".join(
        f"{about(one)}\n" + table(head, [[row["step"], *figures(row, STEP_MEASURES), row["title"]]
                                         for row in one["rows"]])
        for one in read_all("studies", "ladder-*").values()
    )  # fmt: skip


def change(row: dict, measure: str) -> str:
    """Difference from the chosen step, and half its 95 % interval."""
    mean, half = row["difference"][measure]
    digits = DIGITS[measure]
    return f"{mean:+.{digits}f} ± {half:.{digits}f}"


def beaten(rows: list[dict], decision: Decision) -> str:
    """A sentence on what is better than the chosen step by more than the interval; or nothing."""
    found = {decision.steps[row["step"]]: [HEADS[m] for m in MEASURED
                                           if row["difference"][m][0] > row["difference"][m][1]]
             for row in rows if row["difference"]}  # fmt: skip
    words = "; ".join(f"{step}, by {', '.join(heads)}" for step, heads in found.items() if heads)
    return f"Better than the chosen one beyond the interval: {words}.\n\n" if words else ""


def decisions() -> str:
    """A table a decision, the chosen step in bold, and why it was chosen."""
    one = read("studies", "decisions-embedded")
    noisy = ", ".join(f"{HEADS[m]} {cell}" for m, cell in
                      zip(STEP_MEASURES, figures(one["noisy"], STEP_MEASURES), strict=True))
    parts = [f"Set `{one['testset']}`, {one['clips']} clips; noisy: {noisy}. {one['versions']}.\n"]
    head = ["", *(HEADS[m] for m in STEP_MEASURES), *(f"Δ {HEADS[m]}" for m in MEASURED)]
    for decision in DECISIONS:
        lines, rows = [], [r for r in one["rows"] if r["question"] == decision.question]
        for row in rows:
            cells = [decision.steps[row["step"]], *figures(row, STEP_MEASURES)]
            if row["step"] == decision.chosen:
                lines.append([*(f"**{cell}**" for cell in cells), "**chosen**", "", ""])
            else:
                lines.append([*cells, *(change(row, m) for m in MEASURED)])
        parts.append(f"### {decision.question}\n\n{table(head, lines)}\n"
                     f"{beaten(rows, decision)}{decision.reason}\n")  # fmt: skip
    return "\n".join(parts)


def pitch() -> str:
    """The tracker against WORLD, by set and noise."""
    parts = []
    for one in read_all("studies", "pitch-*").values():
        rows = [[r["condition"], *(f"{r[f'{k}_percent']:.1f}" for k in ("gross", "octave")),
                 None if r["condition"] == CLEAN else f"{r['moved_percent']:.1f}",
                 *(f"{r[k]:.3f}" for k in ("coherence", "coherence_outside"))]
                for r in one["pitch"]]  # fmt: skip
        first = one["pitch"][0]
        parts.append(f"Set `{one['testset']}`, {first['clips']} clips, {first['voiced']:,} voiced "
                     f"frames. {one['tools']}.\n")
        parts.append(table(["noise", "gross %", "octave %", "moved %", "coherence",
                            "coherence, WORLD's period"], rows))  # fmt: skip
    return "\n".join(parts)


def ablations() -> str:
    """Short equal runs of training, one option changed."""
    one = read("studies", "ablations")
    lines = [[row["change"], f"`{row['options']}`" if row["options"] else "",
              *(f"{row[k]:.4g}" for k in ("valid_square", "valid_error", "valid_strength")),
              f"{row['pesq_wb']:.3f}", f"{row['estoi']:.4f}"] for row in one["rows"]]  # fmt: skip
    return table(["change", "options", "square loss", "mean gain error", "strength loss",
                  "PESQ-WB", "ESTOI"], lines)  # fmt: skip


def densities() -> str:
    """Networks pruned in one run: errors of their gains, and scores of the sets."""
    rows = read("studies", "densities")["rows"]
    order, sets = list(dict.fromkeys(row["model"] for row in rows)), list(rows[0]["sets"])
    lines = [[row["model"], row["density"], f"{row['square']:.3f}", f"{row['error']:.4f}",
              *(f"{row['sets'][s][m]:.{DIGITS[m]}f}" for s in sets for m in HEARD)]
             for row in sorted(rows, key=lambda r: (order.index(r["model"]), -r["density"]))]
    return table(["model", "share of blocks", "square loss", "mean gain error",
                  *(f"{s}, {HEADS[m]}" for s in sets for m in HEARD)], lines)  # fmt: skip
