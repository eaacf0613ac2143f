"""The source package: unpacked elsewhere it builds with a C compiler and make alone, gives the
reference vectors bit for bit on every target, installs, and serves programs written for rnnoise.
"""

import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import needs
from elftools.elf.elffile import ELFFile
from shipped import call, needs_program

from codegen.plan import VERSION
from reference.dnn import weights_hash
from targets import dist, sbom
from targets.target import ROOT, load
from targets.variants import SANITIZERS

pytestmark = pytest.mark.xdist_group("shipped")

DELAY, HOP = 1440, 480
TOOLS = "make sh mkdir cp rm ln echo".split()
CLANG = next((name for name in ("clang", "clang-19") if shutil.which(name)), None)


def compiler_only(bin_folder: Path, cc: str) -> dict:
    """Environment whose PATH holds make, a shell, file tools and the programs of one compiler."""
    bin_folder.mkdir()
    prefix = cc.removesuffix("gcc")
    for program in [*TOOLS, *(prefix + tool for tool in ("gcc", "ar", "as", "ld"))]:
        (bin_folder / program).symlink_to(shutil.which(program))
    return {"PATH": str(bin_folder)}


@pytest.mark.parametrize("name", ["host", "arm64", "armv7"])
def test_builds_with_a_compiler_alone_and_equals_the_vectors(unpacked, tmp_path, name):
    needs(name)
    target, folder = load(name), unpacked(name)
    env = compiler_only(tmp_path / "bin", target.compile["cc"])
    built = call(["make", "-B", "-j2", "-O", "-C", folder], env=env)  # -O: line by line
    assert "warning" not in built
    for isa, flags in target.compile.get("isa", {}).items():
        lines = [line for line in built.splitlines() if f"_{isa}.o" in line and " -c " in line]
        assert lines and all(" ".join(flags) in line for line in lines)
    emulator = [shutil.which(part) or part for part in target.emulator(target.cpus[0])]
    checked = call(["make", "-C", folder, "check", f"RUN={' '.join(emulator)}"], env=env)
    assert "speech.in.s16: 20 frames equal, small-" in checked
    assert "hostile.in.s16: 144 frames equal" in checked


def test_a_wrong_vector_is_found(package, tmp_path):
    out = np.fromfile(package / "vectors/speech.out.s16", "<i2")
    out[7 * HOP + 3] ^= 1
    out.tofile(tmp_path / "out.s16")
    command = [package / "build/check", package / "vectors/speech.in.s16", tmp_path / "out.s16"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1 and "frame 7, sample 3:" in done.stdout


def test_the_bill_of_materials_lists_every_file(package):
    """CycloneDX: each file of the package by its hash, the weights by theirs, and no dependency."""
    bill = json.loads((package / sbom.NAME).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    listed = {c["name"]: c["hashes"][0]["content"] for c in bill["components"]
              if c["type"] == "file"}  # fmt: skip
    there = {p.relative_to(package).as_posix(): p for p in package.rglob("*") if p.is_file()}
    built = {name for name in there if name.startswith("build/")}
    assert listed.keys() == there.keys() - built - {sbom.NAME}
    for name, digest in listed.items():
        assert hashlib.sha256(there[name].read_bytes()).hexdigest() == digest, name
    (weights,) = (c for c in bill["components"] if c["type"] == "machine-learning-model")
    assert weights["hashes"][0]["content"] == weights_hash("small")
    assert bill["dependencies"][0] == {"ref": "library", "dependsOn": ["weights"]}
    assert {t["name"] for t in bill["metadata"]["tools"]["components"]} == set(sbom.GENERATORS)
    assert all(c["licenses"][0]["license"]["id"] == "BSD-3-Clause"
               for c in (weights, bill["metadata"]["component"]))  # fmt: skip


def test_the_bill_names_all_that_generates():
    """Packages that a module of reference/ or codegen/ imports to make the C."""
    text = "\n".join(p.read_text() for room in ("codegen", "reference")
                     for p in (ROOT / room).rglob("*.py"))  # fmt: skip
    known = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements/core.txt").read_text(), re.M))
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.M)) & known
    assert imported - {"tqdm", "soundfile"} == set(sbom.GENERATORS)  # progress, and clips


def test_same_contents_same_bytes():
    contents = {"b.c": b"int b;", "a.c": b"int a;"}
    first = dist.archive("x-1", contents)
    assert first == dist.archive("x-1", dict(reversed(contents.items())))
    assert first[3:8] == bytes(5)  # gzip: neither a name nor a time
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert [(m.name, m.mtime, m.uid) for m in tar] == [("x-1/a.c", 0, 0), ("x-1/b.c", 0, 0)]

AGAIN = """
import os
from codegen import render
from targets import dist, vectors
from targets.target import load
os.umask(0o077)
vectors.SECONDS = 0.2
render.write("small", load("host").folder / "gen")
dist.write(load("host"))
"""


def test_another_process_another_day_writes_the_same_bytes(unpacked, tmp_path):
    """Of the whole way from weights to archive: another folder, umask, time zone, order of sets."""
    first = next((unpacked("host").parent / "build/host").glob("*.tar.gz"))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", AGAIN], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "build/host" / first.name).read_bytes() == first.read_bytes()


def test_install_builds_the_package_in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Without the options of the make that calls; a package that does not build is refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEFLAGS", "--always-make --touch prefix=elsewhere")
    folder = tmp_path / "percepnet-1-host"
    folder.mkdir()
    recipe = "install: \n\tmkdir $(prefix) && cp Makefile $(prefix)/installed\n"
    for text, good in ((recipe, True), (recipe.replace("cp", "false"), False)):
        (folder / "Makefile").write_text(text)
        package = shutil.make_archive("p", "gztar", tmp_path, folder.name)
        package = Path(package).rename(tmp_path / f"{folder.name}.tar.gz")
        if good:
            dist.install(package, Path("good"))
            assert (tmp_path / "good" / "installed").read_text() == text
        else:
            with pytest.raises(SystemExit, match="make -C"):
                dist.install(package, Path("bad"))


def test_stale_c_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="plan 0123, model small now gives .*make gen"):
        dist.vectors("small", "0123")


def test_blocks_of_odd_sizes_come_out_one_hop_later(package, tmp_path):
    """Also of the example under sanitizers."""
    noisy, checked = (package / "vectors/speech.in.s16").read_bytes(), tmp_path / "ring"
    sources = [package / "examples/ring.c", package / "build/libpercepnet.a"]
    call(["gcc", *SANITIZERS, "-I", package / "include", *sources, "-o", checked])
    minimal, ring = (
        np.frombuffer(subprocess.check_output([package / f"build/{name}"], input=noisy), "<i2")
        for name in ("minimal", "ring")
    )
    assert subprocess.check_output([checked], input=noisy) == ring.tobytes()
    assert np.array_equal(minimal, np.fromfile(package / "vectors/speech.out.s16", "<i2"))
    assert np.array_equal(ring, np.concatenate([np.zeros(HOP, np.int16), minimal[:-HOP]]))


def test_the_minimal_example_has_20_lines():
    text = (dist.PACKAGE / "examples/minimal.c").read_text()
    code = [line for line in text.splitlines() if line and not line.startswith(("/*", "#"))]
    assert len(code) <= 20


# ---- installed ----


@pytest.fixture(scope="module")
def prefix(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    call(["make", "-s", "-C", package, "install", f"prefix={folder}"])
    return folder


def equals_vectors(program: Path, package: Path, **options) -> bool:
    noisy = (package / "vectors/speech.in.s16").read_bytes()
    clean = (package / "vectors/speech.out.s16").read_bytes()
    return subprocess.check_output([program], input=noisy, **options) == clean


def test_consumer_with_pkg_config(package, prefix, tmp_path):
    needs_program("pkg-config")
    shutil.copy(package / "examples/minimal.c", tmp_path)
    env = os.environ | {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    flags = call(["pkg-config", "--cflags", "--libs", "percepnet >= 0.1"], env=env).split()
    call(["gcc", "minimal.c", *flags, "-o", "minimal"], cwd=tmp_path)
    environment = os.environ | {"LD_LIBRARY_PATH": str(prefix / "lib")}
    assert equals_vectors(tmp_path / "minimal", package, env=environment)


CONSUMER = """\
cmake_minimum_required(VERSION 3.16)
project(consumer LANGUAGES C)
find_package(percepnet 0.1 REQUIRED)
add_executable(minimal minimal.c)
target_link_libraries(minimal PRIVATE percepnet::percepnet)
"""


def test_consumer_with_find_package(package, prefix, tmp_path):
    needs_program("cmake")
    shutil.copy(package / "examples/minimal.c", tmp_path)
    (tmp_path / "CMakeLists.txt").write_text(CONSUMER)
    build = tmp_path / "build"
    call(["cmake", "-S", tmp_path, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}"])
    call(["cmake", "--build", build])
    assert equals_vectors(build / "minimal", package)


def test_a_newer_version_is_not_found(prefix, tmp_path):
    needs_program("cmake")
    (tmp_path / "CMakeLists.txt").write_text(CONSUMER.replace("0.1", "9.0"))
    command = ["cmake", "-S", tmp_path, "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode and 'requested version "9.0"' in done.stderr


def test_cmake_builds_tests_and_installs(package, tmp_path):
    needs_program("cmake")
    build, target = tmp_path / "build", tmp_path / "installed"
    options = [f"-DCMAKE_INSTALL_PREFIX={target}", "-DPERCEPNET_RNNOISE=ON"]
    call(["cmake", "-S", package, "-B", build, "-DCMAKE_BUILD_TYPE=Debug", *options])
    call(["cmake", "--build", build, "-j2"])
    assert "100% tests passed" in call(["ctest"], cwd=build)
    call(["cmake", "--install", build])
    for name in ("lib/libpercepnet.a", "include/percepnet.h", "lib/pkgconfig/percepnet.pc",
                 "lib/cmake/percepnet/percepnet-config.cmake"):  # fmt: skip
        assert (target / name).is_file(), name


def exported(library: Path) -> set[str]:
    with library.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".dynsym").iter_symbols()
        return {s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF" and s.name}


def test_shared_libraries_export_their_own_names_only(package):
    assert {"percepnet_init", "percepnet_process"} <= exported(package / "build/libpercepnet.so")
    front = exported(package / "build/librnnoise.so")
    assert {name.partition("_")[0] for name in front} == {"rnnoise"}


def soname(library: Path) -> str:
    with library.open("rb") as file:
        tags = ELFFile(file).get_section_by_name(".dynamic").iter_tags("DT_SONAME")
        return next(tags).soname


def test_installed_library_has_the_number_of_its_interface(prefix):
    """A program that was linked asks for libpercepnet.so.0, and finds it."""
    number = f"libpercepnet.so.{VERSION.split('.')[0]}"
    link = prefix / "lib/libpercepnet.so"
    assert link.is_symlink() and link.resolve().name == number and soname(link) == number


def test_the_change_log_begins_with_the_version():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == VERSION and headings == sorted(headings, reverse=True)


def test_pages_name_the_packages_of_this_version():
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = re.findall(r"percepnet-(\d+\.\d+\.\d+)", text)
    assert len(named) > 5 and set(named) == {VERSION}


@pytest.mark.parametrize("size", [0, 959])
def test_check_of_nothing_is_no_success(package, tmp_path, size):
    """Less than a frame: nothing was compared."""
    (tmp_path / "short.s16").write_bytes(bytes(size))
    command = [package / "build/check", "short.s16", "short.s16"]
    assert subprocess.run(command, check=False, cwd=tmp_path).returncode == 2


# ---- rnnoise ----


@pytest.fixture(scope="module", params=["a", "so"])
def rnnoise_user(request, package, tmp_path_factory):
    """A program in the manner of rnnoise's documentation, linked statically or not."""
    folder = tmp_path_factory.mktemp("rnnoise")
    library = package / f"build/librnnoise.{request.param}"
    call(["gcc", "-I", package / "rnnoise", ROOT / "tests" / "rnnoise_user.c", library, "-lm",
          f"-Wl,-rpath,{library.parent}", "-o", folder / "user"])  # fmt: skip
    return folder / "user"


def test_a_program_for_rnnoise_removes_noise(rnnoise_user, package):
    """Noise is what differs from the clean clip: it must fall by 3 dB; speech must stay."""
    embedded = ROOT / "eval/embedded"
    (noisy_file,) = embedded.glob("noisy/*_fileid_8.flac")
    noisy, clean = (
        soundfile.read(path, dtype="int16")[0][: 4 * 48000]
        for path in (noisy_file, embedded / "clean/clean_fileid_8.flac")
    )
    command = [rnnoise_user]
    done = subprocess.run(command, check=True, input=noisy.tobytes(), capture_output=True)
    out = np.frombuffer(done.stdout, np.int16)
    expected = subprocess.check_output([package / "build/minimal"], input=noisy.tobytes())
    assert out.tobytes() == expected  # whole numbers in, whole numbers out
    assert 0.2 < float(done.stderr) < 0.95
    out, clean, noisy = out[DELAY:] + 0.0, clean[:-DELAY] + 0.0, noisy[:-DELAY] + 0.0
    before, after = (10 * np.log10(np.mean((x - clean) ** 2)) for x in (noisy, out))
    assert after < before - 3
    assert np.mean(out**2) > 0.5 * np.mean(clean**2)


# The librnnoise that a system has: only silence comes out of it.
OTHER = """\
#include "rnnoise.h"
int rnnoise_get_size(void) { return 1; }
int rnnoise_get_frame_size(void) { return 480; }
int rnnoise_init(DenoiseState *st, RNNModel *model) { return st && !model ? 0 : -1; }
DenoiseState *rnnoise_create(RNNModel *model) { return model ? 0 : (DenoiseState *)&"x"; }
void rnnoise_destroy(DenoiseState *st) { (void)st; }
float rnnoise_process_frame(DenoiseState *st, float *out, const float *in)
{
    for (int i = 0; i < 480; i++)
        out[i] = st && in ? 0 : 1;
    return 0;
}
"""


@pytest.fixture(scope="module")
def built_program(package, tmp_path_factory):
    """Folder with a program and the librnnoise.so.0 that it was linked with."""
    folder = tmp_path_factory.mktemp("built")
    (folder / "other.c").write_text(OTHER)
    call(["gcc", "-shared", "-fPIC", "-I", package / "rnnoise", folder / "other.c", "-o",
          folder / "librnnoise.so.0", "-Wl,-soname,librnnoise.so.0"])  # fmt: skip
    call(["gcc", "-I", package / "rnnoise", ROOT / "tests" / "rnnoise_user.c",
          folder / "librnnoise.so.0", "-o", folder / "user"])  # fmt: skip
    return folder


def test_a_built_program_takes_ours_for_librnnoise(built_program, package):
    """Found first by the loader, or preloaded; without either it has its own."""
    sound = np.random.default_rng(1).integers(-9000, 9000, 48000).astype(np.int16).tobytes()
    expected = subprocess.check_output([package / "build/minimal"], input=sound)
    ours, own = package / "build", {"LD_LIBRARY_PATH": str(built_program)}

    def run(environment):
        done = subprocess.run([built_program / "user"], check=True, env=environment, input=sound,
                              capture_output=True)  # fmt: skip
        return done.stdout

    assert not any(run(own)) and any(expected)
    assert run({"LD_LIBRARY_PATH": str(ours)}) == expected
    assert run(own | {"LD_PRELOAD": str(ours / "librnnoise.so.0")}) == expected


def test_pyrnnoise_runs_on_ours(package, tmp_path):
    """A program from outside, which loads the librnnoise.so beside it."""
    outside = importlib.util.find_spec("pyrnnoise")
    if not outside:
        pytest.skip("pyrnnoise not found; make .venv/peers installs it")
    shutil.copy(Path(outside.origin).with_name("rnnoise.py"), tmp_path)
    shutil.copy(package / "build/librnnoise.so", tmp_path)
    sound = np.random.default_rng(1).integers(-9000, 9000, 48000).astype(np.int16)
    program = """
import sys, numpy as np, rnnoise
state = rnnoise.create()
for frame in np.frombuffer(sys.stdin.buffer.read(), np.int16).reshape(-1, 480):
    sys.stdout.buffer.write(rnnoise.process_mono_frame(state, frame)[0].tobytes())
rnnoise.destroy(state)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, input=sound.tobytes(),
                          capture_output=True, env={"PYTHONPATH": str(tmp_path)})  # fmt: skip
    expected = subprocess.check_output([package / "build/minimal"], input=sound.tobytes())
    assert done.stdout == expected


VOICE = """\
#include <stdint.h>
#include <stdlib.h>
#include "percepnet.h"
#include <rnnoise.h>
static int value; /* what the library says next */
percepnet *percepnet_init(void *mem, size_t bytes) { return bytes ? mem : NULL; }
int percepnet_process(percepnet *st, int16_t *out, const int16_t *in)
{
    (void)st;
    out[0] = in[0];
    return value;
}
int main(void) {
    float x[480] = {0};
    DenoiseState *st = rnnoise_create(NULL);
    for (value = 0; value <= 32767; value++)
        if (rnnoise_process_frame(st, x, x) != (float)(value / 32767.0)) return 1;
    free(st);
    return 0;
}
"""


def test_rnnoise_voice_reaches_one(package, tmp_path):
    """Q15 from 0 to 32767 is 0 to 1, both ends included."""
    (tmp_path / "voice.c").write_text(VOICE)
    folders = ["-I", package / "rnnoise", "-I", package / "include"]
    call(["gcc", *folders, "voice.c", package / "rnnoise/rnnoise.c", "-o", "voice"], cwd=tmp_path)
    call([tmp_path / "voice"])


EDGES = """\
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <rnnoise.h>
int main(void) {
    float a[480], b[480], c[480];
    char *odd = malloc((size_t)rnnoise_get_size() + 1); /* a state at an odd address */
    DenoiseState *st = (DenoiseState *)(void *)(odd + 1), *other = rnnoise_create(NULL);
    if (rnnoise_init(st, NULL) || !rnnoise_init(NULL, NULL)) return 1;
    if (rnnoise_create((RNNModel *)(void *)odd)) return 2;
    if (rnnoise_model_from_filename("x") || rnnoise_model_from_buffer(odd, 1)) return 3;
    for (int n = 0; n < 20; n++) {
        for (int i = 0; i < 480; i++) { /* 0.4 rounds away, NaN is 0, beyond int16 is clipped */
            a[i] = i % 4 ? (i % 4 == 1 ? 99999.0f : -40000.0f) : (float)NAN;
            b[i] = i % 4 ? (i % 4 == 1 ? 32767.0f : -32768.0f) : 0.4f;
        }
        float voice = rnnoise_process_frame(st, c, a);
        if (voice < 0 || voice > 1 || rnnoise_process_frame(other, b, b) != voice) return 4;
        if (memcmp(b, c, sizeof b)) return 5;
    }
    rnnoise_destroy(other);
    rnnoise_model_free(NULL);
    free(odd);
    return 0;
}
"""


def test_rnnoise_edges_under_sanitizers(package, tmp_path):
    (tmp_path / "edges.c").write_text(EDGES)
    sources = [package / "rnnoise/rnnoise.c", package / "build/libpercepnet.a"]
    checks = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize=alignment",
              "-fno-sanitize-recover=all"]  # fmt: skip
    folders = ["-I", package / "rnnoise", "-I", package / "include"]
    call(["gcc", "-g", *checks, *folders, "edges.c", *sources, "-o", "edges"], cwd=tmp_path)
    call([tmp_path / "edges"])


# ---- Android ----

def test_package_of_a_board_builds_its_library(unpacked):
    """`make` alone, without a system to link programs for."""
    needs("m7")
    folder = unpacked("m7")
    call(["make", "-s", "-C", folder, "-j2"])
    assert (folder / "build/libpercepnet.a").is_file() and not (folder / "build/check").exists()


# As much of the NDK's jni.h as the example uses: without the NDK only its syntax can be checked.
JNI = """\
#include <stdint.h>
#define JNIEXPORT
#define JNICALL
typedef int64_t jlong; typedef int32_t jint; typedef int16_t jshort; typedef void *jclass;
typedef void *jshortArray;
typedef const struct functions *JNIEnv;
struct functions {
    jint (*GetArrayLength)(JNIEnv *, jshortArray);
    void (*GetShortArrayRegion)(JNIEnv *, jshortArray, jint, jint, jshort *);
    void (*SetShortArrayRegion)(JNIEnv *, jshortArray, jint, jint, const jshort *);
};
"""


@pytest.mark.skipif(CLANG is None, reason="clang not found; `make setup full=1` installs it")
def test_android_library_has_large_pages_and_needs_little(unpacked, tmp_path):
    """clang's Android target and lld, with the headers of the cross compiler for the NDK's."""
    needs("arm64")
    folder = tmp_path / "package"
    shutil.copytree(unpacked("arm64"), folder, ignore=shutil.ignore_patterns("build"))
    cc = f"{CLANG} --target=aarch64-linux-android21 -isystem /usr/aarch64-linux-gnu/include"
    flags = "-O1 -std=c99 -Wall -Werror -fuse-ld=lld -nostdlib"
    flags_of_gcc = "-Wno-unused-command-line-argument -Wno-ignored-optimization-argument"
    call(["make", "-C", folder, "-j2", f"CC={cc}", "AR=ar", f"CFLAGS={flags} {flags_of_gcc}",
          "build/libpercepnet.so"])  # fmt: skip
    (tmp_path / "jni.h").write_text(JNI)
    example = folder / "examples/android/denoiser_jni.c"
    library = tmp_path / "libdenoiser.so"
    call([*cc.split(), *flags.split(), "-D_GNU_SOURCE", "-shared", "-fPIC", "-I", tmp_path, "-I",
          folder / "include", example, "-o", library])  # fmt: skip
    with (folder / "build/libpercepnet.so").open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_machine"] == "EM_AARCH64"
        assert {s["p_align"] for s in elf.iter_segments("PT_LOAD")} == {16384}
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        wanted = {s.name for s in symbols if s["st_shndx"] == "SHN_UNDEF" and s.name}
        assert wanted <= {"memcpy", "memmove", "memset", "getauxval"}
