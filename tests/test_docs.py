"""Every code block of README and docs/ is run or compiled; the site builds without a broken link.

Above a block may stand, and nothing else keeps one from running,

    <!-- dry run: reason -->   commands that take long or write here: make -n, python -m … --help
    <!-- not run: reason -->   listed in NOT_RUN

Blocks of a page share a folder in which there are noisy.wav, wideband.wav (16 kHz), noisy.s16,
build/host with the command and the unpacked source package. `make` in a shell block is always a dry
run, but for `make -C` in that package; so is every `.venv/bin/python -m` (its options must be in
its help), for these modules have tests of their own.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from shipped import call, needs_program

from reference.signals import speech
from targets.target import ROOT

pytestmark = pytest.mark.xdist_group("shipped")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {
    ("integration.md", "needs the Android NDK"),
    ("integration.md", "needs the Android SDK"),
    ("integration.md", "needs a program that links librnnoise"),
    ("integration.md", "in the unpacked source package"),
}
RUN = {"c", "sh", "python", "cmake"}
DATA = {"text", "json", "toml", "js"}  # test_web runs what is js
FENCE = re.compile(r"(?:^<!-- (not|dry) run: ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """A fenced block and the mark above it: "not", "dry" or none, with its reason."""

    page: str
    mark: str | None
    reason: str
    language: str
    text: str


def blocks(path: Path) -> list[Block]:
    return [Block(path.name, mark or None, reason or "", language, text)
            for mark, reason, language, text in FENCE.findall(path.read_text())]  # fmt: skip


BLOCKS = [block for page in PAGES for block in blocks(page)]


def chosen(language: str) -> list:
    found = [b for b in BLOCKS if b.language == language and b.mark != "not"]
    return [pytest.param(b, id=f"{b.page}-{n}") for n, b in enumerate(found)]


def test_every_block_names_its_language_and_only_these_do_not_run():
    fences = sum(len(re.findall(r"^```", page.read_text(), re.M)) for page in PAGES)
    assert fences == 2 * len(BLOCKS)
    assert {(b.page, b.reason) for b in BLOCKS if b.mark == "not"} == NOT_RUN
    left = {(b.page, b.language) for b in BLOCKS if b.mark != "not"}
    assert not {entry for entry in left if entry[1] not in RUN | DATA}


# ---- C ----


@pytest.mark.parametrize("block", chosen("c"))
def test_c(block, package, tmp_path):
    """Compiles without a warning; a whole program gives the output of the library."""
    (tmp_path / "block.c").write_text(block.text)
    compile_ = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", package / "include"]
    if "int main" not in block.text:
        call([*compile_, "-c", "block.c"], cwd=tmp_path)
        return
    call([*compile_, "block.c", package / "build/libpercepnet.a", "-o", "block"], cwd=tmp_path)
    noisy = (package / "vectors/speech.in.s16").read_bytes()
    out = subprocess.check_output([tmp_path / "block"], input=noisy)
    assert out == (package / "vectors/speech.out.s16").read_bytes()


# ---- Python ----


@pytest.fixture(scope="module")
def noisy():
    """(N,) int16, a little speech in noise."""
    pcm = np.round(speech(0.3) * 32767).astype(np.int16)
    return pcm + np.random.default_rng(1).integers(-900, 900, pcm.size).astype(np.int16)


@pytest.mark.parametrize("block", chosen("python"))
def test_python(block, python, noisy, tmp_path):
    soundfile.write(tmp_path / "noisy.wav", noisy, 48000, "PCM_16")
    call([python, "-c", block.text], cwd=tmp_path)
    if "clean.wav" in block.text:
        assert soundfile.info(tmp_path / "clean.wav").frames == noisy.size


# ---- shell ----

# Stands for make: a dry run of this repository's, a real one in the unpacked package.
MAKE = f"""#!/bin/sh
case "$1" in -C) exec {shutil.which("make")} "$@" ;; esac
exec {shutil.which("make")} -n -C "{ROOT}" "$@" > /dev/null
"""

# Stands for .venv/bin/python -m MODULE: every option of the line must be in the module's help.
MODULE = f"""#!/usr/bin/env python3
import re, subprocess, sys
if sys.argv[1] != "-m":  # a script: it must be there
    sys.exit(subprocess.call(["test", "-f", "{ROOT}/" + sys.argv[1]]))
cut = 4 if sys.argv[3:4] == ["make"] else 3  # a command of the module
module, words = sys.argv[2:cut], sys.argv[cut:]
help = subprocess.run([{sys.executable!r}, "-m", *module, "--help"], cwd={str(ROOT)!r},
                      check=True, capture_output=True, text=True).stdout
unknown = [w for w in words if w.startswith("--") and w not in re.findall("--[a-z0-9-]+", help)]
sys.exit(f"{{module}}: no option {{unknown}}" if unknown else 0)
"""

PIP = f"""#!/bin/sh
exec "{sys.executable}" -m pip --python "$PYTHON_OF_WHEEL" "$@" --quiet --no-deps --force-reinstall
"""


@pytest.fixture(scope="module")
def workplace(package, python, wheel_file, noisy, tmp_path_factory):
    """Folder and environment of the shell blocks."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(package, folder / package.name)
    host = folder / "build" / "host"
    host.mkdir(parents=True)
    shutil.copy(python.parent.glob("../lib/*/site-packages/percepnet/models/small").__next__(),
                host / "percepnet")  # fmt: skip
    shutil.copy(package.parent / "build/host" / f"{package.name}.tar.gz", host)
    (folder / "build" / "wheel").mkdir()
    shutil.copy(wheel_file, folder / "build" / "wheel")
    call(["make", "-s", "-C", folder / package.name, "install", f"prefix={folder / 'installed'}"])
    soundfile.write(folder / "noisy.wav", noisy, 48000, "PCM_16")
    soundfile.write(folder / "wideband.wav", noisy, 16000, "PCM_16")
    noisy.tofile(folder / "noisy.s16")
    shutil.copy(ROOT / "tests" / "rnnoise_user.c", folder)
    for name, text in {"bin/make": MAKE, ".venv/bin/python": MODULE, "bin/pip": PIP}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = f"{folder / 'bin'}:{python.parent}:/usr/bin:/bin"
    return folder, {"PATH": path, "PYTHON_OF_WHEEL": str(python)}


@pytest.mark.parametrize("block", chosen("sh"))
def test_shell(block, workplace):
    if "pkg-config" in block.text:
        needs_program("pkg-config")
    folder, environment = workplace
    call(["bash", "-euc", block.text], cwd=folder, env=environment)


# ---- CMake ----


@pytest.mark.parametrize("block", chosen("cmake"))
def test_cmake(block, package, workplace, tmp_path):
    needs_program("cmake")
    folder, _ = workplace
    head = "cmake_minimum_required(VERSION 3.16)\nproject(app LANGUAGES C)\n"
    (tmp_path / "CMakeLists.txt").write_text(head + block.text)
    shutil.copy(package / "examples/minimal.c", tmp_path / "app.c")
    (tmp_path / "percepnet").symlink_to(package)
    prefix = f"-DCMAKE_PREFIX_PATH={folder / 'installed'}"
    call(["cmake", "-S", tmp_path, "-B", tmp_path / "b", prefix, "-DCMAKE_BUILD_TYPE=Debug"])
    call(["cmake", "--build", tmp_path / "b", "-j2"])


# ---- the site ----


def test_site_has_no_broken_link(tmp_path):
    """Strict: a warning is an error. Links out of docs/ lead to copies."""
    call([sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path], cwd=ROOT)
    page = (tmp_path / "algorithm.html").read_text()
    links = re.findall(r'href="(source/[^"]+)"', page)
    assert "source/reference/suppressor.py.txt" in links
    assert all((tmp_path / link).is_file() for link in links)
    assert (tmp_path / "source/reference/models/small.html").is_file()


def test_every_setting_is_described(package):
    header = (package / "include/percepnet.h").read_text()
    page = (ROOT / "docs" / "settings.md").read_text()
    missing = [name for name in re.findall(r"percepnet_set_(\w+)\(", header)
               if f"| `{name}` |" not in page]  # fmt: skip
    assert not missing, f"docs/settings.md has no row for {missing}"


def test_the_page_shows_the_example_that_ships(package):
    example = (package / "examples/minimal.c").read_text()
    assert example in [block.text for block in BLOCKS if block.page == "index.md"]
