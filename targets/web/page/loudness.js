// Loudness of the last seconds: mean square behind the two filters of ITU-R BS.1770.
const MEMORY = 3; // s

export class Loudness {
    constructor(node) {
        const { context } = node;
        const shelf = new BiquadFilterNode(context, { type: "highshelf", frequency: 1500, gain: 4 });
        const low = new BiquadFilterNode(context, { type: "highpass", frequency: 38, Q: -6 });
        this.analyser = new AnalyserNode(context, { fftSize: 2048 });
        this.samples = new Float32Array(this.analyser.fftSize);
        node.connect(shelf).connect(low).connect(this.analyser);
        this.square = 0;
        this.last = context.currentTime;
    }

    /** The mean square, 0 for silence; to be called every few hundredths of a second. */
    update() {
        const { currentTime } = this.analyser.context;
        this.analyser.getFloatTimeDomainData(this.samples);
        const square = this.samples.reduce((sum, x) => sum + x * x, 0) / this.samples.length;
        const step = 1 - Math.exp((this.last - currentTime) / MEMORY);
        this.square += (this.square === 0 ? 1 : step) * (square - this.square);
        this.last = currentTime;
        return this.square;
    }
}
