"""Bars of measures by SNR and system as geometry for the template."""

import numpy as np

from eval.score import system_key
from eval.tables import DIGITS, HEADS, show

SHOWN = ("pesq_wb", "stoi", "si_sdr")


def axis(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart), at most 7, from ≤ low to ≥ high."""
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-6) / 5))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= 5)
    first, last = np.floor(low / step + 1e-6), np.ceil(high / step - 1e-6)
    return [float(k * step) for k in np.arange(first, last + 1)]


def plot(report: dict, name: str, metric: str) -> dict | None:
    """Bars of one measure by SNR and system as geometry for the template; None without SNRs.

    The plot area is 400 × 150 with its upper left corner at (34, 10).
    """
    rows = [r for r in report["quality"]
            if r["testset"] == name and r["snr"] is not None and r[metric] is not None]
    if not rows:
        return None
    systems = sorted({r["system"] for r in rows}, key=system_key)
    snrs = sorted({r["snr"] for r in rows})
    base = 1.0 if metric == "pesq_wb" else 0.0  # the scale's own worst value
    values = [base, *(r[metric] for r in rows)]
    marks = axis(min(values), max(values))
    span = (marks[-1] - marks[0]) or 1.0

    def height(value: float) -> float:
        return 160 - (value - marks[0]) / span * 150

    group = 400 / len(snrs)
    width = group * 0.8 / len(systems)
    bars = []
    for r in rows:
        column = systems.index(r["system"])
        ends = sorted((height(r[metric]), height(base)))
        bars.append({"x": 34 + (snrs.index(r["snr"]) + 0.1) * group + column * width,
                     "y": ends[0], "w": width * 0.92, "h": max(0.5, ends[1] - ends[0]),
                     "colour": column,
                     "text": f"{r['system']}, {r['snr']} dB: {show(r[metric], DIGITS[metric])}"})
    return {"title": HEADS[metric], "bars": bars, "systems": systems,
            "ticks": [{"y": height(m), "text": f"{m:.4g}"} for m in marks],
            "labels": [{"x": 34 + (k + 0.5) * group, "text": f"{snr} dB"}
                       for k, snr in enumerate(snrs)]}
