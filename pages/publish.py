"""Which part stands on which page, and how it is made: `python -m pages`.

A part is a function of no argument, in a card of the model's name, that returns Markdown. Pages are
written only where they change, so on a clean clone nothing does; tests/test_pages.py holds them.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pages import (
    attacks,
    cards,
    counts,
    formats,
    integers,
    processors,
    scores,
    studies,
    weaknesses,
)  # fmt: skip
from reference.dnn import MODELS
from reference.markdown import fill

ROOT = Path(__file__).parents[1]
Part = Callable[[], str]

PAGES: dict[str, dict[str, Part]] = {
    "README.md": {"scores": scores.systems, "models": scores.models,
                  "processors": processors.summary},
    "docs/models.md": {"models": scores.models},
    "docs/faq.md": {"weaknesses": weaknesses.settings},
    "docs/targets.md": {"instructions": counts.totals, "footprints": counts.footprints,
                        "bars": counts.bars, "densities": counts.densities,
                        "pruned": studies.densities,
                        "times": counts.times,
                        "estimates": processors.estimates, "boards": processors.boards},
    "docs/quantisation.md": {"matrix": integers.matrix, "total": integers.total,
                             "drift": integers.drift},
    "docs/integer-tables.md": {**formats.PARTS, "measured": integers.measured,
                               "cost": integers.cost},
    "docs/method.md": {"ladder": studies.ladder, "decisions": studies.decisions,
                       "pitch": studies.pitch},
    "docs/attacks.md": attacks.PARTS,
    "docs/ablations.md": {"ablations": studies.ablations},
}  # fmt: skip


def pages() -> dict[str, dict[str, Part]]:
    """{page: {name: part}} of PAGES and of the card of every model."""
    names = sorted(path.stem for path in MODELS.glob("*.safetensors"))
    return PAGES | {
        f"reference/models/{model}.md": {name: partial(part, model)
                                         for name, part in cards.PARTS.items()}
        for model in names
    }  # fmt: skip


def filled(page: str, parts: dict[str, Part]) -> str:
    """The text of a page with its parts made anew; links, from the root, lead there from it."""
    text, up = (ROOT / page).read_text(), "../" * page.count("/")
    for name, part in parts.items():
        text = fill(text, name, part().replace("](/", f"]({up}"))
    return text


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0. Says which pages have changed."""
    parser = argparse.ArgumentParser(prog="python -m pages", description="write every page anew")
    parser.parse_args(arguments)
    for page, parts in pages().items():
        text = filled(page, parts)
        if text != (ROOT / page).read_text():
            (ROOT / page).write_text(text)
            print(f"{page}: written")
    return 0
