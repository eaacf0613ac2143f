"""examples/android/apk: an APK by Debian's tools alone, and what its activity does with sound."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile
from generated import speech
from shipped import needs_program

from reference.clips import to_int16

HEADERS = Path("/usr/include/android")
PHONE = {"libaaudio.so", "libc.so"}
HERE = Path(__file__).parent
STUBS = ["-D__RENAME_IF_FILE_OFFSET64(x)=", f"-I{HEADERS}", f"-I{HEADERS / 'nativehelper'}"]


def needs_headers() -> None:
    for name in ("android/native_activity.h", "nativehelper/jni.h"):
        if not (HEADERS / name).exists():
            pytest.skip(f"{HEADERS / name} not found")


@pytest.fixture(scope="module")
def package(unpacked):
    """The source package for phones, with the APK in its build/."""
    needs_headers()
    for program in ("clang", "ld.lld", "llvm-ar", "aapt", "zipalign", "apksigner", "keytool"):
        needs_program(program)
    folder = unpacked("arm64")
    script = folder / "examples/android/apk/build.sh"
    subprocess.run(["sh", script], check=True, capture_output=True)
    return folder


def test_apk_is_signed_and_asks_for_the_microphone(package):
    apk = package / "build" / "percepnet.apk"
    subprocess.run(["apksigner", "verify", apk], check=True)
    told = subprocess.run(["aapt", "dump", "badging", apk], check=True, capture_output=True,
                          text=True).stdout  # fmt: skip
    assert "native-code: 'arm64-v8a'" in told and "sdkVersion:'26'" in told
    assert [line for line in told.splitlines() if line.startswith("uses-permission")] == [
        "uses-permission: name='android.permission.RECORD_AUDIO'"]


def test_its_library_needs_nothing_that_a_phone_lacks(package):
    with (package / "build/apk/lib/arm64-v8a/libactivity.so").open("rb") as file:
        elf = ELFFile(file)
        tags = elf.get_section_by_name(".dynamic").iter_tags()
        assert {t.needed for t in tags if t.entry.d_tag == "DT_NEEDED"} == PHONE
        assert {s["p_align"] for s in elf.iter_segments("PT_LOAD")} == {16384}
        symbols = {s.name: s["st_shndx"] for s in elf.get_section_by_name(".dynsym").iter_symbols()}
    assert symbols["ANativeActivity_onCreate"] != "SHN_UNDEF"
    wanted = {name for name, section in symbols.items() if name and section == "SHN_UNDEF"}
    assert {name for name in wanted if not name.startswith("AAudio")} <= {
        "memcpy", "memmove", "memset", "getauxval", "pthread_create", "pthread_join", "nanosleep"}


def test_activity_carries_sound_from_microphone_to_loudspeaker(unpacked, library, tmp_path):
    """The same C with an audio system of files: every hop equals the library's, none is lost."""
    needs_headers()
    folder = unpacked("host")
    subprocess.run(["make", "-C", folder, "-j2", "build/libpercepnet.a"], check=True)
    (tmp_path / "android").mkdir()
    (tmp_path / "android" / "native_window.h").write_text(
        "typedef struct ANativeWindow ANativeWindow;\n"
        "typedef struct { int32_t left, top, right, bottom; } ARect;\n")
    subprocess.run(
        ["gcc", "-O1", "-std=c11", "-D_GNU_SOURCE", f"-I{tmp_path}", f"-I{folder / 'include'}",
         *STUBS, folder / "examples/android/apk/activity.c", HERE / "android_mock.c",
         folder / "build/libpercepnet.a", "-pthread", "-o", tmp_path / "mock"], check=True)
    hops = to_int16(speech(0.5)).astype("<i2").reshape(-1, 480)
    hops.tofile(tmp_path / "in")
    subprocess.run([tmp_path / "mock", "in", "out"], check=True, cwd=tmp_path, timeout=60)
    suppressor = library.instance()
    wanted = np.concatenate([suppressor.process(hop)["out"] for hop in hops])
    assert np.array_equal(np.fromfile(tmp_path / "out", "<i2"), wanted)
