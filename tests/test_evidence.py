"""eval/evidence.py: the measured tables of docs/quantisation.md are those of the stored results."""

import json

import pytest

from codegen.drift import GROWTH, RMS_LIMIT
from eval import cost, evidence
from eval.baseline import weights_hash


def test_page_is_current():
    """After new results: python -m eval.evidence --store build"""
    text = evidence.PAGE.read_text()
    assert evidence.page(text) == text, "run python -m eval.evidence"


def test_stored_costs_are_within_the_limits():
    """Of the default size on the embedded set and on 60 clips, and of whatever else is stored."""
    costs = evidence.read("cost")
    assert {("small", 16), ("small", 60)} <= {(c["model"], c["clips"]) for c in costs}
    for result in costs:
        assert result["limits"] == cost.LIMITS and not cost.over_limit(result)


def test_stored_drifts_are_hours_without_drift():
    for drift in evidence.read("drift"):
        rms = [part["rms"] for part in drift["parts"]]
        hour = (sum(r * r for r in rms) / len(rms)) ** 0.5
        assert drift["minutes"] >= 60 and hour <= RMS_LIMIT and rms[-1] <= GROWTH * hour


def test_stored_builds_equal_the_twin():
    for matrix in evidence.read("matrix"):
        assert not any(row["mismatches"] for row in matrix["rows"]), matrix["model"]


def cost_of(model: str, name: str, lost: float) -> dict:
    rows = [{"system": system, "step": step, "snr": snr, "clips": 2, "pesq_wb": 2.0, "stoi": 0.8,
             "cost_pesq_wb": lost, "cost_stoi": lost / 10}
            for snr in (None, 5) for system, step in cost.STEPS.items()]  # fmt: skip
    worst = {m: {"clip": "anna_fan_snr5_tl-26_fileid_1", "cost": 2 * lost} for m in cost.LIMITS}
    return {"model": model, "weights": "0" * 64, "testset": name, "clips": 2,
            "limits": cost.LIMITS, "rows": rows, "worst": worst}  # fmt: skip


def test_results_are_stored_by_model_and_set(tmp_path):
    """Files of one build folder, also of two models one after the other; models in order."""
    (tmp_path / "score").mkdir()
    for model in ("small", "tiny"):
        path = tmp_path / "score" / "cost-toy.json"
        path.write_text(json.dumps(cost_of(model, "toy", 0.0123)))
        (written,) = evidence.store(tmp_path, tmp_path / "store")
        assert written.name == f"cost-{model}-toy.json"
    found = evidence.read("cost", tmp_path / "store")
    assert [c["model"] for c in found] == ["tiny", "small"]
    part = evidence.cost_part(found)
    assert "`tiny` 000000000000, which are not the present ones" in part
    assert "| `small` | all: the integer twin | 2.0000 | +0.0123 | +0.0123 |" in part
    assert "| toy | `tiny` | STOI | +0.0246 | anna_fan |" in part
    with pytest.raises(SystemExit, match="none of score/cost-"):
        evidence.store(tmp_path / "nothing", tmp_path / "store")


def test_present_weights_are_named_without_a_word():
    digest = weights_hash("small")
    words = f"Weights: `small` {digest[:12]}. No run stored: `tiny`, `full`."
    assert evidence.names([{"model": "small", "weights": digest}]) == words
