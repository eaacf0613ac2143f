"""The counts that were last agreed on: `eval/baseline/counts/<target>-<model>.json`.

`make bench` prints the difference; the test suite fails when a total is more than 1 % worse.
`python -m targets.baseline TARGET` puts the counts and the footprint of the last `make bench` in
their place (`make counts` does it for all): commit them together with what changed them. For pages
it keeps the estimates of a target that has [cycles], `cycles/<target>-<model>.json`, and the times
of one that is timed, `times/<target>-<model>.json`.
"""

import argparse
import json
import os
import platform
from pathlib import Path

from reference.files import read_json
from targets.run import read_record
from targets.target import ROOT, load

FOLDER = ROOT / "eval" / "baseline" / "counts"
TOLERANCE = 0.01
FIGURES = ("instructions_mean", "instructions_max")
KEYS = ("cpu", "call", "stage", *FIGURES)


def path_of(record: dict) -> Path | None:
    """Where the baseline of these counts lies; None when nothing was counted."""
    rows = record["complexity"]
    return FOLDER / f"{rows[0]['target']}-{rows[0]['model']}.json" if rows else None


def changes(record: dict) -> list[dict]:
    """{cpu, call, stage, figure, before, now} of every count; SystemExit says why there is none.

    Another compiler makes other code: its counts are not compared.
    """
    path = path_of(record)
    if not path or not path.is_file():
        raise SystemExit(f"no baseline {path.name if path else ''} to compare with")
    before, compiler = read_json(path, "git has it"), record["provenance"]["compiler"]
    if before["compiler"] != compiler:
        raise SystemExit(f"{path.name}: counted with {before['compiler']}, here {compiler}; "
                         "not compared")  # fmt: skip
    known = {tuple(row[k] for k in KEYS[:3]): row for row in before["rows"]}
    found = []
    for row in record["complexity"]:
        key = tuple(row[k] for k in KEYS[:3])
        found += [
            {**dict(zip(KEYS, key, strict=False)), "figure": figure,
             "before": known[key][figure], "now": row[figure]}
            for figure in FIGURES if key in known
        ]  # fmt: skip
    return found


def words(change: dict) -> str:
    """One change as a line."""
    line = "{cpu} {call} {stage} {figure}: {before:,} in the baseline, {now:,} now".format(**change)
    if not change["before"]:
        return line
    return f"{line} ({100 * (change['now'] / change['before'] - 1):+.2f} %)"


def differences(record: dict) -> list[str]:
    """A line for every count that differs from the baseline, or one that says there is none."""
    try:
        found = changes(record)
    except SystemExit as reason:
        return [f"baseline: {reason}"]
    lines = [words(change) for change in found if change["now"] != change["before"]]
    return [f"baseline: {line}" for line in lines] or [f"baseline: {len(found)} counts, all equal"]


def regressions(record: dict) -> list[str]:
    """A line for every total that is more than TOLERANCE above the baseline, or not in it."""
    totals = [change for change in changes(record) if change["stage"] == "total"]
    known = {(change["cpu"], change["call"]) for change in totals}
    counted = {(row["cpu"], row["call"]) for row in record["complexity"]}
    return [
        *(words(t) for t in totals if t["now"] > (1 + TOLERANCE) * t["before"]),
        *(f"{cpu} {call}: not in the baseline" for cpu, call in sorted(counted - known)),
    ]


def save(record: dict) -> Path:
    """Writes the baseline from a record; its path. Raises SystemExit when nothing was counted."""
    path = path_of(record)
    if not path:
        raise SystemExit("nothing was counted; `make bench target=…` comes first")
    rows = [{key: row[key] for key in KEYS} for row in record["complexity"]]
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    about = {"compiler": record["provenance"]["compiler"], "footprint": record["footprint"][0]}
    head = json.dumps(about)[1:-1]
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{\n {head},\n "rows": [\n{lines}\n ]\n}}\n')
    return path


def write(kind: str, content: dict) -> Path:
    """Puts a result of a target and a model in its place under eval/baseline; the path."""
    path = FOLDER.parent / kind / f"{content['target']}-{content['model']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def save_times(record: dict) -> Path:
    """Writes the times of a record; the path. Raises SystemExit when nothing was timed."""
    rows = record["realtime"]
    if not rows:
        raise SystemExit("nothing was timed; `make bench` comes first")
    kept = [{key: row[key] for key in ("kernels", "call", "us_min", "us_median")} for row in rows]
    names = {key: rows[0][key] for key in ("target", "model")}
    return write("times", names | {"machine": machine(), "rows": kept})


def save_cycles(record: dict) -> Path:
    """Writes the estimates of a record; the path. SystemExit when nothing was estimated."""
    rows = record["cycles"]
    if not rows:
        raise SystemExit("no cycles were estimated; `make cycles` comes first")
    names = {key: rows[0][key] for key in ("target", "model")}
    kept = [{k: v for k, v in row.items() if k not in names} for row in rows]
    return write("cycles", names | {"rows": kept})


def machine() -> str:
    """Name of this machine's processor, and how many cores there are."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    target = load(parser.parse_args().target)
    record = read_record(target)
    for keep in [save if target.counted else save_times, *([save_cycles] if target.cycles else [])]:
        print(f"{keep(record)} written")


if __name__ == "__main__":
    main()
