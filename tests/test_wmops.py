"""targets/wmops.py: weights of small pieces of intermediate language, counted by hand."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from targets import wmops
from targets.target import load

# sum += a[i] * b[i] over 480 samples; the exit of the loop stands before its body
LOOP = """\
entry:
  br label %body

exit:                                             ; preds = %body
  ret i32 %sum.next

body:                                             ; preds = %body, %entry
  %i = phi i32 [ 0, %entry ], [ %inc, %body ]
  %sum = phi i32 [ 0, %entry ], [ %sum.next, %body ]
  %at = getelementptr inbounds i16, i16* %a, i32 %i
  %x = load i16, i16* %at, align 2
  %wide = sext i16 %x to i32
  %product = mul nsw i32 %wide, %wide
  %sum.next = add nsw i32 %product, %sum
  %inc = add nuw nsw i32 %i, 1
  %end = icmp eq i32 %inc, 480
  br i1 %end, label %exit, label %body"""

# *p = x > 7 ? x >> 1 : q[x]; a condition, a shift, a move and no work in the address
CONDITION = """\
entry:
  %big = icmp sgt i32 %x, 7
  br i1 %big, label %then, label %else

then:                                             ; preds = %entry
  %half = ashr i32 %x, 1
  store i32 %half, i32* %p, align 4
  br label %done

else:                                             ; preds = %entry
  %next = add i32 %x, 1
  %place = getelementptr inbounds i16, i16* %q, i32 %next
  %y = load i16, i16* %place, align 2
  store i16 %y, i16* %r, align 2
  br label %done

done:                                             ; preds = %else, %then
  ret void"""


def weights(body: str, name: str = "f") -> dict[str, int]:
    """{label: weight put at the head of the block}."""
    found, label = {}, ""
    for line in wmops.instrument(name, body.split("\n"), 3):
        if head := re.match(r"(\w+):", line):
            label = head[1]
        elif call := re.search(r"@wmops_count\(i32 3, i32 (\d+)\)", line):
            found[label] = int(call[1])
    return found


def test_loop_weighs_three_and_a_turn_one_multiply_accumulate():
    assert weights(LOOP) == {"entry": wmops.FOR, "body": 1}


def test_a_product_used_twice_is_an_operation_of_its_own():
    twice = LOOP.replace("  %inc =", "  %shifted = ashr i32 %product, 3\n  %inc =")
    assert weights(twice)["body"] == 3  # product, sum and shift


def test_condition_move_and_address():
    assert weights(CONDITION) == {"entry": wmops.IF, "then": 1, "else": 1}


def test_calls_follow_phis_and_frames_are_marked():
    lines = wmops.instrument("percepnet_process", LOOP.split("\n"), 0)
    assert lines[1] == "  call void @wmops_frame()"
    body = lines[lines.index("body:") :]
    assert [wmops.opcode_of(line) for line in body[1:4]] == ["phi", "phi", "call"]


def test_moves_of_the_c_library_are_counted_by_length():
    copy = "  call void @llvm.memcpy.p0i8.p0i8.i32(i8* %a, i8* align 4 %b, i32 %n, i1 false)"
    lines = wmops.instrument("f", ["entry:", copy, "  ret void"], 5)
    assert "  call void @wmops_bytes(i32 5, i32 %n)" in lines


def test_what_has_no_weight_is_refused():
    with pytest.raises(SystemExit, match="no weight for '%x = fadd"):
        weights("entry:\n  %x = fadd float %a, %b\n  ret void")


OPERATIONS = {
    0: "sext zext load icmp bitcast freeze @llvm.lifetime",
    1: "add sub mul shl lshr ashr and or xor trunc select @llvm.ctlz @llvm.abs @llvm.smax "
       "@llvm.smin @llvm.umax @llvm.umin",
    3: "@llvm.fshl @llvm.fshr",  # two shifts and an or
    32: "sdiv udiv srem urem",
}  # fmt: skip


@pytest.mark.parametrize(("name", "weight"),
                         [(name, w) for w, names in OPERATIONS.items() for name in names.split()])
def test_weights_of_operations(name, weight):
    """As the words at the head of targets/wmops.py have them."""
    operation = f"tail call i32 {name}.i32(i32 %x)" if name[0] == "@" else f"{name} i32 %x, %y"
    assert weights(f"entry:\n  %a = {operation}\n  ret void").get("entry", 0) == weight


@pytest.mark.parametrize(("size", "weight"), [("i8", 1), ("i16", 1), ("i32", 2), ("i64", 1)])
def test_weights_of_moves(size, weight):
    """Of what no operation made; what one made is stored free."""
    move = f"entry:\n  %v = load {size}, {size}* %p\n  store {size} %v, {size}* %q, align 2\n"
    assert weights(move + "  ret void") == {"entry": weight}
    assert weights(move.replace("load", "and") + "  ret void") == {"entry": 1}


def test_a_switch_keeps_its_table():
    switch = "entry:\n  switch i32 %x, label %a [\n    i32 0, label %b\n  ]\n\n"
    switch += "a:\n  ret void\n\nb:\n  ret void"
    lines = wmops.instrument("f", switch.split("\n"), 0)
    assert "label %b" in lines[2] and weights(switch) == {"entry": 6}


def test_every_source_counts_into_its_own_stage(tmp_path, monkeypatch):
    """Compilers stood in for: each file gets its own code back with the number of its place."""
    gen = tmp_path / "build" / "armv7" / "gen"
    gen.mkdir(parents=True)
    for name in ("comb.c", "erb.c", "taps.c"):
        (gen / name).touch()
    monkeypatch.chdir(tmp_path)
    called = []

    def call(command):
        called.append(command)
        name = next((Path(word).stem for word in command if word.endswith(".c")), "")
        return f"define void @percepnet_{name}() {{\n{LOOP}\n}}\n"

    monkeypatch.setattr(wmops, "call", call)
    assert wmops.build(load("armv7"), tmp_path) == ["comb", "erb"]
    for number, name in enumerate(("comb", "erb")):
        text = (tmp_path / f"{name}.ll").read_text()
        assert f"@percepnet_{name}()" in text
        assert set(re.findall(r"@wmops_count\(i32 (\d+), i32 \d", text)) == {str(number)}
        assert str(tmp_path / f"{name}.ll") in called[-1]


def test_rows_are_means_of_speech_and_the_largest_frame_of_all(monkeypatch):
    """The program stood in for: as many operations as a sound has samples, 100 frames a second."""
    sounds = {"speech": np.zeros(9600, np.int16), "noise": np.ones(4800, np.int16)}

    def call(command, cwd):
        assert command[-3:] == ["./percepnet", "in.wav", "out.wav"]
        samples, rate = soundfile.read(cwd / "in.wav", dtype="int16")
        largest = 7_000_000 if samples.any() else 300_000
        found = {"frames": samples.size * 100 // rate, "stages": [samples.size * 500, 0, 20_000],
                 "max": largest}  # fmt: skip
        (cwd / "wmops.json").write_text(json.dumps(found))

    monkeypatch.setattr(wmops, "inputs", lambda: sounds)
    monkeypatch.setattr(wmops, "build", lambda target, folder: ["comb", "dnn", "erb"])
    monkeypatch.setattr(wmops, "call", call)
    assert wmops.rows(load("armv7")) == [
        {"stage": "comb", "wmops_mean": 24.0}, {"stage": "erb", "wmops_mean": 0.1},
        {"stage": "total", "wmops_mean": 24.1, "wmops_max": 700.0}]  # fmt: skip
