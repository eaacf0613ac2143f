"""npm package: `python -m targets.web.npm` writes `build/npm/percepnet-<version>.tgz`.

An ES module with types: an AudioWorklet for browsers, a function for node, the WebAssembly modules
of every model.
"""

import argparse
import re
import shutil
from pathlib import Path

import jinja2

from reference.files import whole
from targets.dist import archive
from targets.target import HARNESS, ROOT
from targets.web import modules
from targets.wheel import shipped_models

PACKAGE = Path(__file__).parent / "package"
FOLDER = Path("build/npm")
ENVIRONMENT = jinja2.Environment(
    undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
)


def rates() -> dict[str, int]:
    """Lowest and highest rate that the resampler takes, in Hz."""
    header = (HARNESS / "resample.h").read_text()
    found = {end: re.search(rf"RESAMPLE_{end} (\d+)", header)[1] for end in ("LOWEST", "HIGHEST")}
    return {f"{end.lower()}_rate": int(hertz) for end, hertz in found.items()}


def sizes(models: list[str], folder: Path) -> dict[str, list[int]]:
    """Bytes of the two modules of every model in a package."""
    return {
        model: [
            (folder / "models" / f"{model}{kind}.wasm").stat().st_size for kind in ("", ".scalar")
        ]
        for model in models
    }


def copy(path: Path, into: Path, facts: dict) -> None:
    """A file into a folder; a template with `facts` filled in."""
    if path.suffix == ".j2":
        text = ENVIRONMENT.from_string(path.read_text()).render(facts)
        (into / path.stem).write_text(text)
    else:
        shutil.copy(path, into)


def assemble(models: list[str], folder: Path) -> str:
    """All files of the package in `folder`, emptied before; its version.

    Raises SystemExit when a module does not build.
    """
    shutil.rmtree(folder, ignore_errors=True)
    api = modules.write(models, folder / "models")
    facts = api | rates() | {"models": models, "sizes": sizes(models, folder)}
    for path in sorted(PACKAGE.iterdir()):
        copy(path, folder, facts)
    shutil.copy(ROOT / "LICENSE", folder)
    return api["version"]


def write(models: list[str]) -> Path:
    """Packs the package, as `npm pack` would but with the same bytes every time; its path.

    Raises SystemExit when anything does not build.
    """
    folder = FOLDER / "package"
    path = FOLDER / f"percepnet-{assemble(models, folder)}.tgz"
    files = {
        found.relative_to(folder).as_posix(): found.read_bytes()
        for found in folder.rglob("*")
        if found.is_file()
    }
    with whole(path) as new:
        new.write_bytes(archive(folder.name, files))
    return path


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=shipped_models(), help="all if not given")
    args = parser.parse_args()
    package = write(args.models)
    print(f"{package}: {', '.join(args.models)}, {package.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
