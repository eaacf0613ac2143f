import { checkSetting, Suppressor } from "./worklet.js";
import { denoiseWith, loadModule, MODELS, SETTINGS } from "./denoise.js";

export { MODELS, SETTINGS };

async function read(href) {
    const response = await fetch(href);
    if (!response.ok) throw new Error(`percepnet: ${href}: ${response.status} ${response.statusText}`);
    return response.arrayBuffer();
}

// a worker has no nodes, but can denoise
class SuppressorNode extends (globalThis.AudioWorkletNode ?? Object) {
    onreport = null;

    constructor(context, module, latency, channels, report, settings) {
        super(context, "percepnet", {
            channelCount: channels,
            channelCountMode: "explicit",
            outputChannelCount: [channels],
            parameterData: settings,
            processorOptions: { module, channels, report },
        });
        this.latency = latency;
        this.port.onmessage = ({ data }) => this.onreport?.(data);
    }

    set(name, value) {
        checkSetting(name, value);
        this.parameters.get(name).value = Number(value);
    }

    reset() {
        this.port.postMessage("reset");
    }

    close() {
        this.disconnect();
        this.port.postMessage("close");
    }
}

export async function createSuppressor(
    context, { model = "small", channels = 1, report = 0, simd, ...settings } = {}) {
    for (const [name, value] of Object.entries(settings)) checkSetting(name, value);
    if (!context.audioWorklet)
        throw new Error("percepnet: no audioWorklet here; a page from https: or localhost has one");
    const [module] = await Promise.all([
        loadModule(read, model, simd),
        context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url)),
    ]);
    const { latency } = new Suppressor(module, context.sampleRate); // refuses what the node would
    return new SuppressorNode(context, module, latency, channels, report, settings);
}

export const denoise = (samples, options) => denoiseWith(read, samples, options);
