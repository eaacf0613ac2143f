"""Which test files cover a source file: by name, then by what they import or run.

A module is covered by tests/test_<its name>.py and by the files that import it or run it by
`-m`; where there is none, by those of the modules that import it. C, and what
no test imports, is told by the table below.
"""

import ast
import re
from functools import cache
from pathlib import Path

STAGE = ("test_suppressor.py", "test_laws.py")
COMMAND = ("test_command.py", "test_wav.py", "test_options.py", "test_interrupt.py")
# Pattern of a path, and its test files; the first that fits. A stage's own come before. No
# template meets test_render.py, which compares texts and so would find every fault of one.
BY_PATTERN = {
    r"templates/fixed\.h": ("test_fixed.py", *STAGE),
    r"templates/(dnn|weights|tables)\w*\.[ch]": ("test_dnn_integer.py", *STAGE),
    r"templates/taps": ("test_suppressor.py",),
    r"templates/kernels/(erb|fft|correlate)_": ("test_kernels.py", *STAGE),
    r"templates/kernels": ("test_kernels.py", "test_dnn_integer.py", *STAGE),
    r"templates/(percepnet|params|suppressor)": ("test_interface.py", "test_block.py", *STAGE),
    r"templates": STAGE,
    r"harness/(kernel|block)_check": ("test_kernels.py", "test_build.py"),
    r"harness/(calls|count_plugin)": ("test_count.py",),
    r"harness/resample": ("test_resample.py",),
    r"harness/footprint": ("test_conformance.py", "test_count.py"),
    r"harness/wasm\.py": ("test_web.py",),
    r"harness": COMMAND,
    r"targets/web/(modules|npm)": ("test_web.py",),
    r"targets/live": ("test_dist.py", "test_docs.py"),
    r"targets/package": ("test_dist.py", "test_docs.py"),
    r"targets/plugins": ("test_plugins.py",),
    r"targets/python": ("test_wheel.py",),
    r"targets/run\.py": ("test_build.py", "test_count.py"),  # test_run.py is of training
    r"eval/embedded": ("test_testset.py",),
}


def covering(path: str, root: Path) -> list[str]:
    """Test files of a source file, the likeliest first; names in tests/."""
    stem = Path(path).name.split(".")[0]
    own = [f"test_{stem}{tail}.py" for tail in ("", "_integer", "_accuracy")]
    tables = [tests for pattern, tests in BY_PATTERN.items() if re.search(pattern, path)]
    if not tables:
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found = own + _reading(module, root)
        if path.startswith("codegen/"):
            found.append("test_render.py")
        users = {module}
        while users and not any((root / "tests" / name).exists() for name in found):
            users = {user for name in users for user in _users(name, root)}
            found = [name for user in sorted(users) for name in _reading(user, root)]
    else:
        found = [*own, *tables[0]]
    if "__main__" in (root / path).read_text():
        refusal = "test_a_module_refuses_what_it_does_not_know"
        found.append(f"test_modules.py::{refusal}[{path.removesuffix('.py').replace('/', '.')}]")
    return [name for name in dict.fromkeys(found)
            if (root / "tests" / name.split("::")[0]).exists()]  # fmt: skip


@cache
def imports(path: Path) -> frozenset[str]:
    """Modules that a file imports, or runs by `-m`."""
    text = path.read_text()
    names = set(re.findall(r'"-m", "([\w.]+)"', text))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _reading(module: str, root: Path) -> list[str]:
    """Test files that read a module, those that take most from it first."""
    paths = [p for p in sorted((root / "tests").glob("test_*.py")) if module in imports(p)]
    uses = {p: sum(name.startswith(f"{module}.") for name in imports(p)) for p in paths}
    last = module.split(".")[-1]
    uses = {p: n + p.read_text().count(f"{last}.") for p, n in uses.items()}
    return [p.name for p in sorted(paths, key=lambda p: -uses[p])]


def _users(module: str, root: Path) -> set[str]:
    """Modules of the same room that import a module."""
    room = module.split(".")[0]
    users = (p for p in (root / room).rglob("*.py") if module in imports(p))
    return {".".join(p.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            for p in users} - {module}  # fmt: skip
