// A picture that moves to the left: time across, pitch upwards on the scale of mel.
const HIGHEST = 20000; // Hz
const QUIETEST = -100, LOUDEST = -25; // dB of the analyser
const TICKS = [500, 1000, 2000, 4000, 8000, 16000];

const mel = (hertz) => Math.log(1 + hertz / 700);

/** Colours from the card's to the loudest, 256 of them. */
function palette(dark) {
    const stops = dark
        ? [[29, 35, 38], [31, 74, 96], [40, 140, 120], [240, 214, 120]]
        : [[255, 255, 255], [176, 214, 206], [38, 120, 130], [60, 22, 60]];
    return Array.from({ length: 256 }, (_, i) => {
        const at = (i / 256) * (stops.length - 1), k = Math.floor(at);
        return stops[k].map((value, c) => value + (at - k) * (stops[k + 1][c] - value));
    });
}

export class Spectrogram {
    constructor(canvas) {
        this.canvas = canvas;
        this.pen = canvas.getContext("2d", { willReadFrequently: true });
        this.dark = matchMedia("(prefers-color-scheme: dark)");
        this.dark.addEventListener("change", () => this.clear());
        new ResizeObserver(() => this.clear()).observe(canvas);
        this.clear();
        for (const hertz of TICKS) {
            const tick = document.createElement("span");
            tick.textContent = `${hertz / 1000}${hertz === TICKS.at(-1) ? " kHz" : ""}`;
            tick.style.top = `${100 * (1 - mel(hertz) / mel(HIGHEST))}%`;
            canvas.after(tick);
        }
    }

    clear() {
        const ratio = Math.min(2, devicePixelRatio);
        this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
        this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
        this.step = Math.round(ratio);
        this.colours = palette(this.dark.matches);
        this.pen.fillStyle = `rgb(${this.colours[0]})`;
        this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    }

    /** One column from what the analyser holds. */
    draw(analyser) {
        const { width, height } = this.canvas;
        analyser.minDecibels = QUIETEST;
        analyser.maxDecibels = LOUDEST;
        this.levels ??= new Uint8Array(analyser.frequencyBinCount);
        analyser.getByteFrequencyData(this.levels);
        const column = this.pen.createImageData(this.step, height);
        const bin = analyser.context.sampleRate / analyser.fftSize;
        for (let y = 0; y < height; y++) {
            const hertz = 700 * (Math.exp(mel(HIGHEST) * (1 - y / height)) - 1);
            const colour = this.colours[this.levels[Math.min(Math.round(hertz / bin), this.levels.length - 1)]];
            for (let x = 0; x < this.step; x++) {
                const at = 4 * (y * this.step + x);
                column.data.set(colour, at);
                column.data[at + 3] = 255;
            }
        }
        this.pen.drawImage(this.canvas, -this.step, 0);
        this.pen.putImageData(column, width - this.step, 0);
    }
}
