"""Fixtures: what is shipped, made once: source packages, the wheel, a Python that has it."""

import functools
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from codegen import render
from targets import dist, vectors, wheel
from targets.target import load


def call(command: list, **options) -> str:
    """Standard output; the assertion shows everything when it fails."""
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True,
                          **options)  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def needs_program(name: str) -> None:
    """Skips the test where a tool that users have is missing here."""
    if not shutil.which(name):
        pytest.skip(f"{name} not found")


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """unpacked(target name) -> folder of the unpacked package; made once a target."""
    root = tmp_path_factory.mktemp("dist")
    cached_vectors = functools.cache(dist.vectors)  # the twin runs once for all targets

    @functools.cache
    def unpack(name: str) -> Path:
        target = load(name)
        render.write("small", root / target.folder / "gen")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            patch.setattr(vectors, "SECONDS", 0.2)
            patch.setattr(dist, "vectors", cached_vectors)
            package = root / dist.write(target)
        call(["tar", "-C", root, "-xzf", package])
        return root / package.name.removesuffix(".tar.gz")

    return unpack


@pytest.fixture(scope="session")
def package(unpacked):
    """The package of this machine, built with all its extras."""
    folder = unpacked("host")
    call(["make", "-s", "-C", folder, "-j2", "all", "rnnoise"])
    return folder


@pytest.fixture(scope="session")
def wheel_file(tmp_path_factory):
    """The wheel with one model."""
    root = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        return root / wheel.write(["small"])


@pytest.fixture(scope="session")
def python(wheel_file):
    """A Python with the wheel installed, this one's NumPy, and nothing else in sight."""
    folder = wheel_file.parent / "venv"
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    interpreter = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet"]
    call([*pip, "--no-deps", "--no-index", wheel_file])
    numpy = Path(np.__file__).parent
    for name in (numpy, numpy.with_name("numpy.libs")):
        (site / name.name).symlink_to(name)
    return interpreter
