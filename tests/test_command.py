"""The command `percepnet` on good and bad input. The stand-in library passes sound through after
its delay, so output must equal input exactly: whatever differs, the command did.
"""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 48000
PCM16, PCM24, FLOAT = (1, 16), (1, 24), (3, 32)
EXTENSIBLE_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def wav(data: bytes, kind=PCM16, channels=1, rate=RATE, size=None, extensible=False) -> bytes:
    """A WAV file with the given sample bytes; `size` overrides the declared data size."""
    tag, bits = kind
    block = channels * bits // 8
    fields = (0xFFFE if extensible else tag, channels, rate, rate * block, block, bits)
    fmt = struct.pack("<HHIIHH", *fields)
    if extensible:
        fmt += struct.pack("<HHIH", 22, bits, 0, tag) + EXTENSIBLE_TAIL
    size = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", min(len(body) + size - len(data), 0xFFFFFFFF)) + body


def noise(count: int, channels: int = 1) -> np.ndarray:
    """(count, channels) int16 over the full range, seeded."""
    return np.random.default_rng(count).integers(-32768, 32768, (count, channels)).astype("<i2")


@pytest.fixture
def run(stand_in, tmp_path):
    """run(input bytes or None, *options) -> (completed process, output path)."""
    command = str(stand_in / "build" / "host" / "percepnet")

    def call(data: bytes | None, *options: str, out: str = "out.wav"):
        source = tmp_path / "in.wav"
        if data is not None:
            source.write_bytes(data)
        arguments = [command, *options, str(source), str(tmp_path / out)]
        done = subprocess.run(arguments, check=False, capture_output=True, timeout=20)
        return done, tmp_path / out

    call.command = command
    return call


def refused(done, out: Path, *words: str) -> None:
    """Exit 2, one line that holds `words`, no output and no temporary file."""
    message = done.stderr.decode()
    assert done.returncode == 2, message
    assert message.startswith("percepnet: ") and message.count("\n") == 1
    for word in words:
        assert word in message, message
    assert not out.exists()
    assert not list(out.parent.glob(f"{out.name}.*"))


def accepted(done, out: Path, data: bytes) -> None:
    """Exit 0 and an output with the same bytes as the input."""
    assert done.returncode == 0, done.stderr.decode()
    assert out.read_bytes() == data


# ---- right input ----


@pytest.mark.parametrize("count", [0, 1, 479, 480, 481, 959, 1440, 1441, 5000])
def test_lengths(run, count):
    data = wav(noise(count).tobytes())
    accepted(*run(data), data)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_channels(run, channels):
    data = wav(noise(2000, channels).tobytes(), channels=channels)
    accepted(*run(data), data)


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("kind", [PCM16, PCM24, FLOAT])
def test_formats_come_back_as_they_were(run, kind, extensible):
    pcm = noise(1000, 2)
    coded = {
        PCM16: pcm.tobytes(),
        PCM24: (pcm.astype("<i4") << 8).view("u1").reshape(-1, 4)[:, :3].tobytes(),
        FLOAT: (pcm / 32768).astype("<f4").tobytes(),
    }[kind]
    data = wav(coded, kind, channels=2, extensible=extensible)
    accepted(*run(data), data)


def test_24_bit_rounds_to_nearest_and_saturates(run):
    values = np.array([0x7FFFFF, 127, 128, -128, -129, -0x800000], "<i4")
    data = wav(values.view("u1").reshape(-1, 4)[:, :3].tobytes(), PCM24)
    done, out = run(data)
    assert done.returncode == 0
    pcm = soundfile.read(out, dtype="int32")[0] >> 16
    assert pcm.tolist() == [32767, 0, 1, 0, -1, -32768]


def test_other_chunks_are_skipped(run):
    data = wav(noise(700).tobytes())
    listed = data[:12] + b"LIST" + struct.pack("<I", 3) + b"abc\0" + data[12:] + b"LIST\0\0\0\0"
    done, out = run(listed)
    accepted(done, out, data)


def test_silence(run):
    data = wav(bytes(2 * 4800))
    accepted(*run(data), data)


def test_full_scale_square(run):
    data = wav(np.tile(np.repeat([32767, -32768], 24), 200).astype("<i2").tobytes())
    accepted(*run(data), data)


def test_float_beyond_full_scale_is_clipped_with_a_warning(run):
    done, out = run(wav(np.array([0.5, 1.0, 1.5, -3e38, -1.0], "<f4").tobytes(), FLOAT))
    assert done.returncode == 0
    assert b"2 samples beyond full scale" in done.stderr
    assert soundfile.read(out)[0].tolist() == [0.5, 32767 / 32768, 32767 / 32768, -1, -1]


def test_output_replaces_an_older_one(run):
    data = wav(noise(500).tobytes())
    run(wav(b""))
    accepted(*run(data), data)


def test_switches_reach_the_library(run):
    """The stand-in's postfilter halves its output."""
    data = wav(noise(500).tobytes())
    done, out = run(data, "--postfilter", "--no-highpass", "--decay-floor")
    assert done.returncode == 0
    expected = np.trunc(noise(500)[:, 0] / 2).astype(int)
    assert soundfile.read(out, dtype="int16")[0].tolist() == expected.tolist()
    accepted(*run(data, "--no-postfilter"), data)


# ---- pipes ----


@pytest.mark.parametrize("size", [None, 0, 0xFFFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("count", [1, 480, 3001])
def test_pipe(run, count, size):
    """Sizes that a writer to a pipe cannot know: everything until the end counts."""
    samples = noise(count).tobytes()
    source = wav(samples, size=size)
    command = [run.command, "-D", "-", "-"]
    done = subprocess.run(command, check=False, input=source, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == wav(samples, size=None if size is None else 0xFFFFFFFF)[:4] + (
        done.stdout[4:8] + wav(samples, size=None if size is None else 0xFFFFFFFF)[8:]
    )


def test_pipe_keeps_its_delay(run):
    """Who listens gets every hop as it is done: 1440 samples late, as long as the input."""
    samples = noise(3001)
    done = subprocess.run(
        [run.command, "-", "-"], check=True, input=wav(samples.tobytes()), capture_output=True
    )
    assert done.stdout == wav(bytes(2 * 1440) + samples[:-1440].tobytes())


def test_pipe_gives_each_hop_as_soon_as_it_can(run):
    """Header and first hop come out while the input is still open."""
    header, hop = wav(b"", size=0), noise(480).tobytes()
    with subprocess.Popen(
        [run.command, "-", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdin.write(header + hop)
        process.stdin.flush()
        assert process.stdout.read(44 + 960)[44:] == bytes(960)
        process.stdin.close()
        assert process.stdout.read() == b""


def test_pipe_to_file_gets_real_sizes(run, tmp_path):
    samples = noise(1001).tobytes()
    out = tmp_path / "out.wav"
    source = wav(samples, size=0xFFFFFFFF)
    done = subprocess.run(
        [run.command, "-", str(out)], check=False, input=source, capture_output=True
    )
    accepted(done, out, wav(samples))


def test_pipes_chain(run):
    """Our own stream, odd number of bytes included, is input we take."""
    source = wav(bytes(range(3)) * 701, PCM24, size=0)
    command = [run.command, "-D", "-", "-"]
    first = subprocess.run(command, check=True, input=source, capture_output=True)
    second = subprocess.run(command, check=True, input=first.stdout, capture_output=True)
    assert second.stdout == first.stdout


def test_output_to_a_device_is_not_renamed(run):
    done, _ = run(wav(noise(500).tobytes()), out="/dev/null")
    assert done.returncode == 0
    assert not Path("/dev/null").is_file()


# ---- wrong input ----


def test_missing_file(run):
    refused(*run(None), "in.wav", "No such file")


def test_folder_as_input(run, tmp_path):
    (tmp_path / "in.wav").mkdir()
    refused(*run(None), "a folder found")


def test_empty_file(run):
    refused(*run(b""), "0 bytes found", "16-bit PCM")


@pytest.mark.parametrize("data", [b"hello, this is a text and no sound", b"x", b"RIFX\0\0\0\0WAVE"])
def test_text(run, data):
    refused(*run(data), "not a RIFF WAVE file", "is needed")


@pytest.mark.parametrize("length", [4, 11, 12, 19, 30, 36, 43])
def test_cut_inside_the_header(run, length):
    refused(*run(wav(noise(10).tobytes())[:length]), "is needed")


@pytest.mark.parametrize("missing", [1, 2, 480, 4000])
def test_truncated(run, missing):
    found = (4000 - missing) // 2
    words = ("truncated", "declares 2000 samples", f"{found} found")
    refused(*run(wav(noise(2000).tobytes())[:-missing]), *words)


def test_truncated_stream(run, tmp_path):
    source = wav(noise(10).tobytes(), size=0)[:-1]
    out = tmp_path / "out.wav"
    done = subprocess.run(
        [run.command, "-", str(out)], check=False, input=source, capture_output=True
    )
    refused(done, out, "ends inside sample 9")


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 96000])
def test_other_rates(run, rate):
    refused(*run(wav(bytes(20), rate=rate)), f"{rate} Hz found; 48000 Hz is needed", "-ar 48000")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ((1, 8), "8-bit PCM found"),
        ((1, 32), "32-bit PCM found"),
        ((3, 64), "64-bit float found"),
        ((7, 8), "encoding 7 found"),
    ],
)
def test_other_formats(run, kind, found):
    refused(*run(wav(bytes(80), kind)), found, "is needed")


@pytest.mark.parametrize("channels", [0, 65, 65535])
def test_impossible_channels(run, channels):
    data = bytearray(wav(bytes(8)))
    data[22:24] = struct.pack("<H", channels)
    refused(*run(bytes(data)), f"{channels} channels found")


def test_damaged_block_size(run):
    data = bytearray(wav(bytes(8)))
    data[32:34] = struct.pack("<H", 3)
    refused(*run(bytes(data)), "header is damaged")


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_float_that_is_no_number(run, value, name):
    samples = np.zeros((1000, 2), "<f4")
    samples[700, 1] = value
    refused(*run(wav(samples.tobytes(), FLOAT, 2)), f"{name} found in channel 2 at sample 700")


def test_random_damage_never_crashes(run):
    """500 headers with random bytes: done or refused, nothing in between, no signal."""
    rng = np.random.default_rng(7)
    whole = wav(noise(50).tobytes())
    for _ in range(500):
        data = bytearray(whole)
        for place in rng.integers(0, 48, rng.integers(1, 5)):
            data[place] = rng.integers(256)
        done, out = run(bytes(data))
        assert done.returncode in (0, 2), (bytes(data[:48]), done)
        assert out.exists() == (done.returncode == 0)
        out.unlink(missing_ok=True)


# ---- output ----


def test_output_folder_missing(run):
    done, out = run(wav(bytes(20)), out="no/such/out.wav")
    refused(done, out, "No such file", "an existing folder")


def test_output_folder_not_writable(run):
    """Run as nobody where the tests run as root, whom nothing is forbidden."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(run.command, folder / "percepnet")
        (folder / "in.wav").write_bytes(wav(bytes(20)))
        folder.chmod(0o555)
        user = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        command = [folder / "percepnet", folder / "in.wav", folder / "out.wav"]
        done = subprocess.run(command, check=False, capture_output=True, **user)
        refused(done, folder / "out.wav", "Permission denied", "may write to")
        folder.chmod(0o755)


def test_output_is_a_folder(run, tmp_path):
    (tmp_path / "out.wav").mkdir()
    done, _ = run(wav(bytes(20)))
    assert done.returncode == 2 and b"a folder found" in done.stderr


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_input_is_never_overwritten(run, tmp_path, link):
    data = wav(noise(100).tobytes())
    (tmp_path / "in.wav").write_bytes(data)
    name = "in.wav"
    if link:
        name = "other.wav"
        link(tmp_path / "in.wav", tmp_path / name)
    done, _ = run(None, out=name)
    assert done.returncode == 2 and b"would overwrite the input" in done.stderr
    assert (tmp_path / "in.wav").read_bytes() == data


def test_a_full_disk_leaves_the_older_output(run, tmp_path):
    """A limit on file sizes stands for the full disk."""
    run(wav(bytes(20)))
    older = (tmp_path / "out.wav").read_bytes()
    (tmp_path / "in.wav").write_bytes(wav(noise(50000).tobytes()))
    limit = f'ulimit -f 8; trap "" XFSZ; "{run.command}" "$0" "$1"'
    done = subprocess.run(
        ["sh", "-c", limit, tmp_path / "in.wav", tmp_path / "out.wav"],
        check=False,
        capture_output=True,
    )
    assert done.returncode == 2 and b"cannot be written" in done.stderr
    assert (tmp_path / "out.wav").read_bytes() == older
    assert not list(tmp_path.glob("out.wav.*"))


def test_input_under_another_name_is_not_overwritten(run, tmp_path):
    data = wav(noise(500).tobytes())
    (tmp_path / "out.wav").symlink_to("in.wav")
    done, _ = run(data)
    assert done.returncode == 2 and b"overwrite the input" in done.stderr
    done, _ = run(data, "--vad", str(tmp_path / "in.wav"), out="other.wav")
    assert done.returncode == 2 and b"overwrite the input" in done.stderr
    assert (tmp_path / "in.wav").read_bytes() == data
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav", "out.wav"]


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
        (["-o", "missing", "x.wav"], "an existing folder"),
        (["-o", ".", "x.wav"], "overwrite the input"),
        (["--vad", "y.wav", "x.wav", "y.wav"], "y.wav found twice"),
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
    assert (summary["delay"], summary["clipped"], summary["model"]) == (0, 0, "stand-in")
    assert summary["voice"] == pytest.approx(np.mean((pcm[::480] & 0x7FFF) > 16384), abs=1e-4)
    assert summary["cpu_seconds"] >= 0


def test_summary_leaves_sound_on_standard_output_alone(run):
    data = wav(noise(500).tobytes())
    command = [run.command, "--json", "-D", "-", "-"]
    done = subprocess.run(command, check=True, input=data, capture_output=True)
    assert done.stdout == data and json.loads(done.stderr)["output"] == "standard output"


def test_verbose_says_what_was_done(run):
    done, _ = run(wav(noise(4800, 2).tobytes(), channels=2), "-v")
    assert b"0.10 s of sound, 2 channels" in done.stderr and b"stand-in" in done.stderr
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
    assert done.returncode == 2 and b"1 file names found; 2 are needed" in done.stderr


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
