"""Read `targets/<name>.toml`: compiler, flags, CPUs and how to run on them."""

import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from reference.dnn import NAME
from reference.files import read_json

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT / "targets" / "harness"
TAP_TYPES, MOST_VALUES = ("int16", "int32", "int64"), 1 << 20  # of a recorded signal


@dataclass(frozen=True)
class Target:
    """One target as its file describes it."""

    name: str
    cpus: list[str]
    run: list[str] | dict[str, list[str]]
    """Command line before the program, {cpu}, {python}, {harness} filled in; empty: run it as it
    is. A table has one for each CPU."""
    compile: dict
    """cc, ar, flags, link ({harness} filled in). instead: of cc, where this machine lacks it.
    driver: flags of every link. module: flags that link the library as a WebAssembly module, in
    place of a shared library and a command. start: sources of targets/harness in every program, for
    a board without a system; no shared library."""
    check: dict
    """objdump and `float`, the pattern of forbidden mnemonics: without, no disassembly check.
    outside: symbols that the library may take from the system. kernel_cpus: further CPUs with
    kernels of their own, on which these are checked and counted."""

    cycles: dict
    """{core: {model, cpu, ghz, l2_bytes_per_cycle, gb_per_s}} for targets/cycles.py; empty: nothing
    is modelled."""

    @property
    def folder(self) -> Path:
        """`build/<name>`: library, command, gen/ and run.json."""
        return Path("build") / self.name

    def system(self, cpu: str) -> str:
        """Name under `build/out/`: the target, and the CPU where there are several."""
        return self.name if len(self.cpus) == 1 else f"{self.name}-{cpu}"

    @property
    def every_cpu(self) -> list[str]:
        """The CPUs, and those only there for their kernels."""
        return [*self.cpus, *self.check.get("kernel_cpus", [])]

    @property
    def counted(self) -> bool:
        """Whether instructions are counted here: under QEMU, whose plugin does it."""
        first = self.emulator(self.cpus[0])[:1]
        return bool(first) and Path(first[0]).name.startswith("qemu")

    def emulator(self, cpu: str) -> list[str]:
        """Command line before the program; empty: it runs as it is."""
        parts = self.run[cpu] if isinstance(self.run, dict) else self.run
        values = {"cpu": cpu, "python": sys.executable, "harness": HARNESS}
        return [part.format(**values) for part in parts]

    def command(self, cpu: str, *emulator_options: str, program: str = "percepnet") -> list[str]:
        """Command line that runs `build/<name>/<program>` on `cpu`, ready for its arguments."""
        return [*self.emulator(cpu), *emulator_options, str((self.folder / program).resolve())]


def load(name: str) -> Target:
    """Target of that name. Raises SystemExit naming the known ones when there is none."""
    path = ROOT / "targets" / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml")))
        raise SystemExit(f"target {name!r} found; one of {known} is needed")
    return parse(path.read_text())


def parse(text: str) -> Target:
    """Target that a toml file describes."""
    table = tomllib.loads(text)
    compile_ = table["compile"]
    if "instead" in compile_ and not shutil.which(compile_["cc"]):
        compile_["cc"] = compile_["instead"]
    return Target(
        name=table["name"],
        cpus=table["cpus"],
        run=table["run"],
        compile=compile_,
        check=table.get("check", {}),
        cycles=table.get("cycles", {}),
    )


def read_plan(target: Target) -> dict:
    """`build/<target>/gen/plan.json`. Raises SystemExit when it is not there."""
    path = target.folder / "gen" / "plan.json"
    if not path.is_file():
        raise SystemExit(f"{path}: not found; `make gen target={target.name}` writes it")
    remedy = f"remove it, then `make gen target={target.name}`"
    plan = read_json(path, remedy, "hash", "model")
    if not is_sound(plan):
        raise SystemExit(f"error: {path}: is no plan of a model and its signals; {remedy}")
    return plan


def is_sound(plan: dict) -> bool:
    """Whether names, types and sizes in a plan are what the generator writes: they become paths,
    arguments and shapes."""
    def is_tap(tap: object) -> bool:
        return (isinstance(tap, dict) and tap.get("dtype") in TAP_TYPES
                and type(tap.get("count")) is int and 0 < tap["count"] <= MOST_VALUES)  # fmt: skip

    model, taps = plan["model"], plan.get("taps", [])
    name = model.get("name") if isinstance(model, dict) else None
    return (isinstance(plan["hash"], str) and isinstance(name, str) and bool(NAME.fullmatch(name))
            and isinstance(taps, list) and all(map(is_tap, taps)))  # fmt: skip
