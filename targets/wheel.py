"""Python wheel of the generated C, for this machine: `python -m targets.wheel [--models small …]`.

Writes `build/wheel/percepnet-<version>-py3-none-<platform>.whl`: for every model the library, which
Python loads with ctypes, and the command; nothing is compiled against Python.
"""

import argparse
import dataclasses
import os
import shutil
import sys
import sysconfig
from pathlib import Path

import jinja2

from codegen import render
from reference.dnn import model_path
from targets.build import build, call
from targets.target import ROOT, load

PYTHON = ROOT / "targets" / "python"
FOLDER = Path("build/wheel")
EPOCH = "315532800"
"""1980-01-01, the earliest time a zip file can hold: same sources, same bytes."""


def shipped_models() -> list[str]:
    """Names of all models in reference/models."""
    return sorted(path.stem for path in model_path("small").parent.glob("*.safetensors"))


def compile_model(model: str, into: Path) -> str:
    """Library and command of a model into `into`; the version. SystemExit when a build fails."""
    target = dataclasses.replace(load("host"), name=f"{FOLDER.name}/{model}")
    content = render.write(model, target.folder / "gen")
    build(target)
    shutil.copy(target.folder / "libpercepnet.so", into / f"{model}.so")
    shutil.copy(target.folder / "percepnet", into / model)
    shutil.copy(target.folder / "percepnet.h", into.parent / "percepnet.h")
    return content["api"]["version"]


def write(models: list[str]) -> Path:
    """Builds the wheel; its path. Raises SystemExit when anything does not build."""
    source = FOLDER / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("*.j2", "__pycache__"))
    shutil.copy(ROOT / "LICENSE", source)
    into = source / "percepnet" / "models"
    into.mkdir()
    (version,) = {compile_model(model, into) for model in models}
    template = jinja2.Template((PYTHON / "pyproject.toml.j2").read_text())
    (source / "pyproject.toml").write_text(template.render(version=version))
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    (source / "setup.cfg").write_text(f"[bdist_wheel]\nplat_name = {platform}\n")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    call([*pip, "--wheel-dir", str(FOLDER), str(source)],
         env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH})  # fmt: skip
    return FOLDER / f"percepnet-{version}-py3-none-{platform}.whl"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=shipped_models(), help="all if not given")
    args = parser.parse_args()
    wheel = write(args.models)
    print(f"{wheel}: {', '.join(args.models)}, {wheel.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
