"""What `make baseline` keeps: means of all clips, of the model that made them; no old results."""

import csv
import json

import pytest

from eval import baseline
from eval.score import FIELDS
from pages import store
from reference.dnn import weights_hash

SCORES = {("noisy", "a"): 1.0, ("noisy", "b"): 2.0, ("float", "a"): 1.4, ("float", "b"): 2.4,
          ("twin", "a"): 1.5, ("twin", "b"): 2.1, ("peer", "a"): 1.2, ("peer", "b"): None,
          ("host", "a"): 1.5, ("host", "b"): 2.1}  # fmt: skip
CLIPS = {"a": ("0", "rain"), "b": ("5", "dogs")}


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build folder with the scores of one set; the peer failed at one clip."""
    monkeypatch.setattr(baseline, "HERE", tmp_path / "kept")
    (tmp_path / "score").mkdir()
    with open(tmp_path / "score" / "tiny.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for (system, clip), value in SCORES.items():
            snr, noise = CLIPS[clip]
            writer.writerow({"system": system, "clip": clip, "snr": snr, "noise": noise,
                             "pesq_wb": value, "stoi": 0.8,
                             "error": "" if value else "no utterance"})  # fmt: skip
    about = {"name": "peer", "version": "2.0", "entry": {}}
    made = {"a": {"model": "tiny"}}
    for path, content in (("peer/tiny/system", about), ("twin/tiny/done", made)):
        place = tmp_path / "out" / f"{path}.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(content))
    return tmp_path


def keep(build, model: str = "tiny") -> int:
    return store.main(["--set", "build/sets/tiny", "--build", str(build), "--model", model])


def test_means_of_all_snrs_and_noises(build):
    assert keep(build) == 0
    kept = baseline.read("scores", "tiny/tiny")
    assert kept["weights"] == weights_hash("tiny")
    rows = {(r["system"], r["snr"], r["noise"]): r["pesq_wb"] for r in kept["rows"]}
    assert rows == {("float", None, None): 1.9, ("float", 0, None): 1.4, ("float", 5, None): 2.4,
                    ("float", None, "dogs"): 2.4, ("float", None, "rain"): 1.4,
                    ("twin", None, None): 1.8, ("twin", 0, None): 1.5, ("twin", 5, None): 2.1,
                    ("twin", None, "dogs"): 2.1, ("twin", None, "rain"): 1.5}  # fmt: skip
    assert kept["scores"]["twin"] == {"a": {"pesq_wb": 1.5, "stoi": 0.8},
                                      "b": {"pesq_wb": 2.1, "stoi": 0.8}}  # fmt: skip
    peer = baseline.read("scores", "tiny/peer")
    assert peer["version"] == "2.0" and peer["rows"][0]["pesq_wb"] is None, "one clip failed"
    assert peer["rows"][1]["pesq_wb"] == 1.2 and not peer["scores"]
    assert baseline.clips("tiny", "tiny")["noisy"]["b"]["pesq_wb"] == 2.0
    assert baseline.read("scores", "tiny/host") is None, "equals the twin"


def test_clips_of_another_model_are_refused(build):
    with pytest.raises(SystemExit, match="is of tiny, not of small; run make score model=small"):
        keep(build, "small")
    assert not (build / "kept").exists()


def test_missing_scores_are_named(build):
    table = build / "score" / "tiny.csv"
    table.write_text("".join(x for x in table.read_text().splitlines(True) if "float" not in x))
    with pytest.raises(SystemExit, match="no scores of float; run make score"):
        keep(build)


def test_other_results_come_along_if_they_are_of_these_weights(build, capsys):
    mine = {"model": "tiny", "testset": "tiny", "weights": weights_hash("tiny")}
    found = {"studies/parts-tiny-tiny": mine,
             "studies/trials-tiny-tiny": mine | {"weights": "old"},
             "studies/ladder-tiny": {"testset": "tiny"},
             "studies/ladder-other": {"testset": "other"},
             "score/cost-tiny": mine, "check/matrix": mine | {"model": "small"},
             "drift/tiny": mine}  # fmt: skip
    for name, content in found.items():
        (build / name).parent.mkdir(exist_ok=True)
        (build / f"{name}.json").write_text(json.dumps(content))
    assert keep(build) == 0
    assert sorted(baseline.read_all("studies")) == ["ladder-tiny", "parts-tiny-tiny"]
    assert sorted(baseline.read_all("integers")) == ["cost-tiny-tiny", "drift-tiny"]
    assert "trials-tiny-tiny.json: of other weights, left" in capsys.readouterr().err
