"""Every `python -m` module refuses words that it does not know: none does its work instead."""

import argparse
import runpy
import subprocess
import sys

import pytest

from targets.target import ROOT

# Their words are those of a program that they start, which has tests of its own.
PASS_ON = {"targets.python.percepnet", "targets.python.percepnet._decode", "targets.harness.wasm",
           "targets.harness.qemu_board"}  # fmt: skip
ROOMS = ("reference", "codegen", "targets", "eval", "training", "studies", "pages", "proof",
         "fuzz", "mutants")  # fmt: skip


def modules() -> list[str]:
    """All that have a command line."""
    listed = subprocess.check_output(["git", "ls-files", "*.py"], cwd=ROOT, text=True).split()
    found = [path.removesuffix(".py").replace("/", ".").removesuffix(".__main__")
             for path in listed if path.split("/")[0] in ROOMS
             and (path.endswith("__main__.py") or '__name__ == "__main__"'
                  in (ROOT / path).read_text())]  # fmt: skip
    return [name for name in found if name not in PASS_ON]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", modules())
def test_a_module_refuses_what_it_does_not_know(module, tmp_path, monkeypatch, capsys):
    """By name of the word, as if nothing that it needs were missing."""
    parse = argparse.ArgumentParser.parse_known_args

    def with_nothing_needed(parser, *given):
        for action in parser._actions:
            action.required = False
        return parse(parser, *given)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", with_nothing_needed)
    monkeypatch.setattr(sys, "argv", [module, "--no-such-word"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    assert stop.value.code not in (0, None)
    assert "--no-such-word" in f"{stop.value.code} {capsys.readouterr().err}"
    assert not list(tmp_path.iterdir())


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("words", [
    "codegen.render --out x", "codegen.drift", "codegen.first_ring", "targets.vectors",
    "studies ladder --set x", "pages.store --set x"])  # fmt: skip
def test_a_model_that_is_none_is_refused_in_a_sentence(words, tmp_path, monkeypatch, capsys):
    module, *others = words.split()
    monkeypatch.setattr(sys, "argv", [module, *others, "--model", "../small"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        runpy.run_module(module, run_name="__main__", alter_sys=False)
    assert stop.value.code == 2
    assert "model '../small' found; letters" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
