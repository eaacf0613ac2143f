// The microphone, untouched by the browser's own processing, and what it has heard so far.
const LONGEST = 600; // s kept

export class Microphone {
    blocks = [];

    static async open() {
        if (!navigator.mediaDevices) throw new Error("The microphone needs a page from https: or localhost.");
        const audio = { noiseSuppression: false, echoCancellation: false, autoGainControl: false };
        try {
            return new Microphone(await navigator.mediaDevices.getUserMedia({ audio }));
        } catch (error) {
            const denied = error.name === "NotAllowedError";
            throw new Error(denied ? "The browser was not allowed to use the microphone." : "No microphone was found.");
        }
    }

    constructor(stream) {
        this.stream = stream;
    }

    /** Keeps what comes through a node. */
    async record(node) {
        this.rate = node.context.sampleRate;
        await node.context.audioWorklet.addModule("recorder.js");
        const recorder = new AudioWorkletNode(node.context, "recorder", { numberOfOutputs: 0 });
        recorder.port.onmessage = ({ data }) => {
            if (this.blocks.length < 10 * LONGEST) this.blocks.push(data);
        };
        node.connect(recorder);
    }

    /** Ends it; an AudioBuffer of what was heard, null for less than half a second. */
    stop() {
        for (const track of this.stream.getTracks()) track.stop();
        if (this.blocks.length < 5) return null;
        const length = this.blocks.reduce((sum, block) => sum + block.length, 0);
        const sound = new AudioBuffer({ length, sampleRate: this.rate });
        let at = 0;
        for (const block of this.blocks) {
            sound.copyToChannel(block, 0, at);
            at += block.length;
        }
        return sound;
    }
}
