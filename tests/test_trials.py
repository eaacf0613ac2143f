"""Trials at the edge: what is sent is what is said, and the table tells good from bad."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import soundfile
from test_ladder import CLIPS, pair

from eval.score import score
from reference.params import RATE
from studies import run, trials


def test_every_trial_is_made_and_a_clipped_one_stays_finite(build, monkeypatch):
    monkeypatch.setattr(trials, "LATE_MINUTES", 0.2)
    noisy, clean = pair(CLIPS[0])
    made = dict(trials.steps(noisy, clean, "small", build / "sets" / "tiny"))
    assert made.keys() == trials.STEPS.keys()
    assert all(x.shape == noisy.shape and np.isfinite(x).all() for x in made.values())
    assert np.array_equal(made["noise"], noisy - clean)
    assert np.array_equal(made["untouched"], noisy)
    assert np.abs(made["clipped"]).max() == pytest.approx(0.1, rel=1e-12), "full scale is +20 dB"
    assert not np.array_equal(made["late"], made["network"]), "its states are those after minutes"
    # Speech alone stays within 3 dB; noise alone falls by more than 6: loose, it is no score.
    assert np.abs(trials.power_db(made["clean-in"]) - trials.power_db(clean)) < 3
    assert trials.power_db(made["noise-in"]) < trials.power_db(made["noise"]) - 6


@pytest.fixture
def build(tmp_path):
    """A set of one clip whose trials are made by hand: speech halved, noise taken down 20 dB."""
    noisy, clean = pair(CLIPS[0])
    folder = tmp_path / "sets" / "tiny"
    clip = {"name": "a", "noisy": "noisy/a.wav", "clean": "clean/a.wav", "snr": 5.0, "noise": "x",
            "reverb": "", "sha256_noisy": "0", "sha256_clean": "1"}  # fmt: skip
    signals = {"noisy": noisy, "clean": clean}
    steps = dict.fromkeys(trials.STEPS, noisy)
    steps |= {"clean-in": clean / 2, "noise": noisy - clean, "noise-in": (noisy - clean) / 10,
             "network": clean, "network+10": noisy, "late": noisy,
             "untouched": clean, "clipped": noisy}  # fmt: skip
    paths = {folder / kind / "a.wav": x for kind, x in signals.items()}
    paths |= {tmp_path / "trials" / "out" / s / "tiny" / "a.wav": x for s, x in steps.items()}
    for path, samples in paths.items():
        path.parent.mkdir(parents=True)
        soundfile.write(path, samples, RATE, "FLOAT")
    about = {"name": "tiny", "clips": [clip], "score_rate": RATE}
    (folder / "set.json").write_text(json.dumps(about))
    return tmp_path


def test_result_says_what_was_done_to_the_clips(build):
    folder, out = build / "sets" / "tiny", build / "trials"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
        scores = own.submit(score, folder, out, 1).result()
    rows = trials.result(scores, folder, out)["rows"]
    found = {(r["trial"], r["measure"]): r["mean"] for r in rows}
    assert found["clean speech in", "attenuation dB"] == pytest.approx(20 * np.log10(2), abs=0.05)
    assert found["noise alone in", "reduction dB"] == pytest.approx(20, abs=0.01)
    assert found["level +0 dB", "PESQ-WB"] > found["level +10 dB", "PESQ-WB"]
    spread = found["level +0 dB", "PESQ-WB"] - found["level +10 dB", "PESQ-WB"]
    assert found["level", "spread"] == pytest.approx(spread, abs=0.002)  # of rounded means
    clipping = found["level +20 dB, nothing done", "PESQ-WB lost"]
    assert clipping == pytest.approx(spread, abs=0.002)
    lost = found["20 min without a reset", "PESQ-WB lost"]
    assert lost == pytest.approx(spread, abs=0.002) and lost > 0.1


@pytest.mark.parametrize(("step", "code"), [("noise-in", 0), ("network", 1)])
def test_silence_left_of_noise_is_no_failure(build, monkeypatch, step, code):
    """PESQ refuses digital silence; what noise alone leaves is judged by its level."""
    row = {"system": step, "clip": "a", "error": "PESQ: silent output"}
    for name, result in {"make": None, "score": [row], "write": "", "show_rows": None}.items():
        monkeypatch.setattr(run, name, lambda *_, result=result: result)
    monkeypatch.setattr(trials, "result", lambda *_: {"rows": []})
    assert run.main(["trials", "--set", str(build / "sets" / "tiny")]) == code
