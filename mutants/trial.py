"""Try faults one by one in a clone of the repository: does a test that covers the file turn red?"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from mutants.cover import covering
from mutants.faults import Fault

SLOW_S = 120  # test files that take longer are left out: they would find more, not fewer
REFUSED = re.compile(r"\.[ch]:\d+:\d+: (?:fatal )?error:")
RED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)


class Trial:
    """A clone in `folder` of the commit at hand, and how long each test file takes there."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.tree = root, folder / "tree"
        self.times_path = folder / "times.json"
        if not self.tree.exists():
            _git(root, "clone", "--quiet", "--shared", str(root), str(self.tree))
            (self.tree / ".venv").symlink_to(root / ".venv")
        self.commit = _git(root, "rev-parse", "HEAD")
        _git(self.tree, "fetch", "--quiet", "origin", "HEAD")
        _git(self.tree, "checkout", "--quiet", "--force", self.commit)
        known = json.loads(self.times_path.read_text()) if self.times_path.exists() else {}
        self.times: dict[str, float | None] = known.get(self.commit, {})

    def seconds(self, name: str) -> float | None:
        """Time of a test file without a fault; None if it is red, skipped whole or too slow."""
        if name not in self.times:
            code, text, took = self._pytest([name], 2 * SLOW_S)
            fit = code == 0 and took < SLOW_S
            self.times[name] = round(took, 1) if fit else None
            if code not in (0, None):
                print(f"left out, red without a fault: {name}\n{text[-600:]}", file=sys.stderr)
            self.times_path.write_text(json.dumps({self.commit: self.times}, indent=1) + "\n")
        return self.times[name]

    def run(self, fault: Fault) -> dict:
        """{"verdict": killed, survived, refused (by the compiler) or uncovered; "by", "seconds"}."""
        times = {name: self.seconds(name) for name in covering(fault.path, self.tree)}
        names = sorted((n for n, took in times.items() if took is not None), key=times.get)
        if not names:
            return {"verdict": "uncovered", "by": "", "seconds": 0}
        path = self.tree / fault.path
        text = path.read_text()
        try:
            path.write_text(fault.applied(text))
            code, output, took = self._pytest(names, 30 + 3 * sum(times[n] for n in names))
        finally:
            path.write_text(text)
        by = RED.search(output)
        if code and REFUSED.search(output) and not fault.path.endswith(".py"):
            verdict = "refused"
        else:
            verdict = "survived" if code == 0 else "killed"
        found = "time limit" if code is None else by[1] if by else f"pytest: {code}" if code else ""
        return {"verdict": verdict, "by": found, "seconds": round(took, 1)}

    def _pytest(self, names: list[str], limit_s: float) -> tuple[int | None, str, float]:
        """(exit code, None for the limit; output; seconds), stopped at the first red test."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p",
                   "no:xdist", *(f"tests/{name}" for name in names)]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        start = time.monotonic()
        process = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit_s)
            code = process.returncode
        except subprocess.TimeoutExpired:
            output, code = "", None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code, output, time.monotonic() - start


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
