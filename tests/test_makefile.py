"""The Makefile makes anew what depends on a changed module: its lists name all that is imported."""

import ast
import json
import os
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


ODD = "a b; $(shell touch RAN) $x '\"%"
"""A folder's name that make and a shell would both stumble over, or run."""


@pytest.fixture
def clone(tmp_path):
    """The repository's rooms in a folder of that name, to call make in."""
    place = tmp_path / ODD
    place.mkdir()
    for link in ("Makefile", ".venv", "targets", "eval", "reference", "codegen", "tests",
                 "pyproject.toml", "requirements"):
        (place / link).symlink_to(ROOT / link)
    return place


def make(place, *words: str, **options) -> subprocess.CompletedProcess:
    """make there, without what a make around this test passes on."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(["make", "--no-print-directory", "-o", ".venv/core", *words], cwd=place,
                          check=False, capture_output=True, text=True, env=environment,
                          **options)  # fmt: skip


def test_a_set_and_a_clone_may_lie_anywhere(clone, tmp_path):
    """Neither name is expanded or run, and the prepared set has one that is harmless."""
    for kind in ("noisy", "clean"):
        (tmp_path / "sets" / ODD / kind).mkdir(parents=True)
        sf.write(tmp_path / "sets" / ODD / kind / "c.wav", np.full(4800, 0.1), 48000)
    done = make(clone, "sets", f"testset={tmp_path}/sets/{ODD}")
    assert done.returncode == 0, done.stderr
    (made,) = (clone / "build" / "sets").glob("[!.]*")
    assert re.fullmatch(r"[\w.-]+", made.name, re.ASCII)
    about = json.loads((made / "set.json").read_text())
    assert about["name"] == made.name and about["source"] == f"{tmp_path}/sets/{ODD}"
    assert not list(tmp_path.rglob("RAN"))


def test_every_word_can_be_read_in_a_clone_with_an_odd_name(clone):
    for word in ("all", "test", "counts", "dist", "wheel", "docs", "train"):
        done = make(clone, "-n", word, "speech=/a b", "noise=/$(c)")
        assert done.returncode == 0, (word, done.stderr)
        assert "/a b" not in done.stdout and "$(c)" not in done.stdout


@pytest.mark.parametrize("word", ["model=a;b", "target=$(shell touch RAN)", "systems=`c`",
                                  "name=../x y'", "minutes=1 && c"])  # fmt: skip
def test_odd_names_are_refused_before_anything_runs(clone, word):
    done = make(clone, "-n", "all", word)
    assert done.returncode and not done.stdout and "names hold letters, digits" in done.stderr
    assert not list(clone.rglob("RAN"))


def test_a_clone_within_a_clone_takes_paths_as_they_are(clone):
    """A path with make's own sign reaches a make within make unchanged."""
    (clone / "sub.mk").write_text("include Makefile\nnested:\n\t@$(MAKE) -f sub.mk told\n"
                                  "told:\n\t@printf '<%s>' \"$$testset\"\n")
    done = make(clone, "-f", "sub.mk", "nested", "testset=/p $x $(y)")
    assert "</p $x $(y)>" in done.stdout, done.stderr


def test_another_set_counts_nothing_again():
    done = subprocess.run(["make", "-npq", "target=arm64", "bench"], cwd=ROOT, check=False,
                          capture_output=True, text=True)  # fmt: skip
    (line,) = re.findall(r"^build/stamps/bench-arm64: (.*)$", done.stdout, re.M)
    real, _, order_only = line.partition("|")
    assert "check-arm64-embedded" in order_only and "embedded" not in real


def test_clean_leaves_training_runs(clone):
    for name in ("train/small", "host", "sets"):
        (clone / "build" / name).mkdir(parents=True)
    assert make(clone, "clean").returncode == 0
    assert [path.name for path in (clone / "build").iterdir()] == ["train"]
    assert make(clone, "clean").returncode == 0


def test_clips_that_cannot_be_scored_are_said_by_make_score(clone):
    """The table is there, make goes on to the report, and the word itself says "incomplete"."""
    (clone / "build" / "score").mkdir(parents=True)
    (clone / "build" / "sets" / "embedded").mkdir(parents=True)
    (clone / "build" / "sets" / "embedded" / "set.json").write_text("{}")
    csv = clone / "build" / "score" / "embedded.csv"
    for error, code in (("", 0), ("silent", 2)):
        csv.write_text(f"system,clip,snr,pesq_wb,error\nnoisy,a,0,1.5,{error}\n")
        done = make(clone, "-o", "build/score/embedded.csv", "score")
        assert done.returncode == code and ("1 of 1 clips" in done.stderr) == bool(error)


@pytest.mark.parametrize(("words", "said"), [
    ("demo postfilter=0", "postfilter=0 found; 0 or 1 is needed, and 1 for demo"),
    ("check full=1 postfilter=0", "and 1 for check"),
    ("gen postfilter=off", "postfilter=off found; 0 or 1 is needed")])  # fmt: skip
def test_a_build_without_postfilter_is_asked_for_in_so_many_words(words, said):
    done = subprocess.run(["make", "-n", "--no-print-directory", *words.split()], cwd=ROOT,
                          check=False, capture_output=True, text=True)  # fmt: skip
    assert done.returncode and not done.stdout and said in done.stderr


@pytest.mark.parametrize("chosen", ["0", "1"])
def test_the_generator_is_told_to_leave_the_postfilter_out(chosen):
    done = subprocess.run(["make", "-nB", "gen", f"postfilter={chosen}"], cwd=ROOT, check=True,
                          capture_output=True, text=True, env=os.environ | {"MAKEFLAGS": ""})
    (line,) = [x for x in done.stdout.splitlines() if "-m codegen.render" in x]
    assert line.endswith("--no-postfilter") == (chosen == "0")
