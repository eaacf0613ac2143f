"""Test sets: the committed one, reading every layout, naming every fault, mixing anew."""

import csv
import hashlib
import json
import os
import re
import unicodedata

import numpy as np
import pytest
import soundfile as sf
import soxr

from eval.embedded.noises import NOISES, ring
from eval.embedded.rooms import ROOMS, room_response
from eval.mixing import MixError, active_level, early_part, in_room, mix
from eval.pairs import SetError, check, check_sums, find_pairs
from eval.synthesize import draw_speech
from eval.testset import EMBEDDED, main, prepare, read_set
from reference.clips import to_int16

RATE = 48000


def tone(seconds=0.5, rate=RATE, hz=440.0):
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


def write(path, x, rate=RATE, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, x, rate, **how)


def make_dns(folder, rate=RATE, kind="wav", clips=2):
    """A DNS-style set; fileids 10, 11 … so that text and number order differ from position."""
    for k in range(10, 10 + clips):
        x = tone(rate=rate)
        write(folder / "noisy" / f"en_fan_snr{k - 5}_tl-26_fileid_{k}.{kind}", x + 0.01, rate)
        write(folder / "clean" / f"clean_fileid_{k}.{kind}", x, rate)
    return folder


# the committed set


def test_embedded_set_is_what_was_committed():
    assert check_sums(EMBEDDED) == {}
    files = {str(p.relative_to(EMBEDDED)) for p in EMBEDDED.glob("*/*.flac")}
    listed = {line.split()[1] for line in (EMBEDDED / "SHA256SUMS").read_text().splitlines()}
    assert listed == files | {"manifest.csv"}


def test_embedded_set_meets_its_requirements():
    with open(EMBEDDED / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 16
    assert len({r["voice"] for r in rows}) >= 8 and len({r["language"] for r in rows}) >= 4
    assert {r["noise"] for r in rows} == {*NOISES, "babble"}
    assert [sum(r["snr"] == s for r in rows) for s in ("0", "5", "10", "15")] == [4] * 4
    assert sum(bool(r["reverb"]) for r in rows) == 4
    assert sum(p.stat().st_size for p in EMBEDDED.glob("*/*.flac")) <= 12e6
    for row in rows:
        x, rate = sf.read(EMBEDDED / row["noisy"])
        clean, _ = sf.read(EMBEDDED / row["clean"])
        assert rate == RATE and 6 <= x.size / RATE <= 8 and x.shape == clean.shape
        assert np.max(np.abs(x)) < 0.99
        if not row["reverb"]:  # then noisy − clean is the noise itself; 0.1 dB: 16-bit rounding
            assert active_level(clean) == pytest.approx(-26, abs=0.05)
            snr = active_level(clean) - active_level(x - clean)
            assert snr == pytest.approx(float(row["snr"]), abs=0.1)


def test_prepared_embedded_set(tmp_path):
    folder = prepare("embedded", tmp_path)
    about = json.loads((folder / "set.json").read_text())
    assert about["name"] == "embedded" and about["score_rate"] == RATE
    assert len(about["clips"]) == 16
    clip = about["clips"][0]
    assert clip["noise"] and clip["voice"] and clip["fileid"] is not None
    for kind in ("noisy", "clean"):
        got, rate = sf.read(folder / clip[kind], dtype="int16")
        source = (next((EMBEDDED / "noisy").glob(f"{clip['name']}.flac")) if kind == "noisy"
                  else EMBEDDED / "clean" / f"clean_fileid_{clip['fileid']}.flac")
        assert rate == RATE and np.array_equal(got, sf.read(source, dtype="int16")[0])
        assert sf.info(folder / clip[kind]).subtype == "PCM_16"


# layouts


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_dns_layout(tmp_path, kind):
    folder = prepare(make_dns(tmp_path / "dns", kind=kind), tmp_path / "sets")
    about = json.loads((folder / "set.json").read_text())
    assert [(c["fileid"], c["snr"], c["level"]) for c in about["clips"]] == [
        (10, 5, -26), (11, 6, -26)]
    assert {p.name for p in (folder / "clean").iterdir()} == {
        f"{c['name']}.wav" for c in about["clips"]}


def test_opus(tmp_path):
    for name in ("noisy", "clean"):
        write(tmp_path / "o" / name / "a.opus", tone(), format="OGG", subtype="OPUS")
    assert prepare(tmp_path / "o", tmp_path / "sets").name == "o"


@pytest.mark.parametrize("names", [("clean", "noisy"), ("clean_testset_wav", "noisy_testset_wav")])
def test_voicebank_layout(tmp_path, names):
    for name in names:
        write(tmp_path / "vb" / name / "p232_001.wav", tone())
    about = json.loads((prepare(tmp_path / "vb", tmp_path / "s") / "set.json").read_text())
    clip = about["clips"][0]
    assert clip["name"] == "p232_001" and clip["snr"] is None and clip["fileid"] is None


def test_16_khz_is_resampled_and_remembered(tmp_path):
    folder = prepare(make_dns(tmp_path / "d16", rate=16000), tmp_path / "sets")
    about = json.loads((folder / "set.json").read_text())
    assert about["score_rate"] == 16000 and "soxr" in about["resampler"]
    x, rate = sf.read(folder / about["clips"][0]["clean"], dtype="int16")
    source, _ = sf.read(tmp_path / "d16" / "clean" / "clean_fileid_10.wav")
    want = to_int16(soxr.resample(source, 16000, RATE))
    assert rate == RATE and x.size == 24000
    assert np.array_equal(x, want)


def test_nothing_is_done_twice_and_changes_are_seen(tmp_path):
    source, out = make_dns(tmp_path / "d"), tmp_path / "sets"
    first = (prepare(source, out) / "set.json").stat().st_mtime_ns
    assert (prepare(source, out) / "set.json").stat().st_mtime_ns == first
    write(source / "clean" / "clean_fileid_10.wav", tone(hz=500))
    assert (prepare(source, out) / "set.json").stat().st_mtime_ns != first


# faults: each names its file, and nothing is left behind


def noisy(folder, k=10):
    return next(folder.glob(f"noisy/*fileid_{k}.wav"))


def set_nan(path):
    x = tone()
    x[5] = np.nan
    write(path, x, subtype="FLOAT")


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-1000])


def cut_off_flac(folder):
    path = noisy(folder)
    write(path.with_suffix(".flac"), tone() * np.random.default_rng(1).random(24000))
    path.unlink()
    cut_off(path.with_suffix(".flac"))


FAULTS = {
    "missing clean": (lambda d: (d / "clean/clean_fileid_10.wav").unlink(), "id_10.wav: orphan"),
    "missing noisy": (lambda d: noisy(d).unlink(), "clean_fileid_10.wav: orphan"),
    "length": (lambda d: write(noisy(d), tone(0.4)), "fileid_10.wav: 19200 samples.* 24000"),
    "rate": (lambda d: write(noisy(d), tone(), 44100), "fileid_10.wav: rate is 44100"),
    "two rates": (lambda d: write(noisy(d), tone(), 16000), "fileid_10.wav: rate 16000.* 48000"),
    "stereo": (lambda d: write(noisy(d), np.stack([tone()] * 2, 1)), "fileid_10.wav: has 2 chan"),
    "nan": (lambda d: set_nan(noisy(d)), "fileid_10.wav: holds NaN"),
    "silent clean": (lambda d: write(d / "clean/clean_fileid_10.wav", 0 * tone()),
                     "clean_fileid_10.wav: is silent"),
    "zero length": (lambda d: write(noisy(d), tone()[:0]), "fileid_10.wav: has no samples"),
    "unreadable": (lambda d: noisy(d).write_bytes(b"text"), "fileid_10.wav: cannot be read"),
    "empty file": (lambda d: noisy(d).write_bytes(b""), "fileid_10.wav: cannot be read"),
    "truncated": (lambda d: cut_off(noisy(d)), "id_10.wav: is truncated, it holds 47044 of 480"),
    "truncated flac": (cut_off_flac, "fileid_10.flac: (is truncated|cannot be read)"),
    "duplicate fileid": (lambda d: write(d / "noisy/x_snr0_fileid_10.wav", tone()),
                         "en_fan.*_10.wav: same clean file as x_snr0(.|\\n)*"
                         "x_snr0_fileid_10.wav: same clean file as en_fan"),
    "duplicate clean": (lambda d: write(d / "clean/clean_fileid_10.flac", tone()),
                        "clean_fileid_10.flac: same name as"),
    "sums": (lambda d: (d / "SHA256SUMS").write_text("00  clean/clean_fileid_10.wav\n"),
             "clean_fileid_10.wav: is not the file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_names_the_file_and_leaves_the_rest(tmp_path, capsys, fault):
    """The clip with the fault is named and left out; `check` and --strict fail; mending heals."""
    damage, words = FAULTS[fault]
    folder, sets = make_dns(tmp_path / "d"), tmp_path / "sets"
    damage(folder)
    assert main(["prepare", str(folder), "--out", str(sets), "--strict"]) == 2
    assert re.search(words, capsys.readouterr().err)
    assert not list(sets.glob("*")) if sets.exists() else True
    assert main(["check", str(folder)]) == 1
    captured = capsys.readouterr()
    assert re.search(words, captured.err) and ": 1 clips can be used" in captured.out
    for _ in range(2):  # made, then found made
        assert main(["prepare", str(folder), "--out", str(sets)]) == 0
        assert re.search(words, capsys.readouterr().err)
    about = json.loads((sets / "d" / "set.json").read_text())
    assert [clip["fileid"] for clip in about["clips"]] == [11] and about["problems"]
    assert [p.stem for p in (sets / "d" / "noisy").iterdir()] == [about["clips"][0]["name"]]


def test_check_of_a_good_folder(tmp_path, capsys):
    assert main(["check", str(make_dns(tmp_path / "d"))]) == 0
    assert ": 2 clips can be used" in capsys.readouterr().out


def test_all_faults_are_listed_at_once(tmp_path):
    folder = make_dns(tmp_path / "d", clips=3)
    write(noisy(folder, 10), tone(0.4))
    set_nan(noisy(folder, 12))
    with pytest.raises(SetError) as caught:
        prepare(folder, tmp_path / "sets", strict=True)
    assert len(caught.value.problems) == 2


def test_mixed_rates_in_a_set(tmp_path):
    folder = make_dns(tmp_path / "d")
    write(noisy(folder, 11), tone(rate=16000), 16000)
    write(folder / "clean" / "clean_fileid_11.wav", tone(rate=16000), 16000)
    with pytest.raises(SetError, match="fileid_11.wav: rate is 16000"):
        prepare(folder, tmp_path / "sets", strict=True)
    kept = json.loads((prepare(folder, tmp_path / "sets") / "set.json").read_text())["clips"]
    assert [clip["fileid"] for clip in kept] == [10]


def test_nothing_left_is_no_set(tmp_path, capsys):
    folder = make_dns(tmp_path / "d")
    for k in (10, 11):
        write(noisy(folder, k), tone(0.4))
    assert main(["prepare", str(folder), "--out", str(tmp_path / "sets")]) == 2
    assert "2 problem(s)" in capsys.readouterr().err


@pytest.mark.parametrize(("names", "words"), [
    ([], "no folders"), (["noisy"], "no audio files"), (["noisy", "x"], "clean/"),
    (["clean_a", "clean_b", "noisy"], "clean_a/, cle"),
    (["clean", "noisy"], "no audio files")])
def test_folders_that_are_no_set(tmp_path, names, words):
    for name in names:
        (tmp_path / "d" / name).mkdir(parents=True)
    (tmp_path / "d").mkdir(exist_ok=True)
    with pytest.raises(SetError, match=words):
        prepare(tmp_path / "d", tmp_path / "sets")


def test_an_older_set_survives_a_failed_one(tmp_path):
    folder, out = make_dns(tmp_path / "d"), tmp_path / "sets"
    before = (prepare(folder, out) / "set.json").read_bytes()
    noisy(folder).write_bytes(b"text")
    with pytest.raises(SetError):
        prepare(folder, out, strict=True)
    assert (out / "d" / "set.json").read_bytes() == before
    assert [p.name for p in out.iterdir()] == ["d"]


# layouts as others leave them


def make_pairs(folder, *names):
    """Equal names in noisy/ and clean/."""
    for name in names:
        for kind in ("noisy", "clean"):
            write(folder / kind / f"{name}.wav", tone())
    return folder


def sums_of(folder, form):
    """Every file of a set in a line; `form` has {sum} and {name}."""
    return "".join(form.format(sum=hashlib.sha256(p.read_bytes()).hexdigest(),
                               name=p.relative_to(folder)) for p in sorted(folder.rglob("*.wav")))


def test_dns_names_of_the_dev_sets(tmp_path):
    for k in range(2):
        write(tmp_path / f"d/clean/synthetic_clean_fileid_{k}.wav", tone())
        write(tmp_path / f"d/noisy/synthetic_emotion_4056_snr18_tl-26_fileid_{k}.wav", tone())
    pairs, problems = find_pairs(tmp_path / "d")
    assert not problems and [p.facts["snr"] for p in pairs] == [18, 18]
    assert [p.clean.stem[-1] for p in pairs] == ["0", "1"]


def test_names_may_be_composed_or_not(tmp_path):
    folder = make_pairs(tmp_path / "d", "grüße")
    path = folder / "noisy" / "grüße.wav"
    path.rename(path.with_name(unicodedata.normalize("NFD", path.name)))
    assert len(find_pairs(folder)[0]) == 1


@pytest.mark.parametrize("text", [
    "\ufeffnoisy,noise,voice\nnoisy/a.wav,hiss,f1\n".encode(),
    b"noisy;noise;voice\r\nnoisy/a.wav;hiss;f1\r\n"])
def test_manifests_of_spreadsheets(tmp_path, text):
    folder = make_pairs(tmp_path / "d", "a")
    (folder / "manifest.csv").write_bytes(text)
    assert find_pairs(folder)[0][0].facts["noise"] == "hiss"


@pytest.mark.parametrize(("text", "words"), [
    (b"filename,snr_db\na.wav,1\n", "manifest.csv, line 1: needs a column noisy, has filename, s"),
    (b"", "manifest.csv, line 1: needs a column noisy, has nothing"),
    ("noisy,noise\na.wav,Gerät\n".encode("latin-1"), "manifest.csv, line 2: is not UTF-8")])
def test_manifests_that_cannot_be_read_are_named(tmp_path, capsys, text, words):
    folder = make_pairs(tmp_path / "d", "a")
    (folder / "manifest.csv").write_bytes(text)
    assert main(["prepare", str(folder), "--out", str(tmp_path / "s")]) == 2
    assert words in capsys.readouterr().err


def test_a_manifest_of_a_stranger(tmp_path):
    """Cells without end, too many and too few of them: a sentence, or the facts that are there."""
    folder = make_pairs(tmp_path / "d", "a", "b")
    (folder / "manifest.csv").write_text('noisy,noise\na.wav,"' + "x" * 200_000 + '"\n')
    with pytest.raises(SetError, match="manifest.csv, line 2: is longer than 10000 characters"):
        find_pairs(folder)
    (folder / "manifest.csv").write_text("noisy,noise\na.wav\nb.wav,hiss,more,and more\n\n,x\n")
    facts = {pair.noisy.stem: pair.facts["noise"] for pair in find_pairs(folder)[0]}
    assert facts == {"a": None, "b": "hiss"}


@pytest.mark.parametrize("name", ["/dev/zero", "../outside.wav", "noisy/../../outside.wav"])
def test_sums_of_files_outside_are_not_taken(tmp_path, name):
    """/dev/zero would be read for ever."""
    folder = make_pairs(tmp_path / "d", "a")
    write(tmp_path / "outside.wav", tone())
    (folder / "SHA256SUMS").write_text(f"{64 * 'a'}  {name}\n{64 * 'b'}  noisy\n")
    problems = check_sums(folder)
    assert f"line 1: names {name}, outside of the set" in problems[folder / "SHA256SUMS"]
    assert "noisy: listed in SHA256SUMS, but missing" in problems[folder / "noisy"]


def test_no_file_is_waited_for_or_allocated_by_its_word(tmp_path):
    """A pipe that never ends; 68 G samples by the head of a file of 10 kB."""
    folder = make_pairs(tmp_path / "d", "a", "b", "c")
    (folder / "noisy" / "a.wav").unlink()
    os.mkfifo(folder / "noisy" / "a.wav")
    (folder / "noisy" / "b.wav").unlink()
    sf.write(folder / "noisy" / "b.flac", tone(), 48000)
    forged = bytearray((folder / "noisy" / "b.flac").read_bytes())
    forged[21] |= 0x0F
    forged[22:26] = b"\xff\xff\xff\xff"
    (folder / "noisy" / "b.flac").write_bytes(forged)
    good, problems = check(folder)
    words = "\n".join(problems)
    assert good == 1 and "a.wav: is of a kind that is not read" in words
    assert "b.flac: holds 1431656 s by its head, a clip has 3600 at most" in words


@pytest.mark.parametrize("form", ["{sum} *{name}\n", "{sum}  {name}\r\n",
                                  "# of Monday\n\n{sum}  {name}\n", "SHA256 ({name}) = {sum}\n"])
def test_sums_of_any_tool(tmp_path, form):
    folder = make_pairs(tmp_path / "d", "a", "b")
    good = sums_of(folder, form)
    (folder / "SHA256SUMS").write_bytes(good.encode())
    assert check_sums(folder) == {}
    write(folder / "noisy" / "b.wav", tone(hz=500))
    assert [p.name for p in check_sums(folder)] == ["b.wav"]
    (folder / "SHA256SUMS").write_text("see the web page\n")
    assert "line 1: is not a SHA-256" in check_sums(folder)[folder / "SHA256SUMS"]


def test_broken_links_other_kinds_and_silent_noisy_clips_are_named(tmp_path):
    folder = make_pairs(tmp_path / "d", "a", "b", "c", "d")
    (folder / "noisy" / "a.wav").unlink()
    (folder / "noisy" / "a.wav").symlink_to("/nowhere.wav")
    for kind in ("noisy", "clean"):
        (folder / kind / "b.wav").rename(folder / kind / "b.mp3")
    write(folder / "noisy" / "c.wav", 0 * tone())
    good, problems = check(folder)
    words = "\n".join(problems)
    assert good == 1 and "noisy/a.wav: is a link to /nowhere.wav" in words
    assert words.count("b.mp3: is of a kind that is not read") == 2
    assert "noisy/c.wav: is silent" in words


def test_the_rate_of_most_clips_is_the_rate_of_the_set(tmp_path):
    folder = make_pairs(tmp_path / "d", "a", "b", "c")
    for kind in ("noisy", "clean"):
        write(folder / kind / "a.wav", tone(rate=16000), 16000)
    about = json.loads((prepare(folder, tmp_path / "s") / "set.json").read_text())
    assert [clip["name"] for clip in about["clips"]] == ["b", "c"]
    assert "a.wav: rate is 16000 Hz, most clips have 48000 Hz" in about["problems"][0]


# mixing


def test_active_level_leaves_pauses_out():
    x = tone(2)  # −23.01 dBFS: 20 log10(0.1/√2)
    assert active_level(x) == pytest.approx(-23.01, abs=0.01)
    assert active_level(np.concatenate([x, 0 * x, 0 * x])) == pytest.approx(-23.01, abs=0.01)
    with pytest.raises(MixError, match="silent"):
        active_level(0 * x)


def test_mix_keeps_snr_and_level():
    rng = np.random.default_rng(3)
    speech, noise = rng.standard_normal((2, RATE))
    noisy, clean = mix(speech, noise, snr_db=5, level_db=-30)
    assert active_level(clean) == pytest.approx(-30, abs=1e-6)
    assert active_level(noisy - clean) == pytest.approx(-35, abs=1e-6)
    with pytest.raises(MixError, match="peaks"):
        mix(speech, noise, 0, -3)


def test_clean_in_a_room_is_early_speech():
    click = np.zeros(RATE)
    click[100] = 1
    rir = np.zeros(4800)
    rir[[48, 48 + 480, 48 + 2400]] = 1, 0.5, 0.4  # direct, 10 ms, 50 ms
    late, early = in_room(click, rir)
    assert late[[100, 580, 2500]] == pytest.approx([1, 0.5, 0.4], abs=1e-9)
    assert early[[100, 580, 2500]] == pytest.approx([1, 0.5, 0.0], abs=1e-9)
    fade = early_part(np.concatenate([[1.0], 0.5 * np.ones(2000)]))
    assert fade[960] == 0.5 and fade[1200] == pytest.approx(0.25) and abs(fade[1441]) < 1e-12


def test_noises_repeat_and_differ():
    for name, make in NOISES.items():
        a, b = (make(np.random.default_rng(s), RATE) for s in (1, 1))
        assert np.array_equal(a, b) and a.shape == (RATE,) and np.all(np.isfinite(a)), name
        assert np.any(a != make(np.random.default_rng(2), RATE))


def test_a_fan_hums_at_the_mains_and_its_odd_harmonics():
    """Lines in the spectrum of a minute, each far above what lies within 5 Hz of it."""
    n = 60 * RATE
    power = np.abs(np.fft.rfft(NOISES["fan"](np.random.default_rng(1), n) * np.hanning(n))) ** 2
    around = [power[60 * f - 300 :][:601] for f in range(50, 501, 50)]
    assert [k for k, p in enumerate(around, 1) if p[300] > 30 * np.median(p)] == [1, 2, 3, 5, 7, 9]


def test_what_is_struck_dies_away():
    for noisiness in (0, 0.7):
        tone = ring(np.random.default_rng(1), 1000, 0.01, noisiness)
        quarters = np.square(np.array_split(tone, 4)).sum(axis=1)
        assert np.all(quarters[1:] < 0.3 * quarters[:-1])


def test_speech_that_is_long_enough_gets_no_silence_behind_it():
    class Sentence:
        def read(self) -> np.ndarray:
            return np.random.default_rng(1).standard_normal(int(6.5 * RATE))

    speech = draw_speech([Sentence()], np.random.default_rng(1))
    assert 6.5 * RATE < speech.size <= 7 * RATE and speech[-1] == 0 != speech[-2]


def test_pink_noise_falls_3_db_an_octave():
    power = np.abs(np.fft.rfft(NOISES["pink"](np.random.default_rng(1), 10 * RATE))) ** 2
    octaves = [10 * np.log10(power[10 * f:20 * f].mean()) for f in (125, 500, 2000, 8000)]
    assert np.diff(octaves) == pytest.approx([-6.0] * 3, abs=0.6)  # two octaves, random spectrum


def test_room_decays_as_said():
    # T20 stated in rooms.py; the same random numbers, so only arithmetic may differ
    for name, want in {"booth": 0.23, "office": 0.31, "meeting": 0.48}.items():
        h = room_response(name, np.random.default_rng(0))
        energy = np.cumsum(h[::-1] ** 2)[::-1]
        db = 10 * np.log10(energy / energy[0] + 1e-30)
        t20 = 3 * (np.argmax(db < -25) - np.argmax(db < -5)) / RATE
        assert t20 == pytest.approx(want, abs=0.02), name
        assert np.argmax(np.abs(h)) == pytest.approx(
            RATE / 343 * np.linalg.norm(np.subtract(*ROOMS[name][1:3])), abs=1)


# making a set from recordings


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(4)
    for talker in ("ann", "bob"):
        for k in range(3):
            write(tmp_path / "speech" / talker / f"{k}.wav",
                  tone(2.5, 16000, 200 + 50 * k) * rng.uniform(0.3, 1), 16000)
    write(tmp_path / "noise" / "hiss.flac", 0.1 * rng.standard_normal(2 * RATE))
    write(tmp_path / "rir" / "room.flac", np.exp(-np.arange(9600) / 2000)
          * rng.standard_normal(9600) * 0.1 + np.eye(1, 9600, 48)[0] * 0.9)
    return tmp_path


def make(where, out, *more):
    return main(["make", "--speech", str(where / "speech"), "--noise", str(where / "noise"),
                 "--clips", "8", "--snr", "0,10", "--seed", "7", *more, str(out)])


def test_make_from_folders(recordings, tmp_path):
    out, again = tmp_path / "set", tmp_path / "again"
    assert make(recordings, out, "--rir", str(recordings / "rir")) == 0
    pairs, problems = find_pairs(out)
    assert len(pairs) == 8 and not problems and check_sums(out) == {}
    assert sum(p.facts["snr"] == 0 for p in pairs) == 4
    assert sum(p.facts["reverb"] is not None for p in pairs) == 2
    for pair in pairs:
        x, clean = sf.read(pair.noisy)[0], sf.read(pair.clean)[0]
        assert 6 <= x.size / RATE <= 8
        if pair.facts["reverb"] is None:
            assert active_level(clean) == pytest.approx(pair.facts["level"], abs=0.05)
            assert abs(pair.facts["level"] + 26) <= 6
            snr = active_level(clean) - active_level(x - clean)
            assert snr == pytest.approx(pair.facts["snr"], abs=0.1)
    assert make(recordings, again, "--rir", str(recordings / "rir")) == 0
    assert (out / "SHA256SUMS").read_text() == (again / "SHA256SUMS").read_text()
    prepare(out, tmp_path / "sets")


def test_make_from_an_index(recordings, tmp_path):
    rows = ["split,kind,track,start_s,duration_s,bandwidth_hz,source,group,licence"]
    rows += [f"valid,speech,speech/ann/{k}.wav,0.5,1.5,8000,s,ann,CC0" for k in range(3)] * 2
    rows += ["valid,noise,noise/hiss.flac,0,1.0,20000,n,hiss,CC0",
             "train,noise,noise/missing.flac,0,1.0,20000,n,x,CC0"]
    (recordings / "index.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "set"
    assert main(["make", "--index", str(recordings / "index.csv"), "--clips", "2", str(out)]) == 0
    assert {p.facts["voice"] for p in find_pairs(out)[0]} == {"s-ann"}


def test_make_sentence_by_sentence_from_a_folder_and_an_index(recordings, tmp_path):
    (recordings / "index.csv").write_text(
        "split,kind,track,start_s,duration_s,bandwidth_hz,source,group,licence\n"
        "valid,noise,noise/hiss.flac,0,1.0,20000,n,hiss,CC0\n")
    out = tmp_path / "set"
    assert main(["make", "--speech", str(recordings / "speech"), "--index",
                 str(recordings / "index.csv"), "--sentences", "--clips", "6", str(out)]) == 0
    pairs = find_pairs(out)[0]
    assert [p.facts["noise"] for p in pairs] == 6 * ["n-hiss"]
    # every recording once, as long as it is: their levels make them differ
    cleans = [sf.read(p.clean)[0] for p in pairs]
    assert {x.size for x in cleans} == {int(2.5 * RATE)}
    assert sorted(p.facts["voice"] for p in pairs) == 3 * ["ann"] + 3 * ["bob"]
    peaks = [np.argmax(np.abs(np.fft.rfft(x))) / 2.5 for x in cleans]
    assert sorted(np.round(peaks)) == [200, 200, 250, 250, 300, 300]


@pytest.mark.parametrize(("fault", "words"), [
    ("exists", "exists already"), ("short", "no talker has"), ("no noise", "does not exist"),
    ("silent noise", "hiss.flac: is silent"), ("text", "cannot be read"),
    ("empty", "no audio files")])
def test_make_fails_whole(recordings, tmp_path, capsys, fault, words):
    out = tmp_path / "set"
    if fault == "exists":
        out.mkdir()
    elif fault == "short":
        for path in recordings.glob("speech/*/[12].wav"):
            path.unlink()
    elif fault == "no noise":
        (recordings / "noise").rename(recordings / "other")
    elif fault == "silent noise":
        write(recordings / "noise" / "hiss.flac", np.zeros(RATE))
    elif fault == "text":
        (recordings / "noise" / "hiss.flac").write_bytes(b"text")
    else:
        for path in recordings.glob("noise/*"):
            path.unlink()
    assert make(recordings, out) == 2
    assert words in capsys.readouterr().err
    assert fault == "exists" or not out.exists()
    assert not list(tmp_path.glob(".set*"))


def test_a_silent_sentence_is_named(recordings, tmp_path, capsys):
    write(recordings / "speech" / "ann" / "0.wav", np.zeros(RATE))
    assert make(recordings, tmp_path / "set", "--sentences") == 2
    assert re.search(r"leave them out\n.*ann/0.wav: is silent", capsys.readouterr().err)


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda x: np.where(np.arange(x.size) == 9, np.nan, x), "holds NaN or infinite"),
    (lambda x: np.where(np.arange(x.size) == 9, np.inf, x), "holds NaN or infinite"),
    (lambda x: 0 * x, "is silent")])
def test_spoilt_recordings_are_all_named_before_anything_is_mixed(recordings, tmp_path, capsys,
                                                                  spoil, words):
    bad = [recordings / "speech" / "bob" / "1.wav", recordings / "noise" / "more.wav"]
    for path in bad:
        write(path, spoil(tone(3)), subtype="FLOAT")
    assert make(recordings, tmp_path / "set") == 2
    err = capsys.readouterr().err
    assert all(f"{path}: {words}" in err for path in bad) and " of 8 " not in err
    assert not (tmp_path / "set").exists()


def test_a_clipped_reference_is_refused_and_clipped_noise_is_mixed_and_said(recordings, tmp_path,
                                                                           capsys):
    clip, noise = np.clip(20 * tone(3), -1, 1), recordings / "noise" / "more.wav"
    write(noise, clip, subtype="FLOAT")
    assert make(recordings, tmp_path / "set") == 0
    assert f"warning: {noise}: is clipped" in capsys.readouterr().err
    speech = recordings / "speech" / "bob" / "1.wav"
    write(speech, clip, subtype="FLOAT")
    assert make(recordings, tmp_path / "other") == 2
    err = capsys.readouterr().err
    assert f"{speech}: is clipped" in err and "1 recordings cannot" in err
    assert not (tmp_path / "other").exists()


def test_snrs_below_zero_and_between(recordings, tmp_path):
    out = tmp_path / "set"
    assert make(recordings, out, "--snr", "-5,2.5", "--clips", "2") == 0
    assert sorted(p.facts["snr"] for p in find_pairs(out)[0]) == [-5, 2.5]
    with pytest.raises(SystemExit):
        make(recordings, tmp_path / "other", "--snr", "5,inf")


@pytest.mark.parametrize("inside", ["", "noisy", "noisy_testset"])
def test_recordings_without_clean_speech_are_a_set(tmp_path, capsys, inside):
    """The real recordings of the DNS Challenge: a folder of them, or noisy/ alone."""
    folder = tmp_path / "real"
    for name in ("ms_realrec_emma", "audioset_realrec_b"):
        write(folder / inside / f"{name}.wav", tone(0.4), 48000)
    write(folder / inside / "silent.wav", 0 * tone(0.4), 48000)
    assert main(["prepare", str(folder), "--out", str(tmp_path / "sets")]) == 0
    said = capsys.readouterr().err
    assert "DNSMOS alone" in said and "silent.wav: is silent" in said
    about = read_set(tmp_path / "sets" / "real", with_clean=False)
    assert [clip["name"] for clip in about["clips"]] == ["audioset_realrec_b", "ms_realrec_emma"]
    assert all(clip["clean"] is clip["sha256_clean"] is None for clip in about["clips"])
    with pytest.raises(SystemExit, match="without clean speech"):
        read_set(tmp_path / "sets" / "real")
