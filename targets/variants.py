"""The builds of the full check: every compiler and level of three targets, and two of their own."""

import dataclasses

from targets.target import Target, load

LEVELS = ("-O0", "-O2", "-O3", "-Os")
TRIPLES = {"host": "", "arm64": "aarch64-linux-gnu", "armv7": "arm-linux-gnueabihf"}
# Flags of a target that only gcc knows are no fault of the build.
CLANG = ["-Wno-unused-command-line-argument", "-Wno-ignored-optimization-argument"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def variant(base: Target, compiler: str, level: str) -> Target:
    """The target built by `compiler` at `level` only: name and folder tell."""
    compile_ = dict(base.compile)
    flags = [flag for flag in compile_["flags"] if not flag.startswith("-O")]
    if compiler == "clang":
        triple = [f"--target={TRIPLES[base.name]}"] if TRIPLES[base.name] else []
        compile_["cc"], compile_["driver"] = "clang", triple
        flags += triple + CLANG
    compile_["flags"] = [level, *flags]
    name = f"check/{base.name}-{compiler}{level}"
    return dataclasses.replace(base, name=name, compile=compile_)


def sanitized(base: Target, level: str = "-O1") -> Target:
    """The host build under ASan and UBSan: overflow, shifts, alignment and bounds stop it."""
    target = variant(base, "gcc", level)
    compile_ = target.compile | {
        "flags": target.compile["flags"] + SANITIZERS,
        "link": target.compile["link"] + SANITIZERS,
    }
    name = f"check/{base.name}-gcc-asan-ubsan"
    return dataclasses.replace(target, name=name, compile=compile_)


def bionic(base: Target) -> Target:
    """The arm64 build as for Android: its macros and rules, on the headers that are here.

    The command is linked with glibc all the same, so that it runs under QEMU.
    """
    target = variant(base, "clang", "-O3")
    android = ["--target=aarch64-linux-android24", "-isystem", f"/usr/{TRIPLES[base.name]}/include"]
    flags = [f for f in target.compile["flags"] if not f.startswith("--target=")] + android
    name = f"check/{base.name}-bionic-O3"
    return dataclasses.replace(target, name=name, compile=target.compile | {"flags": flags})


def variants() -> dict[str, Target]:
    """Every cell of the matrix by name, quick ones first."""
    cells = [sanitized(load("host")), bionic(load("arm64"))]
    for name in TRIPLES:
        cells += [variant(load(name), c, level) for c in ("gcc", "clang") for level in LEVELS]
    return {cell.name.removeprefix("check/"): cell for cell in cells}
