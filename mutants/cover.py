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
COMMAND = ("test_options.py", "test_command.py", "test_sanitized.py")
KERNELS = "test_kernels.py::test_every_variant_equals_scalar"
CHOICE = "test_kernels.py::test_a_cpu_gets_the_fastest_set_that_it_runs"
# Pattern of a path, and its test files; the first that fits. A stage's own come before. No
# template meets test_render.py, which compares texts and so would find every fault of one.
BY_PATTERN = {
    r"templates/fixed\.h": ("test_fixed.py", *STAGE),
    r"templates/(dnn|weights|tables)\w*\.[ch]": ("test_dnn_integer.py", *STAGE),
    r"templates/taps": ("test_suppressor.py",),
    r"kernels/.*(neon|dotprod|i8mm)": (f"{KERNELS}_on_arm64", f"{KERNELS}_on_armv7"),
    r"kernels/.*simd128": (f"{KERNELS}_in_a_module",),
    r"kernels/.*helium": (f"{KERNELS}_with_helium",),
    r"kernels/.*(avx2|vnni|x86)": (f"{KERNELS}_on_the_host", *STAGE),
    r"kernels/fft_(body|s32_scalar)": ("test_stft.py", f"{KERNELS}_on_the_host", *STAGE),
    r"templates/kernels\.c": (f"{KERNELS}_on_the_host", CHOICE, *STAGE),
    r"templates/kernels": (f"{KERNELS}_on_the_host", "test_dnn_integer.py", *STAGE),
    r"templates/(percepnet|params|suppressor)": ("test_interface.py", "test_block.py", *STAGE),
    r"templates": STAGE,
    r"harness/kernel_check": (f"{KERNELS}_on_the_host",),
    r"harness/block_check": ("test_conformance.py::test_blocks_equal_single_hops[host]",),
    r"harness/(calls|count_plugin)": ("test_count.py",),
    r"harness/board": (),
    r"harness/resample": ("test_resample.py",),
    r"harness/stream": ("test_resample.py", *COMMAND[1:]),
    r"harness/footprint": ("test_conformance.py", "test_count.py"),
    r"harness/(wasm|qemu_board|settings)\.py": ("test_board.py",),
    r"harness/(main|report)": ("test_interrupt.py", "test_options.py", "test_sanitized.py"),
    r"harness/(output|stop)": ("test_interrupt.py", *COMMAND[1:]),
    r"harness/message": ("test_options.py", "test_sanitized.py", "test_command.py"),
    r"harness/wav_format": ("test_command.py", "test_sanitized.py", "test_kinds.py"),
    r"harness/decoder": ("test_wav.py", "test_interrupt.py"),
    r"harness/wav_write": ("test_interrupt.py", "test_wav.py", "test_command.py"),
    r"harness/wav_": ("test_command.py", "test_sanitized.py", "test_wav.py"),
    r"harness": COMMAND,
    r"targets/web/(modules|npm)": ("test_web.py",),
    r"targets/live": ("test_plugins.py", "test_dist.py"),
    r"targets/package/.*android": ("test_android.py",),
    r"targets/package": ("test_dist.py", "test_docs.py"),
    r"targets/plugins": ("test_plugins.py",),
    r"targets/python/.*_decode": ("test_kinds.py", "test_wheel.py"),
    r"targets/python": ("test_wheel.py",),
    r"targets/target\.py": ("test_build.py", "test_board.py", "test_count.py"),
    r"targets/build\.py": ("test_build.py", "test_board.py", "test_matrix.py"),
    r"targets/footprint\.py": ("test_count.py", "test_no_postfilter.py"),
    r"targets/run\.py": ("test_build.py", "test_count.py"),  # test_run.py is of training
    r"eval/embedded": ("test_embedded.py", "test_testset.py"),
}


def covering(path: str, root: Path) -> list[str]:
    """Test files of a source file, the likeliest first; names in tests/."""
    stem = Path(path).name.split(".")[0]
    own = [f"test_{stem}{tail}.py" for tail in ("", "_integer", "_accuracy")]
    if path.startswith("codegen/"):  # the float reference of a stage has the same name
        own = [name for name in _reading(f"codegen.stages.{stem}", root) if name in own] or own
    if not path.startswith("eval/"):  # and a page of results has that of the report of the command
        own = [name for name in own if name not in _reading(f"eval.{stem}", root)]
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
        parts = {name.split("::")[0] for name in tables[0] if "::" in name}
        found = [*(name for name in own if name not in parts), *tables[0]]
    words = path.removesuffix(".py").replace("/", ".").removesuffix(".__main__")
    listed = f'"{words}"' not in (root / "tests" / "test_modules.py").read_text()  # PASS_ON
    if "__main__" in (root / path).read_text() and listed:
        refusal = "test_a_module_refuses_what_it_does_not_know"
        found.append(f"test_modules.py::{refusal}[{words}]")
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
