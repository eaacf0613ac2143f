"""Options of the command `percepnet`: several inputs, voice activity, settings, model."""

import contextlib
import json
import os
import subprocess

import numpy as np
import pytest
import soundfile
from command_line import noise, refused, wav

# ---- several inputs ----


def test_several_inputs_into_a_folder(run, tmp_path):
    (tmp_path / "clean").mkdir()
    data = {f"{n}.wav": wav(noise(n).tobytes()) for n in (1, 481, 5000)}
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    files = [str(tmp_path / name) for name in data]
    subprocess.run([run.command, "-o", str(tmp_path / "clean"), *files], check=True)
    assert {p.name: p.read_bytes() for p in (tmp_path / "clean").iterdir()} == data


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "."], "0 file names found; -o needs one or more"),
        (["-o", ".", "a/x.wav", "b/x.wav"], "a/x.wav has the same name"),
        (["-o", ".", "-"], "it has no name"),
        (["-o", ".", "--vad", "v.csv", "x.wav", "y.wav"], "--vad: 2 inputs found"),
        (["-o", ".", "a/x.wav", "b/x.flac"], "a/x.wav has the same name"),
        (["-o", "missing", "x.wav"], "needs an existing folder"),
        (["-o", "x.wav", "x.wav"], "a file found; -o needs a folder"),
    ],
)
def test_outputs_that_cannot_be(run, tmp_path, arguments, words):
    data = wav(noise(100).tobytes())
    (tmp_path / "x.wav").write_bytes(data)
    done = subprocess.run(
        [run.command, *arguments], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["x.wav"]
    assert (tmp_path / "x.wav").read_bytes() == data


def test_a_bad_one_does_not_keep_the_others(run, tmp_path):
    """Exit 1 and the list at the end; the input itself is no output either."""
    good = wav(noise(500).tobytes())
    files = {"a.wav": good, "b.wav": b"no sound", "c.wav": good[:20], "d.wav": good}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "clean").mkdir()
    os.link(tmp_path / "d.wav", tmp_path / "clean" / "d.wav")
    done = subprocess.run([run.command, "-o", "clean", *files], check=False, cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("3 of 4 files are not done: b.wav, c.wav, d.wav")
    assert "d.wav: the output would overwrite the input" in done.stderr
    assert {p.name: p.read_bytes() for p in (tmp_path / "clean").iterdir()} == {
        "a.wav": good, "d.wav": good}  # fmt: skip


# ---- voice activity, summary, progress ----


@pytest.mark.parametrize(("count", "options"), [(5000, []), (480, []), (5000, ["-D"]), (0, [])])
def test_voice_activity_of_every_hop(run, tmp_path, count, options):
    """The stand-in's voice activity is the low 15 bits of the first sample of what came out."""
    pcm = noise(count, 2)
    done, _ = run(wav(pcm.tobytes(), channels=2), "--vad", str(tmp_path / "v.csv"), *options)
    assert done.returncode == 0, done.stderr
    head, *rows = (tmp_path / "v.csv").read_text().splitlines()
    assert head == "time,voice_1,voice_2"
    found = np.array([row.split(",") for row in rows], float).reshape(-1, 3)
    assert found[:, 0].tolist() == [n / 100 for n in range(-(-count // 480))]
    assert np.abs(found[:, 1:] - (pcm[::480] & 0x7FFF) / 32768).max(initial=0) <= 0.5e-4


def test_summary_in_json(run):
    pcm = noise(5000)
    done, out = run(wav(pcm.tobytes()), "--json", out='quo"te.wav')
    summary = json.loads(done.stdout)
    assert summary["output"] == str(out) and summary["input"].endswith("in.wav")
    assert (summary["samples"], summary["channels"], summary["rate"]) == (5000, 1, 48000)
    assert summary["complete"] is True
    assert (summary["delay"], summary["clipped"], summary["model"]) == (0, 0, "stand-in")
    assert summary["voice"] == pytest.approx(np.mean((pcm[::480] & 0x7FFF) > 16384), abs=1e-4)
    assert summary["cpu_seconds"] >= 0


def test_voice_is_the_share_of_all_channels(run):
    """One channel with voice, one without, whatever the length."""
    pcm = np.tile(np.array([[0x7FFF, 0]], "<i2"), (5000, 1))
    done, _ = run(wav(pcm.tobytes(), channels=2), "--json")
    assert json.loads(done.stdout)["voice"] == 0.5


def test_summary_is_json_for_any_name(run, tmp_path):
    """Every byte that a name can hold comes back from Python's json and os.fsencode."""
    every = bytes(b for b in range(1, 256) if b != ord("/"))
    names = [every[i : i + 60] for i in range(0, len(every), 60)]
    names += ["übermut \U0001f600.wav".encode(), b"\xed\xa0\x80 \xf5\x80\x80\x80 \xc0\x80 \xe2\x82"]
    for name in names:
        source = os.fsencode(tmp_path) + b"/" + name
        with open(source, "wb") as file:
            file.write(wav(b""))
        done = subprocess.run([run.command, "--json", source, source + b"\\"], check=True,
                              capture_output=True)  # fmt: skip
        summary = json.loads(done.stdout)
        assert os.fsencode(summary["input"]) == source
        assert os.fsencode(summary["output"]) == source + b"\\"


@pytest.mark.parametrize("first", [0x80, 0x800, 0x1000, 0xD000, 0xE000, 0x10000, 0x40000, 0x100000])
def test_characters_of_every_length_stay_as_they_are(run, tmp_path, first):
    """The first and the last of each row of RFC 3629, section 4."""
    ends = {0x80: 0x7FF, 0x800: 0xFFF, 0x1000: 0xCFFF, 0xD000: 0xD7FF, 0xE000: 0xFFFF,
            0x10000: 0x3FFFF, 0x40000: 0xFFFFF, 0x100000: 0x10FFFF}  # fmt: skip
    name = f"{chr(first)}{chr(ends[first])}.wav"
    (tmp_path / name).write_bytes(wav(b""))
    done = subprocess.run([run.command, "--json", name, "out.wav"], check=True, cwd=tmp_path,
                          capture_output=True)  # fmt: skip
    assert f'"{name}"' in done.stdout.decode()


def test_a_name_stays_on_its_line(run, tmp_path):
    done = subprocess.run([run.command, "a\nb\x1b[2J.wav", "out.wav"], check=False, cwd=tmp_path,
                          capture_output=True)  # fmt: skip
    assert done.stderr.startswith(b"percepnet: a?b?[2J.wav: ") and done.stderr.count(b"\n") == 1


def test_summary_leaves_sound_on_standard_output_alone(run):
    data = wav(noise(500).tobytes())
    command = [run.command, "--json", "-D", "-", "-"]
    done = subprocess.run(command, check=True, input=data, capture_output=True)
    assert done.stdout == data and json.loads(done.stderr)["output"] == "standard output"


def test_verbose_says_what_was_done(run):
    done, _ = run(wav(noise(4800, 2).tobytes(), channels=2), "-v")
    assert b"0.10 s of sound, 2 channels," in done.stderr and b"stand-in" in done.stderr
    assert b"0.10 s of sound, 1 channel," in run(wav(noise(4800).tobytes()), "-v")[0].stderr
    assert run(wav(b""))[0].stderr == b""


@pytest.mark.parametrize(("seconds", "shown"), [(61, True), (1, False)])
def test_progress_on_a_terminal_for_long_files(run, tmp_path, seconds, shown):
    (tmp_path / "in.wav").write_bytes(wav(bytes(2 * 48000 * seconds)))
    ours, theirs = os.openpty()
    subprocess.run([run.command, "in.wav", "out.wav"], check=True, stderr=theirs, cwd=tmp_path)
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # Linux: what is read after the other end was closed
        while part := os.read(ours, 4096):
            seen += part
    os.close(ours)
    assert (b" 50 %" in seen and seen.endswith(b"100 %\r\n")) == shown
    assert shown or not seen


# ---- options ----


def test_values_reach_the_library(run):
    """The stand-in's output is its input exclusive-or the attenuation limit; the last counts."""
    for form in (["-a", "5"], ["-a5"], ["--atten-lim-db=5"], ["-a", "7", "--atten-lim-db", "5"]):
        done, out = run(wav(noise(500).tobytes()), *form)
        assert done.returncode == 0, done.stderr
        assert np.array_equal(soundfile.read(out, dtype="int16")[0], noise(500)[:, 0] ^ 5)


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("-a", "101", "0 to 100 dB is needed"),
        ("-a", "-1", "0 to 100 dB is needed"),
        ("-a", "much", '"much" found; 0 to 100 dB is needed'),
        ("-a", "12.5", "steps of 1 are needed"),
        ("-a", "nan", "0 to 100 dB is needed"),
        ("--pf-beta", "2", "0.001 to 1 is needed"),
        ("--pf-beta", "0", "0.001 to 1 is needed"),
        ("--pf-beta", "0.0205", "steps of 0.001 are needed"),
        ("--pf-beta", "", "0.001 to 1 is needed"),
    ],
)
def test_values_out_of_range(run, option, value, words):
    refused(*run(wav(bytes(8)), option, value), words)


def test_a_value_that_is_missing(run):
    done = subprocess.run([run.command, "x", "y", "-a"], check=False, capture_output=True)
    assert done.returncode == 2 and b"-a: no value found" in done.stderr


@pytest.mark.parametrize("option", ["-x", "--nonsense", "--no-nonsense"])
def test_unknown_option(run, option):
    refused(*run(wav(b""), option), option, "--help")


def test_wrong_number_of_files(run):
    done = subprocess.run([run.command, "in.wav"], check=False, capture_output=True)
    assert done.returncode == 2 and b"1 file name found; 2 are needed" in done.stderr


def test_help_and_version(run):
    assert b"IN.wav OUT.wav" in subprocess.check_output([run.command, "-h"])
    assert subprocess.check_output([run.command, "-V"]) == b"percepnet 0.0.0, model stand-in\n"


def test_taps_hold_every_call(run, tmp_path):
    """Tap "line" of the stand-in is the hop of the call; three calls more flush the delay."""
    pcm = noise(961)
    taps = tmp_path / "taps"
    done, _ = run(wav(pcm.tobytes()), "--taps", str(taps))
    assert done.returncode == 0
    dump = np.frombuffer(taps.read_bytes(), np.dtype([("line", "<i2", 480), ("level", "<i4")]))
    assert len(dump) == 3 + 3
    assert dump["line"].ravel()[:961].tolist() == pcm[:, 0].tolist()


def test_taps_need_one_channel(run, tmp_path):
    refused(*run(wav(bytes(8), channels=2), "--taps", str(tmp_path / "t")), "--taps needs one")


def test_footprint(run):
    sizes = json.loads(subprocess.check_output([run.command, "--footprint"]))
    assert sizes["model"] == "stand-in" and (sizes["state"], sizes["scratch"]) == (3072, 1024)
    # one local hop of 960 bytes, plus a few saved registers
    assert 960 <= sizes["stack"] <= 1400


# ---- model ----


@pytest.mark.parametrize("form", [["-m", "stand"], ["--model=stand"]])
def test_the_model_that_is_held(run, form):
    """The stand-in's id is stand-in: the name is what stands before the last hyphen."""
    done, _ = run(wav(bytes(20)), *form)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["full", "", "stand-in", "standing", "sta"])
def test_another_model_is_refused(run, name):
    words = (f"--model: {name} found", "holds stand:", f"target=TARGET model={name}")
    refused(*run(wav(bytes(20)), "-m", name), *words)
