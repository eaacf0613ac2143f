"""What a mixture is made of, drawn at random: which clips play when, how fast and how loud.

Plans hold no samples. Times are samples of the mixture at 48 kHz.
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from reference.params import HOP, RATE
from training.bank import EDGE, Bank, Clip

SPEECH_LEVEL = -26.0  # dBFS: active speech before the random change of level
SPEECH_SPEED, NOISE_SPEED = 1.18, 1.4  # largest change, either way: new voices and noises from few
PAUSES, PAUSE_SHARES = ((0.1, 0.6), (0.6, 1.5), (1.5, 6.0)), (0.75, 0.2, 0.05)  # s, of all pauses
STYLES = {"usual": 0.75, "held": 0.07, "whisper": 0.04, "rest": 0.14}
"""Shares of mixtures: utterances; held vowels among them; whispered; with a long rest."""
COLD = 0.6  # share that begin inside an utterance, as after a reset
MOST_CLIPS = 200  # of one track
SILENT = 0.1  # share of mixtures without speech, of usual ones
TAUGHT_SNR = 35.0  # dB: a teacher has nothing to say about cleaner speech
Rng = np.random.Generator


class Played(NamedTuple):
    """A clip in a track: from sample ``at``, which may be negative, or all the way backwards."""

    clip: Clip
    at: int
    speed: int  # per cent; all frequencies with it
    gain: float
    skip: int = 0  # samples of the clip that are left out at its start
    backwards: bool = False


class Track(NamedTuple):
    """Clips that follow one another, and the top of what all of them hold, Hz."""

    clips: list[Played]
    bandwidth_hz: float


def decibel(value: float | np.ndarray) -> float | np.ndarray:
    """Amplitude factor of a level in dB."""
    return 10 ** (value / 20)


def draw_speed(rng: Rng, largest: float) -> int:
    """Speed and pitch together, per cent; 100 in a third of the draws."""
    return 100 if rng.random() < 1 / 3 else round(100 * largest ** rng.uniform(-1, 1))


def draw_style(rng: Rng, bank: Bank) -> str:
    """One of STYLES, of those that the bank has voices for."""
    style = rng.choice(list(STYLES), p=list(STYLES.values()))
    return style if style in ("usual", "rest") or bank.has(style) else "usual"


def speech(bank: Bank, rng: Rng, samples: int, style: str = "usual") -> Track:
    """Utterances of one talker, at times two in turn, with pauses."""
    own = bank.group(style, rng) if style in ("held", "whisper") else None
    talker, speed = bank.group("speech", rng), draw_speed(rng, SPEECH_SPEED)
    at, rest = int(rng.uniform(0, 1) * RATE), 0
    cold = style != "rest" and rng.random() < COLD
    if style == "rest":
        rest = int(rng.uniform(2, 10) * RATE)
        if rng.random() < 0.6:  # before all speech, not behind the first utterance
            at, rest = rest, 0
    played, top = [], RATE / 2
    while at < samples and len(played) < MOST_CLIPS:
        if rng.random() < 0.03:
            talker, speed = bank.group("speech", rng), draw_speed(rng, SPEECH_SPEED)
        group = own if own and (style == "whisper" or rng.random() < 0.6) else talker
        clip = group[rng.integers(len(group))]
        length = clip.length * 100 // speed
        if cold and not played:
            at = -int(rng.uniform(0, 0.9) * length)
        played.append(Played(clip, at, speed, clip.gain * decibel(rng.normal(0, 2))))
        top = min(top, clip.bandwidth_hz * speed / 100)
        pause = rng.uniform(*PAUSES[rng.choice(len(PAUSES), p=PAUSE_SHARES)])
        at += length + int(pause * RATE)
        if rest and at < samples - 3 * RATE:
            at = max(at, min(at + rest, samples - int(rng.uniform(1, 3) * RATE)))
            rest = 0
    return Track(played, top)


def noise(bank: Bank, rng: Rng, samples: int, kind: str = "noise") -> Track:
    """Noise or music: clips of one group joined; events with gaps between them."""
    group, speed = bank.group(kind, rng), draw_speed(rng, NOISE_SPEED)
    backwards = bool(rng.random() < 0.5)
    played, at = [], 0
    while at < samples and len(played) < MOST_CLIPS:
        clip = group[rng.integers(len(group))]
        skip = 0 if clip.short else int(rng.integers(clip.length // 2 + 1))
        gain = clip.gain * (decibel(rng.normal(0, 3)) if clip.short else 1)
        played.append(Played(clip, at, speed, gain, skip, backwards))
        length = (clip.length - skip) * 100 // speed
        at += max(length - EDGE, HOP) + int(clip.short * rng.exponential(0.5) * RATE)
    return Track(played, RATE / 2)


def draw_snr(rng: Rng, style: str) -> float | None:
    """SNR in dB: mostly -5...30, some higher; None for noise only, which goes with usual speech."""
    draw = rng.random()
    if style == "rest" and (draw < SILENT or rng.random() < 0.4):
        return rng.uniform(35, 70)
    if style in ("held", "whisper") and (draw < SILENT or rng.random() < 0.3):
        return rng.uniform(20, 60)
    if draw < SILENT:
        return None
    if draw < SILENT + 0.06:
        return rng.uniform(40, 70)  # nearly clean
    return rng.uniform(-5, 30) if draw < 0.92 else rng.uniform(30, 45)


def draw_level(rng: Rng) -> float:
    """Active level in dBFS: -18...+10 dB round -26, wider in a quarter, down to -78."""
    draw = rng.random()
    if draw < 0.75:
        return SPEECH_LEVEL + rng.uniform(-18, 10)
    return SPEECH_LEVEL + (rng.uniform(-28, 18) if draw < 0.88 else rng.uniform(-52, -24))


def by_speed(track: Track) -> dict[int, list[Played]]:
    """The clips of each speed."""
    found = defaultdict(list)
    for played in track.clips:
        found[played.speed].append(played)
    return found
