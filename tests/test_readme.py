"""Figures in README.md and docs/models.md are those of eval/baseline and of the model cards."""

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


def test_a_figure_that_changed_is_found(monkeypatch):
    stored = readme.read("embedded")
    stored["means"]["host"]["pesq_wb"] += 0.01
    monkeypatch.setattr(readme, "read", lambda name: stored)
    text = "<!-- begin scores -->\nold\n<!-- end -->"
    monkeypatch.setattr(readme, "PAGES", {"README.md": ("scores",)})
    changed = readme.filled("README.md", text)
    assert changed != text and changed not in (readme.ROOT / "README.md").read_text()
