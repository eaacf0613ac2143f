"""Every kind of file that libsndfile writes and reads back, by container, encoding and byte order:
the C program reads it or names it; with the wheel's decoder all are read."""

import importlib.util
import io
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from command_line import run  # noqa: F401 (fixture)

ROOT = Path(__file__).parent.parent
DECODER = ROOT / "targets" / "python" / "percepnet" / "_decode.py"
TONE = 0.25 * np.sin(np.arange(4800)[:, np.newaxis] / 30)
READ_ALONE = {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"}
"""Encodings that the C program reads in little-endian WAV."""
NAMELESS = {"HTK", "MAT4", "MPC2K", "SD2"}
"""Containers without a word of theirs at the begin: `something else than WAV`."""
CONTAINERS = sorted(set(soundfile.available_formats()) - {"RAW"})  # which no reader can tell


def kinds(container: str, folder: Path) -> dict[Path, np.ndarray]:
    """A file of each kind in `folder` and its samples (N, 1); none where soundfile fails itself."""
    found = {}
    for subtype in soundfile.available_subtypes(container):
        for endian in ("FILE", "LITTLE", "BIG"):
            path = folder / f"{container}-{subtype}-{endian}.wav"
            for rate in (48000, 8000):
                try:
                    soundfile.write(path, TONE, rate, subtype, endian, container)
                    found[path] = soundfile.read(path, always_2d=True)[0]
                    break
                except (soundfile.LibsndfileError, ValueError):  # ValueError: not this byte order
                    path.unlink(missing_ok=True)
    return found


def decoded(path: Path, capfdbinary) -> np.ndarray:
    """What the wheel's decoder gives of a file; called here, as 313 interpreters take a minute."""
    spec = importlib.util.spec_from_file_location("percepnet_decode", DECODER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.main(str(path)) == 0, path
    stream = capfdbinary.readouterr().out
    length = len(stream) - 44  # the header says that it is unknown
    stream = stream[:40] + length.to_bytes(4, "little") + stream[44:]
    return soundfile.read(io.BytesIO(stream), always_2d=True)[0]


def verdict(path: Path) -> str:
    """What the C program does with a file of `kinds`: read, named or nameless."""
    container, subtype, endian = path.stem.split("-")
    if container in ("WAV", "WAVEX", "RF64") and subtype in READ_ALONE and endian != "BIG":
        return "read"
    return "nameless" if container in NAMELESS else "named"


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_kind_is_read_or_named_and_decoded(run, container, tmp_path, capfdbinary):  # noqa: F811
    folder, out = tmp_path / "kinds", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    files = kinds(container, folder)
    assert files
    done = subprocess.run([run.command, "--resample", "-o", out, *files], check=False,
                          capture_output=True, text=True)  # fmt: skip
    for path, samples in files.items():
        lines = [line for line in done.stderr.splitlines() if str(path) in line]
        if verdict(path) == "read":
            assert not lines
            assert len(soundfile.read(out / path.name)[0]) == len(samples)
        else:
            (line,) = [line for line in lines if "found; WAV of" in line]
            nameless = "something else than WAV found" in line
            assert nameless == (verdict(path) == "nameless") and "ffmpeg -i IN OUT.wav" in line
        assert np.abs(decoded(path, capfdbinary) - samples).max() <= 2**-16 + 2**-24


def test_the_page_counts_them(tmp_path):
    """docs/integration.md, by the verdicts that the test above holds."""
    found = Counter(verdict(path) for name in CONTAINERS for path in kinds(name, tmp_path))
    read, named, nameless = found["read"], found["named"], found["nameless"]
    text = " ".join((ROOT / "docs" / "integration.md").read_text().split())
    version = soundfile.__libsndfile_version__
    assert (f"Of the {read + named + nameless} kinds (container, encoding, byte order) that "
            f"libsndfile {version} writes and reads back, the C program reads {read}, names "
            f"{named}, and calls {nameless} something else than WAV") in text  # fmt: skip
