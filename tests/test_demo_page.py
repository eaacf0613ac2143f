"""The demo page in Chromium: by keyboard alone, on files that are no good, and what one hears."""

import subprocess

import numpy as np
import pytest
import soundfile
from browsers import MODEL, noisy
from shipped import needs_program

from codegen.twin import enhance, network
from reference.suppressor import Options
from targets.web import demo

pytestmark = pytest.mark.xdist_group("web")

# Lets a test hear what the speakers would: the nodes that are connected to them.
EARS = """
window.speakers = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...more) {
    if (to instanceof AudioDestinationNode) speakers.push(this);
    return connect.call(this, to, ...more);
};
window.hear = async () => {
    const { context } = speakers.at(-1);
    await context.audioWorklet.addModule("recorder.js");
    const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
    window.heard = [];
    recorder.port.onmessage = ({ data }) => heard.push(...data);
    speakers.filter((node) => node.context === context).forEach((node) => node.connect(recorder));
};
"""


@pytest.fixture
def open_page(page, address):
    page.add_init_script(EARS)
    page.goto(address)
    return page


def give(page, path) -> str:
    """Opens a file; what the page says of it."""
    page.set_input_files("#file", path)
    page.wait_for_function("name => !message.textContent.startsWith('Reading')"
                           " && message.textContent.includes(name)", arg=path.name)  # fmt: skip
    return page.inner_text("#message")


def download(page, folder, rates=(48000,)):
    """(N,) int16 of the result, at one of the rates."""
    with page.expect_download() as waiting:
        page.press("#download", "Enter")
    waiting.value.save_as(folder / "clean.wav")
    clean, rate = soundfile.read(folder / "clean.wav", dtype="int16")
    assert rate in rates
    return clean


def test_all_by_keyboard(open_page, tmp_path):
    """Tab reaches every control; keys change each, and the result is that of the twin."""
    page = open_page
    sound = noisy(0.8)
    soundfile.write(tmp_path / "noisy.wav", sound, 48000, "PCM_16")
    assert give(page, tmp_path / "noisy.wav") == "noisy.wav: 0.8 s."
    page.locator("#player").wait_for()
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focus = "(({ id, name, dataset: d }) => d.sample || d.setting || id || name)"
        name = page.evaluate(f"{focus}(document.activeElement)")
        if not name or name in reached:
            break
        reached.append(name)
    assert reached == [
        *demo.SAMPLES, demo.weakness("small")["file"], "file", "microphone", "play", "side",
        "equal", "download", "position", "model", "attenuation_limit_db",
        "postfilter_beta_permille", "postfilter", "decay_floor", "highpass",
    ]  # fmt: skip
    for key, says in (("Enter", "Play"), ("Space", "Pause")):
        page.press("#play", key)
        page.locator("#play", has_text=says).wait_for()  # the audio thread takes its time
    page.press("[value=after]", "ArrowLeft")
    assert page.is_checked("[value=before]")
    page.press("#equal", "Space")
    page.press("#position", "ArrowRight")
    page.press("#model", "ArrowDown")
    page.press("[data-setting=attenuation_limit_db]", "Home")
    assert page.inner_text("label:has([data-setting=attenuation_limit_db]) output") == "0 dB"
    assert np.array_equal(download(page, tmp_path), sound)
    for _ in range(9):
        page.press("[data-setting=attenuation_limit_db]", "ArrowRight")
    page.press("[data-setting=postfilter_beta_permille]", "End")
    page.press("[data-setting=decay_floor]", "Space")
    page.press("[data-setting=highpass]", "Space")
    options = Options(attenuation_limit_db=9, postfilter_beta_permille=1000, decay_floor=True,
                      highpass=True)  # fmt: skip
    expected = enhance(sound, network(MODEL), options)
    assert np.array_equal(download(page, tmp_path), expected)


def test_before_and_after_change_without_a_gap(open_page, tmp_path):
    """With a limit of 0 dB both are the sound itself: however often one switches, it goes on."""
    page = open_page
    sound = noisy(3.0)
    soundfile.write(tmp_path / "noisy.wav", sound, 48000, "PCM_16")
    page.press("[data-setting=attenuation_limit_db]", "Home")
    give(page, tmp_path / "noisy.wav")
    page.wait_for_timeout(500)
    page.evaluate("hear()")
    for side in ("before", "after", "before", "after"):
        page.wait_for_timeout(300)
        page.check(f"[value={side}]")
    page.wait_for_function("() => heard.length > 90000")
    heard = np.array(page.evaluate("heard.slice(0, 90000)"))
    looped = np.concatenate([sound, sound, sound]) / 32768
    product = np.fft.irfft(np.fft.rfft(looped) * np.conj(np.fft.rfft(heard, looped.size)))
    at = int(np.argmax(product))
    expected = looped[at : at + heard.size]
    assert expected.size == heard.size
    assert np.abs(heard - expected).max() < 1e-3 < np.abs(expected).max()


def test_equal_loudness_turns_the_louder_one_down(open_page, tmp_path):
    """Steady hiss with a limit of 12 dB: as it is and at equal loudness."""
    page = open_page
    hiss = np.random.default_rng(1).normal(0, 1000, 96000).astype(np.int16)
    soundfile.write(tmp_path / "hiss.wav", hiss, 48000, "PCM_16")
    page.fill("[data-setting=attenuation_limit_db]", "12")
    give(page, tmp_path / "hiss.wav")
    differences = []
    for equal in (False, True):
        page.set_checked("#equal", equal)
        page.wait_for_timeout(2000)
        levels = []
        for side in ("before", "after"):
            page.check(f"[value={side}]")
            page.wait_for_timeout(300)
            page.evaluate("hear()")
            page.wait_for_function("() => heard.length > 24000")
            levels.append(10 * np.log10(np.mean(np.square(page.evaluate("heard")))))
        differences.append(levels[0] - levels[1])
    print(differences)
    assert 9 < differences[0] < 13 and abs(differences[1]) < 1


@pytest.mark.parametrize("sample", demo.SAMPLES)
def test_samples_play(open_page, sample):
    page = open_page
    page.click(f"[data-sample='{sample}']")
    shown = "() => /core/.test(load.textContent) && voice.value > 0.5"
    page.wait_for_function(shown, timeout=20000)
    assert page.inner_text("#delay") == "40 ms"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_what_fails_is_there_to_hear_and_says_by_how_much(open_page):
    """The case that the stored figures call the worst of the default model."""
    worst = demo.weakness("small")
    open_page.click(f"[data-sample='{worst['file']}']")
    open_page.wait_for_function("() => message.textContent.startsWith('A failure')", timeout=20000)
    assert f" {worst['lost_db']} dB " in open_page.inner_text("#message")


def ffmpeg(path, *options):
    needs_program("ffmpeg")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *options, path], check=True)


def write_odd(path):
    """The file that its name asks for."""
    tone = ["-f", "lavfi", "-i", "sine=duration=1"]
    match path.name:
        case "empty.wav":
            path.write_bytes(b"")
        case "text.wav":
            path.write_text("no sound")
        case "silent.mp4":
            ffmpeg(path, "-f", "lavfi", "-i", "testsrc=duration=1:size=64x64", "-an")
        case "hour.wav":
            soundfile.write(path, np.zeros(3600 * 8000, np.int16), 8000, "PCM_U8")
        case "8khz.wav":
            soundfile.write(path, noisy(1)[:8000], 8000, "PCM_16")
        case "5.1.flac":
            ffmpeg(path, *tone, "-ac", "6")
        case "24bit.wav":
            soundfile.write(path, noisy(1) / 32768, 96000, "PCM_24")


ODD = {
    "empty.wav": "empty.wav is empty: a file with sound is needed.",
    "text.wav": "No sound that this browser can decode was found in text.wav: WAV,",
    "silent.mp4": "No sound that this browser can decode was found in silent.mp4: WAV,",
    "hour.wav": "hour.wav lasts 60 minutes; this page takes up to 10. The command",
    "8khz.wav": "8khz.wav: 1.0 s.",
    "5.1.flac": "5.1.flac: 1.0 s, 6 channels mixed to one.",
    "24bit.wav": "24bit.wav: 0.5 s.",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_files_give_a_result_or_a_clear_message(open_page, tmp_path, name):
    write_odd(tmp_path / name)
    assert give(open_page, tmp_path / name).startswith(ODD[name])
    played = open_page.is_visible("#player")
    assert played == ODD[name].startswith(f"{name}: ")
    if played:
        assert download(open_page, tmp_path).size > 20000


def test_the_microphone_is_live_and_then_a_recording(open_page, tmp_path):
    page = open_page
    page.click("#microphone")
    page.wait_for_function("() => voice.value > 0.5", timeout=20000)
    page.evaluate("hear()")
    page.wait_for_timeout(1000)
    assert not any(page.evaluate("heard")), "heard without headphones, it would howl"
    page.click("#microphone")
    page.wait_for_function("() => message.textContent.startsWith('Your recording')")
    clean = download(page, tmp_path, rates=(44100, 48000))  # that of the sound card
    assert clean.size > 44100 and np.any(clean)


def test_only_its_own_files_are_fetched(page, address):
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(address)
    page.click("[data-sample='office.flac']")
    page.locator("#player").wait_for()
    page.wait_for_timeout(500)
    assert len(fetched) > 10
    assert all(url.startswith((address, "data:", "blob:")) for url in fetched)
