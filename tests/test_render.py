"""The generator: strict, repeatable, refusing what does not fit; a golden render for review.

After a wanted change of a template this rewrites tests/golden/:

    PYTHONPATH=. .venv/bin/python tests/test_render.py
"""

import copy
import hashlib
import json
import subprocess
from pathlib import Path

import jinja2
import numpy as np
import pytest
from safetensors.numpy import save

from codegen import plan as planning
from codegen import render
from codegen.stages import erb

GOLDEN = Path(__file__).parent / "golden"
NUMBERS = GOLDEN / "numbers.json"
# Everything a template prints except long tables and weights, which a reviewer cannot read.
UNREADABLE = ("tables.c", "weights.c", "weights_i8mm.c")
GOLDEN_FILES = [name for name in render.FILES if name not in UNREADABLE]


def toy() -> tuple[dict, dict]:
    """Plan of a network whose sizes divide nothing, with seeded weights."""
    from test_quantize import TOY, random_network

    return planning.settle("toy", save(random_network(1, **TOY)))


def toy_files() -> dict[str, str]:
    """Rendered toy without the line that holds the plan hash."""
    return {name: text.split("\n", 1)[1] for name, text in render.render(*toy()).items()}


@pytest.fixture(scope="module")
def content():
    return toy()


def test_golden_render_is_unchanged():
    files = toy_files()
    for name in GOLDEN_FILES:
        assert files[name] == (GOLDEN / name).read_text(), f"{name}: see the top of this file"
    assert sorted(path.name for path in GOLDEN.iterdir()) == sorted(
        [*GOLDEN_FILES, NUMBERS.name])  # fmt: skip


def numbers() -> str:
    """Worst case and limit of every accumulator of the stages, and a hash of every table."""
    worst = {bound["name"]: f"{bound['worst']} of {bound['limit']}" for bound in planning.bounds()}
    tables = {name: hashlib.sha256(str(table["values"]).encode()).hexdigest()[:16]
              for name, table in toy()[0]["tables"].items()}  # fmt: skip
    return json.dumps({"bounds": worst, "tables": tables}, indent=1) + "\n"


def test_bounds_and_tables_are_those_that_were_reviewed():
    """A smaller bound is a proof that proves less, an entry one off sounds like nothing."""
    assert numbers() == NUMBERS.read_text(), "see the top of this file"


def test_two_renders_are_equal_byte_for_byte_and_carry_the_plan_hash(content):
    first, second = render.render(*content), render.render(*toy())
    assert first == second
    assert all(content[0]["hash"][:16] in text.split("\n", 1)[0] for text in first.values())


def test_no_template_syntax_survives(content):
    for name, text in render.render(*content).items():
        assert "{{" not in text.replace("{{0", "") and "{%" not in text, name


def test_an_unknown_name_stops_generation(content):
    incomplete = {key: value for key, value in content[0].items() if key != "api"}
    with pytest.raises(jinja2.UndefinedError, match="api"):
        render.render(incomplete | {"hash": "0" * 64}, content[1])


def test_library_compiles_without_warnings(content, tmp_path):
    """gcc, C99 and as a C++ header."""
    for name, text in render.render(*content).items():
        (tmp_path / name).write_text(text)
    flags = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Wshadow", "-Werror"]
    sources = sorted(path.name for path in tmp_path.glob("*.c"))
    compile_c = ["gcc", "-std=c99", *flags, "-O1", "-c", *sources]
    subprocess.run(compile_c, cwd=tmp_path, check=True)
    (tmp_path / "user.cpp").write_text('#include "percepnet.h"\nint x = PERCEPNET_HOP;\n')
    subprocess.run(["gcc", "-x", "c++", *flags, "-c", "user.cpp"], cwd=tmp_path, check=True)


def test_plan_is_sorted_json_and_its_hash_is_of_its_content(content):
    parsed = json.loads(planning.canonical(content[0]))
    assert parsed == content[0]
    body = {key: value for key, value in parsed.items() if key != "hash"}
    import hashlib

    assert hashlib.sha256(planning.canonical(body)).hexdigest() == parsed["hash"]


def test_every_bound_fits_with_its_margin(content):
    assert len(content[0]["bounds"]) > 20
    for bound in content[0]["bounds"]:
        assert bound["worst"] <= bound["limit"] and bound["margin_bits"] >= 0, bound["name"]


def test_a_bound_that_does_not_fit_stops_generation(monkeypatch):
    monkeypatch.setattr(erb, "bounds", lambda: [("erb band energy", 2**63, 2**63 - 1)])
    with pytest.raises(OverflowError, match="erb band energy: can reach .* see erb.py"):
        toy()


def test_a_table_wider_than_its_type_stops_generation():
    with pytest.raises(OverflowError, match="needs more than int16_t"):
        planning.describe("int16_t", np.array([32768]), "too wide")


def test_stated_size_is_that_of_an_instance_here(library):
    """Laid out in Python as the C compiler does it; pointers of 8 bytes, rounded up to 256."""
    size = library.c.percepnet_state_bytes()
    assert library.plan["api"]["state_bytes"] == -(-size // 256) * 256


def test_unchanged_files_are_not_rewritten(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "plan", lambda *_: copy.deepcopy(toy()))
    render.write("toy", tmp_path)
    (tmp_path / "stale.c").write_text("left over")
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    render.write("toy", tmp_path)
    del times["stale.c"]
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_an_unknown_model_is_named():
    with pytest.raises(FileNotFoundError, match="huge.*no such model"):
        planning.plan("huge")


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(Path(__file__).parent.parent))
    GOLDEN.mkdir(exist_ok=True)
    for golden_name in GOLDEN_FILES:
        (GOLDEN / golden_name).write_text(toy_files()[golden_name])
    NUMBERS.write_text(numbers())
