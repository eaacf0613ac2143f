"""targets/count.py: instruction counts against a hand count, and the same every time."""

import json
import shutil

import pytest
from conftest import ERB, needs_arm64, write_set, write_stand_in

from targets import build, count, run, target

# Straight-line code whose instructions can be counted by eye: four adds and the return.
FIVE = """
__asm__(".text\\n.global percepnet_five\\n.type percepnet_five, %function\\n"
        "percepnet_five:\\n add x0, x0, #1\\n add x0, x0, #1\\n add x0, x0, #1\\n"
        " add x0, x0, #1\\n ret\\n.size percepnet_five, . - percepnet_five\\n");
"""


@pytest.fixture
def arm64(tmp_path, monkeypatch):
    """Stand-in for arm64, built and found equal over a set of two clips; (target, set)."""
    needs_arm64()
    monkeypatch.chdir(tmp_path)
    level = ERB.replace("int32_t sum = 0;", "int32_t sum = (int32_t)percepnet_five(0);")
    erb = level.replace("static int32_t loud", "long percepnet_five(long);\nstatic int32_t loud", 1)
    gen = write_stand_in(tmp_path, "arm64", erb_c=erb)
    (gen / "features.c").write_text("typedef int nothing;" + FIVE)
    (gen / "weights.c").write_text(
        "extern const signed char percepnet_w[1000];\nconst signed char percepnet_w[1000] = {1};\n"
    )
    arm64 = target.load("arm64")
    build.build(arm64)
    test_set = write_set(tmp_path).relative_to(tmp_path)
    shutil.copytree(test_set / "noisy", "build/out/twin/tiny")
    assert run.run(arm64, test_set) == 0
    return arm64, test_set


def rows_of(arm64, test_set) -> dict[str, dict]:
    """Complexity rows of the first CPU by stage."""
    return {row["stage"]: row for row in count.count_cpu(arm64, arm64.cpus[0], test_set)}


def test_counts(arm64):
    rows = rows_of(*arm64)
    five = rows["features"]
    assert (five["instructions_mean"], five["instructions_max"]) == (5, 5)
    assert rows["postfilter"]["instructions_max"] == 0  # switched off in the stand-in
    total = rows.pop("total")
    parts = sum(row["instructions_mean"] for row in rows.values())
    assert total["instructions_mean"] == pytest.approx(parts, abs=0.1 * len(rows))  # rounded rows
    assert rows["erb"]["instructions_mean"] > 480  # one loop turn a sample at the least
    # memory moves of the C library and the call itself belong to no stage
    assert 0 < rows["other"]["instructions_mean"] < total["instructions_mean"] / 2


def test_counts_are_the_same_every_time(arm64):
    assert rows_of(*arm64) == rows_of(*arm64)


def test_rows_in_the_record(arm64):
    phone, test_set = arm64
    count.count(phone, test_set)
    count.count(phone, test_set)  # replaces its rows, adds none
    record = json.loads((phone.folder / "run.json").read_text())
    keys = ["target", "cpu", "model", "call", "stage", "instructions_mean", "instructions_max"]
    assert all(list(row) == keys for row in record["complexity"])
    places = [(row["cpu"], row["stage"]) for row in record["complexity"]]
    assert len(places) == len(set(places))
    assert {cpu for cpu, _ in places} == {"cortex-a53", "cortex-a76"}
    (sizes,) = record["footprint"]
    assert (sizes["state"], sizes["scratch"], sizes["weights"]) == (3072, 1024, 1000)
    assert 960 <= sizes["stack"] <= 1400  # a local hop and saved registers
    assert sizes["text"] > 200 and sizes["rodata"] >= 16  # the four weights of erb.c at the least


def test_an_unequal_command_is_not_counted(arm64):
    phone, test_set = arm64
    record = run.read_record(phone)
    record["conformance"][0]["mismatches"] = 1
    run.write_record(phone, record)
    with pytest.raises(SystemExit, match="make check target=arm64"):
        count.count(phone, test_set)


def test_markers_must_be_there(arm64):
    phone, _ = arm64
    with pytest.raises(SystemExit, match="no begin marker"):
        count.marker_ranges(phone.folder / "percepnet", {"begin": 0xFFFFFFFF, "end": 0xFFFFFFFE})
