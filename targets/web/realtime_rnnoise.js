// RNNoise in an audio thread: quanta of 128 gathered to its frames of 480.
import createModule from "./node_modules/@jitsi/rnnoise-wasm/dist/rnnoise-sync.js";

const FRAME = 480;

class Rnnoise extends AudioWorkletProcessor {
    constructor() {
        super();
        this.module = createModule();
        this.state = this.module._rnnoise_create();
        this.at = this.module._malloc(4 * FRAME);
        this.input = new Float32Array(FRAME);
        this.output = new Float32Array(FRAME);
        this.filled = 0;
    }

    process([[input]], [[output]]) {
        for (let i = 0; i < output.length; i++) {
            this.input[this.filled] = 32768 * (input ? input[i] : 0);
            output[i] = this.output[this.filled] / 32768;
            if (++this.filled === FRAME) this.frame();
        }
        return true;
    }

    frame() {
        const { HEAPF32 } = this.module;
        HEAPF32.set(this.input, this.at >> 2);
        this.module._rnnoise_process_frame(this.state, this.at, this.at);
        this.output.set(HEAPF32.subarray(this.at >> 2, (this.at >> 2) + FRAME));
        this.filled = 0;
    }
}
registerProcessor("rnnoise", Rnnoise);
