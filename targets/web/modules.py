"""WebAssembly modules of every model, with SIMD and without, for the npm package and the demo page.

A module is the library, `targets/live` and the resampler, and asks its host for nothing: no import.
Exported are live.h, percepnet.h, `malloc` and `memory`.
"""

import dataclasses
import shutil
from pathlib import Path

from codegen import render
from targets.build import check_library, compile_objects, link
from targets.target import HARNESS, ROOT, Target, load

LIVE = [ROOT / "targets" / "live" / "live.c", HARNESS / "resample.c"]
LINK = ["-nostartfiles", "-Wl,--no-entry", "-Wl,--stack-first", "-Wl,--export-dynamic",
        "-Wl,--export=malloc", "-Wl,--strip-all"]  # fmt: skip
SIMD = "-msimd128"


def variant(model: str, simd: bool) -> Target:
    """The target wasm, built in a folder of the model; without SIMD on request."""
    wasm = load("wasm")
    flags = [flag for flag in wasm.compile["flags"] if simd or flag != SIMD]
    return dataclasses.replace(wasm, name=f"web/{model}", compile=wasm.compile | {"flags": flags})


def compile_module(model: str, simd: bool, path: Path) -> None:
    """One module, from `build/web/<model>/gen`. Raises SystemExit when anything is refused."""
    target = variant(model, simd)
    into = target.folder / "obj" / ("simd" if simd else "scalar")
    sources = sorted(p for p in (target.folder / "gen").glob("*.c") if p.name != "taps.c")
    objects = compile_objects(target, sources, into / "library")
    check_library(target, objects)
    include = [f"-I{folder}" for folder in (HARNESS, ROOT / "targets" / "live")]
    live = dataclasses.replace(
        target, compile=target.compile | {"flags": [*target.compile["flags"], *include]}
    )
    objects += compile_objects(live, LIVE, into / "live")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(link(target, LINK, objects, path.name), path)


def write(models: list[str], into: Path) -> dict:
    """`<model>.wasm` and `<model>.scalar.wasm` of every model in `into`; what percepnet.h says.

    Returns the plan's `api`: version and settings, the same for all models.
    """
    for model in models:
        api = render.write(model, variant(model, True).folder / "gen")["api"]
        compile_module(model, True, into / f"{model}.wasm")
        compile_module(model, False, into / f"{model}.scalar.wasm")
    return api
