"""Geometry of the plot of quality over instructions: a logarithmic axis from end to end."""

import math

import pytest

from eval.pareto import plot


def report(*counts: int) -> dict:
    """Systems a, b ... of these instructions, each a fifth better by PESQ than the one before."""
    return {"conformance": [],
            "pareto": [{"testset": "set", "system": "abc"[i], "instructions": count,
                        "pesq_wb": 1.2 + i / 5, "counted": "here"}
                       for i, count in enumerate(counts)],
            "quality": [{"testset": "set", "system": "noisy", "snr": None,
                         "pesq_wb": 1.0}]}  # fmt: skip


def test_the_axis_is_logarithmic_and_fills_the_area():
    drawn = plot(report(10_000, 300_000, 3_000_000), "set")
    assert [label["text"] for label in drawn["labels"]] == ["0.01 M", "0.1 M", "1 M", "10 M"]
    assert [label["x"] for label in drawn["labels"]] == pytest.approx(
        [34, 34 + 400 / 3, 34 + 800 / 3, 434])  # fmt: skip
    first, second, third = (point["x"] for point in drawn["points"])
    assert first == pytest.approx(34)
    assert third - second == pytest.approx(400 / 3)
    assert second == pytest.approx(34 + 400 / 3 * math.log10(30))


def test_what_is_better_stands_higher_and_noisy_is_a_line():
    drawn = plot(report(200_000, 400_000), "set")
    low, high = (point["y"] for point in drawn["points"])
    assert 10 <= high < low < drawn["noisy"] == 160
    assert drawn["ticks"][0] == {"y": 160, "text": "1.0"}
    assert drawn["ticks"][-1]["y"] == pytest.approx(10)
    assert plot(report(), "set") is None
