"""Scoring: the same samples give the same scores once, faults are listed and counted."""

import csv
import json

import numpy as np
import pytest
import soundfile as sf

from eval import report
from eval import score as scoring
from eval.score import main, score

pytestmark = pytest.mark.usefixtures("quick_scores")
RATE = 48000


def speech_like(rng, seconds=2.0):
    """Harmonics with syllables: enough speech for PESQ and STOI to work on."""
    t = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * 140 * k * t + rng.uniform(0, 6)) / k for k in range(1, 25))
    return 0.05 * tone * np.clip(np.sin(2 * np.pi * 2 * t), 0, 1)


def write(path, x):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, x, RATE, subtype="PCM_16")


@pytest.fixture
def build(tmp_path):
    """A build folder: set "tiny" of two clips; systems float (halved noise), twin = arm64."""
    rng, clips = np.random.default_rng(5), []
    for number, snr in enumerate((0, 10)):
        clean = speech_like(rng)
        noise = rng.standard_normal(clean.size) * 0.02
        name = f"a_snr{snr}_tl-26_fileid_{number}"
        folder = tmp_path / "sets" / "tiny"
        write(folder / "clean" / f"{name}.wav", clean)
        write(folder / "noisy" / f"{name}.wav", clean + noise)
        write(tmp_path / "out" / "float" / "tiny" / f"{name}.wav", clean + 0.5 * noise)
        for system in ("twin", "arm64-cortex-a53"):
            write(tmp_path / "out" / system / "tiny" / f"{name}.wav", clean + 0.51 * noise)
        clips.append({"name": name, "noisy": f"noisy/{name}.wav", "clean": f"clean/{name}.wav",
                      "snr": snr, "noise": "white", "reverb": None})
    about = {"name": "tiny", "score_rate": RATE, "clips": clips}
    (tmp_path / "sets" / "tiny" / "set.json").write_text(json.dumps(about))
    return tmp_path


def table(build):
    with open(build / "score" / "tiny.csv", newline="") as file:
        return list(csv.DictReader(file))


def run(build):
    return main(["--set", str(build / "sets" / "tiny"), "--build", str(build)])


def test_every_system_in_order_and_right(build):
    assert run(build) == 0
    rows = table(build)
    assert list(dict.fromkeys(r["system"] for r in rows)) == [
        "noisy", "float", "twin", "arm64-cortex-a53"]
    assert len(rows) == 8 and {r["snr"] for r in rows} == {"0", "10"}
    value = {(r["system"], r["snr"]): float(r["si_sdr"]) for r in rows}
    # noise halved: 6.02 dB, up to the part of the noise that lies along the speech
    assert value["float", "0"] - value["noisy", "0"] == pytest.approx(6.02, abs=0.1)
    assert {r["delay"] for r in rows} == {"0"} and not any(r["error"] for r in rows)


def test_equal_samples_are_scored_once_and_kept(build, capsys, monkeypatch):
    run(build)
    assert "6 newly scored" in capsys.readouterr().err  # 8 outputs, arm64 equals twin
    before = (build / "score" / "tiny.csv").read_bytes()
    monkeypatch.setattr(scoring, "score_pair", None)  # nothing may be computed again
    assert run(build) == 0
    assert (build / "score" / "tiny.csv").read_bytes() == before
    rows = {r["system"]: r for r in table(build) if r["snr"] == "0"}
    assert rows["twin"]["pesq_wb"] == rows["arm64-cortex-a53"]["pesq_wb"]


def test_changed_samples_are_scored_again(build, capsys):
    run(build)
    path = next((build / "out" / "float" / "tiny").iterdir())
    x, _ = sf.read(path)
    write(path, 0.9 * x)
    capsys.readouterr()
    run(build)
    assert "1 newly scored" in capsys.readouterr().err


def test_other_tools_score_everything_again(build, capsys, monkeypatch):
    """A score belongs to the versions that made it."""
    for version, new in (("a", 6), ("a", 0), ("b", 6)):
        monkeypatch.setattr(scoring, "VERSION", version)
        run(build)
        assert f"{new} newly scored" in capsys.readouterr().err


def test_a_line_cut_off_in_the_cache_is_made_good(build, capsys):
    run(build)
    cache = build / "score" / "cache.jsonl"
    cache.write_text(cache.read_text()[:-20])
    capsys.readouterr()
    assert run(build) == 0
    assert "1 newly scored" in capsys.readouterr().err
    assert len(cache.read_text().splitlines()) == 6


def silence(path):
    write(path, np.zeros(2 * RATE))


def shorten(path):
    write(path, sf.read(path)[0][:-1])


def make_tiny(path):
    write(path, sf.read(path)[0][:100])


def spoil(path):
    path.write_bytes(b"no sound")


def wrong_rate(path):
    sf.write(path, sf.read(path)[0], 44100)


@pytest.mark.parametrize(("damage", "words"), [
    (lambda p: p.unlink(), "missing"), (shorten, "samples"), (silence, "silent output"),
    (spoil, "cannot be read"), (wrong_rate, "44100")])
def test_a_fault_is_listed_counted_and_fails(build, capsys, damage, words):
    path = sorted((build / "out" / "twin" / "tiny").iterdir())[0]
    damage(path)
    assert run(build) == 3
    err = capsys.readouterr().err
    assert f"failed (system): twin {path.stem}" in err and words in err and "1 of 8 clips" in err
    bad = [r for r in table(build) if r["error"]]
    assert len(bad) == 1 and bad[0]["pesq_wb"] == "" and words in bad[0]["error"]


def test_late_output_is_reported_not_mended(build):
    for path in (build / "out" / "float" / "tiny").iterdir():
        x, _ = sf.read(path)
        write(path, np.concatenate([np.zeros(480), x[:-480]]))
    score(build / "sets" / "tiny", build)
    late = [r for r in table(build) if r["system"] == "float"]
    assert {r["delay"] for r in late} == {"480"} and float(late[0]["si_sdr"]) < 0


def test_no_set_is_said(tmp_path, capsys):
    assert main(["--set", str(tmp_path / "nothing")]) == 2
    assert "eval.testset prepare" in capsys.readouterr().err


def test_systems_can_be_chosen_by_target(build):
    """What an older run of another target left is not scored unasked."""
    folder = ["--set", str(build / "sets" / "tiny"), "--build", str(build)]
    assert main([*folder, "--systems", "float", "arm64"]) == 0
    assert {r["system"] for r in table(build)} == {"noisy", "float", "arm64-cortex-a53"}
    assert main([*folder, "--systems", "float", "arm"]) == 0
    assert {r["system"] for r in table(build)} == {"noisy", "float"}


def test_a_clip_that_cannot_be_scored_is_listed(build, capsys):
    """Too short for PESQ, whatever the system: a fault of the set, the rest is scored."""
    about = json.loads((build / "sets/tiny/set.json").read_text())
    name = about["clips"][0]["name"]
    for path in build.rglob(f"{name}.wav"):
        make_tiny(path)
    assert run(build) == 3
    err = capsys.readouterr().err
    assert f"failed (clip): noisy {name}: " in err and "4 of 8 clips" in err
    assert sum(bool(r["error"]) for r in table(build)) == 4


def test_recordings_without_clean_speech_have_dnsmos_alone(build, monkeypatch, capsys):
    """Ratings stand in their columns, all others are empty, the report is written from them."""
    path = build / "sets" / "tiny" / "set.json"
    about = json.loads(path.read_text())
    for clip in about["clips"]:
        clip["clean"] = None
    path.write_text(json.dumps(about))
    assert run(build) == scoring.INCOMPLETE
    assert "make .venv/dnsmos" in capsys.readouterr().err
    ratings = {"dnsmos_sig": 3.0, "dnsmos_bak": 4.0, "dnsmos_ovrl": 2.5}
    monkeypatch.setattr("eval.metrics.available", lambda: True)
    monkeypatch.setattr("eval.metrics.dnsmos", lambda enhanced, rate: ratings)
    assert run(build) == 0
    for row in table(build):
        assert float(row["dnsmos_ovrl"]) == 2.5 and not row["pesq_wb"] and not row["delay"]
    assert report.main(["--build", str(build)]) == 0
    assert "DNSMOS OVRL 2.50 → 2.50" in (build / "report" / "report.md").read_text()


def test_scores_that_are_none_are_said(build):
    for text in ("", "system,clip\n", "system,clip,error,pesq_wb\na,b,,inf\n", "\0"):
        (build / "score").mkdir(exist_ok=True)
        (build / "score" / "tiny.csv").write_text(text + "x" * bool(text == ""))
        with pytest.raises(SystemExit, match="tiny.csv: holds no scores"):
            scoring.read_csv(build / "score" / "tiny.csv")
