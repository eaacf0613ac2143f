"""targets/web/realtime.py: what its page is made of, and what is said when a part lacks."""

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
