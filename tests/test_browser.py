"""The page in a real browser, headless: no error, sound decodes, tables sort, dark and narrow."""

import json
import re
import shutil
import subprocess
import threading

import pytest
from test_report import build  # noqa: F401  (fixture: a build folder with scores and sound)

from eval.report import main

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
EARLY = """<script>window.faults = []; console.error = (...m) => faults.push(m.join(" "));
addEventListener("error", e => faults.push(e.message || "cannot load " + e.target.tagName), true);
</script>"""
PROBE = """<script>
const all = q => [...document.querySelectorAll(q)];
const probe = async found => {
  const context = new OfflineAudioContext(1, 48000, 48000);
  location.hash = all("table.clips a")[1].hash;
  await new Promise(r => setTimeout(r, 100));
  found.open = all("#listen details[open]").length;
  all("details").forEach(d => d.open = true);
  all("img").forEach(i => i.loading = "eager");
  await Promise.all(all("img").map(i => i.decode()));
  found.seconds = [];
  for (const audio of all("audio")) {
    const bytes = Uint8Array.from(atob(audio.src.split(",")[1]), c => c.charCodeAt(0));
    found.seconds.push((await context.decodeAudioData(bytes.buffer)).duration);
  }
  const head = all("#quality table th").find(h => h.textContent === "PESQ-WB");
  const column = () => [...head.closest("table").tBodies[0].rows].map(
    r => r.cells[head.cellIndex].textContent);
  head.click(); found.up = column();
  head.click(); found.down = column();
  found.background = getComputedStyle(document.body).backgroundColor;
  document.body.style.width = "360px";
  found.width = document.querySelector("main").scrollWidth;
};
addEventListener("load", async () => {
  const found = {};
  await probe(found).catch(e => faults.push(String(e.stack)));
  found.faults = faults;
  console.log("FOUND " + JSON.stringify(found));
});</script>"""


def look(page, *options):
    """What PROBE finds on a page; the browser is ended when it has said it, or after 4 minutes."""
    browser = subprocess.Popen(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         f"--user-data-dir={page.parent / 'profile'}", "--remote-debugging-port=0",
         "--enable-logging=stderr", *options, page.as_uri()],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    too_late = threading.Timer(240, browser.kill)
    too_late.start()
    try:
        for line in browser.stderr:
            if said := re.search(r'"FOUND (\{.*\})", source', line):
                return json.loads(said[1])
    finally:
        too_late.cancel()
        browser.terminate()
        browser.wait()
    raise AssertionError("the browser ended without a word")


@pytest.mark.skipif(not BROWSER, reason="chromium not found; apt-get install chromium")
def test_page_in_a_browser(build):  # noqa: F811
    assert main(["--build", str(build)]) == 0
    text = (build / "report" / "index.html").read_text()
    page = build / "report" / "probe.html"
    # In front of the page's Content-Security-Policy, which no script that comes after it passes.
    page.write_text(text.replace("<head>", "<head>" + EARLY + PROBE))
    found = look(page)
    assert found["faults"] == []
    assert found["open"] == 2  # the first clip, and the one whose name was followed
    # Three clips with three players each, and the first screen's two; an encoder pads some 50 ms.
    assert found["seconds"] == pytest.approx([1] * 11, abs=0.1)
    assert found["up"] == sorted(found["up"], key=float) == found["down"][::-1] != found["down"]
    assert found["width"] <= 360
    dark = look(page, "--blink-settings=preferredColorScheme=0")
    assert dark["faults"] == [] and dark["background"] != found["background"]
