// Files to sound and back. What goes wrong is an Error whose message is for the user.
const RATE = 48000;
const LONGEST = 600; // s

/** Seconds, as far as the browser can tell without decoding; NaN where it cannot. */
function duration(file) {
    return new Promise((done) => {
        const probe = new Audio();
        const end = (seconds) => {
            URL.revokeObjectURL(probe.src);
            done(seconds);
        };
        probe.onloadedmetadata = () => end(probe.duration);
        probe.onerror = () => end(NaN);
        probe.preload = "metadata";
        probe.src = URL.createObjectURL(file);
    });
}

/** AudioBuffer of one channel at 48 kHz, and words about what was found. */
export async function decode(file) {
    if (file.size === 0) throw new Error(`${file.name} is empty: a file with sound is needed.`);
    const seconds = await duration(file);
    if (seconds > LONGEST)
        throw new Error(`${file.name} lasts ${Math.round(seconds / 60)} minutes; this page takes up to`
            + ` ${LONGEST / 60}. The command percepnet takes any length.`);
    const context = new OfflineAudioContext(1, 1, RATE);
    let found;
    try {
        found = await context.decodeAudioData(await file.arrayBuffer());
    } catch {
        throw new Error(`No sound that this browser can decode was found in ${file.name}:`
            + " WAV, FLAC, MP3, Ogg or M4A is needed.");
    }
    const channels = found.numberOfChannels;
    const mixed = channels === 1 ? "" : `, ${channels} channels mixed to one`;
    return { sound: await toMono(found), words: `${found.duration.toFixed(1)} s${mixed}` };
}

async function toMono(sound) {
    if (sound.numberOfChannels === 1) return sound;
    const context = new OfflineAudioContext(1, sound.length, sound.sampleRate);
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(context.destination);
    source.start();
    return context.startRendering();
}

/** A WAV file, 16 bits, one channel, of a Float32Array. */
export function wav(samples, rate) {
    const head = new DataView(new ArrayBuffer(44));
    const write = (at, word) => [...word].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
    write(0, "RIFF");
    head.setUint32(4, 36 + 2 * samples.length, true);
    write(8, "WAVEfmt ");
    head.setUint32(16, 16, true);
    head.setUint16(20, 1, true); // PCM
    head.setUint16(22, 1, true); // channels
    head.setUint32(24, rate, true);
    head.setUint32(28, 2 * rate, true);
    head.setUint16(32, 2, true);
    head.setUint16(34, 16, true);
    write(36, "data");
    head.setUint32(40, 2 * samples.length, true);
    const pcm = Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(32768 * x))));
    return new Blob([head, pcm], { type: "audio/wav" });
}
