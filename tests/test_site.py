"""The pages as a site: found by search from a server and from disk, whole without a network."""

import os
import re
import subprocess
import sys

import pytest

from targets.target import ROOT

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir",
                    folder], cwd=ROOT, check=True,
                   env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})  # fmt: skip
    return folder


@pytest.mark.parametrize("place", ["served", "disk"])
def test_search_finds_what_a_newcomer_looks_for(site, serve, page, place):
    address = serve(site) if place == "served" else f"{site.as_uri()}/"
    page.goto(f"{address}index.html")
    for word, wanted in {"latency": "index.html", "quality": "models.html",
                         "retrain": "training.html", "licence": "patents.html"}.items():
        field = page.locator("input.md-search__input")
        field.fill("")
        field.press_sequentially(word)
        results = page.locator(f".md-search-result__item a[href*='{wanted}']")
        results.first.wait_for(state="attached", timeout=40000)


def test_no_page_asks_for_anything_from_elsewhere(site):
    asking = re.compile(r"""<(?:script|link|img|audio|iframe)[^>]*(?:src|href)=["']?(https?:)?//""")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    assert not [path for path in pages if asking.search(path.read_text())]


def test_sound_that_is_spoken_of_can_be_played(site):
    for name in ("index.html", "source/reference/models/small.html"):
        page = site / name
        heard = re.findall(r'<audio[^>]* src="([^"]+)"', page.read_text())
        assert heard and all((page.parent / path).is_file() for path in heard)
        assert ".mp3)" not in page.read_text()


def test_cards_stand_in_the_menu_and_a_dark_page_can_be_had(site):
    page = (site / "index.html").read_text()
    for model in ("tiny", "small", "full"):
        assert f'href="source/reference/models/{model}.html"' in page
    assert "(prefers-color-scheme: dark)" in page and 'data-md-color-scheme="slate"' in page
