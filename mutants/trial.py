"""Try faults one by one in a clone of the repository: does a test that covers the file turn red?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

from mutants import warm
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
    """A clone in `folder` of the commit at hand, and which tests are green there as it is.

    known: what was found so far (mutants/results.py); what found one fault of a file comes first.
    """

    def __init__(self, root: Path, folder: Path, known: dict[str, dict]) -> None:
        self.known = known
        self.tree = folder / "tree"
        if not self.tree.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _git(root, "clone", "--quiet", "--shared", str(root), str(self.tree))
            (self.tree / ".venv").symlink_to(root / ".venv")
        commit = _git(root, "rev-parse", "HEAD")
        _git(self.tree, "fetch", "--quiet", "origin", "HEAD")
        _git(self.tree, "checkout", "--quiet", "--force", commit)
        self.greens = folder / f"green-{commit[:12]}.json"
        self.green: dict[str, bool] = json.loads(self.greens.read_text()) \
            if self.greens.exists() else {}  # by test, or by file for what takes too long
        self.times = folder / "seconds.json"
        self.seconds: dict[str, float] = json.loads(self.times.read_text()) \
            if self.times.exists() else {}  # by test
        self.stamp = time.time()
        warm.load()

    def run(self, fault: Fault) -> tuple[str, str]:
        """Verdict, and the test that turned red.

        killed; survived; refused (does not compile); untried (not found, and one of the files that
        cover it is red or too slow here without the fault). What no test covers has survived.
        """
        covers = covering(fault.path, self.tree)[:FILES]
        for name in covers:
            while self.green.get(name, True):
                red, output = self._red(fault, name)
                if red is None:
                    break
                late = bool(LATE.search(output))
                if self._is_green(red, anew=late) and (not late or self._red(fault, red)[0]):
                    compiled = fault.path.endswith(".py") or not REFUSED.search(output)
                    return "killed" if compiled else "refused", red
                self._note(name if late else red, False)  # by itself too: it tells nothing
        return "survived" if all(self.green.get(name, True) for name in covers) else "untried", ""

    def _red(self, fault: Fault, tests: str) -> tuple[str | None, str]:
        """The first test that is red with a fault, or `tests` where time is over; the output."""
        path = self.tree / fault.path
        text = path.read_text()
        same = (by for key, t in self.known.items() if key.startswith(f"{fault.path}: ")
                if (by := t["by"]))  # fmt: skip
        try:
            self._write(path, fault.applied(text))
            code, output = self._pytest(tests, first=[f"tests/{by}" for by in same])
        finally:
            self._write(path, text)
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

    def _write(self, path: Path, text: str) -> None:
        """With a time no version of the file had before: what is compiled of another is not used.
        """
        self.stamp = max(time.time(), self.stamp + 1)
        path.write_text(text)
        os.utime(path, (self.stamp, self.stamp))

    def _pytest(self, tests: str, first: list[str] = (), share: float = 1) -> tuple[int, str]:
        """Exit code and output, stopped at the first red test; `share` of the time limits."""
        words = ["-x", "-q", "-p", "no:cacheprovider", f"tests/{tests}",
                 *(f"--deselect=tests/{test}" for test, green in self.green.items()
                   if not green and "::" in test)]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        environment |= {"PATH": f"{CCACHE}:{os.environ['PATH']}", "CCACHE_BASEDIR": "/tmp",
                        "CCACHE_NOHASHDIR": "1"}  # fmt: skip
        order = self.seconds | dict.fromkeys(first, -1.0)
        done = warm.pytest_in(self.tree, words, environment, order,
                              int(share * LIMIT_S), share * WALL_S)  # fmt: skip
        self.seconds |= done.seconds
        self.times.write_text(json.dumps(self.seconds, indent=1) + "\n")
        return done.code, done.output + "\ntimed out" * (done.code < 0)


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
