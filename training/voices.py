"""Held and sung vowels, and whispered speech, made of recordings of speech.

    python -m training.voices held --index data/index.csv --count 400 --out held
    python -m training.voices whisper --speech DIR --noise DIR --count 250 --out whisper

Recordings of speech hold neither: a network that never heard a held vowel takes it for a hum. WORLD
(Morise et al. 2016) takes a voice apart into pitch, envelope and breath; a steady part is
stretched with a pitch of its own, or all of it spoken with breath alone. A folder a talker; they
are given to the trainer by --held and --whisper. Needs the extra `voices`.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from reference.params import RATE
from training.data import Segment, decode
from training.train import add_sources, read_segments

PERIOD = 0.005  # s: a frame of WORLD
LOWEST, HIGHEST = 60.0, 780.0  # Hz: pitch of what is made
NOTES = (-5, -3, -2, 0, 0, 2, 4, 5, 7)  # semitones round the talker's own pitch, of what is sung
SECONDS = {"held": (0.4, 4.0), "whisper": (1.2, 6.0)}  # of recordings that are used
PEAK = 0.9
CLEAR = 0.3  # share of held voices without any breath, as a trained singer's
STEADY = 0.3  # share that neither wander nor tremble, but for a vibrato
ABOUT = (-5, 10)  # semitones round the talker's own pitch, of what is held: songs are high
TINY = 1e-16  # power
Rng = np.random.Generator


class Parts(NamedTuple):
    """Pitch (T,), Hz, 0 where unvoiced; power envelope and share of breath, (T, bins)."""

    pitch: np.ndarray
    envelope: np.ndarray
    breath: np.ndarray

    def sound(self) -> np.ndarray:
        """Put together: samples."""
        import pyworld

        parts = (np.ascontiguousarray(part, float) for part in self)
        return pyworld.synthesize(*parts, RATE, 1000 * PERIOD)


def apart(speech: np.ndarray) -> Parts:
    """Take a voice apart."""
    import pyworld

    pitch, time = pyworld.dio(speech, RATE, f0_floor=65, f0_ceil=500, frame_period=1000 * PERIOD)
    pitch = pyworld.stonemask(speech, pitch, time, RATE)
    return Parts(pitch, pyworld.cheaptrick(speech, pitch, time, RATE),
                 pyworld.d4c(speech, pitch, time, RATE))  # fmt: skip


def steady(parts: Parts, reach: int = 4) -> list[int]:
    """Frames in the middle of up to four loud voiced stretches that change least, least first."""
    level = 10 * np.log10(parts.envelope.sum(1) + TINY)
    shape = np.log(parts.envelope[:, :400] + 1e-12)
    change = np.abs(np.diff(shape, axis=0, prepend=shape[:1])).mean(1)
    voiced = parts.pitch > 0
    loud = level > level[voiced].max(initial=-np.inf) - 10
    frames = range(2 * reach, len(level) - 2 * reach)
    around = {i: slice(i - reach, i + reach) for i in frames}
    found = [i for i in frames if voiced[around[i]].all() and loud[i]]
    chosen: list[int] = []
    for i in sorted(found, key=lambda i: change[around[i]].mean()):
        if len(chosen) < 4 and all(abs(i - other) > 12 for other in chosen):
            chosen.append(i)
    return chosen


def wander(rng: Rng, frames: int, rate: float) -> np.ndarray:
    """A random walk about 0 of unit spread, ``rate`` points a second: (frames,)."""
    points = int(frames * PERIOD * rate) + 3
    return np.interp(np.linspace(0, points - 1, frames), np.arange(points), rng.normal(size=points))


def smooth(values: np.ndarray, length: int) -> np.ndarray:
    """Moving mean, edges repeated; odd length."""
    padded = np.pad(values, length // 2, mode="edge")
    return np.convolve(padded, np.full(length, 1 / length), "valid")


def held(rng: Rng, speech: np.ndarray, sung: bool) -> np.ndarray | None:
    """A vowel of 1.5 to 5.5 s, or sung notes; None if the speech has none to hold."""
    parts = apart(speech)
    places = steady(parts)
    if not places:
        return None
    frames = int(rng.uniform(1.5, 5.5) / PERIOD)
    semitones, place = np.zeros(frames), np.full(frames, float(places[0]))
    at = 0
    while sung and at < frames:
        length = int(rng.uniform(0.25, 1.2) / PERIOD)
        semitones[at : at + length] = rng.choice(NOTES)
        place[at : at + length] = rng.choice(places)
        at += length
    time = np.arange(frames) * PERIOD
    vibrato = rng.uniform(0, 0.018) * (rng.random() < 0.6) * np.minimum(1, time / 0.4)
    vibrato = vibrato * np.sin(2 * np.pi * rng.uniform(4, 6.5) * time)
    unsteady = float(rng.random() >= STEADY)
    drift = unsteady * (0.01 * wander(rng, frames, 1.5) + 0.002 * rng.normal(size=frames))
    own = np.median(parts.pitch[parts.pitch > 0]) * 2 ** (rng.uniform(*ABOUT) / 12)
    pitch = np.clip(own, 70, 600) * 2 ** (smooth(semitones, 9) / 12) * (1 + vibrato + drift)
    place = smooth(place + unsteady * np.clip(2.5 * wander(rng, frames, 6), -4, 4), 9)
    low = np.clip(place.astype(int), 0, len(parts.pitch) - 2)
    share = np.clip(place - low, 0, 1)[:, None]
    envelope = np.log(parts.envelope + TINY)
    envelope = np.exp((1 - share) * envelope[low] + share * envelope[low + 1])
    envelope *= 10 ** (0.15 * unsteady * wander(rng, frames, 2))[:, None]
    breath = (1 - share) * parts.breath[low] + share * parts.breath[low + 1]
    breath = breath * (rng.random() >= CLEAR)
    made = Parts(np.clip(pitch, LOWEST, HIGHEST), envelope, np.clip(breath, 0.001, 1)).sound()
    rise, fall = (int(rng.uniform(*span) * RATE) for span in ((0.01, 0.12), (0.03, 0.2)))
    made[:rise] *= np.linspace(0, 1, rise)
    made[-fall:] *= np.linspace(1, 0, fall)
    return made


def whispered(rng: Rng, speech: np.ndarray) -> np.ndarray:
    """The same words without a voice: weaker below 900 Hz and brighter where they were voiced."""
    parts = apart(speech)
    hz = np.linspace(0, RATE / 2, parts.envelope.shape[1])
    below = np.clip(np.log2(900 / np.maximum(hz, 60)), 0, 3) / 3
    above = np.clip(np.log2(np.maximum(hz, 500) / 500), 0, 4) / 4
    change = rng.uniform(0, 6) * above - rng.uniform(8, 18) * below - rng.uniform(0, 6)
    voiced = parts.pitch[:, None] > 0
    envelope = np.maximum(parts.envelope * 10 ** (np.where(voiced, change, 0) / 10), TINY)
    return Parts(np.zeros(len(envelope)), envelope, np.ones_like(envelope)).sound()


def voice(kind: str, rng: Rng, talker: list[Segment]) -> np.ndarray | None:
    """One recording made of a random one of a talker; None if that one will not do."""
    segment = talker[rng.integers(len(talker))]
    stop = None if segment.length < 0 else segment.start + segment.length
    speech = decode(segment.path)[segment.start : stop] / 32768
    peak, (shortest, longest) = np.abs(speech).max(initial=0), SECONDS[kind]
    if len(speech) < shortest * RATE or peak < 1e-3:
        return None
    speech = speech[: int(longest * RATE)] * (0.5 / peak)
    made = held(rng, speech, rng.random() < 0.5) if kind == "held" else whispered(rng, speech)
    if made is None or not np.isfinite(made).all() or np.abs(made).max() < 1e-4:
        return None
    return made / np.abs(made).max() * PEAK


def make(kind: str, segments: list[Segment], count: int, seed: int, out: Path) -> None:
    """Write so many recordings, a folder a talker. ValueError if the speech does not serve."""
    rng, talkers = np.random.default_rng(seed), {}
    for s in segments:
        if s.kind == "speech" and s.split == "train":
            talkers.setdefault((s.source, s.group), []).append(s)
    names, done = sorted(talkers), 0
    for _ in range(20 * count):
        number = int(rng.integers(len(names)))
        made = voice(kind, rng, talkers[names[number]])
        if made is not None:
            folder = out / f"talker{number:04}"
            folder.mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / f"{kind}{done:04}.flac", made, RATE, subtype="PCM_16")
            done += 1
        if done == count:
            return
    raise ValueError(f"made {done} of {count} voices; give more, files of {SECONDS[kind]} s")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=sorted(SECONDS))
    add_sources(parser)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    args = parser.parse_args()
    try:
        make(args.kind, read_segments(args), args.count, args.seed, args.out)
    except (ValueError, ImportError) as error:
        raise SystemExit(f"voices: {error}") from None


if __name__ == "__main__":
    main()
