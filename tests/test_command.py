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
from command_line import ENCODED, FLOAT, PCM24, accepted, chunks, noise, refused, wav

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
@pytest.mark.parametrize("kind", ENCODED)
def test_formats_come_back_as_they_were(run, kind, extensible):
    """8 bits hold what is left of 16; the others hold all of it."""
    pcm = noise(1000, 2) & (~255 if kind == (1, 8) else ~0)
    data = wav(ENCODED[kind](pcm), kind, channels=2, extensible=extensible)
    accepted(*run(data), data)


@pytest.mark.parametrize("bits", [24, 32])
def test_wide_integers_round_to_nearest_and_saturate(run, bits):
    half = 1 << bits - 17
    values = np.array([(1 << bits - 1) - 1, half - 1, half, -half, -half - 1], "<i4")
    coded = values.view("u1").reshape(-1, 4)[:, : bits // 8].tobytes()
    done, out = run(wav(coded, (1, bits)))
    assert done.returncode == 0
    pcm = soundfile.read(out, dtype="int32")[0] >> 16
    assert pcm.tolist() == [32767, 0, 1, 0, -1]


@pytest.mark.parametrize("kind", [FLOAT, (3, 64)])
def test_floats_round_to_nearest_halves_up(run, kind):
    """As reference.clips.to_int16 rounds."""
    values = np.array([0.5, -0.5, 1.5, -1.5, 0.49999997, -0.50000006, 7]) / 32768
    done, out = run(wav(values.astype(f"<f{kind[1] // 8}").tobytes(), kind))
    assert done.returncode == 0
    assert (soundfile.read(out)[0] * 32768).tolist() == [1, 0, 2, -1, 0, -1, 7]


def test_24_bits_at_the_top_of_32(run):
    """In the extensible format, and in the plain one, whose block size tells."""
    pcm = noise(500)
    data = bytearray(wav(ENCODED[1, 32](pcm), (1, 32)))
    data[34:36] = struct.pack("<H", 24)
    accepted(*run(bytes(data)), bytes(data))


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


@pytest.mark.parametrize("redirected", [False, True])
def test_pipe_to_file_gets_real_sizes(run, tmp_path, redirected):
    """By name, and where the shell opens the file."""
    pcm, out = noise(1001), tmp_path / "out.wav"
    command = [run.command, "-D", "-", "-" if redirected else str(out)]
    with out.open("wb") as file:
        subprocess.run(command, check=True, input=wav(pcm.tobytes(), size=0xFFFFFFFF),
                       stdout=file if redirected else None)  # fmt: skip
    assert [name for name, _ in chunks(out)] == [b"JUNK", b"fmt ", b"data"]
    assert np.array_equal(soundfile.read(out, dtype="int16", always_2d=True)[0], pcm)


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
    refused(*run(b""), "0 bytes found", "WAV of integers")


@pytest.mark.parametrize("data", [b"hello, this is a text and no sound", b"x", b"RIFF\0\0\0\0WEBP"])
def test_text(run, data):
    refused(*run(data), "something else than WAV found", "is needed")


@pytest.mark.parametrize("length", [4, 11, 12, 19, 30, 36, 43])
def test_cut_inside_the_header(run, length):
    refused(*run(wav(noise(10).tobytes())[:length]), "is needed")


@pytest.mark.parametrize("channels", [0, 65, 65535])
def test_impossible_channels(run, channels):
    data = bytearray(wav(bytes(8)))
    data[22:24] = struct.pack("<H", channels)
    refused(*run(bytes(data)), f"{channels} channels found")


def test_damaged_block_size(run):
    data = bytearray(wav(bytes(8)))
    data[32:34] = struct.pack("<H", 3)
    refused(*run(bytes(data)), "header is damaged")


@pytest.mark.parametrize("kind", [FLOAT, (3, 64)])
@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_float_that_is_no_number(run, value, name, kind):
    """It is refused, and what stands before it is not lost."""
    samples = np.full((1000, 2), 0.25, f"<f{kind[1] // 8}")
    samples[700, 1] = value
    done, out = run(wav(samples.tobytes(), kind, 2))
    words = f"{name} found in channel 2 at sample 700; finite samples are needed"
    assert done.returncode == 2 and words in done.stderr.decode()
    assert np.array_equal(soundfile.read(out)[0], samples[:700])


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
    assert done.returncode == 2 and b"the name of a file is needed" in done.stderr


@pytest.mark.parametrize("name", ["out.flac", "out.MP3", "a.b/out.Ogg"])
def test_names_of_other_kinds_are_no_outputs(run, name):
    refused(*run(wav(bytes(20)), out=name), "only WAV is written")


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


def test_input_under_another_name_is_not_overwritten(run, tmp_path):
    data = wav(noise(500).tobytes())
    (tmp_path / "out.wav").symlink_to("in.wav")
    done, _ = run(data)
    assert done.returncode == 2 and b"overwrite the input" in done.stderr
    done, _ = run(data, "--vad", str(tmp_path / "in.wav"), out="other.wav")
    assert done.returncode == 2 and b"overwrite the input" in done.stderr
    assert (tmp_path / "in.wav").read_bytes() == data
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav", "out.wav"]
