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
    monkeypatch.setattr(cycles, "read_plan", lambda _: {"model": {"name": "stand-in"}})
    monkeypatch.setattr(cycles, "weight_bytes", lambda _, hops: read_bytes // hops)
    return {(row["core"], row["call"]): row for row in cycles.rows(arm64)}


def test_rows(monkeypatch):
    """(5 x 4 + 2) / 2 cycles a frame on the A55, which is much less than a megabyte takes."""
    found = stand_in_rows(monkeypatch, 1_000_000)
    row = found["Cortex-A55", "frame"]
    assert found["Cortex-A55", "block4"]["ms_memory"] == row["ms_memory"] / 4
    assert row["cycles_estimate"] == 11 and row["stages"] == {"erb": 10, "C library": 1}
    facts = target.load("arm64").cycles["Cortex-A55"]
    assert row["ms_memory"] == pytest.approx(1 / facts["gb_per_s"])
    assert row["bound_by"] == "memory"
    assert row["percent_of_core"] == pytest.approx(100 / facts["gb_per_s"] / 10)  # of 10 ms
    assert row["llvm"].startswith(f"{cycles.VERSION}.")
    assert stand_in_rows(monkeypatch, 0)["Cortex-A55", "frame"]["bound_by"] == "compute"


def test_blocks_of_one_place_are_added():
    counts = {"blocks": [[0, 4, 3], [0, 4, 2], [0, 2, 1]]}
    assert cycles.read_blocks(counts) == Counter({(0, 4): 5, (0, 2): 1})
