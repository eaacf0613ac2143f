"""The command `percepnet` around the stand-in library, which passes sound through after its delay,
so that output must equal input exactly: whatever differs, the command did.
"""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

RATE = 48000
PCM16, PCM24, FLOAT = (1, 16), (1, 24), (3, 32)
"""Encoding and bits of a sample."""


def _integers(bits: int):
    return lambda pcm: (
        (pcm.astype("<i4") << 16).view("u1").reshape(-1, 4)[:, 4 - bits // 8 :].tobytes()
    )


ENCODED = {
    (1, 8): lambda pcm: ((pcm >> 8) + 128).astype("u1").tobytes(),
    PCM16: _integers(16),
    PCM24: _integers(24),
    (1, 32): _integers(32),
    FLOAT: lambda pcm: (pcm / 32768).astype("<f4").tobytes(),
    (3, 64): lambda pcm: (pcm / 32768).astype("<f8").tobytes(),
}
"""By encoding, bytes of int16 samples."""
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


def chunks(path: Path) -> list[tuple[bytes, bytes]]:
    """Name and content of every chunk, read as strictly as the standard (padding, sizes) allows."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    found, at = [], 12
    while at < len(data):
        (size,) = struct.unpack("<I", data[at + 4 : at + 8])
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        assert len(found[-1][1]) == size
        at += 8 + size + size % 2
    assert at == len(data)
    return found


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
