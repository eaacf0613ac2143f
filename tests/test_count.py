"""targets/count.py and baseline.py: counts against a hand count, and the same everywhere."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import ERB, SUPPRESSOR, needs_arm64, write_set, write_stand_in

from pages import counts
from targets import baseline, build, count, run, target

# Straight-line code whose instructions can be counted by eye: four adds and the return.
FIVE = """
__asm__(".text\\n.global percepnet_five\\n.type percepnet_five, %function\\n"
        ".hidden percepnet_five\\npercepnet_five:\\n add x0, x0, #1\\n"
        " add x0, x0, #1\\n add x0, x0, #1\\n"
        " add x0, x0, #1\\n ret\\n.size percepnet_five, . - percepnet_five\\n");
"""
# Functions one behind the other, four bytes an instruction. The program calls two of them before
# the call that is counted.
ADJACENT = """
.text
.global _start
_start: bl first
        bl last
        bl called
        mov x0, #0
        mov x8, #93
        svc #0
first:  add x1, x1, #1
        ret
called: mov x9, x30
        bl first
        bl last
        ret x9
last:   add x1, x1, #1
        add x1, x1, #1
        ret
"""
# memset of the C library starts at multiples of 64 bytes: its count depends on the address.
CLEARING = SUPPRESSOR.replace(
    "st->level =", "memset((char *)st + 3072, 0, 960);\n    st->level ="
)


@pytest.fixture
def arm64(tmp_path, monkeypatch):
    """Stand-in for arm64, built and found equal over a set of two clips; (target, set)."""
    needs_arm64()
    monkeypatch.chdir(tmp_path)
    level = ERB.replace("int32_t sum = 0;", "int32_t sum = (int32_t)percepnet_five(0);")
    erb = level.replace("static int32_t loud", "long percepnet_five(long);\nstatic int32_t loud", 1)
    gen = write_stand_in(tmp_path, "arm64", erb_c=erb, suppressor_c=CLEARING)
    (gen / "features.c").write_text("typedef int nothing;" + FIVE)
    (gen / "weights.c").write_text(
        "extern const signed char percepnet_w_weight[600], percepnet_w_hh_weight[400];\n"
        "const signed char percepnet_w_weight[600] = {1}, percepnet_w_hh_weight[400] = {1};\n"
    )
    arm64 = target.load("arm64")
    build.build(arm64)
    test_set = write_set(tmp_path).relative_to(tmp_path)
    shutil.copytree(test_set / "noisy", "build/out/twin/tiny")
    assert run.run(arm64, test_set) == 0
    return arm64, test_set


def rows_of(goal, shape: str = "frame") -> dict[str, dict]:
    """Complexity rows of the first CPU by stage, over two sounds."""
    clips = {name: count.inputs()[name][:24000] for name in ("speech", "silence")}
    counts = count.count_clips(goal, goal.cpus[0], shape, clips)
    frames = 50 // count.SHAPES[shape] * count.SHAPES[shape]
    assert {c["frames"] for c in counts.values()} == {frames}
    return {row["stage"]: row for row in count.complexity_rows(goal, goal.cpus[0], shape, counts)}


def test_counts(arm64):
    rows = rows_of(arm64[0])
    five = rows["features"]
    assert (five["instructions_mean"], five["instructions_max"]) == (5, 5)
    assert rows["postfilter"]["instructions_max"] == 0  # switched off in the stand-in
    total = rows.pop("total")
    parts = sum(row["instructions_mean"] for row in rows.values())
    assert total["instructions_mean"] == pytest.approx(parts, abs=0.1 * len(rows))  # rounded rows
    assert rows["erb"]["instructions_mean"] > 480  # one loop turn a sample at the least
    assert rows["erb"]["instructions_max"] > rows["erb"]["instructions_mean"]  # loud samples cost
    # five moves of the C library, 4800 bytes at most 64 at a time, belong to their caller
    assert rows["suppressor"]["instructions_mean"] > 4800 / 64


def test_stages_are_made_of_functions(arm64):
    objects = sorted((arm64[0].folder / "obj" / "library").glob("*.o"))
    found = count.read_symbols(arm64[0].folder / count.PROGRAM, objects)
    names = {name for source, name, *_ in found if source in ("erb", "features", "weights")}
    assert names == {"percepnet_band_level", "percepnet_five"}
    assert all(begin < end for *_, begin, end in found)


def test_a_function_is_told_from_the_one_behind_it(tmp_path, monkeypatch):
    """Where one ends the next begins: no instruction of a call is its neighbour's, and what is
    behind the function that begins a call begins none."""
    needs_arm64()
    monkeypatch.chdir(tmp_path)
    goal = target.load("arm64")
    goal.folder.mkdir(parents=True)
    Path("adjacent.s").write_text(ADJACENT)
    build.call([goal.compile["cc"], "-nostdlib", "-static", "-Wl,-Ttext=0x10000", "adjacent.s",
                "-o", "adjacent"])  # fmt: skip
    places = {"@end": (0, 6), "@begin": (8, 12), "first": (6, 8), "called": (8, 12),
              "last": (12, 15)}  # fmt: skip
    Path("ranges").write_text("".join(f"{name} {0x10000 + 4 * begin:x} {0x10000 + 4 * end:x}\n"
                                      for name, (begin, end) in places.items()))  # fmt: skip
    plugin = f"{count.build_plugin(goal)},ranges=ranges,out=count"
    build.call([*goal.emulator(goal.cpus[0]), "-plugin", plugin, "./adjacent"])
    found = json.loads(Path("count").read_text())
    assert found["frames"] == 1
    assert {name: one["sum"] for name, one in found["ranges"].items()} == {
        "first": 2, "called": 4, "last": 3, "total": 9}  # fmt: skip


def test_counts_of_blocks_are_of_single_frames(arm64):
    """Four times five instructions in a block are five a frame, and so is the largest of them."""
    rows = rows_of(arm64[0], "block4")
    five, total = rows["features"], rows["total"]
    assert five["call"] == "block4"
    assert (five["instructions_mean"], five["instructions_max"]) == (5, 5)
    single = rows_of(arm64[0])["total"]
    for figure in ("instructions_mean", "instructions_max"):  # the loop over hops costs a little
        assert total[figure] == pytest.approx(single[figure], rel=0.2)


def test_another_output_is_not_counted():
    first, same, other = ({"silence": {"output": x}} for x in "aab")
    count.require_same({("cortex-a53", "frame"): first, ("max", "block4"): same})
    with pytest.raises(SystemExit, match="max block4: output of silence differs from that of c"):
        count.require_same({("cortex-a53", "frame"): first, ("max", "block4"): other})


def test_counts_are_the_same_in_every_folder_and_environment(arm64, monkeypatch):
    """Names and environment lie on the stack and move it; memset counts with its alignment."""
    phone, first = arm64[0], rows_of(arm64[0])
    for length in (1, 7, 30):
        folder = Path("x" * length)
        shutil.copytree("build", folder / "build")
        monkeypatch.setenv("PERCEPNET_TEST", "y" * length)
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            assert rows_of(phone) == first, f"folder of {length} letters"


def test_rows_in_the_record(arm64, capsys):
    phone, test_set = arm64
    count.count(phone, test_set)
    count.count(phone, test_set)  # replaces its rows, adds none
    assert capsys.readouterr().out.count("\nbaseline: ") >= 2, "compared with what is stored"
    record = json.loads((phone.folder / "run.json").read_text())
    keys = ["target", "cpu", "model", "call", "stage", "instructions_mean", "instructions_max"]
    assert all(list(row) == keys for row in record["complexity"])
    places = [(row["cpu"], row["call"], row["stage"]) for row in record["complexity"]]
    assert len(places) == len(set(places))
    counted = {(cpu, call) for cpu in ("cortex-a53", "cortex-a76", "max") for call in count.SHAPES}
    assert {place[:2] for place in places} == counted
    assert [row["input"] for row in record["inputs"][:4]] == list(count.inputs())
    most = max(row["instructions_max"] for row in record["inputs"])
    assert most == max(row["instructions_max"] for row in record["complexity"])
    (sizes,) = record["footprint"]
    assert (sizes["state"], sizes["scratch"], sizes["weights"]) == (3072, 1024, 1000)
    assert (sizes["read_frame"], sizes["read_block4"]) == (1000, 600 // 4 + 400)
    assert 960 <= sizes["stack"] <= 1400  # a local hop and saved registers
    assert sizes["text"] > 200 and sizes["rodata"] >= 16  # the four weights of erb.c at the least


def test_an_unequal_command_is_not_counted(arm64):
    phone, test_set = arm64
    record = run.read_record(phone)
    record["conformance"][0]["mismatches"] = 1
    run.write_record(phone, record)
    with pytest.raises(SystemExit, match="make check target=arm64"):
        count.count(phone, test_set)


def test_a_command_without_calls_is_not_counted(arm64):
    phone, _ = arm64
    for part in (phone.folder / "obj" / "calls").glob("*.o"):
        part.unlink()
    with pytest.raises(SystemExit, match="no @end found"):
        count.read_ranges(phone)


def record_of(total: float) -> dict:
    row = {"target": "arm64", "cpu": "a53", "model": "small", "call": "frame", "stage": "total"}
    return {
        "provenance": {"compiler": "gcc 12"},
        "footprint": [{"stack": 1200}],
        "complexity": [row | {"instructions_mean": total, "instructions_max": total + 10}],
    }


def test_baseline(tmp_path, monkeypatch):
    """Kept counts are equal; 1 % more is told, and more than that is a regression."""
    monkeypatch.setattr(baseline, "FOLDER", tmp_path / "baseline")
    assert baseline.differences(record_of(1)) == [
        "baseline: no baseline arm64-small.json to compare with"
    ]
    baseline.save(record_of(1000))
    assert baseline.differences(record_of(1000)) == ["baseline: 2 counts, all equal"]
    assert baseline.regressions(record_of(1010)) == []
    told, _ = baseline.differences(record_of(1010))
    assert told == ("baseline: a53 frame total instructions_mean: "
                    "1,000 in the baseline, 1,010 now (+1.00 %)")  # fmt: skip
    assert len(baseline.regressions(record_of(1011))) == 2  # mean and maximum
    further = record_of(1000)
    further["complexity"] += [further["complexity"][0] | {"call": "block4"}]
    assert baseline.regressions(further) == ["a53 block4: not in the baseline"]
    other = record_of(2000) | {"provenance": {"compiler": "gcc 13"}}
    assert "not compared" in baseline.differences(other)[0]


def test_times_are_kept_with_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "FOLDER", tmp_path / "counts")
    row = {"target": "host", "model": "tiny", "kernels": "avx2", "call": "frame", "us_min": 1.5,
           "us_median": 2.5, "cpu": "native", "ratio": None}  # fmt: skip
    path = baseline.save_times({"realtime": [row]})
    kept = json.loads(path.read_text())
    assert path == tmp_path / "times" / "host-tiny.json" and kept["machine"].endswith("cores")
    assert kept["rows"] == [{"kernels": "avx2", "call": "frame", "us_min": 1.5, "us_median": 2.5}]
    with pytest.raises(SystemExit, match="nothing was timed"):
        baseline.save_times({"realtime": []})


def test_no_frame_of_any_size_is_far_above_the_mean():
    """Stored counts: the largest frame of any input at most 4 % above the mean of speech:
    on armv7 a division takes as many steps as its result has bits."""
    for place, content in counts.stored().items():
        totals = [row for row in content["rows"] if row["stage"] == "total"]
        assert {row["call"] for row in totals} == set(count.SHAPES)
        for row in totals:
            assert row["instructions_max"] <= 1.04 * row["instructions_mean"], (place, row)


def test_inputs_are_whole_seconds_of_integers():
    for name, samples in count.inputs().items():
        assert samples.dtype == np.int16 and samples.size >= 48000, name
