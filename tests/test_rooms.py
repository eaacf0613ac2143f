"""No import runs upward: which room may read which, and no circle inside one."""

import ast
import subprocess
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from targets.target import ROOT

MAY_READ = {
    "reference": set(),
    "codegen": {"reference"},
    "targets": {"reference", "codegen"},
    "eval": {"reference"},
    "training": {"reference", "eval"},
    "studies": {"reference", "eval"},
    "pages": {"reference", "codegen", "targets", "eval", "studies"},
}


def files(room: str) -> list[Path]:
    text = subprocess.check_output(["git", "ls-files", f"{room}/*.py"], cwd=ROOT, text=True)
    return [ROOT / line for line in text.split()]


def imports(path: Path) -> Iterator[str]:
    """Modules of the rooms that a file names, anywhere in it: "eval.tables"."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{name}" for name in names)]
        yield from (name for name in names if name.split(".")[0] in MAY_READ)


@pytest.mark.parametrize("room", MAY_READ)
def test_imports_run_downward(room):
    read = {(path.relative_to(ROOT).as_posix(), name.split(".")[0])
            for path in files(room) for name in imports(path)}  # fmt: skip
    assert {(path, other) for path, other in read if other not in MAY_READ[room] | {room}} == set()


@pytest.mark.parametrize("room", MAY_READ)
def test_no_module_reads_itself_by_way_of_others(room):
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
               for p in files(room)}  # fmt: skip
    others = modules.keys() - {room}
    graph = {name: set(imports(path)) & others - {name} for name, path in modules.items()}
    list(TopologicalSorter(graph).static_order())  # CycleError names the circle
