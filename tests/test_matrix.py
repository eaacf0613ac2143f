"""targets/matrix.py and targets/diff.py: every build is compared, and a difference is placed."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import SUPPRESSOR, write_stand_in

from targets import build, diff, matrix, target
from targets.variants import variants

TAPS = json.loads(
    '[{"name": "a_q15", "dtype": "int16", "count": 3, "stage": "erb", "format": "Q15"},'
    ' {"name": "b_q8", "dtype": "int32", "count": 2, "stage": "comb", "format": "Q8"}]'
)


def dump(*frames: tuple[list[int], list[int]]) -> bytes:
    return b"".join(np.array(a, "<i2").tobytes() + np.array(b, "<i4").tobytes() for a, b in frames)


def test_first_difference_is_the_first_signal_of_the_first_frame():
    one = dump(([1, 2, 3], [4, 5]), ([1, 2, 3], [4, 5]))
    other = dump(([1, 2, 3], [4, -5]), ([1, 7, 3], [4, 5]))
    words = diff.first_difference(one, other, TAPS, ("host", "arm64"))
    assert words == "stage comb, signal b_q8, frame 0, index 1: host 5, arm64 -5 (int32; Q8)"
    assert matrix.count_differences(one, other, TAPS) == (10, 2)


def test_a_short_dump_is_a_difference():
    one = dump(([1, 2, 3], [4, 5]), ([1, 2, 3], [4, 5]))
    assert "end apart: twin 28 bytes, here 14 bytes" in diff.first_difference(one, one[:14], TAPS)
    assert matrix.count_differences(one, one[:14], TAPS) == (10, 5)
    assert diff.first_difference(one, one, TAPS) == ""


def test_matrix_has_every_cell():
    """2 compilers x 4 levels x 3 targets, one sanitised, one for Android; each its own flags."""
    cells = variants()
    assert len(cells) == 2 * 4 * 3 + 2
    for name, cell in cells.items():
        levels = [flag for flag in cell.compile["flags"] if flag.startswith("-O")]
        assert len(levels) == 1 and (levels[0] in name or "asan" in name)
        assert cell.folder.as_posix() == f"build/check/{name}"
    assert cells["armv7-clang-Os"].compile["flags"][0] == "-Os"
    triples = [f for f in cells["arm64-bionic-O3"].compile["flags"] if "--target" in f]
    assert triples == ["--target=aarch64-linux-android24"]
    assert "--target=arm-linux-gnueabihf" in cells["armv7-clang-Os"].compile["flags"]


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """`build/host` from the stand-in and a variant of it with one wrong value in frame 5."""
    monkeypatch.chdir(tmp_path)
    write_stand_in(tmp_path, "host")
    wrong = SUPPRESSOR.replace("st->level =", "if (hop[7] == 1234) hop[7] = 1200;\n    st->level =")
    write_stand_in(tmp_path, "check/host-gcc-O2", suppressor_c=wrong)
    build.build(target.load("host"))
    build.build(variants()["host-gcc-O2"])
    matrix.write_clip()
    pcm = np.zeros(4800, np.int16)
    pcm[5 * 480 + 7] = 1234
    matrix.soundfile.write(matrix.CLIP, pcm, 48000, "PCM_16")


def test_diff_of_two_builds_names_the_place(stand_ins, monkeypatch, capsys):
    """The first tap after the fault: the level, a stage of its own."""
    monkeypatch.setattr("sys.argv", ["diff", "host:native", "host-gcc-O2", str(matrix.CLIP)])
    with pytest.raises(SystemExit) as stop:
        diff.main()
    assert stop.value.code == 1
    printed = capsys.readouterr().out
    assert printed.startswith("stage erb, signal level, frame 5, index 0: host:native ")
    monkeypatch.setattr("sys.argv", ["diff", "host", "host", str(matrix.CLIP)])
    with pytest.raises(SystemExit) as stop:
        diff.main()
    assert stop.value.code == 0
    assert "no signal differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "words"),
    [(("twin", "twin"), "at least one build"), (("host:z80", "twin"), "host has native"),
     (("armv9", "twin"), "one of arm64, armv7, host")],
)  # fmt: skip
def test_diff_refuses_what_it_cannot_compare(stand_ins, names, words):
    with pytest.raises(SystemExit, match=words):
        diff.compare(*names, matrix.CLIP)


def test_a_cell_is_built_run_and_compared(stand_ins):
    """One row a CPU; a twin dump that differs is counted and placed."""
    host = target.load("host")
    right = diff.command_taps(host, "native", matrix.CLIP)
    wrong = np.frombuffer(right, np.uint8).copy()
    wrong[-1] ^= 1
    cell = variants()["host-gcc-asan-ubsan"]
    (row,) = matrix.check_cell("host-gcc-asan-ubsan", cell, {(): right})
    assert (row["mismatches"], row["first"]) == (0, "") and row["values"] > 4800
    (row,) = matrix.check_cell("host-gcc-asan-ubsan", cell, {(): wrong.tobytes()})
    assert row["mismatches"] == 1 and "signal level, frame 12" in row["first"]
    assert matrix.table([row]).split() == ["gcc-asan-ubsan", "host", "native", "1"]


def test_a_program_that_fails_in_a_cell_is_counted(stand_ins, monkeypatch):
    """A kernel or a block that differs, which the recorded signals of single hops do not show."""
    right = diff.command_taps(target.load("host"), "native", matrix.CLIP)
    monkeypatch.setattr(matrix, "check_kernels", lambda cell: 2)
    cell = variants()["host-gcc-asan-ubsan"]
    (row,) = matrix.check_cell("host-gcc-asan-ubsan", cell, {(): right})
    assert row["mismatches"] == 2 and row["first"].startswith("kernel_check or block_check")


def test_an_interrupted_check_goes_on(stand_ins, monkeypatch, capsys):
    """What came through is not built again, unless what it was made of has changed; a finished
    check leaves nothing to go on with.
    """
    right = diff.command_taps(target.load("host"), "native", matrix.CLIP)
    names = ("host-gcc-O2", "host-gcc-O3")
    cells = {name: variants()[name] for name in names}
    plan = target.read_plan(target.load("host")) | {"model": {"name": "small", "sha256": "0"}}
    monkeypatch.setattr(matrix, "read_plan", lambda _: plan)
    monkeypatch.setattr(matrix, "write_clip", lambda: matrix.CLIP)
    monkeypatch.setattr(matrix, "twin_taps", lambda *_, **__: right)
    monkeypatch.setattr(matrix, "command_taps", lambda *_: right)
    checked = []

    def cell(name, *_):
        if name == "host-gcc-O3" and len(checked) == 1:
            raise KeyboardInterrupt
        checked.append(name)
        return [{"target": "host", "values": 1, "mismatches": 0}]

    monkeypatch.setattr(matrix, "check_cell", cell)
    path = Path("matrix.json")
    with pytest.raises(KeyboardInterrupt):
        matrix.check(cells, 1, path)
    assert checked == ["host-gcc-O2"] and not path.exists()
    checked.append("interrupted")
    assert len(matrix.check(cells, 1, path)) == len(json.loads(path.read_text())["rows"]) == 2
    assert checked == ["host-gcc-O2", "interrupted", "host-gcc-O3"]
    matrix.check(cells, 1, path)
    assert checked[3:] == list(names)


def test_a_change_of_sources_or_twin_is_checked_again(stand_ins):
    """Its digest differs, so what an interrupted check found is not taken for it."""
    name, right = "host-gcc-O2", {(): b"1"}
    cell = variants()[name]
    before = matrix.made_of(name, cell, right)
    assert before == matrix.made_of(name, cell, right)
    assert before != matrix.made_of(name, cell, {(): b"2"})
    assert before != matrix.made_of(name, variants()["host-gcc-O3"], right)
    next(Path("build/host/gen").rglob("*.c")).write_text("int changed;\n")
    assert before != matrix.made_of(name, cell, right)


def test_sanitised_build_stops_at_undefined_behaviour(tmp_path, monkeypatch):
    """A signed overflow in the library ends the command."""
    monkeypatch.chdir(tmp_path)
    overflow = SUPPRESSOR.replace("st->level =", "hop[0] += 1; st->level = 2147483647 + hop[0];\n"
                                  "    st->level =")  # fmt: skip
    cell = variants()["host-gcc-asan-ubsan"]
    write_stand_in(tmp_path, cell.name, suppressor_c=overflow)
    build.build(cell, check=False)
    with pytest.raises(SystemExit, match="signed integer overflow"):
        diff.command_taps(cell, "native", matrix.write_clip())
