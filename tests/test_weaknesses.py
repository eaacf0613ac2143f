"""The hard cases: the set holds what it says, and what is published is what was made of it."""

import csv

import numpy as np
import pytest
import soundfile

from eval import pairs, weaknesses
from eval.baseline import weights_hash
from eval.mixing import RATE, active_level
from eval.score import FIELDS

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


def test_the_questions_speak_of_the_present_weights():
    model = weaknesses.DEFAULT
    name = f"`{model}-{weights_hash(model)[:12]}`"
    assert name in weaknesses.PAGE.read_text(), f"run make weaknesses model={model}"


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
    for name in ("CARDS", "AUDIO"):
        monkeypatch.setattr(weaknesses, name, tmp_path / name)
    monkeypatch.setattr(weaknesses, "PAGE", tmp_path / "faq.md")
    (tmp_path / "CARDS").mkdir()
    (tmp_path / "CARDS" / "small.md").write_text("# Model\n\n## Known weaknesses\n* Ours.\n")
    (tmp_path / "faq.md").write_text("Q\n<!-- begin weaknesses -->\n<!-- end -->\nA\n")
    return tmp_path


def test_publish_writes_sound_card_and_questions(build):
    publish = ["publish", "--model", "small", "--build", str(build)]
    assert weaknesses.main(publish) == 0
    files = {p.name: p.read_bytes() for p in weaknesses.AUDIO.iterdir()}
    card = (build / "CARDS" / "small.md").read_text()
    assert card.startswith("# Model\n\n## Known weaknesses\n* Ours.\n\n## Weaknesses to hear\n")
    assert sum(map(len, files.values())) < 500_000  # two to a case; with three models below 1 MB
    for name, case in weaknesses.CASES.items():
        before, after = (soundfile.read(weaknesses.AUDIO / f"{stem}.mp3")[0]
                         for stem in (name, f"{name}-small"))  # fmt: skip
        assert np.std(after) / np.std(before) == pytest.approx(0.5, rel=0.05)
        assert -35 < active_level(before) < -20, "as loud as the others, however soft it was"
        assert f"| {case.title} | " in card and f"weak/{name}-small.mp3)" in card
    page = (build / "faq.md").read_text()
    assert "| speech alone | 4.00 | 18.00 | 9.00 | " in page and page.endswith("<!-- end -->\nA\n")
    weaknesses.main(publish)  # again: the same bytes, and nothing twice
    assert {p.name: p.read_bytes() for p in weaknesses.AUDIO.iterdir()} == files
    assert (build / "CARDS" / "small.md").read_text() == card


def test_a_case_without_scores_is_named(build):
    table = build / "score" / "weaknesses.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(True)
                             if not line.startswith("host-12db,") or "singing" not in line))
    with pytest.raises(SystemExit, match="not scored: singing, host-12db; run make weaknesses"):
        weaknesses.main(["publish", "--model", "small", "--build", str(build)])
