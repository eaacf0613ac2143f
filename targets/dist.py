"""Source package of the generated C, and its installation.

`python -m targets.dist TARGET` writes `build/<target>/percepnet-<version>-<model>-<target>.tar.gz`
from `build/<target>/gen` and `targets/package/`; `--install PREFIX` builds and installs it. The
package needs a C99 compiler and make or CMake, nothing of this repository. Same code and model,
same bytes.
"""

import argparse
import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path

import jinja2
import numpy as np

from codegen import twin
from codegen.suppressor import Suppressor
from reference.files import whole
from reference.params import HOP
from targets import sbom
from targets.build import call
from targets.target import ROOT, Target, load, read_plan
from targets.vectors import sounds

PACKAGE = ROOT / "targets" / "package"
NOT_SHIPPED = ("taps.c", "taps.h", "plan.json")
"""Of gen/: what only the checks of this repository read."""


def package_name(target: Target, content: dict) -> str:
    """Folder inside the archive, and the archive's name without .tar.gz."""
    return f"percepnet-{content['api']['version']}-{content['model']['name']}-{target.name}"


def vectors(model: str, plan_hash: str, postfilter: bool = True) -> dict[str, bytes]:
    """`<sound>.in.s16` and `.out.s16`, raw little-endian int16: what goes in, what the twin makes.

    Raises SystemExit when `gen/` was generated from another plan than the model gives now.
    """
    content, _ = twin.settle(model, postfilter)
    if content["hash"] != plan_hash:
        raise SystemExit(f"generated C has plan {plan_hash[:16]}, model {model} now gives "
                         f"{content['hash'][:16]}; `make gen` first")  # fmt: skip
    files = {}
    for name, samples in sounds().items():
        frames = Suppressor(twin.network(model)).run_block(samples.reshape(-1, HOP))
        out = np.concatenate([frame["out"] for frame in frames])
        files[f"{name}.in.s16"] = samples.astype("<i2").tobytes()
        files[f"{name}.out.s16"] = out.astype("<i2").tobytes()
    return files


def facts(target: Target, content: dict, sources: list[str]) -> dict:
    """What the templates in targets/package/ fill in."""
    compile_ = target.compile
    driver = [] if "start" in compile_ else compile_.get("driver", [])  # of whole programs
    return {
        "version": content["api"]["version"],
        "delay": content["api"]["delay"],
        "model": content["model"]["name"],
        "plan": content["hash"],
        "target": target.name,
        "cc": " ".join([compile_["cc"], *driver]),
        "ar": compile_["ar"],
        "flags": " ".join(compile_["flags"]),
        "link": "" if "start" in compile_ else " ".join(compile_["link"]),
        "isas": {isa: " ".join(flags) for isa, flags in compile_.get("isa", {}).items()},
        "sources": sources,
        "sounds": list(sounds()),
    }


def files(target: Target) -> dict[str, bytes]:
    """Everything in the package by path. Raises SystemExit when `gen/` is missing or stale."""
    content, gen = read_plan(target), target.folder / "gen"
    generated = [path for path in sorted(gen.iterdir()) if path.name not in NOT_SHIPPED]
    found = {"LICENSE": (ROOT / "LICENSE").read_bytes()}
    for path in generated:
        folder = "include" if path.name == "percepnet.h" else "src"
        found[f"{folder}/{path.name}"] = path.read_bytes()
    sources = [path.name for path in generated if path.suffix == ".c"]
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PACKAGE),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    filled = facts(target, content, sources)
    for path in sorted(p for p in PACKAGE.rglob("*") if p.is_file()):
        name = path.relative_to(PACKAGE).as_posix()
        if path.suffix == ".j2":
            found[name.removesuffix(".j2")] = env.get_template(name).render(filled).encode()
        else:
            found[name] = path.read_bytes()
    made = content["model"]["name"], content["hash"], "postfilter" in content["stages"]
    for name, data in vectors(*made).items():
        found[f"vectors/{name}"] = data
    return found | {sbom.NAME: sbom.bill(content, found)}


def archive(folder: str, contents: dict[str, bytes]) -> bytes:
    """The files under `folder` as .tar.gz: sorted, no clock, no owner."""
    tar_file, gz_file = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar_file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(contents):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(contents[name]), 0o644
            tar.addfile(entry, io.BytesIO(contents[name]))
    with gzip.GzipFile(filename="", fileobj=gz_file, mode="wb", mtime=0) as gz:
        gz.write(tar_file.getvalue())
    return gz_file.getvalue()


def write(target: Target) -> Path:
    """Writes the archive, whole or not at all; its path."""
    name = package_name(target, read_plan(target))
    path = target.folder / f"{name}.tar.gz"
    with whole(path) as new:
        new.write_bytes(archive(name, files(target)))
    return path


def install(package: Path, prefix: Path) -> None:
    """Builds the package in a folder of its own and installs it. SystemExit when that fails."""
    with tempfile.TemporaryDirectory() as folder:
        call(["tar", "-C", folder, "-xzf", str(package)])
        source = Path(folder) / package.name.removesuffix(".tar.gz")
        # a make of its own: the jobs and variables of the one that calls are not for it
        environment = {k: v for k, v in os.environ.items() if k != "MAKEFLAGS"}
        command = ["make", "-C", str(source), f"-j{os.cpu_count()}", "install"]
        call([*command, f"prefix={prefix.resolve()}"], env=environment)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("--install", type=Path, metavar="PREFIX")
    args = parser.parse_args()
    package = write(load(args.target))
    print(f"{package}: {package.stat().st_size:,} bytes")
    if args.install:
        install(package, args.install)
        print(f"{args.install}: library, percepnet.h, pkg-config and CMake files installed")


if __name__ == "__main__":
    main()
