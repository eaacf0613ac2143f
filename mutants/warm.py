"""pytest in forks of this process, which holds what tests import from elsewhere.

Nothing of the repository stays in a fork: it imports all anew from the folder where it runs.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import types
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "pytest", "_pytest.assertion.rewrite", "numpy.testing", "numpy.ma", "numpy.random", "numpy.fft",
    "scipy.signal", "scipy.fft", "soundfile", "soxr", "jinja2", "elftools.elf.elffile", "wasmtime",
    "matplotlib.figure", "dask", "distributed", "xml.etree.ElementTree", "http.server", "tomllib",
)  # fmt: skip


@dataclass
class Outcome:
    """Exit code (below 0: a signal, that of a time limit for example), output, seconds by test."""

    code: int
    output: str
    seconds: dict[str, float] = field(default_factory=dict)


def load() -> None:
    """Imports what is installed of LIBRARIES, with one thread a library."""
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


class _Watch:
    """Plugin: the likeliest tests first, and how long each took that was green."""

    def __init__(self, order: dict[str, float], record: Path) -> None:
        self.order, self.record, self.seconds = order, record, {}

    def pytest_collection_modifyitems(self, items: list) -> None:
        items.sort(key=lambda item: self.order.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report: object) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration

    def pytest_unconfigure(self) -> None:
        self.record.write_text(json.dumps(self.seconds))


def pytest_in(folder: Path, words: list[str], environment: dict[str, str], order: dict[str, float],
              cpu_s: int, wall_s: float) -> Outcome:  # fmt: skip
    """One run of pytest in `folder`; `order`: node ids with the least first, others are 0.

    cpu_s: processor time of each of its processes; wall_s: of the whole.
    """
    with tempfile.TemporaryDirectory() as name:
        output, record = Path(name) / "output", Path(name) / "seconds"
        child = os.fork()
        if not child:
            _run(folder, words, environment, _Watch(order, record), cpu_s, output)
        code = _wait(child, wall_s)
        seconds = json.loads(record.read_text()) if record.exists() else {}
        return Outcome(code, output.read_text(errors="replace"), seconds)


def _wait(child: int, wall_s: float) -> int:
    """Exit code of a child, which leaves no process behind, even when this one is stopped."""
    end, pid, status = time.monotonic() + wall_s, 0, 0
    try:
        while not pid and time.monotonic() < end:
            time.sleep(0.02)
            pid, status = os.waitpid(child, os.WNOHANG)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not pid:
            _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _run(folder: Path, words: list[str], environment: dict[str, str], watch: _Watch,
         cpu_s: int, output: Path) -> None:  # fmt: skip
    """What a fork does; it never returns."""
    code = 3
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        out = os.open(output, os.O_WRONLY | os.O_CREAT)
        for stream, number in ((out, 1), (out, 2), (os.open(os.devnull, os.O_RDONLY), 0)):
            os.dup2(stream, number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None) or ""
            if path.startswith(f"{ROOT}/") and "/.venv/" not in path or name == "__main__":
                del sys.modules[name]
        sys.modules["__main__"] = types.ModuleType("__main__")
        sys.path[:] = [str(folder), *(p for p in sys.path if p and Path(p).resolve() != ROOT)]
        sys.argv = ["pytest", *words]
        importlib.invalidate_caches()
        import pytest

        code = int(pytest.main(words, plugins=[watch]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
