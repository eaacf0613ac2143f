"""The npm package, installed from its tarball: in node and in a browser's audio thread it gives the
samples of the integer twin, all of them, at other rates those of the command; and it is of use in a
call.
"""

import json
import re

import numpy as np
import pytest
import soundfile
from browsers import MODEL, noisy, samples, text
from shipped import call, needs_program

from codegen.twin import enhance, network
from reference.params import DELAY, HOP
from reference.suppressor import Options
from targets.target import ROOT

pytestmark = pytest.mark.xdist_group("web")
FEED_DELAY = DELAY + HOP
DENOISE = """const main = async ({ sound, ...options }) =>
    text(await denoise(samples(sound), options));"""
RATES = [8000, 16000, 44100, 96000]


@pytest.fixture(scope="module")
def clip():
    """(input, output of the twin), int16."""
    sound = noisy(1.5)
    return sound, enhance(sound, network(MODEL))


@pytest.fixture(scope="module")
def installed(npm_tarball, tmp_path_factory):
    """A project that depends on the package and on nothing else."""
    needs_program("npm")
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    call(["npm", "install", "--offline", "--no-audit", "--no-fund", npm_tarball], cwd=folder)
    return folder


@pytest.fixture
def node(installed):
    """node(module text, **values) -> what its function `main(values)` gives."""

    def run(body: str, **values):
        program = f"""
const values = JSON.parse(await new Response(process.stdin).text());
const samples = (s) => new Int16Array(new Uint8Array(Buffer.from(s, "base64")).buffer);
const text = (a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength).toString("base64");
const {{ denoise, MODELS, SETTINGS }} = await import("percepnet");
{body}
console.log(JSON.stringify(await main(values)));
"""
        return json.loads(call(["node", "--input-type=module", "-e", program], cwd=installed,
                               input=json.dumps(values)))  # fmt: skip

    return run


# ---- node ----


def test_node_gives_the_samples_of_the_twin(node, clip):
    sound, expected = clip
    made = node("""
async function main({ sound, model }) {
    const input = samples(sound), floats = Float32Array.from(input, (x) => x / 32768);
    const made = [];
    for (const simd of [true, false, undefined])
        made.push(text(await denoise(input, { model, simd })));
    made.push(text(Int16Array.from(await denoise(floats, { model }), (x) => x * 32768)));
    return made;
}""", sound=text(sound), model=MODEL)  # fmt: skip
    assert np.any(expected != sound)
    for found in made:
        assert np.array_equal(samples(found), expected)


def test_settings_are_those_of_the_library(node, clip):
    sound, _ = clip
    options = Options(postfilter=False, highpass=True, attenuation_limit_db=9)
    settings = {"postfilter": False, "highpass": 1, "attenuation_limit_db": 9}
    made = node(DENOISE, sound=text(sound), model=MODEL, **settings)
    expected = enhance(sound, network(MODEL), options)
    assert np.array_equal(samples(made), expected)


@pytest.mark.parametrize("rate", RATES)
def test_other_rates_equal_the_command(node, tiny_host, tmp_path, rate):
    """A sound between silences longer than the filters reach: the command cuts at both ends."""
    sound = noisy(0.7)
    sound[:1000] = sound[-9000:] = 0  # the DC blocker dies away by a tenth in 50 ms
    soundfile.write(tmp_path / "in.wav", sound, rate, "PCM_16")
    call([tiny_host / "percepnet", "--resample", "in.wav", "out.wav"], cwd=tmp_path)
    expected = soundfile.read(tmp_path / "out.wav", dtype="int16")[0]
    made = node(DENOISE, sound=text(sound), rate=rate, model=MODEL)
    assert np.array_equal(samples(made), expected)


MISUSE = {
    "denoise([1, 2], { model })": "TypeError: percepnet: Int16Array, or Float32Array of",
    "denoise(x, { model: 'none' })": f"RangeError: percepnet: model 'none' found; one of {MODEL}",
    "denoise(x, { model, rate: 7999 })": "RangeError: percepnet: 7999 Hz found; a whole",
    "denoise(x, { model, rate: 44100.5 })": "RangeError: percepnet: 44100.5 Hz found",
    "denoise(x, { model, volume: 3 })": "RangeError: percepnet: setting 'volume' found; one of",
    "denoise(x, { model, highpass: 2 })": "RangeError: percepnet: highpass = 2 found; 0 to 1",
    "denoise(x, { model, attenuation_limit_db: 1.5 })": "RangeError: .*= 1.5 found; 0 to 100",
    "denoise(x, { model, postfilter: NaN })": "RangeError: .*= NaN found; 0 to 1",
}


def test_misuse_says_what_is_needed(node):
    said = node("""
async function main({ calls, model }) {
    const x = new Int16Array(480), said = {};
    for (const call of calls)
        said[call] = await eval(call).then(() => "no error", (error) => String(error));
    return said;
}""", calls=list(MISUSE), model=MODEL)  # fmt: skip
    for misuse, message in MISUSE.items():
        assert re.match(message, said[misuse]), f"{misuse}: {said[misuse]}"


@pytest.mark.parametrize("length", [0, 1, 479, 480, 481])
def test_short_sounds_keep_their_length(node, length):
    made = node(DENOISE, sound=text(np.zeros(length)), model=MODEL)
    assert len(samples(made)) == length


# ---- browser ----


@pytest.fixture(scope="module")
def site(installed, serve):
    """Address of a plain server with an empty page and the package beside it."""
    (installed / "index.html").write_text("<!doctype html><link rel=icon href=data:,>")
    return serve(installed)


@pytest.fixture
def run(page, site):
    """run(module text, **values) -> what its function `main(values)` gives in the page."""
    page.goto(site)

    def evaluate(body: str, **values):
        return page.evaluate(f"""async (values) => {{
const {{ createSuppressor, denoise, MODELS }} = await import("/node_modules/percepnet/index.js");
const samples = (s) => new Int16Array(Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer);
const character = (code) => String.fromCharCode(code);
const text = ({{ buffer }}) => btoa(Array.from(new Uint8Array(buffer), character).join(""));
// what a context plays of `sound` through a suppressor; `act` is done before
async function offline(sound, rate, options, act = () => {{}}) {{
    const input = Float32Array.from(samples(sound), (x) => x / 32768);
    const context = new OfflineAudioContext(1, input.length, rate);
    const node = await createSuppressor(context, options);
    const source = context.createBufferSource();
    source.buffer = new AudioBuffer({{ length: input.length, sampleRate: rate }});
    source.buffer.copyToChannel(input, 0);
    source.connect(node).connect(context.destination);
    source.start();
    act(node, context);
    const made = (await context.startRendering()).getChannelData(0);
    return [node.latency, text(Int16Array.from(made, (x) => x * 32768))];
}}
{body}
return main(values);
}}""", values)  # fmt: skip

    return evaluate


@pytest.mark.parametrize("simd", [True, False])
def test_audio_thread_gives_the_samples_of_the_twin(run, clip, simd):
    sound, expected = clip
    latency, made = run("const main = ({ sound, ...options }) => offline(sound, 48000, options);",
                        sound=text(sound), model=MODEL, simd=simd)  # fmt: skip
    assert latency == FEED_DELAY
    assert np.array_equal(samples(made)[latency:], expected[:-latency])
    assert not np.any(samples(made)[:DELAY])


@pytest.mark.parametrize("rate", RATES)
def test_audio_thread_at_other_rates(run, node, rate):
    """The samples of node, later by what `latency` says."""
    sound = noisy(0.7)
    latency, made = run("const main = ({ sound, rate, model }) => offline(sound, rate, { model });",
                        sound=text(sound), rate=rate, model=MODEL)  # fmt: skip
    expected = samples(node(DENOISE, sound=text(sound), rate=rate, model=MODEL))
    assert np.array_equal(samples(made)[latency:], expected[:-latency])
    assert rate * 0.04 < latency < rate * 0.06


def test_a_setting_is_changed_at_its_time(run, clip):
    """Off from 0.5 s on: the quantum that completes a hop decides."""
    sound, expected = clip
    _, made = run("""const main = ({ sound, model }) => offline(sound, 48000, { model }, (node) =>
    node.parameters.get("attenuation_limit_db").setValueAtTime(0, 0.5));""",
                  sound=text(sound), model=MODEL)  # fmt: skip
    aligned = samples(made)[FEED_DELAY:]
    change = 24000 - DELAY
    assert np.array_equal(aligned[: change - HOP], expected[: change - HOP])
    assert np.array_equal(aligned[change + 2 * HOP :], sound[change + 2 * HOP : -FEED_DELAY])


def test_two_channels_do_not_mix(run, clip):
    sound, expected = clip
    left, right = run("""
async function main({ sound, model }) {
    const input = Float32Array.from(samples(sound), (x) => x / 32768);
    const context = new OfflineAudioContext(2, input.length, 48000);
    const source = context.createBufferSource();
    source.buffer = context.createBuffer(2, input.length, 48000);
    source.buffer.copyToChannel(input, 1);
    const node = await createSuppressor(context, { model, channels: 2 });
    source.connect(node).connect(context.destination);
    source.start();
    const made = await context.startRendering();
    return [0, 1].map((c) => text(Int16Array.from(made.getChannelData(c), (x) => x * 32768)));
}""", sound=text(sound), model=MODEL)  # fmt: skip
    assert not np.any(samples(left))
    assert np.array_equal(samples(right)[FEED_DELAY:], expected[:-FEED_DELAY])


def test_refusals_reach_the_page(run):
    said = run("""
async function main({ model }) {
    const context = new OfflineAudioContext(1, 128, 48000), said = [];
    const calls = [
        () => createSuppressor(context, { model: "none" }),
        () => createSuppressor(new OfflineAudioContext(1, 128, 7000), { model }),
        () => createSuppressor(context, { model, highpass: 2 }),
        async () => (await createSuppressor(context, { model })).set("attenuation_limit_db", 101),
    ];
    for (const call of calls) said.push(await call().then(() => "no error", String));
    return said;
}""", model=MODEL)  # fmt: skip
    expected = ["model 'none' found", "7000 Hz found", "= 2 found; 0 to 1", "= 101 found; 0 to 100"]
    for message, part in zip(said, expected, strict=True):
        assert message.startswith("RangeError: percepnet: ") and part in message


CALL = """
async function main() {
    const { call, microphone, suppressor } = await readme();
    const far = new RTCPeerConnection();
    call.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
    far.onicecandidate = ({ candidate }) => call.addIceCandidate(candidate);
    const arrived = new Promise((done) => { far.ontrack = ({ streams }) => done(streams[0]); });
    await call.setLocalDescription();
    await far.setRemoteDescription(call.localDescription);
    await far.setLocalDescription();
    await call.setRemoteDescription(far.localDescription);

    const stream = await arrived;
    const sink = new Audio();
    sink.srcObject = stream; // Chromium decodes a call only where an element plays it
    sink.muted = true;
    await sink.play();
    const context = new AudioContext({ sampleRate: 48000 });
    const analysers = [microphone, stream].map((sound) => {
        const analyser = new AnalyserNode(context, { fftSize: 2048 });
        context.createMediaStreamSource(sound).connect(analyser);
        return analyser;
    });
    const x = new Float32Array(2048);
    const level = (analyser) => {
        analyser.getFloatTimeDomainData(x);
        return 10 * Math.log10(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-9);
    };
    // levels of 43 ms each for 6 s, the length of what the microphone hears: sent, received
    async function measure() {
        const levels = [[], []];
        for (let i = 0; i < 120; i++) {
            await new Promise((done) => setTimeout(done, 50));
            analysers.forEach((analyser, side) => levels[side].push(level(analyser)));
        }
        return levels;
    }
    await new Promise((done) => setTimeout(done, 2000)); // the call settles
    const suppressed = await measure();
    suppressor.set("attenuation_limit_db", 0);
    return [suppressed, await measure()];
}"""


def test_a_call_carries_less_noise(run, installed):
    """The ten lines of the README in a loop-back call: 10 dB less between the words, which stay."""
    readme = (installed / "node_modules/percepnet/README.md").read_text()
    page = (ROOT / "docs/web.md").read_text()
    examples = [re.findall(r"```js\n(.*?)```", text, re.S) for text in (readme, page)]
    assert examples[0] == examples[1]
    lines = [line for line in examples[0][0].replace("small", MODEL).splitlines() if line]
    assert len(lines) <= 10
    body = "\n".join(line for line in lines if not line.startswith("import"))
    names = "call, microphone, suppressor"
    found = run(f"const readme = async () => {{ {body} return {{ {names} }}; }};{CALL}")
    (noise, speech), (noise_off, speech_off) = (
        np.diff(np.percentile(levels, [10, 90], axis=1))[:, 0] for levels in found
    )
    print(f"received less sent: noise {noise:.1f} dB, speech {speech:.1f} dB;"
          f" limit 0 dB: noise {noise_off:.1f} dB, speech {speech_off:.1f} dB")  # fmt: skip
    assert noise < -10 and abs(speech) < 4
    assert abs(noise_off) < 4 and abs(speech_off) < 4
