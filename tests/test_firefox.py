"""Firefox, as its package is: no driver, but a page that does the work and sends what it found."""

import functools
import json
import queue
import shutil
import subprocess
import threading
from http.server import ThreadingHTTPServer

import numpy as np
import pytest
from browsers import MODEL, noisy, samples, text

from codegen.twin import enhance, network
from reference.params import DELAY, HOP
from targets.web.browser import Quiet

pytestmark = pytest.mark.xdist_group("web")
FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
LATENCY = DELAY + HOP
PREFERENCES = """\
user_pref("media.autoplay.default", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.update.enabled", false);
"""
PAGE = """<!doctype html><link rel=icon href=data:,><iframe id=demo width=400 height=900></iframe>
<script type=module>
const send = (found) => fetch("/found", { method: "POST", body: JSON.stringify(found) });
try { %s; await send(await main()); } catch (error) { await send({ error: `${error}` }); }
</script>"""
OFFLINE = """
const { createSuppressor } = await import("/percepnet/index.js");
const sound = new Int16Array(Uint8Array.from(atob("%s"), (c) => c.charCodeAt(0)).buffer);
const input = Float32Array.from(sound, (x) => x / 32768);
const text = ({ buffer }) => btoa(Array.from(new Uint8Array(buffer),
    (code) => String.fromCharCode(code)).join(""));
async function main() {
    const context = new OfflineAudioContext(1, input.length, 48000);
    const node = await createSuppressor(context, { model: "%s" });
    const source = context.createBufferSource();
    const buffer = new AudioBuffer({ length: input.length, sampleRate: 48000 });
    buffer.copyToChannel(input, 0); // before: Firefox takes what a buffer holds when it is given
    source.buffer = buffer;
    source.connect(node).connect(context.destination);
    source.start();
    const made = (await context.startRendering()).getChannelData(0);
    return { latency: node.latency, made: text(Int16Array.from(made, (x) => x * 32768)) };
}"""
DEMO = """
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
async function main() {
    demo.src = "/index.html";
    await new Promise((done) => { demo.onload = done; });
    const page = demo.contentDocument, found = { errors: [] };
    demo.contentWindow.addEventListener("error", (event) => found.errors.push(event.message));
    page.querySelector("[data-sample]").click();
    for (let turn = 0; turn < 300 && !/ms/.test(found.delay); turn++) {
        await wait(100);
        found.delay = page.getElementById("delay").textContent;
        found.message = page.getElementById("message").textContent;
        found.hidden = page.getElementById("player").hidden;
    }
    return { ...found, wider: page.documentElement.scrollWidth - 400 };
}"""


@pytest.fixture
def open_in_firefox(demo_folder, tmp_path):
    """open_in_firefox(program) -> what `main()` of the program gives on a page beside the demo."""
    if not FIREFOX:
        pytest.skip("firefox not found; targets/setup.sh hosts installs it")
    site, found = tmp_path / "site", queue.Queue()
    shutil.copytree(demo_folder, site)

    class Listening(Quiet):
        def do_POST(self) -> None:  # noqa: N802 (name of http.server)
            found.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Listening, directory=str(site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(PREFERENCES)

    def run(program: str):
        (site / "test.html").write_text(PAGE % program)
        command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile),
                   f"http://localhost:{server.server_port}/test.html"]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}) as process:
            try:
                return found.get(timeout=90)
            finally:
                process.terminate()

    yield run
    server.shutdown()
    server.server_close()


def test_audio_thread_gives_the_samples_of_the_twin(open_in_firefox):
    sound = noisy(1.0)
    found = open_in_firefox(OFFLINE % (text(sound), MODEL))
    assert found.get("latency") == LATENCY, found
    expected = enhance(sound, network(MODEL))
    assert np.array_equal(samples(found["made"])[LATENCY:], expected[:-LATENCY])


def test_the_demo_page_is_ready_to_play_a_sample(open_in_firefox):
    """Decoded, the suppressor in the audio thread, nothing wider than a phone. Without a sound card
    Firefox goes no further: its context stays suspended."""
    found = open_in_firefox(DEMO)
    assert found.get("delay") == "40 ms" and not found["errors"], found
    assert not found["hidden"] and found["wider"] <= 0, found
