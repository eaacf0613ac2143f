"""Try faults one by one in a clone of the repository: does a test that covers the file turn red?"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

from mutants.cover import covering
from mutants.faults import Fault

FILES = 3  # test files for a fault, the likeliest: more would find more, not fewer
LIMIT_S = 60  # processor time of any process of the tests
REFUSED = re.compile(r"\.[ch]:\d+:\d+: (?:fatal )?error:")
RED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", re.M)


class Trial:
    """A clone in `folder` of the commit at hand, and which tests are green there as it is."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.tree = root, folder / "tree"
        if not self.tree.exists():
            _git(root, "clone", "--quiet", "--shared", str(root), str(self.tree))
            (self.tree / ".venv").symlink_to(root / ".venv")
        self.commit = _git(root, "rev-parse", "HEAD")
        _git(self.tree, "fetch", "--quiet", "origin", "HEAD")
        _git(self.tree, "checkout", "--quiet", "--force", self.commit)
        self.greens = folder / f"green-{self.commit[:12]}.json"
        known = json.loads(self.greens.read_text()) if self.greens.exists() else {}
        self.green: dict[str, bool] = known  # by test, or by file for what takes too long

    def run(self, fault: Fault) -> dict:
        """{"verdict", "by", "seconds"}; verdicts: killed, survived, refused (does not compile),
        uncovered (no test file), untried (all that cover it are red or too slow here)."""
        covers = covering(fault.path, self.tree)
        names = [name for name in covers if self.green.get(name, True)]
        if not names:
            verdict = "untried" if covers else "uncovered"
            return {"verdict": verdict, "by": "", "seconds": 0}
        path = self.tree / fault.path
        text = path.read_text()
        try:
            path.write_text(fault.applied(text))
            code, output, took = self._pytest(names[:FILES])
        finally:
            path.write_text(text)
        if code == 0:
            return {"verdict": "survived", "by": "", "seconds": round(took, 1)}
        red = RED.search(output)
        by = red[1].removeprefix("tests/") if red else names[0]
        if not self.is_green(by):  # red or too slow by itself: it tells nothing
            self.note(by.split("::")[0], False)
            return self.run(fault)
        compiled = fault.path.endswith(".py") or not REFUSED.search(output)
        verdict = "killed" if compiled else "refused"
        return {"verdict": verdict, "by": by if red else "time limit", "seconds": round(took, 1)}

    def is_green(self, test: str) -> bool:
        """Whether a test passes in time without a fault."""
        if test not in self.green:
            self.note(test, self._pytest([test])[0] == 0)
        return self.green[test]

    def note(self, test: str, green: bool) -> None:
        self.green[test] = green
        self.greens.write_text(json.dumps(self.green, indent=1) + "\n")

    def _pytest(self, names: list[str]) -> tuple[int | None, str, float]:
        """(exit code, None when the time is over; output; seconds of the processor), stopped at the
        first red test."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p",
                   "no:xdist", *(f"tests/{name}" for name in names)]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        limit = (LIMIT_S, LIMIT_S)
        start = _processor_s()
        process = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=10 * LIMIT_S)  # of a busy machine
            code = process.returncode
        except subprocess.TimeoutExpired:
            output, code = "", None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code, output, _processor_s() - start


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
