"""targets/build.py refuses by name what must not ship; targets/run.py names differences."""

import ctypes
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import (
    ERB,
    HEADER,
    PLAN,
    SUPPRESSOR,
    needs,
    needs_arm64,
    write_set,
    write_stand_in,
)

from eval import provenance
from targets import build, diff, run, shared, target
from targets.target import ROOT


def build_changed(tmp_path, monkeypatch, name: str, **changes: str) -> None:
    """Builds the stand-in with `changes` for target `name` in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    write_stand_in(tmp_path, name, **changes)
    build.build(target.load(name))


def test_unknown_target_names_the_known_ones():
    with pytest.raises(SystemExit, match=r"'armv9' found; one of .*arm64.*host"):
        target.load("armv9")


def test_system_names():
    assert target.load("host").system("native") == "host"
    assert target.load("arm64").system("cortex-a53") == "arm64-cortex-a53"


def test_instructions_are_counted_where_qemu_is():
    names = [path.stem for path in (ROOT / "targets").glob("*.toml")]
    counted = {name for name in names if target.load(name).counted}
    assert counted == {"arm64", "armv7", "m7", "m55"}


def test_missing_sources_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="make gen target=host"):
        build.build(target.load("host"))


@pytest.mark.parametrize("spoil", [
    {"model": "small"}, {"model": {"name": "../../x"}}, {"model": {"name": 3}}, {"hash": 7},
    {"taps": {}}, {"taps": [{"dtype": "object", "count": 1}]},
    {"taps": [{"dtype": "int16", "count": 2**40}]}, {"taps": [{"dtype": "int16", "count": -1}]},
    {"taps": [{"dtype": ["int16"], "count": 1}]}, {"taps": [{"count": 1}]}])  # fmt: skip
def test_a_plan_of_a_stranger_is_refused(tmp_path, monkeypatch, spoil):
    monkeypatch.chdir(tmp_path)
    plan = {"hash": "0123", "model": {"name": "tiny"}, "taps": [{"dtype": "int32", "count": 3}]}
    path = tmp_path / "build/host/gen/plan.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(plan))
    assert target.read_plan(target.load("host")) == plan
    path.write_text(json.dumps(plan | spoil))
    with pytest.raises(SystemExit, match="is no plan of a model and its signals; remove it"):
        target.read_plan(target.load("host"))


def test_library_holds_no_taps(stand_in):
    members = subprocess.check_output(
        ["ar", "t", stand_in / "build/host/libpercepnet.a"], text=True
    )
    assert members.split() == ["erb.o", "postfilter.o", "suppressor.o"]
    assert (stand_in / "build/host/percepnet.h").is_file()


@pytest.mark.parametrize(
    ("addition", "offender"),
    [
        (
            "#include <stdlib.h>\nvoid *percepnet_x(void); void *percepnet_x(void)"
            "{ return malloc(7); }\n",
            "erb.o: undefined symbol malloc",
        ),
        (
            "#include <stdio.h>\nvoid percepnet_x(void); void percepnet_x(void)"
            '{ printf("%d", 1); }\n',
            "erb.o: undefined symbol printf",
        ),
        ("int percepnet_counter = 3;\n", "erb.o: writable global percepnet_counter"),
        (
            "int percepnet_x(void); int percepnet_x(void){ static int calls; return ++calls; }\n",
            r"erb.o: writable global calls",
        ),
    ],
    ids=["malloc", "stdio", "data", "bss"],
)
def test_refused(tmp_path, monkeypatch, addition, offender):
    with pytest.raises(SystemExit, match=offender):
        build_changed(tmp_path, monkeypatch, "host", erb_c=ERB + addition)


SHARED_FAULTS = {
    "an internal function": (
        {"erb_c": '__attribute__((visibility("default"))) int percepnet_x(void);\n'
                  "int percepnet_x(void) { return 1; }\n" + ERB},
        [],
        "percepnet_x is exported",
    ),
    "a hidden one": (
        {"percepnet_h": HEADER.replace("visibility push(default)", "visibility push(hidden)")},
        [],
        "percepnet_init is not exported",
    ),
    "small pages": ({}, ["-Wl,-z,max-page-size=4096"], "pages of 4096 bytes"),
    "a C library": ({}, ["-Wl,--no-as-needed", "-lc"], "needs libc.so.6"),
}  # fmt: skip


@pytest.mark.parametrize("fault", SHARED_FAULTS)
def test_shared_library_is_refused(tmp_path, monkeypatch, fault):
    changes, flags, offender = SHARED_FAULTS[fault]
    monkeypatch.setattr(shared, "LINK", [*shared.LINK, *flags])
    with pytest.raises(SystemExit, match=offender):
        build_changed(tmp_path, monkeypatch, "host", **changes)


def test_shared_library_processes(stand_in):
    """Loaded by a program that knows only the header; all that is declared is there."""
    library = ctypes.CDLL(str(stand_in / "build/host/libpercepnet.so"))
    assert library.percepnet_delay_samples() == 1440
    assert len(shared.declared(HEADER)) == 13
    assert all(hasattr(library, name) for name in shared.declared(HEADER))


def test_constants_with_addresses_are_not_globals(tmp_path, monkeypatch):
    table = 'int percepnet_x(int i); static const char *const names[] = {"a", "b"};\n'
    use = "int percepnet_x(int i) { return names[i][0]; }\n"
    build_changed(tmp_path, monkeypatch, "host", erb_c=ERB + table + use)


PRODUCT = "double percepnet_x(double a); double percepnet_x(double a) { return a * a; }\n"
CONVERSION = "float percepnet_x(int a); float percepnet_x(int a) { return (float)a; }\n"


@pytest.mark.parametrize(
    ("target_name", "addition", "instruction"),
    [
        ("arm64", PRODUCT, "fmul"),
        ("arm64", CONVERSION, "scvtf"),
        ("armv7", PRODUCT, "vmul.f64"),
        ("armv7", CONVERSION, "vcvt.f32.s32"),
    ],
)
def test_float_arithmetic_is_refused(tmp_path, monkeypatch, target_name, addition, instruction):
    needs(target_name)
    with pytest.raises(SystemExit, match=f"erb.o: percepnet_x: float arithmetic {instruction}"):
        build_changed(tmp_path, monkeypatch, target_name, erb_c=ERB + addition)


def test_armv7_float_pattern():
    pattern = re.compile(target.load("armv7").check["float"])
    for name in ["vadd.f32", "vmla.f64", "vcvt.s32.f32", "vcmpe.f32", "vneg.f16", "vdot.bf16"]:
        assert pattern.search(name), name
    for name in ["vmov.f32", "vmov.i32", "vadd.i32", "vldr", "vld1.32", "vmull.s16", "vqdmulh.s32"]:
        assert not pattern.search(name), name


def test_arm64_float_pattern():
    pattern = re.compile(target.load("arm64").check["float"])
    for name in ["fadd", "fmla", "fcvtzs", "fcmp", "fmadd", "scvtf", "ucvtf", "bfdot", "fneg"]:
        assert pattern.search(name), name
    for name in ["fmov", "bfi", "bfxil", "ldr", "sdot", "smull", "sub", "bfm"]:
        assert not pattern.search(name), name


def equal_twin(root, monkeypatch, name: str = "host"):
    """Folder with target, set and a twin equal to it; the target and the set's path."""
    monkeypatch.chdir(root)
    test_set = write_set(root)
    shutil.copytree(test_set / "noisy", root / "build/out/twin/tiny")
    return target.load(name), test_set.relative_to(root)


def test_equal_output_is_kept_and_recorded(tmp_path, monkeypatch):
    build_changed(tmp_path, monkeypatch, "host")
    host, test_set = equal_twin(tmp_path, monkeypatch)
    assert run.run(host, test_set) == 0
    assert (tmp_path / "build/out/host/tiny/a.wav").is_file()
    record = json.loads((tmp_path / "build/host/run.json").read_text())
    (row,) = record["conformance"]
    assert (row["samples"], row["mismatches"], row["cpu"]) == (24000, 0, "native")
    assert record["provenance"]["plan"] == "0123456789abcdef"
    assert "-O3" in record["provenance"]["flags"]


def test_samples_that_are_missing_differ(tmp_path):
    """Whichever of the two files is shorter, and whatever its channels hold."""
    pcm = np.arange(1, 101, dtype=np.int16)
    for name, samples in (("all", pcm), ("cut", pcm[:-3]), ("none", pcm[:0])):
        soundfile.write(tmp_path / f"{name}.wav", samples, 48000, "PCM_16")
    paths = {name: tmp_path / f"{name}.wav" for name in ("all", "cut", "none")}
    assert run.count_mismatches(paths["all"], paths["all"]) == (100, 0)
    for a, b, wrong in (("all", "cut", 3), ("cut", "all", 3), ("none", "all", 100)):
        assert run.count_mismatches(paths[a], paths[b]) == (100, wrong)


@pytest.mark.parametrize("module", [run, provenance])
def test_results_of_changed_files_are_dirty(tmp_path, monkeypatch, module):
    """What no commit holds is not named as one."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("1")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(run, "read_plan", lambda _: {"hash": "", "model": {"name": ""}})
    monkeypatch.setattr(run, "sha", lambda _: "")

    def commit() -> str:
        if module is provenance:
            return provenance.commit()
        return run.provenance(target.load("host"))["commit"]

    assert re.fullmatch("[0-9a-f]{12}", commit())
    (tmp_path / "file").write_text("2")
    assert re.fullmatch("[0-9a-f]{12}-dirty", commit())


def test_difference_is_named_counted_and_not_scored(tmp_path, monkeypatch, capsys):
    """One wrong value in one frame of the library: stage, frame, index, both values."""
    wrong = SUPPRESSOR.replace(
        "st->level =", "if (hop[7] == 1234) st->line[2][7] = 1233;\n    st->level ="
    )
    build_changed(tmp_path, monkeypatch, "host", suppressor_c=wrong)
    host, test_set = equal_twin(tmp_path, monkeypatch)
    pcm, rate = soundfile.read(test_set / "noisy" / "b.wav", dtype="int16")
    pcm[7::480] = 0
    pcm[5 * 480 + 7] = 1234
    for folder in (test_set / "noisy", tmp_path / "build/out/twin/tiny"):
        soundfile.write(folder / "b.wav", pcm, rate, "PCM_16")

    def twin_taps(model, noisy, every_stage=False):
        good = tmp_path / "good"
        build_changed(good, monkeypatch, "host")
        monkeypatch.chdir(tmp_path)
        command = [good / "build/host/percepnet", "--taps", good / "taps", noisy, good / "out.wav"]
        subprocess.run(command, check=True)
        return (good / "taps").read_bytes()

    (tmp_path / "good").mkdir()
    monkeypatch.setattr(diff, "twin_taps", twin_taps)
    assert run.run(host, test_set) == 1
    message = capsys.readouterr().err
    assert "b.wav: stage stft, signal line, frame 5, index 7: twin 1234, here 1233" in message
    record = json.loads((tmp_path / "build/host/run.json").read_text())
    assert record["conformance"][0]["mismatches"] == 1
    assert not (tmp_path / "build/out/host/tiny").exists()


def test_dumps_of_different_length_are_a_difference():
    taps = [{"name": "x", "dtype": "int16", "count": 2}]
    a = np.array([1, 2, 3, 4], "<i2").tobytes()
    assert "end apart" in diff.first_difference(a, a[:4], taps)
    assert diff.first_difference(a, a, taps) == ""


def test_record_of_an_older_build_is_dropped(tmp_path, monkeypatch):
    build_changed(tmp_path, monkeypatch, "host")
    host, test_set = equal_twin(tmp_path, monkeypatch)
    run.run(host, test_set)
    assert run.read_record(host)["conformance"]
    build_changed(tmp_path, monkeypatch, "host", suppressor_c=SUPPRESSOR.replace("0.0.0", "0.0.1"))
    assert not run.read_record(host)["conformance"]


def test_a_record_that_is_cut_off_is_written_anew(stand_in, monkeypatch, capsys):
    monkeypatch.chdir(stand_in)
    host = target.load("host")
    run.write_record(host, run.read_record(host) | {"conformance": [{"cpu": "native"}]})
    path = host.folder / "run.json"
    path.write_text(path.read_text()[:200])
    assert run.read_record(host)["conformance"] == []
    assert "run.json: is cut off" in capsys.readouterr().err
    run.write_record(host, run.read_record(host))
    assert json.loads(path.read_text())["provenance"]["plan"]


def test_a_plan_that_is_cut_off_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gen = write_stand_in(tmp_path, "host")
    (gen / "plan.json").write_text(PLAN[:50])
    with pytest.raises(SystemExit, match="plan.json: is cut off.*make gen target=host"):
        target.read_plan(target.load("host"))


@pytest.mark.skipif(not shutil.which("clang"), reason="clang not found; `make setup full=1`")
def test_clang_alone_builds_for_this_machine(tmp_path, monkeypatch):
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gcc" else found(name))
    monkeypatch.chdir(tmp_path)
    write_stand_in(tmp_path, "host")
    host = target.load("host")
    assert host.compile["cc"] == "clang"
    build.build(host)
    done = subprocess.run([host.folder / "percepnet", "-V"], check=True, capture_output=True)
    assert b"stand-in" in done.stdout


def test_help_has_every_word():
    text = subprocess.check_output(["make", "-s", "-C", ROOT, "help"], text=True)
    words = (
        "help setup sets reference plan gen build twin check bench counts cycles wmops score "
        "baseline publish ladder parts trials weaknesses cost vectors dist install demo npm "
        "plugins wheel docs report test prove fuzz mutants lock lint train clean"
    )
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert listed == words.split()


def set_up_without(programs: set[str], manager: str = "apt-get",
                   goal: str = "arm64") -> subprocess.CompletedProcess:  # fmt: skip
    """targets/setup.sh as nobody, on a PATH of what it calls itself less `programs`.

    manager: of packages, which must not run; "": there is none.
    """
    used = ("sh sed sort tr cut dirname cat id gcc g++ grep python3 aarch64-linux-gnu-gcc"
            " qemu-aarch64")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(ROOT / "targets", folder / "targets", ignore=shutil.ignore_patterns("__*"))
        (folder / "bin").mkdir()
        for program in set(used.split()) - programs:
            place = "/usr/bin/python3" if program == "python3" else shutil.which(program)
            if place:
                (folder / "bin" / program).symlink_to(place)
        if manager:
            (folder / "bin" / manager).write_text("#!/bin/sh\necho RAN\n")
            (folder / "bin" / manager).chmod(0o755)
        user = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
        return subprocess.run(
            [folder / "bin" / "sh", folder / "targets" / "setup.sh", goal],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": str(folder / "bin")},
            **user,
        )


def test_set_up_without_root_prints_the_one_command():
    needs_arm64()
    done = set_up_without({"qemu-aarch64", "aarch64-linux-gnu-gcc"})
    assert done.returncode == 2
    (command,) = [line for line in done.stderr.splitlines() if line.startswith("    ")]
    for package in ("gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"):
        assert package in command
    assert " gcc " not in command  # what is there is not asked for


@pytest.mark.parametrize(("manager", "command", "unknown"), [
    ("dnf", "sudo dnf install gcc-aarch64-linux-gnu qemu-user", "libc6-dev-arm64-cross"),
    ("pacman", "sudo pacman -S --needed aarch64-linux-gnu-gcc aarch64-linux-gnu-glibc qemu-user",
     ""),
    ("zypper", "sudo zypper install cross-aarch64-gcc13 cross-aarch64-glibc-devel qemu-linux-user",
     ""),
    ("apk", "sudo apk add qemu-aarch64 qemu-arm", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross"),
    ("brew", "", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user"),
    ("", "", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user")])  # fmt: skip
def test_set_up_names_the_packages_of_the_manager_that_is_there(manager, command, unknown):
    """By its names where they are known, else by Debian's; nothing is installed."""
    done = set_up_without({"qemu-aarch64", "aarch64-linux-gnu-gcc"}, manager)
    assert done.returncode == 2 and "RAN" not in done.stdout + done.stderr
    assert [line[4:] for line in done.stderr.splitlines() if line.startswith("    ")] == (
        [command] if command else [])  # fmt: skip
    assert (f"what Debian calls {unknown}; install" in done.stderr) == bool(unknown)


@pytest.mark.parametrize("manager", ["dnf", "pacman", "zypper", "apk", "brew"])
def test_every_other_manager_has_a_compiler_for_this_machine(manager):
    done = set_up_without({"gcc"}, manager, "host")
    (command,) = [line for line in done.stderr.splitlines() if line.startswith("    ")]
    assert "gcc" in command.split() and done.returncode == 2 and "Debian" not in done.stderr


@pytest.mark.parametrize(("words", "asked"), [("test", False), ("target=m7", True)])
def test_tools_of_a_board_are_set_up_only_where_it_is_named(words, asked):
    """`make test` must not install a gigabyte for targets on demand."""
    pretend = ["make", "-n", "-W", "targets/setup.sh", "-C", ROOT, *words.split()]
    done = subprocess.run(pretend, check=False, capture_output=True, text=True,
                          env=os.environ | {"MAKEFLAGS": ""})
    needed = next(line for line in done.stdout.splitlines() if "targets/setup.sh" in line)
    assert ("m7" in needed.split()) == asked


def test_the_target_of_the_documentation_builds(tmp_path, monkeypatch):
    """The worked example of docs/targets.md, as it stands there."""
    text = (ROOT / "docs" / "targets.md").read_text()
    riscv = target.parse(re.search(r"```toml\n(.*?)```", text, re.S)[1])
    if not shutil.which(riscv.compile["cc"]):
        pytest.skip(f"{riscv.compile['cc']} not found; gcc-riscv64-linux-gnu installs it")
    monkeypatch.chdir(tmp_path)
    write_stand_in(tmp_path, riscv.name)
    build.build(riscv)
    assert (riscv.folder / "libpercepnet.so").is_file() and riscv.counted


def test_make_names_the_known_targets():
    done = subprocess.run(
        ["make", "-s", "-C", ROOT, "target=armv9"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2 and "one of arm64 armv7 host m55 m7 wasm is needed" in done.stderr
