// node wasm.mjs percepnet.wasm [--[no-]SETTING ...] [--pf-beta BETA] [-a DB] [--taps FILE] IN OUT
// The module on a 48 kHz, 16-bit, mono WAV file; a module with a `main` is run as it is.
import fs from "node:fs";
import { WASI } from "node:wasi";

const [path, ...args] = process.argv.slice(2);
const module = await WebAssembly.compile(fs.readFileSync(path));
if (WebAssembly.Module.exports(module).some((e) => e.name === "_start")) {
    const wasi = new WASI({ version: "preview1", args: [path, ...args] });
    process.exit(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())) ?? 0);
}

const lib = (await WebAssembly.instantiate(module)).exports;
const hop = 480;
const bytes = lib.percepnet_state_bytes();
const state = (lib.__heap_base.value + 15) & ~15; // the memory behind the module's own is ours
const pcm = state + ((bytes + 15) & ~15);
lib.memory.grow(Math.ceil((pcm + 2 * hop - lib.memory.buffer.byteLength) / 65536));
if (!lib.percepnet_init(state, bytes)) throw new Error("percepnet_init refused its memory");

// Options with a value, as the command has them: setting and steps in a unit.
const numbers = { "--pf-beta": ["postfilter-beta-permille", 1000], "-a": ["attenuation-limit-db", 1] };
let taps = null;
while (args[0]?.startsWith("-")) {
    const option = args.shift();
    if (option === "--taps") {
        taps = fs.openSync(args.shift(), "w");
        continue;
    }
    let [, no, name] = option.match(/^--?(no-)?(.+)$/);
    let value = no ? 0 : 1;
    if (option in numbers) {
        name = numbers[option][0];
        value = Math.round(Number(args.shift()) * numbers[option][1]);
    }
    const set = lib[`percepnet_set_${name.replaceAll("-", "_")}`];
    if (!set || set(state, value) !== 0) throw new Error(`${option}: not a setting, or its value`);
}

// Where the recorded signals lie, from the table that the module carries: name, offset, count, size.
const word = (at) => new DataView(lib.memory.buffer).getUint32(at, true);
function writeTaps() {
    for (let i = 0; i < word(lib.percepnet_n_taps.value); i++) {
        const entry = lib.percepnet_taps.value + 16 * i;
        const size = word(entry + 8) * word(entry + 12);
        fs.writeSync(taps, new Uint8Array(lib.memory.buffer, state + word(entry + 4), size));
    }
}

const file = fs.readFileSync(args[0]);
const start = file.indexOf("data", 12, "latin1") + 8;
const length = file.readUInt32LE(start - 4) / 2;
const input = new Int16Array(length);
for (let i = 0; i < length; i++) input[i] = file.readInt16LE(start + 2 * i);

// Feeds zeros behind and drops the delay in front, so that the output is aligned and as long.
const delay = lib.percepnet_delay_samples();
const output = Buffer.from(file.subarray(0, start + 2 * length));
for (let at = 0; at < length + delay; at += hop) {
    const memory = new Int16Array(lib.memory.buffer, pcm, hop);
    memory.fill(0);
    memory.set(input.subarray(at, at + hop));
    if (lib.percepnet_process(state, pcm, pcm) < 0) throw new Error("percepnet_process refused");
    if (taps !== null) writeTaps();
    memory.forEach((sample, i) => {
        const to = at + i - delay;
        if (to >= 0 && to < length) output.writeInt16LE(sample, start + 2 * to);
    });
}
fs.writeFileSync(args[1], output);
