"""Figures of the report from scores clip by clip: means, spread, differences to noisy.

`rows` are rows of BUILD/score/<set>.csv as report.read_scores gives them: figures as float, None
where a measure is missing. A clip that fails for one system is in no figure of any (`common`), so
that all means are over the same clips; `clips` counts them.
"""

from math import isfinite
from statistics import fmean, median

import numpy as np

from eval.metrics import METRICS
from eval.score import system_key

RESAMPLES = 2000
SEED = 1  # of the bootstrap: the same scores give the same interval


def common(rows: list[dict]) -> list[dict]:
    """The rows of the clips that could be scored for every system.

    A system that fails on all clips takes none from the others: it keeps its rows, without figures.
    """
    alive = {row["system"] for row in rows if not row["error"]}
    failed = {row["clip"] for row in rows if row["error"] and row["system"] in alive}
    return [row for row in rows if row["system"] not in alive or row["clip"] not in failed]


def good(rows: list[dict], measure: str) -> dict[str, float]:
    """{clip: value} of the rows without error that have the measure; one without end is none."""
    return {r["clip"]: r[measure] for r in rows
            if not r["error"] and r.get(measure) is not None and isfinite(r[measure])}  # fmt: skip


def means(rows: list[dict]) -> dict[str, float | None]:
    """{measure: mean}, None where no clip has it."""
    values = {m: good(rows, m).values() for m in METRICS}
    return {m: round(fmean(v), 5) if v else None for m, v in values.items()}


def systems_of(rows: list[dict]) -> list[str]:
    """Systems in the order of the tables."""
    return sorted({row["system"] for row in rows}, key=system_key)


def grouped(scores: dict[str, list[dict]], key: str, groups: list) -> list[dict]:
    """A row of means for each set, group and system: {system, testset, <key>, clips, measures}."""
    table = []
    for name, rows in scores.items():
        for group in [*groups, *sorted({row[key] for row in rows} - {None, ""})]:
            for system in systems_of(rows):
                mine = [r for r in rows if r["system"] == system and group in (None, r[key])]
                shown = int(group) if isinstance(group, float) and group.is_integer() else group
                table.append({"system": system, "testset": name, key: shown,
                              "clips": sum(not r["error"] for r in mine), **means(mine)})
    return table


def quality(scores: dict[str, list[dict]]) -> list[dict]:
    """`quality` of report.json: sets in order, all SNRs together first (snr None), then by SNR."""
    return grouped(scores, "snr", [None])


def by_noise(scores: dict[str, list[dict]]) -> list[dict]:
    """`by_noise` of report.json: the same by class of noise."""
    return grouped(scores, "noise", [])


def interval(difference: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of paired differences (n,): percentile bootstrap over clips."""
    rng = np.random.default_rng(SEED)
    drawn = difference[rng.integers(difference.size, size=(RESAMPLES, difference.size))]
    low, high = np.percentile(drawn.mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def spread_row(rows: list[dict], noisy: list[dict], measure: str) -> dict | None:
    """Mean, median, worst clip and paired difference to noisy of one measure; None without it."""
    values, base = good(rows, measure), good(noisy, measure)
    if not values:
        return None
    worst = (min if METRICS[measure].high_is_good else max)(values, key=values.get)
    row = {"measure": measure, "clips": len(values), "mean": fmean(values.values()),
           "median": median(values.values()), "worst": values[worst], "worst_clip": worst,
           "difference": None, "low": None, "high": None}
    if difference := [values[clip] - base[clip] for clip in values if clip in base]:
        row["difference"] = fmean(difference)
        row["low"], row["high"] = interval(np.array(difference))
    return {k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()}


def spread(scores: dict[str, list[dict]]) -> list[dict]:
    """`spread` of report.json: {system, testset, measure, clips, mean, median, worst, worst_clip,
    difference, low, high}; the last three are the paired difference to noisy and its interval."""
    table = []
    for name, rows in scores.items():
        noisy = [r for r in rows if r["system"] == "noisy"]
        for system in systems_of(rows):
            mine = [r for r in rows if r["system"] == system]
            found = (spread_row(mine, noisy, measure) for measure in METRICS)
            table += [{"system": system, "testset": name, **row} for row in found if row]
    return table
