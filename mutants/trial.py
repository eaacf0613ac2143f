"""Try faults one by one in a clone of the repository: does a test that covers the file turn red?"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

from mutants.cover import covering
from mutants.faults import Fault

# Processor time that the tests of one fault may take without it, beside those of the file's own
# name, and the time from which a test file is left out: more tests would find more, not fewer.
BUDGET_S, SLOW_S = 25, 80
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
            self.times[name] = round(took, 1) if code == 0 and took < SLOW_S else None
            if code not in (0, None):
                print(f"left out, red without a fault: {name}\n{text[-600:]}", file=sys.stderr)
            self.times_path.write_text(json.dumps({self.commit: self.times}, indent=1) + "\n")
        return self.times[name]

    def run(self, fault: Fault) -> dict:
        """{"verdict", "by", "seconds"}; verdicts: killed, survived, refused (does not compile),
        uncovered (no test file)."""
        names, total = self.tests(fault.path)
        if not names:
            return {"verdict": "uncovered", "by": "", "seconds": 0}
        path = self.tree / fault.path
        text = path.read_text()
        try:
            path.write_text(fault.applied(text))
            code, output, took = self._pytest(names, 10 + 2 * total)
        finally:
            path.write_text(text)
        by = RED.search(output)
        if code and REFUSED.search(output) and not fault.path.endswith(".py"):
            verdict = "refused"
        else:
            verdict = "survived" if code == 0 else "killed"
        found = "time limit" if code is None else by[1] if by else f"pytest: {code}" if code else ""
        return {"verdict": verdict, "by": found, "seconds": round(took, 1)}

    def tests(self, path: str) -> tuple[list[str], float]:
        """Test files to run for a source file, and their processor time; the likeliest first."""
        names, total = [], 0.0
        for name in covering(path, self.tree):
            if names and total > BUDGET_S:
                break
            took = self.seconds(name)
            if took is not None and (not names or total + took <= BUDGET_S):
                names.append(name)
                total += took
        return names, total

    def _pytest(self, names: list[str], limit_s: float) -> tuple[int | None, str, float]:
        """(exit code, None for the limit; output; seconds), stopped at the first red test.

        Seconds are of the processor; no process may take more than `limit_s` of them.
        """
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p",
                   "no:xdist", *(f"tests/{name}" for name in names)]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        seconds = math.ceil(limit_s)
        start = _processor_s()
        process = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)),
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=60 + 6 * seconds)  # of a busy machine
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
