"""Bytes that the library takes: code and constants from its objects, stack from a painted one."""

import json
import subprocess
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from reference.suppressor import EVERY_STAGE
from targets.settings import arguments
from targets.target import Target, read_plan


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


def weight_bytes(target: Target, hops: int) -> int:
    """Bytes of weights that a frame reads in calls of `hops`, of the layout all CPUs but i8mm take.

    A call reads them once, but for those of the recurrent matrices, which meet one frame at a time.
    """
    total = 0.0
    for path in (target.folder / "obj" / "library").glob("weights*.o"):
        with path.open("rb") as file:
            for symbol in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
                if symbol.name.endswith(("_weight", "_index", "_bias", "_mult")):
                    total += symbol["st_size"] / (1 if "_hh_" in symbol.name else hops)
    return round(total)


def footprint(target: Target, shapes: dict[str, int]) -> dict:
    """Footprint row in bytes; shapes: hops of a call by its name.

    state: memory that lasts from call to call; scratch: signals of one frame in the same block;
    stack: high-water mark over single hops and blocks of noise, every stage on, on a painted stack,
    the largest of all CPUs; text: code;
    rodata: tables and unwind data; weights: the constants of the `weights*` files; read_<call>:
    what of them a frame reads.
    """
    plan = read_plan(target)
    options = arguments(EVERY_STAGE, "postfilter" in plan["stages"])
    measured = [
        json.loads(
            subprocess.check_output([*target.command(cpu), "--footprint", *options], text=True)
        )
        for cpu in target.every_cpu
    ]
    sizes = {
        path.stem: section_bytes(path) for path in (target.folder / "obj" / "library").glob("*.o")
    }
    weights = sum(data for name, (_, data) in sizes.items() if name.startswith("weights"))
    return {
        "target": target.name,
        "model": plan["model"]["name"],
        "state": measured[0]["state"],
        "scratch": measured[0]["scratch"],
        "stack": max(m["stack"] for m in measured),
        "text": sum(code for code, _ in sizes.values()),
        "rodata": sum(data for _, data in sizes.values()) - weights,
        "weights": weights,
        **{f"read_{shape}": weight_bytes(target, hops) for shape, hops in shapes.items()},
    }
