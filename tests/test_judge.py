"""The judge of weights: its figures are those of the ordinary chain, its differences are paired."""

import json

import numpy as np
import pytest
import soundfile as sf
from test_ladder import CLIPS, pair

from eval.metrics import estoi, pesq_wb
from reference import dnn
from reference.clips import to_int16
from reference.params import RATE
from reference.suppressor import Options, enhance, load_network
from studies import judge

SECONDS = (2.5, 3.2)  # clips of different length go side by side


@pytest.fixture
def folder(tmp_path):
    """A prepared set of two clips."""
    clips = []
    for name, seconds, snr in zip(CLIPS, SECONDS, (5, 10), strict=True):
        for side, x in zip(("noisy", "clean"), pair(name), strict=True):
            path = tmp_path / "sets" / "two" / side / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            sf.write(path, x[RATE // 2 :][: int(seconds * RATE)], RATE, subtype="PCM_16")
        clips.append({"name": name, "noisy": f"noisy/{name}.wav", "clean": f"clean/{name}.wav",
                      "snr": snr, "seconds": seconds})
    root = tmp_path / "sets" / "two"
    (root / "set.json").write_text(json.dumps({"name": "two", "clips": clips}))
    return root


def test_figures_are_those_of_clips_enhanced_one_by_one(folder, tmp_path, capsys):
    table = tmp_path / "judge.csv"
    assert judge.main([str(dnn.model_path("tiny")), "--sets", str(folder), "--quick", "--jobs", "1",
                       "--postfilter", "--build", str(tmp_path), "--csv", str(table)]) == 0
    rows = np.genfromtxt(table, str, delimiter=",", skip_header=1)
    assert len(rows) == 4
    for _, system, clip, _, heard, understood, *_ in rows:
        noisy, clean = (sf.read(folder / side / f"{clip}.wav")[0] for side in ("noisy", "clean"))
        options = Options(postfilter=system.endswith(" postfilter"))
        out = to_int16(enhance(noisy, dnn.Network(load_network("tiny")), options)) / 32768
        assert float(heard) == pytest.approx(pesq_wb(clean, out, RATE), abs=1e-6)
        assert float(understood) == pytest.approx(estoi(clean, out, RATE), abs=1e-6)
    mean = np.mean([float(row[4]) for row in rows if row[1] == "tiny"])
    shown = capsys.readouterr().out
    assert f"tiny           {mean:8.3f}" in shown and "5 dB" in shown and "10 dB" in shown


def test_lead_is_the_mean_of_paired_differences():
    rival = [{"clip": name, "pesq_wb": value} for name, value in zip("abc", (1, 2, 3), strict=True)]
    mine = [{"clip": name, "pesq_wb": value} for name, value in zip("cab", (3.5, 1.5, 2.5),
                                                                    strict=True)]  # fmt: skip
    assert judge.lead(mine, rival) == "PESQ-WB +0.500 (+0.500 … +0.500)"


def test_a_wrong_file_is_named(folder, tmp_path, capsys):
    assert judge.main([str(tmp_path / "no.safetensors"), "--sets", str(folder)]) == 2
    assert "no.safetensors" in capsys.readouterr().err
