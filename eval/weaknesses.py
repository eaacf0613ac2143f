"""What a suppressor finds hard, to hear and in figures: `make weaknesses`.

    python -m eval.weaknesses make build/weaknesses      # a test set of 3 s a case
    python -m eval.weaknesses measure --model small      # after it was enhanced and scored

The set has the layout of the DNS Challenge. Its speech is that of the embedded set, music and song
are synthetic, so it can be passed on. `clean` is what the listener wants: also the music, the song,
both talkers. `measure` writes sound, docs/audio/weak/<case>.mp3 before and BUILD/heard/<model>/
after, and BUILD/studies/weaknesses-<model>.json:

    {"study", "model", "weights", "versions",
     "rows": [{"case", "title", "system", "pesq_wb", "si_sdr", "speech_loss"}]}
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
import soxr

from eval.embedded.noises import harmonics, pink, strokes
from eval.listen import SOUND, sound
from eval.mixing import RATE, mix, to_level
from eval.report import read_scores
from eval.score import tools
from eval.synthesize import write_set
from eval.testset import EMBEDDED
from reference.dnn import weights_hash
from reference.files import whole

NAME = "weaknesses"
SECONDS = 3
N = SECONDS * RATE
START = RATE // 2  # of the embedded clips: they begin with half a second of pause
TALKERS = {"one": 8, "other": 0}  # clips of the embedded set
BABBLERS = (2, 3, 4, 5, 6, 9, 13, 14)
COMPRESSION = 0.89  # as libsndfile counts: 64 kbit/s, 24 kB a clip
HEARD_DBFS = -26  # level of the published sound, however soft the clip
AUDIO = SOUND / "weak"
SETTINGS = {"twin": "defaults", "host-postfilter": "postfilter", "host-12db": "limit 12 dB"}
SYSTEMS = ("noisy", *SETTINGS)
MEASURES = ("pesq_wb", "si_sdr", "speech_loss")

Sound = Callable[[np.random.Generator], np.ndarray]


def speech(clip: int) -> np.ndarray:
    """(N,) of the clean speech of a clip of the embedded set."""
    return sf.read(EMBEDDED / "clean" / f"clean_fileid_{clip}.flac", start=START, frames=N)[0]


def one(rng: np.random.Generator) -> np.ndarray:
    """A talker."""
    return speech(TALKERS["one"])


def two(rng: np.random.Generator) -> np.ndarray:
    """Two talkers at once, equally loud."""
    return sum(to_level(speech(clip), 0) for clip in TALKERS.values())


def babble(rng: np.random.Generator) -> np.ndarray:
    """Eight other voices of the embedded set."""
    return sum(to_level(speech(clip), rng.uniform(-3, 3)) for clip in BABBLERS)


def hiss(rng: np.random.Generator) -> np.ndarray:
    """Pink noise."""
    return pink(rng, N)


def music(rng: np.random.Generator) -> np.ndarray:
    """Plucked strings: broken chords over a bass, four notes a second."""
    def note(hz: float) -> Sound:
        time = np.arange(RATE) / RATE
        pluck = np.minimum(time / 0.004, 1) * np.exp(-4 * time)
        return lambda r: pluck * harmonics(r, np.full(RATE, hz), 12, 3.5)

    x, chords = np.zeros(N), ((131, 262, 330, 392), (110, 220, 262, 330), (87, 220, 262, 349))
    for beat in range(4 * SECONDS):
        bass, *chord = chords[beat // 4 % 3]
        for hz in [chord[beat % 3]] + [bass] * (beat % 4 == 0):
            x += strokes(rng, N, np.array([beat / 4]), note(hz))
    return x


def song(rng: np.random.Generator) -> np.ndarray:
    """A sung line: held vowels with vibrato, gliding from note to note."""
    notes = (220, 247, 294, 262, 330, 294, 247)  # two a second
    formants = ((730, 1090, 2440), (530, 1840, 2480), (570, 840, 2410), (270, 2290, 3010))
    time = np.arange(N) / RATE
    place = np.minimum((2 * time).astype(int), len(notes) - 1)
    glide = np.hanning(RATE // 10)
    f0 = np.convolve(np.pad(np.take(notes, place).astype(float), RATE // 20, "edge"),
                     glide / glide.sum(), "same")[RATE // 20:][:N]
    f0 *= 2 ** (0.4 / 12 * np.sin(2 * np.pi * 5.5 * time))
    phase, x = 2 * np.pi * np.cumsum(f0) / RATE, np.zeros(N)
    peaks = np.take(formants, place % len(formants), axis=0).T  # (3, N)
    for k in range(1, 31):
        gain = sum(1 / (1 + ((k * f0 - peak) / 90) ** 2) for peak in peaks)
        x += (gain + 0.02) / k**0.5 * np.sin(k * phase)
    return x * np.minimum(1, np.minimum(time, time[::-1]) / 0.05)


class Case(NamedTuple):
    """One clip: what is wanted, what is not, active level of the one over the other in dB."""

    title: str
    wanted: Sound
    noise: Sound
    snr_db: int
    level_dbfs: int = HEARD_DBFS
    rate: int = RATE  # Hz of the source; it comes at 48 kHz all the same


CASES = {
    "speech": Case("speech in hiss, to compare", one, hiss, 10),
    "clean": Case("speech alone", one, hiss, 50),
    "babble": Case("behind it, eight other voices", one, babble, 5),
    "music-behind": Case("behind it, music", one, music, 5),
    "music": Case("music instead of speech", music, hiss, 10),
    "singing": Case("singing", song, hiss, 10),
    "two-talkers": Case("two talkers at once", two, hiss, 10),
    "very-soft": Case("very soft, at -60 dBFS", one, hiss, 10, level_dbfs=-60),
    "16-khz": Case("a source of 16 kHz", one, hiss, 10, rate=16000),
    "8-khz": Case("a source of 8 kHz", one, hiss, 10, rate=8000),
}


def clips() -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    """(manifest row, noisy, clean) of every case; the same ones at every call."""
    for number, (name, case) in enumerate(CASES.items()):
        rng = np.random.default_rng([2020, number])
        level = case.level_dbfs
        pair = mix(case.wanted(rng), case.noise(rng), case.snr_db, level)
        if case.rate != RATE:
            low = (soxr.resample(x, RATE, case.rate) for x in pair)
            pair = (soxr.resample(x, case.rate, RATE)[:N] for x in low)
        stem = f"{name}_snr{case.snr_db}_tl{level}_fileid_{number}"
        yield {"fileid": number, "noisy": f"noisy/{stem}.flac",
               "clean": f"clean/clean_fileid_{number}.flac", "snr": case.snr_db, "level": level,
               "noise": name, "reverb": "", "voice": "", "language": ""}, *pair


def make(args: argparse.Namespace) -> None:
    """`make`: the set, whole or not at all."""
    with whole(args.folder) as new:
        write_set(new, clips(), len(CASES))
    print(args.folder)


def read(build: Path) -> dict[str, dict[str, dict]]:
    """{case: {system: row}} of BUILD/score/weaknesses.csv. Raises SystemExit without a case."""
    found: dict[str, dict[str, dict]] = {name: {} for name in CASES}
    for row in read_scores(build, [NAME]).get(NAME, []):
        if not row["error"]:
            found[row["noise"]][row["system"]] = row
    missing = [f"{name}, {system}" for name, rows in found.items()
               for system in SYSTEMS if system not in rows]
    if missing:
        raise SystemExit(f"error: {build}: not scored: {'; '.join(missing)}; run make weaknesses")
    return found


def figures(row: dict) -> dict[str, float | None]:
    """What is kept of a row; PESQ is for speech, so there is none of music and song."""
    kept = {m: None if row[m] is None else round(row[m], 4) for m in MEASURES}
    return kept | ({"pesq_wb": None} if CASES[row["noise"]].wanted in (music, song) else {})


def write_audio(build: Path, found: dict[str, dict[str, dict]], model: str) -> None:
    """Every case before, in AUDIO, and after, in BUILD/heard/<model>, brought to HEARD_DBFS by the
    same gain. What comes before is the same for every model, and committed."""
    heard = build / "heard" / model
    for folder in (AUDIO, heard):
        folder.mkdir(parents=True, exist_ok=True)
    for name, rows in found.items():
        gain = 10 ** ((HEARD_DBFS - CASES[name].level_dbfs) / 20)
        clip = f"{rows['noisy']['clip']}.wav"
        for folder, place in ((build / "sets" / NAME / "noisy", AUDIO),
                              (build / "out" / "twin" / NAME, heard)):
            samples, rate = sf.read(folder / clip)
            (place / f"{name}.mp3").write_bytes(sound(samples * gain, rate, COMPRESSION))


def measure(args: argparse.Namespace) -> None:
    """`measure`: what was scored, as BUILD/studies/weaknesses-<model>.json, and the sound."""
    found = read(args.build)
    write_audio(args.build, found, args.model)
    rows = [{"case": name, "title": CASES[name].title, "system": system, **figures(rows[system])}
            for name, rows in found.items() for system in SYSTEMS]
    content = {"study": NAME, "model": args.model, "weights": weights_hash(args.model),
               "versions": tools(), "rows": rows}
    path = args.build / "studies" / f"{NAME}-{args.model}.json"
    with whole(path) as new:
        new.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{path}, {args.build / 'heard' / args.model}: {len(found)} cases")


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0."""
    parser = argparse.ArgumentParser(prog="python -m eval.weaknesses",
                                     description="hard cases, to hear and in figures")
    commands = parser.add_subparsers(required=True)
    maker = commands.add_parser("make", help="write the test set")
    maker.add_argument("folder", type=Path)
    maker.set_defaults(run=make)
    measurer = commands.add_parser("measure", help="figures and sound of what was scored")
    measurer.add_argument("--model", required=True, help="that enhanced the set")
    measurer.add_argument("--build", type=Path, default=Path("build"))
    measurer.set_defaults(run=measure)
    args = parser.parse_args(arguments)
    args.run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
