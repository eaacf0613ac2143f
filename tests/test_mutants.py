"""The tool that plants faults: what it changes, which tests it asks, and how it runs them."""

import os
import re
import time

import pytest

from mutants import cover, faults, warm
from targets.target import ROOT

PYTHON = '''"""A text 1 < 2 for people."""
def f(x: int = 3) -> int:
    if x < 2 and not x:
        raise ValueError("x + 1")
    return x[-1] + 4
'''
C = """\
/* 1 < 2 */
static int f(int x)
{
    if (x < {{ 2 }})
        g(x, "x + 1");
    h(x);
    return x - 40;
}
"""


def changed(path: str, text: str) -> set[str]:
    """What becomes of the line of each fault."""
    found = set()
    for fault in faults.faults(path, text):
        new = fault.applied(text)
        start = text.rfind("\n", 0, fault.start) + 1
        found.add(new[start:].split("\n")[0].strip())
        assert new != text and fault.key.startswith(f"{path}: ")
    return found


def test_faults_of_python():
    assert changed("a.py", PYTHON) == {
        "def f(x: int = 4) -> int:", "if x <= 2 and not x:", "if x < 3 and not x:",
        "if x < 2 and (x):", "if (x < 2 or not x):", "pass", "return x[-2] + 4",
        "return x[(1)] + 4", "return x[-1] + 5", "return (x[-1] - 4)", "return None"}  # fmt: skip


def test_faults_of_c():
    assert changed("a.c.j2", C) == {
        "if (x <= {{ 2 }})", "if (!(x < {{ 2 }}))", ";", "return x + 40;", "return x - 41;"}


def test_every_test_of_the_table_is_there():
    names = {name for tests in cover.BY_PATTERN.values() for name in tests}
    for name in names:
        file, _, function = name.partition("::")
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^def {function.partition('[')[0]}", text, re.M), name


@pytest.mark.parametrize(("path", "first"), [
    ("codegen/stages/pitch.py", "test_pitch_integer.py"), ("eval/cost.py", "test_cost.py"),
    ("targets/harness/report.c", "test_interrupt.py"),
    ("codegen/templates/kernels/fft_s32_helium.c.j2", f"{cover.KERNELS}_with_helium"),
])  # fmt: skip
def test_the_likeliest_test_comes_first(path, first):
    assert cover.covering(path, ROOT)[0] == first


@pytest.fixture
def run(tmp_path):
    """run(order, seconds) -> outcome of two green tests and one that says where `mutants` is."""
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "__init__.py").write_text("PLACE = 'here'")
    (tmp_path / "test_x.py").write_text(
        "import os, time\ndef test_a(): open('log', 'a').write('a')\n"
        "def test_b(): open('log', 'a').write('b')\n"
        "def test_c():\n    import mutants\n    assert mutants.PLACE == os.environ['PLACE']\n"
        "    time.sleep(float(os.environ['SLEEP']))\n".replace("\\\n", "\n"))

    def call(order: dict, place: str = "here", sleep: float = 0, wall_s: float = 30):
        environment = {"PATH": os.environ["PATH"], "PLACE": place, "SLEEP": str(sleep)}
        return warm.pytest_in(tmp_path, ["-x", "-q", "-p", "no:cacheprovider", "test_x.py"],
                              environment, order, 20, wall_s)  # fmt: skip

    return call


def test_a_fork_reads_the_folder_where_it_runs(run, tmp_path):
    assert run({}).code == 0
    found = run({}, place="elsewhere")
    assert found.code == 1 and "FAILED test_x.py::test_c" in found.output
    assert found.seconds.keys() == {"test_x.py::test_a", "test_x.py::test_b"}


def test_the_likeliest_come_first_and_time_is_limited(run, tmp_path):
    run({"test_x.py::test_a": 2, "test_x.py::test_b": -1})
    assert (tmp_path / "log").read_text() == "ba"
    start = time.monotonic()
    assert run({}, sleep=60, wall_s=3).code < 0 and time.monotonic() - start < 20
