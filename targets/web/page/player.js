// The way of one sound through the page: source -> before, and source -> suppressor -> after.
import { createSuppressor } from "./percepnet/index.js";
import { Loudness } from "./loudness.js";

const FADE = 0.02; // s
const SETTLE = 0.3; // s that a new model hears before it is heard
const REPORT = 0.1; // s

/** Moves a gain without a click. */
function fade(context, gain, value) {
    gain.setTargetAtTime(value, context.currentTime, FADE / 3);
}

export class Player {
    side = "after";
    equal = false;
    heard = true;
    suppressor = null;

    /** sound: an AudioBuffer of one channel, which is repeated; or stream: of a microphone. */
    constructor({ sound, stream }) {
        this.sound = sound;
        this.context = new AudioContext(sound ? { sampleRate: sound.sampleRate } : {});
        const one = { channelCount: 1, channelCountMode: "explicit" };
        this.input = new GainNode(this.context, one);
        this.delay = new DelayNode(this.context, { ...one, maxDelayTime: 1 });
        this.gains = { before: new GainNode(this.context, { gain: 0 }), after: new GainNode(this.context) };
        this.wet = new GainNode(this.context);
        this.input.connect(this.delay).connect(this.gains.before).connect(this.context.destination);
        this.wet.connect(this.gains.after).connect(this.context.destination);
        this.loudness = { before: new Loudness(this.delay), after: new Loudness(this.wet) };
        this.analysers = { before: this.analyse(this.delay), after: this.analyse(this.wet) };
        if (sound) this.seek(0);
        else this.context.createMediaStreamSource(stream).connect(this.input);
    }

    analyse(node) {
        const analyser = new AnalyserNode(this.context, { fftSize: 2048, smoothingTimeConstant: 0 });
        node.connect(analyser);
        return analyser;
    }

    /** Takes another model; the old one is heard until the new one knows the sound. */
    async setModel(model, settings, onreport) {
        const next = await createSuppressor(this.context, { model, report: REPORT, ...settings });
        const old = this.suppressor;
        next.onreport = onreport;
        next.gain = new GainNode(this.context, { gain: old ? 0 : 1 });
        this.input.connect(next).connect(next.gain).connect(this.wet);
        this.delay.delayTime.value = next.latency / this.context.sampleRate;
        this.suppressor = next;
        if (!old) return;
        old.onreport = null;
        const when = this.context.currentTime + SETTLE;
        next.gain.gain.setTargetAtTime(1, when, FADE / 3);
        old.gain.gain.setTargetAtTime(0, when, FADE / 3);
        setTimeout(() => {
            this.input.disconnect(old);
            old.close();
            old.gain.disconnect();
        }, 1000 * (SETTLE + 1));
    }

    /** Goes to `seconds` of the sound. */
    seek(seconds) {
        this.source?.stop();
        this.source = new AudioBufferSourceNode(this.context, { buffer: this.sound, loop: true });
        this.source.connect(this.input);
        this.source.start(0, seconds);
        this.began = this.context.currentTime - seconds;
    }

    get position() {
        return (this.context.currentTime - this.began) % this.sound.duration;
    }

    /** Once a picture: keeps the loudness, sets the gains of what is heard. */
    update() {
        const before = this.loudness.before.update(), after = this.loudness.after.update();
        const equal = this.equal && before > 0 && after > 0;
        const levels = {
            before: equal ? Math.min(1, Math.sqrt(after / before)) : 1, // the louder one is turned down
            after: equal ? Math.min(1, Math.sqrt(before / after)) : 1,
        };
        for (const side of ["before", "after"])
            fade(this.context, this.gains[side].gain, this.heard && side === this.side ? levels[side] : 0);
    }

    close() {
        this.suppressor?.close();
        return this.context.close();
    }
}
