"""The source package for Windows: what MSVC would read, and MinGW builds and, with wine, runs.

MSVC itself is not here. clang in its place knows its language and defines its macros; the macros of
processors that clang adds and MSVC lacks are taken away, so that the plain C is what is read.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from shipped import call, needs_program

pytestmark = pytest.mark.xdist_group("shipped")

HEADER = """\
#include <stddef.h>
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
"""
MSVC = ["-fms-compatibility", "-fms-compatibility-version=19.29", "-ffreestanding", "-nostdlibinc",
        "-U__x86_64__", "-U__aarch64__", "-U__ARM_NEON"]  # fmt: skip
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Werror"]
MINGW = "x86_64-w64-mingw32-"


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_msvc_reads_the_library(unpacked, tmp_path, processor):
    """/std:c11 is what the package's CMake asks of MSVC: without it `restrict` is unknown there."""
    needs_program("clang")
    package = unpacked("host")
    assert "/std:c11" in (package / "CMakeLists.txt").read_text()
    (tmp_path / "string.h").write_text(HEADER)
    (tmp_path / "user.cpp").write_text('#include "percepnet.h"\nint x = PERCEPNET_OK;\n')
    clang = ["clang", f"--target={processor}-pc-windows-msvc", *MSVC, *STRICT, "-isystem", tmp_path,
             "-I", package / "include", "-iquote", package / "src"]  # fmt: skip
    sources = sorted(package.glob("src/*.c"))
    call([*clang, "-fsyntax-only", "-std=c11", *sources])
    call([*clang, "-fsyntax-only", "-std=c++14", tmp_path / "user.cpp"])
    read = call([*clang, "-E", "-P", "-std=c11", *sources])  # clang takes these for any system
    assert not re.findall(r"__attribute__\w*|__builtin_\w+|__asm\w*|__typeof\w*", read)


@pytest.fixture(scope="module")
def mingw(unpacked, tmp_path_factory):
    """The package, built with MinGW from its own makefile."""
    needs_program(f"{MINGW}gcc")
    folder = tmp_path_factory.mktemp("windows") / "package"
    shutil.copytree(unpacked("host"), folder, ignore=shutil.ignore_patterns("build"))
    tools = [f"CC={MINGW}gcc", f"AR={MINGW}ar"]
    assert not call(["make", "-s", "-C", folder, "-j2", *tools, "all", "rnnoise"])
    return folder, tools


def test_mingw_builds_all_of_it(mingw):
    folder, _ = mingw
    built = {"libpercepnet.a", "librnnoise.a", "minimal.exe", "ring.exe", "check.exe"}
    assert built <= {path.name for path in (folder / "build").iterdir()}


def test_windows_gives_the_vectors(mingw, tmp_path):
    wine = shutil.which("wine64", path=f"{os.environ['PATH']}:{Path('/usr/lib/wine')}")
    if not wine:
        pytest.skip("wine64 not found")
    folder, tools = mingw
    environment = os.environ | {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
    said = call(["make", "-C", folder, "check", *tools, f"RUN={wine}"], env=environment)
    assert "hostile.in.s16: 144 frames equal" in said
