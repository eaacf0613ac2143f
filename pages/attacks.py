"""What planted faults, fuzzing and hostile sound have shown (docs/attacks.md)."""

import json
import tomllib
from pathlib import Path

from reference.markdown import table

ROOT = Path(__file__).parents[1]


def _read(path: str) -> dict:
    return json.loads((ROOT / path).read_text())


def mutants() -> str:
    """Faults by room: how many were planted, and found."""
    rows = []
    for name, room in _read("mutants/results.json")["rooms"].items():
        planted = room["killed"] + room["survived"]
        rows.append([name, planted + room["refused"] + room["equivalent"], room["refused"],
                     room["equivalent"], room["killed"], f"{100 * room['killed'] / planted:.0f} %"])
    return table(["room", "faults", "refused by the compiler", "equivalent", "found", "share"],
                 rows)  # fmt: skip


def survivors() -> str:
    """Those that no test has found."""
    lines = [f"* `{name}`\n" for room in _read("mutants/results.json")["rooms"].values()
             for name in room["survivors"]]  # fmt: skip
    return "".join(lines) or "none\n"


def equivalent() -> str:
    """Those that change nothing that a test could see, and why."""
    reasons = tomllib.loads((ROOT / "mutants/equivalent.toml").read_text())
    return "".join(f"* `{name}`: {why}\n" for name, why in reasons.items()) or "none\n"


def fuzzed() -> str:
    """What the fuzzers have done in all."""
    return table(["what", "how many"], [list(item) for item in _read("fuzz/totals.json").items()])


def recovery() -> str:
    """Milliseconds until hostile sound is forgotten: the worst clip, by model and kind."""
    kept = _read("fuzz/recovery.json")
    kinds = list(next(iter(kept.values()))["ms"])
    rows = [[f"`{model}`", *(max(found["ms"][kind]) for kind in kinds)]
            for model, found in kept.items()]  # fmt: skip
    return table(["ms after ten seconds of", *kinds], rows)


PARTS = {"mutants": mutants, "survivors": survivors, "equivalent": equivalent, "fuzzed": fuzzed,
         "recovery": recovery}  # fmt: skip
