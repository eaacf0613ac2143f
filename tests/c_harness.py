"""Compile rendered stages with a small main and run it: bytes in, bytes out."""

import importlib
import subprocess
from collections.abc import Callable
from pathlib import Path

from codegen import declare, fixed, kernels
from codegen.plan import framing
from codegen.render import environment
from codegen.suppressor import STAGES

GCC = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wvla", "-Werror",
       "-O2", "-fsanitize=undefined", "-fno-sanitize-recover=all"]  # fmt: skip


def build(
    tmp_path: Path, templates: list[str], main_c: str, context: dict | None = None
) -> Callable[[bytes], bytes]:
    """Program of the rendered `templates` ("stft.c.j2", "stft.h.j2" ...) and `main_c`.

    Tables, constants and the context entry `<stage>` (its `plan()`) come from
    `codegen.stages.<stage>` of each template; `context` adds to what the templates see.
    The program is stopped by any undefined behaviour. It reads stdin and writes stdout:
    build(...)(stdin) -> stdout; raises CalledProcessError when it fails.
    """
    names = sorted({name.split(".")[0] for name in templates} - {"fixed"})
    stages = {name: importlib.import_module(f"codegen.stages.{name}") for name in names}
    plans = {name: stage.plan() for name, stage in stages.items() if hasattr(stage, "plan")}
    plans |= {"kernels": kernels.plan(), "packing": kernels.packing(), "shapes": [],
              "structs": structs()}
    templates = [*templates, *(f"{c}.j2" for name in names for c in scalar_files(name))]
    for template in {"fixed.h.j2", "kernels.h.j2", *templates}:
        text = environment().get_template(template).render(**plans, **(context or {}))
        (tmp_path / template.removesuffix(".j2")).write_text(text)
    tables, sizes = fixed.tables(), framing()
    for stage in stages.values():
        tables |= stage.tables() if hasattr(stage, "tables") else {}
        sizes |= stage.constants() if hasattr(stage, "constants") else {}
    _write_tables(tmp_path, tables)
    (tmp_path / "params.h").write_text(
        "".join(f"#define PERCEPNET_{name} {value}\n" for name, value in sizes.items())
    )
    (tmp_path / "main.c").write_text(main_c)
    sources = ["main.c", "tables.c", *(t[:-3] for t in templates if t.endswith(".c.j2"))]
    subprocess.run([*GCC, *sources, "-o", "program"], cwd=tmp_path, check=True)

    def run(stdin: bytes) -> bytes:
        return subprocess.run(
            [tmp_path / "program"], input=stdin, stdout=subprocess.PIPE, check=True
        ).stdout

    return run


def scalar_files(stage: str) -> list[str]:
    """Kernels that a stage needs everywhere."""
    return [f"{op['name']}_scalar.c" for op in kernels.OPS if op["stage"] == stage]


def structs() -> dict[str, list[dict]]:
    """Fields of the structs of all stages whose size depends on no network."""
    found = {}
    for stage in (module.STAGE for module in STAGES.values() if hasattr(module, "STAGE")):
        for part in (*stage.signals, *stage.past, *stage.scratch):
            if isinstance(part.type, declare.Struct):
                found |= declare.nested(part.type)
    return {name: declare.text(struct) for name, struct in found.items()}


def c_tables(tables: dict[str, tuple]) -> str:
    """Definitions of tables as each stage's `tables()` gives them."""
    return "".join(
        f"const {ctype} percepnet_{name}[] = {{{', '.join(map(str, values.ravel()))}}};\n"
        for name, (ctype, values, _) in tables.items()
    )


def _write_tables(folder: Path, tables: dict) -> None:
    declared = "".join(f"extern const {c} percepnet_{n}[];\n" for n, (c, _, _) in tables.items())
    (folder / "tables.h").write_text(f"#include <stdint.h>\n{declared}")
    (folder / "tables.c").write_text(f'#include "tables.h"\n{c_tables(tables)}')
