"""What pruned networks score: every density of a run."""

import json
import sys

import numpy as np
import pytest
import torch

from training import densities, export
from training.loss import loss
from training.model import Model
from training.targets import batch


@pytest.fixture
def run(tmp_path):
    """Checkpoints as the trainer leaves them, of two sizes at two densities, and held-out crops."""
    for folder, model, density in [("small", "small", 1.0), ("small-2", "small", 0.5),
                                   ("tiny", "tiny", 1.0), ("tiny-2", "tiny", 0.5)]:
        torch.manual_seed(len(folder) + len(model))
        (tmp_path / folder).mkdir()
        state = {"settings": {"model": model, "density": density, "seed": 1}, "frames": 0,
                 "average": Model(model).state_dict()}
        torch.save(state, tmp_path / folder / "last.pt")
    crops = np.random.default_rng(1).uniform(0, 1, (2, 60, 242)).astype(np.float16)
    np.save(tmp_path / "valid.npy", crops)
    return tmp_path


def test_every_network_is_judged(run, monkeypatch):
    """Errors are those of the loss, scores those of its own file, outputs moved for the judge."""
    heard = []

    def judged(paths, sets, table):
        heard.extend(paths)
        return {path.stem: {"X": {"pesq_wb": len(path.stem), "estoi": 0.5}} for path in paths}

    monkeypatch.setattr(densities, "judged", judged)
    monkeypatch.setattr(export, "leave_out", lambda *_: {})
    monkeypatch.setattr(sys, "argv", ["densities", str(run), "--sets", "X", "--gain", "-0.5"])
    densities.main()
    rows = json.loads((run / "densities.json").read_text())["rows"]
    assert {(row["model"], row["density"]) for row in rows} == {
        (model, density) for model in ("small", "tiny") for density in (1, 0.5)}
    for row in rows:
        assert row["sets"]["X"]["pesq_wb"] == len(f"{row['model']}-{row['density']:g}")
    crops = batch(torch.from_numpy(np.load(run / "valid.npy")), 0)
    for row in (row for row in rows if row["model"] == "tiny"):
        network = Model("tiny")
        folder = "tiny" if row["density"] == 1 else "tiny-2"
        state = torch.load(run / folder / "last.pt", weights_only=True)["average"]
        network.load_state_dict(state)
        # float16 of the weight file: 2^-11 of each weight
        assert row["square"] == pytest.approx(
            loss(network(crops.features), crops).square.item(), rel=2e-3)
        path = next(path for path in heard if path.stem == f"tiny-{row['density']:g}")
        before = state["gain.bias"].numpy().astype(np.float16).astype(np.float32)
        np.testing.assert_allclose(densities.dnn.read(path)["gain.bias"], before - 0.5, atol=1e-6)


def test_judged_means_are_of_the_clips_of_each_set(tmp_path, monkeypatch):
    table = tmp_path / "t.csv"

    def judge(command, check):
        table.write_text("set,system,clip,snr,pesq_wb,estoi,dnsmos_ovrl,error\n"
                         "X,a,1,0,1,0.5,,\nX,a,2,0,2,0.7,,\nY,a,1,0,4,0.9,,\nX,b,1,0,3,0.1,,\n"
                         "Y,b,1,0,3,0.2,,\n")

    monkeypatch.setattr(densities.subprocess, "run", judge)
    found = densities.judged([tmp_path / "a.st", tmp_path / "b.st"],
                             [tmp_path / "X", tmp_path / "Y"], table)
    assert found["a"]["X"] == pytest.approx({"pesq_wb": 1.5, "estoi": 0.6})
    assert found["b"]["Y"] == {"pesq_wb": 3, "estoi": 0.2}
