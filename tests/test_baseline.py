"""Quality of the shipped integers has not fallen: a fresh build against the committed scores."""

import json

import numpy as np
import pytest
import soundfile as sf

from eval import baseline
from eval.metrics import pesq_wb, stoi
from eval.testset import EMBEDDED
from reference.dnn import weights_hash

RATE, HOP = 48000, 480
CLIPS = ("_fileid_0.", "_fileid_5.", "_fileid_10.", "_fileid_15.")  # one at each SNR


def enhance(library, x: np.ndarray) -> np.ndarray:
    """int16 (n,) through the generated library, aligned and as long."""
    delay = library.c.percepnet_delay_samples()
    hops = np.pad(x, (0, delay + -(x.size + delay) % HOP)).reshape(-1, HOP)
    suppressor = library.instance()
    return np.concatenate([suppressor.process(hop)["out"] for hop in hops])[delay:delay + x.size]


def test_quality_has_not_fallen(library):
    """Host build, one clip at each SNR: at most 0.02 PESQ-WB and 0.003 STOI below the baseline."""
    stored, now = baseline.read("scores", "embedded/small"), {}
    if stored["weights"] != weights_hash("small"):
        pytest.fail("the weights have changed since the baseline; run make baseline and commit it")
    for ending in CLIPS:
        noisy = next((EMBEDDED / "noisy").glob(f"*{ending}flac"))
        clean, _ = sf.read(EMBEDDED / "clean" / f"clean{ending}flac")
        out = enhance(library, sf.read(noisy, dtype="int16")[0]) / 32768
        now[noisy.stem] = {"pesq_wb": pesq_wb(clean, out, RATE), "stoi": stoi(clean, out, RATE)}
    drops = baseline.drops(stored["scores"]["twin"], now)
    for measure, limit in baseline.LIMITS.items():
        assert drops[measure] <= limit, f"{measure} fell by {drops[measure]:.4f}"


def test_differences_are_of_the_clips_that_both_have(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "HERE", tmp_path)
    (tmp_path / "scores" / "toy").mkdir(parents=True)
    kept = {"a": {"pesq_wb": 1.5, "stoi": 0.8}, "b": {"pesq_wb": 2, "stoi": 0.8}}
    for name, system in (("noisy", "noisy"), ("small", "twin")):
        (tmp_path / "scores" / "toy" / f"{name}.json").write_text(
            json.dumps({"scores": {system: kept}}))
    rows = [{"system": "twin", "clip": c, "error": e, "pesq_wb": v, "stoi": 0.8}
            for c, v, e in (("a", 1.45, ""), ("b", 9, "failed"), ("new", 5, ""))]
    found = {r["measure"]: r for r in baseline.differences({"toy": rows}, "small")}
    assert found["pesq_wb"]["difference"] == pytest.approx(-0.05)
    assert found["pesq_wb"]["clips"] == 1 and found["stoi"]["difference"] == 0
    assert not baseline.differences({"toy": rows}, "full"), "nothing is stored of it"
