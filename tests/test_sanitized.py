"""The command under ASan and UBSan: every kind of samples, ways of writing, damaged headers."""

import dataclasses
import subprocess

import numpy as np
import pytest
from command_line import ENCODED, FLOAT, PCM16, noise, wav
from conftest import needs, write_stand_in

from targets import build, target, variants


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Path of the command around the stand-in, stopped by whatever the sanitizers see."""
    needs("host")
    root = tmp_path_factory.mktemp("sanitized")
    write_stand_in(root, "host")
    goal = dataclasses.replace(variants.sanitized(target.load("host"), "-O0"), name="host")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        build.build(goal, check=False)
    return root / goal.folder / "percepnet"


def run(command, folder, *words: str, data: bytes = b"", codes=(0,)) -> subprocess.CompletedProcess:
    done = subprocess.run([command, *words], check=False, cwd=folder, input=data,
                          capture_output=True)  # fmt: skip
    assert done.returncode in codes, done.stderr.decode(errors="replace")
    return done


@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("kind", ENCODED)
def test_samples_of_every_kind(command, tmp_path, kind, channels):
    """Whole blocks and parts of one, to a file, a pipe and a folder."""
    pcm = noise(5000, channels) & (~255 if kind == (1, 8) else ~0)
    data = wav(ENCODED[kind](pcm), kind, channels=channels)
    for name in ("in.wav", "more.wav"):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "out").mkdir()
    run(command, tmp_path, "in.wav", "out.wav")
    assert (tmp_path / "out.wav").read_bytes() == data
    assert run(command, tmp_path, "-D", "-", "-", data=data).stdout[-100:] == data[-100:]
    run(command, tmp_path, "-o", "out", "--json", "-v", "--vad", "vad.csv", "in.wav")
    run(command, tmp_path, "-o", "out", "in.wav", "more.wav")
    assert (tmp_path / "out" / "more.wav").read_bytes() == data


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_other_rates(command, tmp_path, rate):
    data = wav(ENCODED[PCM16](noise(4000, 2)), channels=2, rate=rate)
    (tmp_path / "in.wav").write_bytes(data)
    run(command, tmp_path, "--resample", "in.wav", "out.wav")
    assert len((tmp_path / "out.wav").read_bytes()) == len(data)


def test_what_is_refused_or_ends_early(command, tmp_path):
    """Cut behind every byte of a header, other kinds, full disks, words of any length."""
    data = wav(np.full(700, 2, "<f4").tobytes(), FLOAT, extensible=True)
    for size in range(100):
        run(command, tmp_path, "-", "out.wav", data=data[:size], codes=(0, 2))
    for head in (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"RIFX", b"\0\0\0\x20ftypM4A ", b"caff"):
        run(command, tmp_path, "-", "out.wav", data=head + bytes(50), codes=(2,))
    (tmp_path / "in.mp3").write_bytes(b"ID3" + bytes(50))
    (tmp_path / "in.wav").write_bytes(data)
    run(command, tmp_path, "--decoder", 'echo no "$1"', "in.mp3", "out.wav", codes=(2,))
    run(command, tmp_path, "--decoder", "cat in.wav", "in.mp3", "out.wav")
    run(command, tmp_path, "in.wav", "/dev/full", codes=(2,))
    for length in (300, 4080, 5000, 10_000, 20_000):  # the reason has room behind any name
        done = run(command, tmp_path, "x" * length, "\n\u00fc" * 3000, codes=(2,))
        assert done.stderr.endswith(b": File name too long\n")
    run(command, tmp_path, "--no-such-word", codes=(2,))
    for words in (["-h"], ["-V"], ["--footprint"]):
        run(command, tmp_path, *words)
