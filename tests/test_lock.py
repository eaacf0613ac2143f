"""requirements/: locked by version and hash, as pyproject.toml wants; every licence is known."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, version

import pytest
from packaging.requirements import Requirement

from targets.target import ROOT

LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)[^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+",
                    re.M)  # fmt: skip
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = {"core": PROJECT["dependencies"],
          "test": [*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["wasm"]]}  # fmt: skip


def locked(name: str) -> dict[str, str]:
    """{package: version} of a file in which nothing stands but comments and hashed versions."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert not re.sub(r"^#.*\n", "", LOCKED.sub("", text), flags=re.M).strip()
    return {package: number for package, number in LOCKED.findall(text)}


@pytest.mark.parametrize("name", WANTED)
def test_the_lock_is_what_the_project_wants(name):
    """`make lock` writes it anew."""
    found = locked(name)
    for requirement in map(Requirement, WANTED[name]):
        assert found[requirement.name.lower()] in requirement.specifier, requirement


def test_both_commands_take_the_same():
    assert locked("core").items() <= locked("test").items()


def test_torch_is_one_version_and_no_lock_holds_it():
    """Its builds differ by index: it has no one hash."""
    assert re.fullmatch(r"torch==[\d.]+", *EXTRAS["torch"])
    assert not {p for p in locked("test") if p.startswith(("torch", "nvidia", "triton"))}
    others = [words for name, words in EXTRAS.items() if name != "torch"]
    assert not [word for words in others for word in words if word.startswith("torch")]


# ---- licences ----

LICENCES = re.compile(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|$", re.M)


def licence(package: str) -> str:
    """What a package says of itself in one line: an expression, a classifier, or a few words."""
    about = metadata(package)
    kinds = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or []
             if c.startswith("License ::") and c.count(" :: ") > 1]  # fmt: skip
    first = about.get("License", "").strip().partition("\n")[0]
    words = about.get("License-Expression") or ", ".join(kinds) or first
    return words if 0 < len(words) < 100 and "Copyright" not in words else "says nothing"


def test_every_licence_stands_in_the_table():
    """Of all that is locked; what is installed here says the same as the page."""
    table = dict(LICENCES.findall((ROOT / "docs" / "patents.md").read_text()))
    assert table.keys() == locked("test").keys()
    for package, words in table.items():
        try:
            if version(package) == locked("test")[package]:
                assert licence(package) == words.strip(), package
        except PackageNotFoundError:
            continue
