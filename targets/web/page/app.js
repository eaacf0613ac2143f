import { SETTINGS } from "./percepnet/index.js";
import { Player } from "./player.js";
import { decode, wav } from "./sound.js";
import { Spectrogram } from "./spectrogram.js";
import { Load } from "./load.js";
import { Microphone } from "./microphone.js";

const $ = (id) => document.getElementById(id);
const pictures = { before: new Spectrogram($("before")), after: new Spectrogram($("after")) };
let player = null, microphone = null, name = "", load = new Load();

function say(words, bad = false) {
    $("message").textContent = words;
    $("message").classList.toggle("bad", bad);
}

/** Runs what a control asks for; an error becomes a message. */
const guarded = (action) => async (event) => {
    try {
        await action(event);
    } catch (error) {
        say(error.message, true);
    }
};

// ---- settings ----

const UNITS = {
    attenuation_limit_db: (value) => (value === 100 ? "none" : `${value} dB`),
    postfilter_beta_permille: (value) => `${value} ‰`,
};
const controls = [...document.querySelectorAll("[data-setting]")];
const valueOf = (control) => (control.type === "checkbox" ? Number(control.checked) : Number(control.value));
const settings = () => Object.fromEntries(controls.map((c) => [c.dataset.setting, valueOf(c)]));

function showValue(control) {
    const unit = UNITS[control.dataset.setting];
    if (unit) control.parentElement.querySelector("output").textContent = unit(valueOf(control));
}

for (const control of controls) {
    const { value, min, max } = SETTINGS[control.dataset.setting];
    if (control.type === "checkbox") control.checked = Boolean(value);
    else Object.assign(control, { min, max, value });
    showValue(control);
    control.addEventListener("input", () => {
        showValue(control);
        player?.suppressor?.set(control.dataset.setting, valueOf(control));
    });
}

// ---- what is played ----

function onreport(report) {
    $("voice").value = report.voice;
    $("voice-text").textContent = report.voice > 0.5 ? "speech" : "none";
    load.add(report.load);
    $("load").textContent = load.words();
}

async function open(source, newName) {
    await close();
    name = newName;
    player = new Player(source);
    player.side = document.querySelector("[name=side]:checked").value;
    player.equal = $("equal").checked;
    player.heard = !source.stream || $("hear").checked;
    $("player").hidden = false;
    $("seek").hidden = $("download").hidden = Boolean(source.stream);
    $("monitor").hidden = !source.stream;
    if (source.sound) $("position").max = source.sound.duration;
    await changeModel();
    await player.context.resume();
    $("play").textContent = "Pause";
}

async function close() {
    const old = player;
    player = null;
    await old?.close();
}

async function changeModel() {
    $("model").disabled = true;
    try {
        const opened = player;
        await opened.setModel($("model").value, settings(), onreport);
        load = new Load();
        const { latency, context } = opened.suppressor;
        $("delay").textContent = `${((1000 * latency) / context.sampleRate).toFixed(0)} ms`;
    } finally {
        $("model").disabled = false;
    }
}

async function openFile(file) {
    await stopMicrophone(false);
    say(`Reading ${file.name} …`);
    const { sound, words } = await decode(file);
    await open({ sound }, file.name);
    say(`${file.name}: ${words}.`);
}

// ---- the microphone: live, and afterwards a recording to compare ----

async function startMicrophone() {
    microphone = await Microphone.open();
    $("microphone").textContent = "Stop, and compare";
    $("microphone").setAttribute("aria-pressed", "true");
    await open({ stream: microphone.stream }, "recording.wav");
    await microphone.record(player.input);
    say("Live, and kept on this device for comparison once you stop.");
}

async function stopMicrophone(compare) {
    if (!microphone) return;
    const sound = microphone.stop();
    microphone = null;
    $("microphone").textContent = "Use the microphone";
    $("microphone").setAttribute("aria-pressed", "false");
    if (!compare) return;
    if (!sound) {
        await close();
        $("player").hidden = true;
        throw new Error("Nothing was recorded: speak for a second or more.");
    }
    await open({ sound }, "recording.wav");
    say(`Your recording: ${sound.duration.toFixed(1)} s.`);
}

// ---- controls ----

for (const button of document.querySelectorAll("[data-sample]"))
    button.addEventListener("click", guarded(async () => {
        const answer = await fetch(`samples/${button.dataset.sample}`);
        if (!answer.ok) throw new Error(`samples/${button.dataset.sample} is not on this server.`);
        await openFile(new File([await answer.blob()], button.dataset.sample));
        if (button.dataset.note) say(button.dataset.note);
    }));
$("file").addEventListener("change", guarded(async ({ target }) => {
    const [file] = target.files;
    target.value = ""; // the same file may come again
    if (file) await openFile(file);
}));
$("microphone").addEventListener("click", guarded(() => (microphone ? stopMicrophone(true) : startMicrophone())));
$("play").addEventListener("click", guarded(async () => {
    const runs = player.context.state === "running";
    await (runs ? player.context.suspend() : player.context.resume());
    $("play").textContent = runs ? "Play" : "Pause";
}));
$("side").addEventListener("change", ({ target }) => { player.side = target.value; });
$("equal").addEventListener("change", ({ target }) => { player.equal = target.checked; });
$("hear").addEventListener("change", ({ target }) => { player.heard = target.checked; });
$("position").addEventListener("input", ({ target }) => player.seek(Number(target.value)));
$("model").addEventListener("change", guarded(async () => { if (player) await changeModel(); }));

$("download").addEventListener("click", guarded(async () => {
    const { sound } = player, to = name.replace(/\.\w+$/, "") + "-clean.wav";
    $("download").disabled = true;
    say("Computing …");
    const worker = new Worker("denoise-worker.js", { type: "module" });
    try {
        const { clean, error } = await new Promise((done) => {
            worker.onmessage = ({ data }) => done(data);
            worker.onerror = () => done({ error: "The result could not be computed; reload the page." });
            worker.postMessage({
                samples: sound.getChannelData(0),
                options: { model: $("model").value, rate: sound.sampleRate, ...settings() },
            });
        });
        if (error) throw new Error(error);
        const link = Object.assign(document.createElement("a"), {
            href: URL.createObjectURL(wav(clean, sound.sampleRate)), download: to,
        });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
        say(`${to}: ${sound.duration.toFixed(1)} s.`);
    } finally {
        worker.terminate();
        $("download").disabled = false;
    }
}));

addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", guarded(async (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const [file] = event.dataTransfer.files;
    if (file) await openFile(file);
}));

// ---- pictures ----

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function picture() {
    requestAnimationFrame(picture);
    if (player?.context.state !== "running") return;
    player.update();
    for (const side of ["before", "after"]) pictures[side].draw(player.analysers[side]);
    if (!player.sound) return;
    $("position").value = player.position;
    $("time").textContent = `${clock(player.position)} of ${clock(player.sound.duration)}`;
}
picture();
