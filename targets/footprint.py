"""Bytes that the library takes: code and constants from its objects, stack from a painted one."""

import json
import subprocess
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from targets.target import EVERY_STAGE, Target, read_plan


def section_bytes(path: Path) -> tuple[int, int]:
    """(code, constants) in bytes that an object brings into a program."""
    code = constants = 0
    with path.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR:
                code += section["sh_size"]
            elif section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                constants += section["sh_size"]
    return code, constants


def footprint(target: Target) -> dict:
    """Footprint row in bytes.

    state: memory that lasts from call to call; scratch: signals of one frame in the same block;
    stack: high-water mark over frames of noise, every stage on, on a painted stack; text: code;
    rodata: tables and unwind data; weights: the constants of the `weights*` files.
    """
    measured = [
        json.loads(
            subprocess.check_output([*target.command(cpu), "--footprint", *EVERY_STAGE], text=True)
        )
        for cpu in target.cpus
    ]
    sizes = {
        path.stem: section_bytes(path) for path in (target.folder / "obj" / "library").glob("*.o")
    }
    weights = sum(data for name, (_, data) in sizes.items() if name.startswith("weights"))
    return {
        "target": target.name,
        "model": read_plan(target)["model"]["name"],
        "state": measured[0]["state"],
        "scratch": measured[0]["scratch"],
        "stack": max(m["stack"] for m in measured),
        "text": sum(code for code, _ in sizes.values()),
        "rodata": sum(data for _, data in sizes.values()) - weights,
        "weights": weights,
    }
