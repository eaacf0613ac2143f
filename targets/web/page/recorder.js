// Hands what it hears to the page, a tenth of a second at a time.
class Recorder extends AudioWorkletProcessor {
    constructor() {
        super();
        this.block = new Float32Array(sampleRate / 10);
        this.filled = 0;
    }

    process([[input]]) {
        for (const sample of input ?? []) {
            this.block[this.filled++] = sample;
            if (this.filled === this.block.length) {
                this.port.postMessage(this.block);
                this.filled = 0;
            }
        }
        return true;
    }
}
registerProcessor("recorder", Recorder);
