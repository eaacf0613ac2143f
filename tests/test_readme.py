"""Figures in README.md and docs/models.md are those of eval/baseline and of the model cards."""

import json
import re

import pytest

from eval import readme
from eval.provenance import weights


@pytest.mark.parametrize("page", readme.PAGES)
def test_tables_are_those_of_the_files_they_come_from(page):
    text = (readme.ROOT / page).read_text()
    assert readme.filled(page, text) == text, "`python -m eval.readme` writes them"


def test_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\(([^)#:]+)\)", (readme.ROOT / "README.md").read_text())
    assert "docs/audio/enhanced.mp3" in links
    assert not [link for link in links if not (readme.ROOT / link).exists()]


def test_every_model_is_in_the_table_and_its_card_is_of_its_weights():
    models = sorted(path.stem for path in readme.MODELS.glob("*.safetensors"))
    table = readme.models()
    for model in models:
        assert f"[`{model}`]" in table
        assert weights([model])[model]["sha256"] in (readme.MODELS / f"{model}.md").read_text()


def test_scores_are_of_the_weights_that_ship():
    stored = readme.read("systems")
    assert stored["weights"] == weights([stored["model"]])[stored["model"]]["sha256"], \
        "`make score` with the outside systems, `python -m eval.readme --scores` store new ones"


def test_means_of_a_table_of_scores(tmp_path, monkeypatch):
    """A measure that a clip lacks has no mean; other options of ours are left out."""
    about = {"rnn": {"name": "rnn", "version": "2.0", "entry": {}},
             "host-x": {"name": "host-x", "version": None, "entry": {"ours": True}}}
    for name, facts in about.items():
        folder = tmp_path / "out" / name / "tiny"
        folder.mkdir(parents=True)
        (folder / "system.json").write_text(json.dumps(facts))
    lines = [f"{system},{clip},{value},{'' if (system, clip) == ('rnn', 'b') else 0.5}"
             for system in ("noisy", "float", "host", "host-x", "rnn")
             for clip, value in (("a", 1), ("b", 2))]
    (tmp_path / "score").mkdir()
    table = tmp_path / "score" / "tiny.csv"
    table.write_text("\n".join(["system,clip,pesq_wb,stoi", *lines]))
    monkeypatch.setattr(readme, "HERE", tmp_path)
    readme.store(table, "small")
    stored = readme.read("systems")
    assert list(stored["means"]) == ["noisy", "float", "host", "rnn"]
    assert stored["clips"] == 2 and stored["outside"] == {"rnn": "2.0"}
    assert stored["means"]["host"]["pesq_wb"] == 1.5 and stored["means"]["host"]["stoi"] == 0.5
    assert stored["means"]["rnn"]["stoi"] is None
    table.write_text("system,clip,pesq_wb,stoi\nnoisy,a,1,1")
    with pytest.raises(SystemExit, match="no float, host"):
        readme.store(table, "small")


def test_a_figure_that_changed_is_found(monkeypatch):
    stored = readme.read("systems")
    stored["means"]["host"]["pesq_wb"] += 0.01
    monkeypatch.setattr(readme, "read", lambda name: stored)
    text = "<!-- begin scores -->\nold\n<!-- end -->"
    monkeypatch.setattr(readme, "PAGES", {"README.md": ("scores",)})
    changed = readme.filled("README.md", text)
    assert changed != text and changed not in (readme.ROOT / "README.md").read_text()
