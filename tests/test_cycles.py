"""targets/cycles.py: modelled cycles of code whose cycles are known, and the roofline beside it."""

import shutil
from collections import Counter

import pytest

from targets import cycles, target

pytestmark = pytest.mark.skipif(
    not shutil.which(cycles.MCA), reason=f"{cycles.MCA} not found; `make cycles` installs it"
)
CHAIN = ["add x0, x0, #1"] * 4
"""Each waits for the one before: four cycles on every core."""
FREE = [f"add x{i}, x{i}, #1" for i in range(4)]
"""None waits for another: two cycles on a core that adds twice a cycle, fewer on wider ones."""


@pytest.mark.parametrize(("model", "free"), [("cortex-a55", 2), ("neoverse-n1", 4 / 3)])
def test_schedule(model, free):
    """Within the few cycles at either end of a hundred iterations; blocks keep their order."""
    listing = {4 * i: code for i, code in enumerate(CHAIN + FREE)}
    chain, independent = cycles.schedule([(0, 4), (16, 4)], listing, model)
    assert chain == pytest.approx(4, abs=0.1)
    assert independent == pytest.approx(free, abs=0.1)


def stand_in_rows(monkeypatch, read_bytes: int) -> dict[str, dict]:
    """Rows of two frames that ran CHAIN five times in stage erb, FREE once outside any stage."""
    arm64 = target.load("arm64")
    counts = {"frames": 2, "blocks": [[0, 4, 3], [0, 4, 2], [16, 4, 1]]}
    listing = {4 * i: code for i, code in enumerate(CHAIN + FREE)}
    monkeypatch.setattr(cycles, "count_clips", lambda *_: {"speech": counts})
    monkeypatch.setattr(cycles, "read_listing", lambda _: listing)
    monkeypatch.setattr(cycles, "read_ranges", lambda _: [("@begin", 0, 1), ("erb", 0, 16)])
    sizes = {"model": "stand-in", "read_frame": read_bytes, "read_block4": read_bytes // 4,
             "state": 1, "scratch": 2, "rodata": 3, "text": 4}
    monkeypatch.setattr(cycles, "footprint", lambda *_: sizes)
    return {(row["core"], row["call"]): row for row in cycles.rows(arm64)}


def test_a_listing_has_the_addresses_of_the_program(monkeypatch):
    """In hexadecimal, as objdump prints them; what llvm-mca cannot read is a name or a jump."""
    monkeypatch.setattr(cycles, "call", lambda *_: """
0000000000000a10 <f>:
     a10:\tret
     a1c:\tb.eq\t0xa10 <f>  // b.none
     a20:\tbl\t0xa10 <f>
     a24:\tadd\tx0, x0, #0x1
""")
    assert cycles.read_listing(target.load("arm64")) == {
        0xA10: "b elsewhere", 0xA1C: "b.eq\telsewhere", 0xA20: "b elsewhere",
        0xA24: "add\tx0, x0, #0x1"}


def test_rows(monkeypatch):
    """(5 x 4 + 2) / 2 cycles a frame on the A55, which is much less than a megabyte takes."""
    found = stand_in_rows(monkeypatch, 1_000_000)
    row, facts = found["Cortex-A55", "frame"], target.load("arm64").cycles["Cortex-A55"]
    assert row["cycles_estimate"] == 11 and row["stages"] == {"erb": 10, "C library": 1}
    assert row["ms_dram"] == pytest.approx(1 / facts["gb_per_s"])
    assert row["ms_l2"] == pytest.approx(1 / facts["l2_bytes_per_cycle"] / facts["ghz"], abs=1e-4)
    assert found["Cortex-A55", "block4"]["ms_dram"] == row["ms_dram"] / 4
    assert row["resident_bytes"] == 1_000_010 == found["Cortex-A55", "block4"]["resident_bytes"]
    assert not cycles.fits(row, 512) and cycles.fits(row, 1024)
    assert all(size & (size - 1) == 0 for size in cycles.L2_KB)  # a table tells them in whole MB
    assert row["llvm"].startswith(f"{cycles.VERSION}.")


def test_times_lie_between_all_reading_hidden_and_none():
    """1.8 million cycles at 1.8 GHz are 1 ms of 10; 2 MB at 4 GB/s half of that, at 10 MB/ms .2."""
    facts = {"ghz": 1.8, "l2_bytes_per_cycle": 10 / 1.8, "gb_per_s": 4}
    found = cycles.times(facts, 1.8e6, 2_000_000)
    assert found["percent_dram"] == [10, 15] and found["percent_l2"] == [10, 12]
    assert cycles.times(facts, 0, 2_000_000)["percent_dram"] == [5, 5]


def test_blocks_of_one_place_are_added():
    counts = {"blocks": [[0, 4, 3], [0, 4, 2], [0, 2, 1]]}
    assert cycles.read_blocks(counts) == Counter({(0, 4): 5, (0, 2): 1})
