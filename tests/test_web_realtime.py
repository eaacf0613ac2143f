"""targets/web/realtime.py: what its page is made of, and what is said when a part lacks."""

import contextlib
import sys
import types

import pytest

from targets.web import realtime


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site of a package with one model and of the peer, fetched by nobody."""
    monkeypatch.chdir(tmp_path)
    models = realtime.FOLDER / "package" / "models"
    models.mkdir(parents=True)
    (models / "tiny.wasm").write_bytes(bytes(300))
    (models / "tiny.scalar.wasm").write_bytes(bytes(200))
    stale = realtime.SITE / "stale"
    stale.mkdir(parents=True)

    def install(command):
        assert command[:2] == ["npm", "install"] and realtime.PEER in command
        peer = realtime.SITE / "node_modules/@jitsi/rnnoise-wasm/dist/rnnoise-sync.js"
        peer.parent.mkdir(parents=True)
        peer.write_bytes(bytes(500))

    monkeypatch.setattr(realtime, "call", install)
    realtime.make_site()
    assert not stale.exists()
    return realtime.SITE


def test_the_site_holds_page_worklet_clip_and_package(site):
    assert (site / "index.html").read_bytes() == realtime.PAGE.read_bytes()
    assert (site / realtime.WORKLET.name).read_bytes() == realtime.WORKLET.read_bytes()
    assert (site / "clip.flac").read_bytes() == realtime.CLIP.read_bytes()
    assert realtime.WORKLET.name in (site / "index.html").read_text()


@pytest.mark.parametrize(("system", "found"),
                         [("tiny", 300), ("tiny scalar", 200), ("rnnoise", 500)])  # fmt: skip
def test_sizes_are_those_of_what_a_page_fetches(site, system, found):
    assert realtime.size(system) == found


def test_what_lacks_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="package: not found; `make npm` writes it"):
        realtime.make_site()
    pytest.importorskip("playwright.sync_api")
    monkeypatch.setattr(realtime, "chromium", lambda: None)
    with pytest.raises(SystemExit, match="chromium: not found; targets/setup.sh hosts"):
        realtime.measure("http://localhost:1/", 1, 1)


COST_S = {"none": 1.0, "tiny": 4.0, "rnnoise": 11.0}


class Chromium:
    """Browser, page and session in one: a render takes COST_S, the first of a system a minute."""

    version = "1.2"

    def __init__(self) -> None:
        self.chromium, self.spent, self.renders = self, 0.5, []

    def launch(self, executable_path):
        return self

    new_page = new_browser_cdp_session = lambda self: self
    goto = close = lambda self, *_: None

    def evaluate(self, words, arguments=None):
        if words == "systems":
            return list(COST_S)
        self.spent += COST_S[arguments[0]] if arguments in self.renders else 60
        self.renders.append(arguments)
        return None

    def send(self, _):
        return {"processInfo": [{"type": "renderer", "cpuTime": self.spent / 2},
                                {"type": "renderer", "cpuTime": self.spent / 2},
                                {"type": "browser", "cpuTime": 9 * self.spent}]}  # fmt: skip


def test_shares_are_of_the_sound_less_those_of_no_suppressor(monkeypatch):
    """The first render of a system, which compiles, is in no share."""
    browser = Chromium()
    api = types.ModuleType("playwright.sync_api")
    api.sync_playwright = lambda: contextlib.nullcontext(browser)
    monkeypatch.setitem(sys.modules, "playwright.sync_api", api)
    monkeypatch.setattr(realtime, "chromium", lambda: "/usr/bin/chromium")
    version, shares = realtime.measure("http://localhost:1/", 20, 1)
    assert version == "1.2" and shares == pytest.approx({"tiny": 3 / 20, "rnnoise": 10 / 20})
    assert browser.renders == 2 * [[system, 20] for system in COST_S]
