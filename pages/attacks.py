"""What proof, planted faults, fuzzing and hostile sound have shown (docs/attacks.md)."""

import json
from pathlib import Path

from mutants import results
from pages import integers
from pages.scores import model_names
from proof.document import NOT_PROVED
from reference.markdown import table
from reference.params import HOP, RATE

ROOT = Path(__file__).parents[1]


def _read(path: str) -> dict:
    return json.loads((ROOT / path).read_text())


def proved() -> str:
    """Every piece of the proof: seconds by model, or that it is not proved; then what is left."""
    runs = integers.read("proof")
    pieces = {row["piece"]: row for run in reversed(runs) for row in run["rows"]}
    times = {(run["model"], row["piece"]): f"{row['seconds']:.1f}" if row["proved"] else "**no**"
             for run in runs for row in run["rows"]}  # fmt: skip
    lines = [[row["stage"], name, row["shows"].replace("|", "\\|"), row["tool"],
              *(times.get((run["model"], name), "-") for run in runs)]
             for name, row in sorted(pieces.items(), key=lambda item: (item[1]["stage"], item[0]))]
    head = ["stage", "piece", "what is shown, of all inputs", "tool",
            *(f"`{run['model']}`, s" for run in runs)]  # fmt: skip
    return (f"{integers.names(runs, model_names())}\n\n{table(head, lines)}\n"
            f"Not proved:\n\n{NOT_PROVED}")


def mutants() -> str:
    """Faults by room: how many were planted, and found."""
    return table(results.HEAD, results.rows(results.known()))


def survivors() -> str:
    """Those that no test has found."""
    rooms = results.verdicts(results.known()).values()
    return "".join(f"* `{key}`\n" for room in rooms for key in room["survived"]) or "none\n"


def equivalent() -> str:
    """Those that change nothing that a test could see, and why."""
    tried = results.known()
    lines = [f"* `{name}`: {why}\n" for name, why in results.reasons().items() if name in tried]
    return "".join(lines) or "none\n"


def fuzzed() -> str:
    """What the fuzzers have done in all."""
    return table(["what", "how many"], [list(item) for item in _read("fuzz/totals.json").items()])


def climbed() -> str:
    """The largest values of states that were found, as shares of their bounds, by model."""
    kept = _read("fuzz/climb.json")
    return table(["state", *(f"`{model}`, share of the bound" for model in kept)],
                 [[name.replace("_", " "), *(f"{100 * found[name]['share']:.1f} %"
                                             for found in kept.values())]
                  for name in next(iter(kept.values()))])  # fmt: skip


def recovery() -> str:
    """Milliseconds until hostile sound is forgotten: the worst clip, by model and kind."""
    kept = _read("fuzz/recovery.json")
    kinds = list(next(iter(kept.values()))["ms"])
    rows = [[f"`{model}`", *(max(found["ms"][kind]) for kind in kinds)]
            for model, found in kept.items()]  # fmt: skip
    return table(["ms after ten seconds of", *kinds], rows)


def soaked() -> str:
    """The longest call of each model in which C and twin were compared."""
    rows = [[f"`{model}`", one["weights"][:12], one["hops"],
             f"{one['hops'] * HOP / RATE / 3600:.2f}"]
            for model, one in _read("fuzz/soak.json").items()]  # fmt: skip
    return table(["model", "weights", "hops", "hours"], rows)


PARTS = {"proved": proved, "mutants": mutants, "survivors": survivors,
         "equivalent": equivalent, "fuzzed": fuzzed, "climbed": climbed,
         "recovery": recovery, "soaked": soaked}  # fmt: skip
