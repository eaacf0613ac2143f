"""What was found, fault by fault, as the repository keeps it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from reference.files import whole

HERE = Path(__file__).parent
KEPT = HERE / "results.json"
EQUIVALENT = HERE / "equivalent.toml"  # key of a fault = reason why no test can tell


def known() -> dict[str, dict]:
    """{key of a fault: {"room", "verdict", "by": what turned red}} of all that were tried."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def keep(trials: dict[str, dict]) -> None:
    with whole(KEPT) as new:
        new.write_text(json.dumps(trials, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def reasons() -> dict[str, str]:
    """{key of an equivalent fault: why}"""
    return tomllib.loads(EQUIVALENT.read_text())


def verdicts(trials: dict[str, dict]) -> dict[str, dict[str, list[str]]]:
    """{room: {verdict: keys}}: refused (does not compile), equivalent, killed or survived."""
    equal, rooms = reasons(), {}
    for key, trial in sorted(trials.items(), key=lambda item: (item[1]["room"], item[0])):
        kinds = ("refused", "equivalent", "killed", "survived")
        room = rooms.setdefault(trial["room"], {kind: [] for kind in kinds})
        room["equivalent" if key in equal else trial["verdict"]].append(key)
    return rooms


def rows(trials: dict[str, dict]) -> list[list]:
    """A row a room, for a table; the share is of the faults that compile and change something."""
    found = []
    for name, room in verdicts(trials).items():
        counts = [len(room[kind]) for kind in ("refused", "equivalent", "killed")]
        telling = len(room["killed"]) + len(room["survived"])
        share = f"{100 * counts[2] / telling:.0f} %" if telling else "-"
        found.append([name, sum(map(len, room.values())), *counts, share])
    return found


HEAD = ["room", "faults", "refused by the compiler", "equivalent", "found", "share"]
