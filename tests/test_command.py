"""The command `percepnet` on good and bad files and pipes."""

import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import FLOAT, PCM16, PCM24, accepted, noise, refused, wav

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
