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
LIMIT_S = 60  # processor time of any process of a test file
WALL_S = 5 * LIMIT_S  # of a busy machine
CCACHE = Path("/usr/lib/ccache")  # compilers that remember: one fault changes one file
REFUSED = re.compile(r"\.[ch]:\d+:\d+: (?:fatal )?error:")
RED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", re.M)
LATE = re.compile(r"TimeoutExpired|timed? ?out", re.I)


class Trial:
    """A clone in `folder` of the commit at hand, and which tests are green there as it is."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        if not self.tree.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _git(root, "clone", "--quiet", "--shared", str(root), str(self.tree))
            (self.tree / ".venv").symlink_to(root / ".venv")
        commit = _git(root, "rev-parse", "HEAD")
        _git(self.tree, "fetch", "--quiet", "origin", "HEAD")
        _git(self.tree, "checkout", "--quiet", "--force", commit)
        self.greens = folder / f"green-{commit[:12]}.json"
        known = json.loads(self.greens.read_text()) if self.greens.exists() else {}
        self.green: dict[str, bool] = known  # by test, or by file for what takes too long

    def run(self, fault: Fault) -> tuple[str, str]:
        """Verdict, and the test that turned red.

        killed; survived; refused (does not compile); untried (not found, and one of the files that
        cover it is red or too slow here without the fault). What no test covers has survived.
        """
        covers = covering(fault.path, self.tree)[:FILES]
        for name in covers:
            if not self.green.get(name, True):
                continue
            red, output = self._red(fault, name)
            if red is None:
                continue
            if self._is_green(red, anew=bool(LATE.search(output))) and (
                not LATE.search(output) or self._red(fault, red)[0]
            ):
                compiled = fault.path.endswith(".py") or not REFUSED.search(output)
                return "killed" if compiled else "refused", red
            self._note(name, False)  # red or too slow by itself: it tells nothing
        return "survived" if all(self.green.get(name, True) for name in covers) else "untried", ""

    def _red(self, fault: Fault, tests: str) -> tuple[str | None, str]:
        """The first test that is red with a fault, or `tests` where time is over; the output."""
        path = self.tree / fault.path
        text = path.read_text()
        try:
            path.write_text(fault.applied(text))
            code, output = self._pytest(tests)
        finally:
            path.write_text(text)
        if code == 0:
            return None, output
        red = RED.search(output)
        return (red[1].removeprefix("tests/") if red else tests), output

    def _is_green(self, test: str, anew: bool) -> bool:
        """Whether a test passes without a fault; anew: now, busy as the machine is, with time left.
        """
        if anew or test not in self.green:
            self._note(test, self._pytest(test, share=1 / 3 if anew else 1)[0] == 0)
        return self.green[test]

    def _note(self, test: str, green: bool) -> None:
        self.green[test] = green
        self.greens.write_text(json.dumps(self.green, indent=1) + "\n")

    def _pytest(self, tests: str, share: float = 1) -> tuple[int, str]:
        """Exit code and output, stopped at the first red test; `share` of the time limits."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p",
                   "no:xdist", f"tests/{tests}"]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
                        "PATH": f"{CCACHE}:{os.environ['PATH']}", "CCACHE_BASEDIR": "/tmp",
                        "CCACHE_NOHASHDIR": "1"}  # fmt: skip
        limit = (int(share * LIMIT_S),) * 2
        process = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=share * WALL_S)
            code = process.returncode
            output += "\ntimed out" * (code < 0)  # by the limit of the processor
        except subprocess.TimeoutExpired:
            output, code = "timed out", -signal.SIGKILL
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return code, output


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
