"""Make the embedded test set anew: `python -m eval.embedded.make [OUT]` (default: this folder).

Needs espeak-ng and flite; nobody who only uses the set needs them. The same seed and the same
tool versions (listed in README.md) give the same bytes.
"""

import argparse
from itertools import cycle
from pathlib import Path

import numpy as np

from eval.embedded.noises import NOISES
from eval.embedded.rooms import room_response
from eval.embedded.voices import SENTENCES, VOICES, Voice, speak
from eval.mixing import RATE, mix, to_level
from eval.synthesize import write_set

SEED = 2020
LEVEL_DB = -26
FLOOR_DB = -44  # relative to the speech: the recording's own noise, −70 dBFS
SNRS = (0, 5, 10, 15)
NOISE_ORDER = ("pink", "car", "fan", "keyboard", "babble", "rain", "wind", "beeps")
ROOM_OF_CLIP = {1: "booth", 7: "hall", 10: "office", 12: "meeting"}  # one at each SNR
N_CLIPS = 16
MIN_S, MAX_S = 6.0, 8.0
BABBLERS = 7


def utterance(voice: Voice, texts, rng: np.random.Generator) -> np.ndarray:
    """Sentences with pauses of 0.3–0.6 s between them, 6–8 s in all, silence at both ends."""
    parts = [np.zeros(int(rng.uniform(0.4, 0.6) * RATE))]
    length = parts[0].size
    while True:
        sentence = speak(voice, next(texts))
        if length + sentence.size > (MAX_S - 0.6) * RATE:
            break
        pause = np.zeros(int(rng.uniform(0.3, 0.6) * RATE))
        parts += [sentence, pause]
        length += sentence.size + pause.size
    return np.pad(np.concatenate(parts), (0, max(0, int(MIN_S * RATE) - length)))


def babble(talker: Voice, n: int, rng: np.random.Generator) -> np.ndarray:
    """Sum of the other voices, each speaking without end from a random place in its text."""
    others = [v for v in VOICES if v.name != talker.name]
    x = np.zeros(n)
    for k in rng.permutation(len(others))[:BABBLERS]:
        texts = rng.permutation(SENTENCES[others[k].language])[:6]
        speech = np.concatenate([np.pad(speak(others[k], t), (0, 4800)) for t in texts])
        speech = np.roll(to_level(speech, rng.uniform(-3, 3)), rng.integers(speech.size))
        x += np.resize(speech, n)
    return x


def clip(number: int, texts: dict) -> tuple[dict, np.ndarray, np.ndarray]:
    """(manifest row, noisy, clean) of clip `number`; its random numbers depend on it alone."""
    rng = np.random.default_rng([SEED, number])
    voice = VOICES[number % len(VOICES)]
    noise_name = NOISE_ORDER[number % len(NOISE_ORDER)]
    snr = SNRS[(number + 2 * (number // len(NOISE_ORDER))) % len(SNRS)]
    room = ROOM_OF_CLIP.get(number, "")
    speech = to_level(utterance(voice, texts[voice.language], rng), 0)
    speech += 10 ** (FLOOR_DB / 20) * NOISES["pink"](rng, speech.size)
    noise = (babble(voice, speech.size, rng) if noise_name == "babble"
             else NOISES[noise_name](rng, speech.size))
    noisy, clean = mix(speech, noise, snr, LEVEL_DB, room_response(room, rng) if room else None)
    stem = "_".join(filter(None, [voice.language, voice.name, noise_name, room]))
    row = {"fileid": number, "noisy": f"noisy/{stem}_snr{snr}_tl{LEVEL_DB}_fileid_{number}.flac",
           "clean": f"clean/clean_fileid_{number}.flac", "snr": snr, "level": LEVEL_DB,
           "noise": noise_name, "reverb": room, "voice": voice.name, "language": voice.language}
    return row, noisy, clean


def main(out: Path) -> None:
    """Write noisy/, clean/, manifest.csv and SHA256SUMS below `out`."""
    texts = {language: cycle(sentences) for language, sentences in SENTENCES.items()}
    write_set(out, (clip(number, texts) for number in range(N_CLIPS)), N_CLIPS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path(__file__).parent)
    main(parser.parse_args().out)
