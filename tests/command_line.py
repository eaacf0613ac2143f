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
