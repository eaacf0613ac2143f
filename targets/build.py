"""Compile `build/<target>/gen` to library and command, and refuse what must not ship.

`python -m targets.build TARGET` leaves `libpercepnet.a`, `libpercepnet.so` (or `percepnet.wasm`),
`percepnet.h`, the command `percepnet`, `kernel_check`, `block_check`, `realtime` and `calls`, the
program whose instructions are counted, in `build/<target>/`.
"""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from reference.files import alone
from targets import shared
from targets.target import HARNESS, Target, load

COMMAND = ("main", "options", "enhance", "report", "stream", "resample", "wav_read", "wav_write",
           "wav_chunks", "wav_format", "decoder", "output", "message", "stop",
           "footprint")  # fmt: skip
"""Sources of the command in targets/harness."""
ALLOWED_UNDEFINED = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}


def allowed_undefined(target: Target) -> set[str]:
    """Symbols that the library may take from the system."""
    return ALLOWED_UNDEFINED | set(target.check.get("outside", []))


def call(command: list[str], **options) -> str:
    """Standard output of `command`. Raises SystemExit with its messages when it fails.

    options: for subprocess.run, `cwd` and `env` for example.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    if done.stderr:
        print(done.stderr, end="", flush=True)
    return done.stdout


def undefined_symbols(objects: list[Path], allowed: set[str]) -> list[str]:
    """`object: symbol` for all that the library takes from outside, bar what it may."""
    defined, wanted = set(), []
    for path in objects:
        with path.open("rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                if symbol["st_shndx"] != "SHN_UNDEF":
                    defined.add(symbol.name)
                elif symbol.name:
                    wanted.append((path.name, symbol.name))
    known = defined | allowed
    return [f"{name}: undefined symbol {symbol}" for name, symbol in wanted if symbol not in known]


def writable_globals(objects: list[Path]) -> list[str]:
    """`object: symbol` for every variable in a writable section.

    `.data.rel.ro` holds constants with addresses in them: written by the loader, never by us.
    """
    found = []
    for path in objects:
        with path.open("rb") as file:
            elf = ELFFile(file)
            writable = {
                index
                for index, section in enumerate(elf.iter_sections())
                if section["sh_flags"] & SH_FLAGS.SHF_WRITE
                and not section.name.startswith(".data.rel.ro")
            }
            for symbol in elf.get_section_by_name(".symtab").iter_symbols():
                if symbol["st_shndx"] == "SHN_COMMON" or (
                    symbol["st_shndx"] in writable and symbol["st_size"]
                ):
                    found.append(f"{path.name}: writable global {symbol.name}")
    return found


def float_instructions(objects: list[Path], check: dict) -> list[str]:
    """`object: function: instruction` for the first float arithmetic of every function."""
    found = {}
    pattern = re.compile(check["float"])
    for path in objects:
        listing = call([check["objdump"], "-d", "--no-show-raw-insn", str(path)])
        function = "?"
        for line in listing.splitlines():
            if head := re.match(r"[0-9a-f]+ <(.+)>:$", line):
                function = head[1]
            elif (parts := line.split("\t"))[1:] and pattern.search(parts[1].lstrip()):
                text = " ".join(parts[1:])
                found.setdefault(
                    (path, function), f"{path.name}: {function}: float arithmetic {text}"
                )
    return list(found.values())


def check_library(target: Target, objects: list[Path]) -> None:
    """Raises SystemExit naming every offender: float arithmetic, outside symbols, globals."""
    offenders = []
    if "module" not in target.compile:  # the linker of modules refuses what is undefined
        offenders += undefined_symbols(objects, allowed_undefined(target))
        offenders += writable_globals(objects)
    if "float" in target.check:
        offenders += float_instructions(objects, target.check)
    if offenders:
        listing = "\n  ".join(offenders)
        raise SystemExit(f"{target.name}: the library must not contain\n  {listing}")


def compile_objects(target: Target, sources: list[Path], into: Path) -> list[Path]:
    """One object a source, in the order of the sources; *_<isa>.c with the flags of that isa."""
    into.mkdir(parents=True, exist_ok=True)
    gen = target.folder / "gen"
    objects = []
    for source in sources:
        objects.append(into / f"{source.stem}.o")
        isa = source.stem.rpartition("_")[2]
        flags = [*target.compile["flags"], *target.compile.get("isa", {}).get(isa, [])]
        flags += ["-iquote", str(gen)]
        call([target.compile["cc"], *flags, "-c", str(source), "-o", str(objects[-1])])
    return objects


def link(target: Target, options: list[str], parts: list[Path | str], name: str) -> Path:
    """Links `parts`, files and -l options, to `build/<target>/<name>`."""
    path = target.folder / name
    options = [option.format(harness=HARNESS) for option in options]
    command = [target.compile["cc"], *target.compile.get("driver", []), *options]
    call([*command, *map(str, parts), "-o", str(path)])
    return path


def link_shared(target: Target, objects: list[Path], check: bool) -> None:
    """The shared library, with what the compiler itself lacks (libgcc) and nothing else."""
    path = link(target, shared.LINK, [*objects, "-lgcc"], shared.NAME)
    if check:
        header = (target.folder / "percepnet.h").read_text()
        shared.check_shared(target, path, header, allowed_undefined(target))


def link_modules(target: Target, objects: list[Path]) -> None:
    """percepnet.wasm, and the same with the table of recorded signals for those who compare."""
    options, folder = target.compile["module"], target.folder
    link(target, options, objects, "percepnet.wasm")
    taps = compile_objects(target, [folder / "gen" / "taps.c"], folder / "obj" / "percepnet")
    tables = [f"-Wl,--export=percepnet_{name}" for name in ("taps", "n_taps", "scratch_bytes")]
    link(target, [*options, *tables], [*objects, *taps], "percepnet")


def build(target: Target, check: bool = True) -> None:
    """Library and command from `gen/`. Raises SystemExit when anything is missing or refused.

    check: refuse what must not ship; off only for builds full of a sanitizer's own symbols.
    """
    folder, gen = target.folder, target.folder / "gen"
    sources = sorted(p for p in gen.glob("*.c") if p.name != "taps.c")
    if not sources:
        raise SystemExit(f"{gen}: no C files found; `make gen target={target.name}` writes them")
    shutil.rmtree(folder / "obj", ignore_errors=True)
    objects = compile_objects(target, sources, folder / "obj" / "library")
    if check:
        check_library(target, objects)
    library = folder / "libpercepnet.a"
    library.unlink(missing_ok=True)
    call([target.compile["ar"], "rcsD", str(library), *map(str, objects)])
    shutil.copy(gen / "percepnet.h", folder / "percepnet.h")
    programs = {}
    if (gen / "kernels.h").exists():  # the library has kernels to check
        programs["kernel_check"] = [HARNESS / "kernel_check.c"]
        programs["block_check"] = [HARNESS / "block_check.c"]
        if "start" not in target.compile:
            programs["realtime"] = [HARNESS / "realtime.c"]
    if "module" in target.compile:
        link_modules(target, objects)
    elif "start" in target.compile:
        programs["percepnet"] = [HARNESS / "board.c", gen / "taps.c"]
        programs["calls"] = [HARNESS / "calls.c"]
    else:
        link_shared(target, objects, check)
        programs["percepnet"] = [*(HARNESS / f"{name}.c" for name in COMMAND), gen / "taps.c"]
        programs["calls"] = [HARNESS / "calls.c"]
    start = [HARNESS / name for name in target.compile.get("start", [])]
    for name, harness in programs.items():
        parts = compile_objects(target, [*start, *harness], folder / "obj" / name)
        system = ["-lm"] if name == "percepnet" else []  # resample.c computes a sinc
        link(target, target.compile["link"], [*parts, library, *system], name)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    target = load(parser.parse_args().target)
    with alone(target.folder):
        build(target)
    checks = "globals, outside symbols" + (", float arithmetic" if target.check else "")
    print(f"{target.folder}: library and command built; none of: {checks}")


if __name__ == "__main__":
    main()
