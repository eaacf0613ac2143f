"""The Makefile makes anew what depends on a changed module: its lists name all that is imported."""

import ast
import json
import re
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

ROOT = Path(__file__).parent.parent
ROOMS = ("targets", "eval", "studies")  # of the others the Makefile takes every file


@cache
def imported(module: str) -> frozenset[str]:
    """Files of ROOMS that running a module reads, itself included; packages by their __init__."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    path = path if path.exists() else path.with_suffix("") / "__init__.py"
    if not path.exists() or module.split(".")[0] not in ROOMS:
        return frozenset()
    found = {path.relative_to(ROOT).as_posix()}
    for node in ast.parse(path.read_text()).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name != module:
                found |= imported(name)
    return frozenset(found)


@pytest.fixture(scope="module")
def rules():
    """{file: (its prerequisites, modules that its recipe runs)} of all rules, as for arm64."""
    done = subprocess.run(["make", "-npq", "target=arm64"], cwd=ROOT, check=False,
                          capture_output=True, text=True)  # fmt: skip
    database = done.stdout.split("# Implicit Rules", 1)[1].replace("%", "arm64")
    found, lines = {}, database.splitlines()
    for number, line in enumerate(lines):
        if head := re.match(r"(build/[^:=]+): ([^=]*)$", line):
            recipe = []
            for after in lines[number + 1 :]:
                if not after.startswith(("#", "\t")):
                    break
                recipe.append(after)
            modules = re.findall(r"\$\(PYTHON\) -m ((?:\w+\.)*\w+)", "\n".join(recipe))
            found[head[1]] = (set(head[2].replace("|", " ").split()), modules)
    return found


def prerequisites(name: str, rules: dict) -> set[str]:
    """Of a file and of all that it is made from."""
    own = rules.get(name, (set(), []))[0]
    return own.union(*(prerequisites(other, rules) for other in own if other in rules))


def test_a_system_that_is_not_known_is_said_before_anything_is_made():
    done = subprocess.run(["make", "-n", "--no-print-directory", "systems=pyrnnoise typo"],
                          cwd=ROOT, check=False, capture_output=True, text=True)  # fmt: skip
    assert done.returncode and not done.stdout
    assert "systems=typo found; eval/systems.toml has pyrnnoise" in done.stderr
    known = subprocess.run(["make", "-n", "help", "systems=pyrnnoise dfn3"], cwd=ROOT, check=False)
    assert known.returncode == 0


def test_no_recipe_goes_on_after_a_failure():
    """Nothing of make or of the shell that would let a red check pass as green."""
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines()
               if line.startswith("\t")]  # fmt: skip
    assert len(recipes) > 50
    forgiving = r"^\t[@+]*-(?!-)|\|\| *(true|:|exit 0)( |$)|; *true( |$)"
    assert not [line for line in recipes if re.search(forgiving, line)]
    assert not re.search(r"^(\.IGNORE|MAKEFLAGS.*(-i\b|ignore|keep-going))",
                         (ROOT / "Makefile").read_text(), re.M)  # fmt: skip


def test_a_check_that_differs_stops_make(tmp_path):
    """The stamp of a check is not left when its program fails."""
    stamp = "build/stamps/check-host-embedded"
    for name in ("Makefile", "targets", "eval", "reference", "codegen", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for made in ("build/host/percepnet", "build/stamps/twin-embedded", "build/values/model"):
        (tmp_path / made).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / made).touch()
    for code in (1, 0):
        (tmp_path / ".venv/bin/python").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / ".venv/bin/python").chmod(0o755)
        done = subprocess.run(["make", "-o", "build/host/percepnet", "-o",
                               "build/stamps/twin-embedded", stamp], cwd=tmp_path, check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert (done.returncode == 0) == (code == 0), done.stderr
        assert (tmp_path / stamp).exists() == (code == 0)


def test_rules_name_every_module_that_they_run(rules):
    missing = {}
    for name, (_, modules) in rules.items():
        wanted = set().union(*(imported(module) for module in modules))
        left = wanted - prerequisites(name, rules)
        if left := sorted(path for path in left if not path.endswith("__init__.py")):
            missing[name] = left
    assert len(rules) > 10 and not missing


def test_a_set_is_made_again_only_when_its_contents_change(tmp_path):
    """Clips are no words of make: any name will do, and one overwritten in place is noticed."""
    for kind in ("noisy", "clean"):
        (tmp_path / "odd" / kind).mkdir(parents=True)
        for name in ("a; touch x", "b $(q) 'c"):
            sf.write(tmp_path / "odd" / kind / f"{name}.wav", np.full(4800, 0.1), 48000)
    for link in ("Makefile", ".venv", "targets", "eval", "reference", "codegen", "tests"):
        (tmp_path / link).symlink_to(ROOT / link)
    words = ["make", "-o", ".venv/core", "sets", f"testset={tmp_path}/odd"]
    made = tmp_path / "build/sets/odd/set.json"
    times = []
    for level in (0.1, 0.1, 0.2):
        path = tmp_path / "odd" / "noisy" / "a; touch x.wav"
        sf.write(path, np.full(4800, level), 48000)
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
        times.append(made.stat().st_mtime_ns)
    assert times[0] == times[1] != times[2] and not (tmp_path / "x").exists()
    assert len(json.loads(made.read_text())["clips"]) == 2
