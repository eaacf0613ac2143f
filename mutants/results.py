"""What was found, fault by fault, as it came and as the repository keeps it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from reference.files import whole

HERE = Path(__file__).parent
KEPT = HERE / "results.json"
EQUIVALENT = HERE / "equivalent.toml"  # key of a fault = reason why no test can tell


class Log:
    """A line of JSON for every trial; the last one of a fault counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.known = {entry["key"]: entry for entry in map(json.loads, lines)}

    def add(self, entry: dict) -> None:
        self.known[entry["key"]] = entry
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def summary(self, seed: int) -> dict:
        """Counts by room, and the survivors by name."""
        reasons = tomllib.loads(EQUIVALENT.read_text())
        rooms: dict[str, dict] = {}
        for entry in sorted(self.known.values(), key=lambda e: (e["room"], e["key"])):
            verdict = "equivalent" if entry["key"] in reasons else entry["verdict"]
            room = rooms.setdefault(
                entry["room"],
                {"killed": 0, "refused": 0, "equivalent": 0, "survived": 0, "survivors": []},
            )
            if verdict == "uncovered":
                verdict = "survived"
            room[verdict] += 1
            if verdict == "survived":
                room["survivors"].append(entry["key"])
        return {"seed": seed, "rooms": rooms}


def share(room: dict) -> float:
    """Share of the faults that compile and change something that a test found."""
    return room["killed"] / max(room["killed"] + room["survived"], 1)


def table(summary: dict) -> str:
    """A row a room, in Markdown."""
    lines = ["| room | faults | refused by the compiler | equivalent | found | share |",
             "| --- | --- | --- | --- | --- | --- |"]  # fmt: skip
    for name, room in summary["rooms"].items():
        counts = [room[k] for k in ("killed", "refused", "equivalent", "survived")]
        lines.append(f"| {name} | {sum(counts)} | {counts[1]} | {counts[2]} | {counts[0]} | "
                     f"{100 * share(room):.0f} % |")  # fmt: skip
    return "\n".join(lines)


def keep(summary: dict) -> None:
    with whole(KEPT) as new:
        new.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
