"""eval/evidence.py: the measured tables of docs/quantisation.md are those of the stored results."""

import json

import pytest

from eval import cost, evidence
from eval.baseline import weights_hash


def test_page_is_current():
    """After new results: python -m eval.evidence --store build"""
    text = evidence.PAGE.read_text()
    assert evidence.page(text) == text, "run python -m eval.evidence"


@pytest.mark.parametrize("model", evidence.MODELS)
def test_cost_of_every_size_is_stored_and_within_the_limits(model):
    """On the embedded set and on 60 clips or more; limits: eval.cost."""
    costs = [c for c in evidence.read("cost") if c["model"] == model]
    assert {"embedded"} < {c["testset"] for c in costs} and max(c["clips"] for c in costs) >= 60
    for result in costs:
        assert result["limits"] == cost.LIMITS
        assert not cost.over_limit(result)


@pytest.mark.parametrize("model", evidence.MODELS)
def test_drift_and_builds_of_every_size_are_stored_and_good(model):
    (drift,) = [d for d in evidence.read("drift") if d["model"] == model]
    rms = [part["rms"] for part in drift["parts"]]
    assert drift["minutes"] >= 60 and max(rms) <= drift["rms_limit"]
    assert rms[-1] <= drift["growth"] * sum(rms) / len(rms)
    (matrix,) = [m for m in evidence.read("matrix") if m["model"] == model]
    assert not any(row["mismatches"] for row in matrix["rows"])


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
    assert evidence.names([{"model": "small", "weights": weights_hash("small")}]) == (
        f"Weights: `small` {weights_hash('small')[:12]}.")  # fmt: skip
