"""Read `targets/<name>.toml`: compiler, flags, CPUs and how to run on them."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT / "targets" / "harness"


@dataclass(frozen=True)
class Target:
    """One target as its file describes it."""

    name: str
    cpus: list[str]
    run: list[str]
    """Command line before the program, `{cpu}` filled in; empty: run it as it is."""
    compile: dict
    """cc, ar, flags, link."""
    check: dict
    """objdump and `float`, the pattern of forbidden mnemonics: without, no disassembly check.
    outside: symbols that the library may take from the system. kernel_cpus: further CPUs on which
    the kernels are compared with the scalar ones."""
    count: dict
    """Machine code of the two marker instructions; empty: nothing is counted here."""

    @property
    def folder(self) -> Path:
        """`build/<name>`: library, command, gen/ and run.json."""
        return Path("build") / self.name

    def system(self, cpu: str) -> str:
        """Name under `build/out/`: the target, and the CPU where there are several."""
        return self.name if len(self.cpus) == 1 else f"{self.name}-{cpu}"

    def command(self, cpu: str, *emulator_options: str, program: str = "percepnet") -> list[str]:
        """Command line that runs `build/<name>/<program>` on `cpu`, ready for its arguments."""
        emulator = [part.format(cpu=cpu) for part in self.run]
        return [*emulator, *emulator_options, str((self.folder / program).resolve())]


def load(name: str) -> Target:
    """Target of that name. Raises SystemExit naming the known ones when there is none."""
    path = ROOT / "targets" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
        raise SystemExit(f"target {name!r} found; one of {known} is needed")
    table = tomllib.loads(path.read_text())
    return Target(
        name=table["name"],
        cpus=table["cpus"],
        run=table["run"],
        compile=table["compile"],
        check=table.get("check", {}),
        count=table.get("count", {}),
    )


def read_plan(target: Target) -> dict:
    """`build/<target>/gen/plan.json`. Raises SystemExit when it is not there."""
    path = target.folder / "gen" / "plan.json"
    if not path.is_file():
        raise SystemExit(f"{path}: not found; `make gen target={target.name}` writes it")
    return json.loads(path.read_text())
