"""The hard cases: the set holds what it says, and what is published is what was made of it."""

import csv
import json

import numpy as np
import pytest
import soundfile

from eval import pairs, weaknesses
from eval.mixing import RATE, active_level
from eval.score import FIELDS
from reference.dnn import weights_hash

pytestmark = pytest.mark.xdist_group("weaknesses")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "weaknesses"
    assert weaknesses.main(["make", str(folder)]) == 0
    return folder


def sound(folder, kind: str, case: str) -> np.ndarray:
    """(N,) samples of one side of a case."""
    number = list(weaknesses.CASES).index(case)
    (path,) = (folder / kind).glob(f"*_fileid_{number}.flac")
    return soundfile.read(path)[0]


def test_every_case_is_a_clip_with_the_level_and_snr_that_it_says(folder):
    assert pairs.check(folder) == (len(weaknesses.CASES), [])
    for name, case in weaknesses.CASES.items():
        noisy, clean = (sound(folder, kind, name) for kind in ("noisy", "clean"))
        assert len(clean) == weaknesses.SECONDS * RATE
        if case.rate == RATE:  # else a part of both is cut off
            snr = active_level(clean) - active_level(noisy - clean)
            assert active_level(clean) == pytest.approx(case.level_dbfs, abs=0.1)
            assert snr == pytest.approx(case.snr_db, abs=0.1 if case.level_dbfs > -60 else 0.5)


@pytest.mark.parametrize(("case", "hz"), [("16-khz", 8000), ("8-khz", 4000)])
def test_a_source_of_a_low_rate_has_nothing_above(folder, case, hz):
    """But for the steps of 16 bits: more than 60 dB below it all; the ordinary case has more."""
    def above(name: str) -> float:
        samples = sound(folder, "noisy", name)
        power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
        return power[int(1.02 * hz * weaknesses.SECONDS) :].sum() / power.sum()

    assert above(case) < 1e-6 < 1e-4 < above("speech")


def test_song_and_music_have_their_notes():
    """The strongest frequency of the first note: its fundamental or a harmonic, 12 Hz a bin."""
    for make, hz in ((weaknesses.song, 220), (weaknesses.music, 131)):
        spectrum = np.abs(np.fft.rfft(make(np.random.default_rng(1))[: RATE // 4], 4 * RATE))
        peak = np.argmax(spectrum) / 4
        assert abs(peak / hz - round(peak / hz)) < 0.06, peak


@pytest.fixture
def build(folder, tmp_path, monkeypatch):
    """A build in which every system halves what it hears, with scores by rule."""
    rows = []
    for side in ("sets/weaknesses/noisy", "out/twin/weaknesses"):
        (tmp_path / side).mkdir(parents=True)
    for number, path in enumerate(sorted((folder / "noisy").iterdir())):
        samples = soundfile.read(path)[0]
        clip, case = path.stem, path.stem.partition("_")[0]
        for side, gain in (("sets/weaknesses/noisy", 1), ("out/twin/weaknesses", 0.5)):
            soundfile.write(tmp_path / side / f"{clip}.wav", samples * gain, RATE, "PCM_16")
        for system in ("noisy", *weaknesses.SETTINGS):
            row = {"system": system, "clip": clip, "noise": case, "pesq_wb": 1 + number / 10,
                   "si_sdr": number, "speech_loss": len(system)}  # fmt: skip
            rows.append(dict.fromkeys(FIELDS, "") | row)
    (tmp_path / "score").mkdir()
    with open(tmp_path / "score" / "weaknesses.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.setattr(weaknesses, "AUDIO", tmp_path / "audio")
    return tmp_path


def test_measure_leaves_sound_and_figures(build):
    measure = ["measure", "--model", "small", "--build", str(build)]
    assert weaknesses.main(measure) == 0
    files = {p: p.read_bytes() for p in [*build.rglob("*.mp3")]}
    assert sum(len(x) for p, x in files.items() if p.parent == weaknesses.AUDIO) < 250_000
    for name in weaknesses.CASES:
        before, after = (soundfile.read(folder / f"{name}.mp3")[0]
                         for folder in (weaknesses.AUDIO, build / "heard" / "small"))  # fmt: skip
        assert np.std(after) / np.std(before) == pytest.approx(0.5, rel=0.05)
        assert -35 < active_level(before) < -20, "as loud as the others, however soft it was"
    found = json.loads((build / "studies" / "weaknesses-small.json").read_text())
    assert found["weights"] == weights_hash("small")
    rows = {(r["case"], r["system"]): r for r in found["rows"]}
    assert len(rows) == len(weaknesses.CASES) * len(weaknesses.SYSTEMS)
    assert rows["clean", "twin"]["speech_loss"] == 4
    assert rows["music", "twin"]["pesq_wb"] is rows["singing", "noisy"]["pesq_wb"] is None
    assert rows["speech", "noisy"]["pesq_wb"] is not None
    weaknesses.main(measure)  # again: the same bytes
    assert {p: p.read_bytes() for p in [*build.rglob("*.mp3")]} == files


def test_a_case_without_scores_is_named(build):
    table = build / "score" / "weaknesses.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True)
                             if not line.startswith("host-12db,") or "singing" not in line))
    with pytest.raises(SystemExit, match="not scored: singing, host-12db; run make weaknesses"):
        weaknesses.main(["measure", "--model", "small", "--build", str(build)])
