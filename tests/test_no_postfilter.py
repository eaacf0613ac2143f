"""A build without the code of the envelope postfilter: nothing of it is there, nothing differs."""

import io
import subprocess
import tarfile

import numpy as np
import pytest
import soundfile

from codegen import render
from reference.params import RATE
from reference.signals import speech
from targets import build, dist, footprint
from targets.target import load

WORDS = ("postfilter", "pf-beta", "--pf", "sine_q30", "BETA_BITS")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders in which host is built: with the postfilter, as always, and without."""
    roots = {}
    for name in ("with", "without"):
        roots[name] = tmp_path_factory.mktemp(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(roots[name])
            render.write("tiny", load("host").folder / "gen", postfilter=name == "with")
            build.build(load("host"))
    return {name: root / "build" / "host" for name, root in roots.items()}


def words_in(data: bytes) -> list[str]:
    return [word for word in WORDS if word.lower().encode() in data.lower()]


def test_no_file_symbol_or_text_is_of_the_postfilter(folders):
    """Generated files and their names, header, libraries with symbols, command with its help."""
    for path in folders["without"].rglob("*"):
        assert not words_in(path.name.encode()), path
        assert path.is_dir() or not words_in(path.read_bytes()), path
    assert words_in((folders["with"] / "libpercepnet.a").read_bytes()), "the search finds nothing"
    assert words_in((folders["with"] / "percepnet").read_bytes())


def test_samples_are_those_of_the_build_with_it_switched_off(folders, tmp_path):
    noisy = tmp_path / "noisy.wav"
    noise = np.random.default_rng(1).normal(0, 0.02, 3 * RATE)
    soundfile.write(noisy, speech(3)[: noise.size] + noise, RATE, "PCM_16")
    for options in ([], ["--decay-floor", "--highpass", "-a", "9"]):
        for name, folder in folders.items():
            out = tmp_path / f"{name}.wav"
            subprocess.run([folder / "percepnet", *options, noisy, out], check=True)
        assert (tmp_path / "with.wav").read_bytes() == (tmp_path / "without.wav").read_bytes()
        assert np.ptp(soundfile.read(out)[0]) > 0.1


@pytest.mark.parametrize("option", ["--postfilter", "--pf", "--pf-beta=0.1"])
def test_its_options_are_refused(folders, option):
    command = [folders["without"] / "percepnet", option, "in.wav", "out.wav"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2 and option.split("=")[0] in done.stderr


def test_it_is_measured_and_packed(folders, monkeypatch):
    """The package's vectors are those of the twin, and what stands in it names no postfilter."""
    monkeypatch.chdir(folders["without"].parent.parent)
    assert footprint.footprint(load("host"), {"frame": 1})["stack"] > 1000
    with tarfile.open(fileobj=io.BytesIO(dist.write(load("host")).read_bytes())) as package:
        files = {m.name: package.extractfile(m).read() for m in package.getmembers()}
    found = {name: words for name, data in files.items() if (words := words_in(data))}
    assert not found and any("vectors/" in name for name in files)
