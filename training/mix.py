"""Mixtures for training: speech with pauses, noise, room, colour and level, each from its seed."""

from dataclasses import dataclass

import numpy as np
import soxr
from scipy.ndimage import maximum_filter1d
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from reference.params import HOP, RATE
from training import room, synth
from training.data import Pool

SPEECH_LEVEL = -26.0  # dBFS: active speech before the random change of level
EDGE = 960  # samples faded where recordings are joined
SPEECH_SPEED, NOISE_SPEED = 1.18, 1.4  # largest change, either way: new voices and noises from few
PAUSES, PAUSE_SHARES = ((0.1, 0.6), (0.6, 1.5), (1.5, 6.0)), (0.75, 0.2, 0.05)  # s, of all pauses
Rng = np.random.Generator


@dataclass
class Mixture:
    """noisy, clean: (N,) float32, sample-aligned; noisy within +-1, as clean is but where the input
    clips; snr_db is None without speech.
    """

    noisy: np.ndarray
    clean: np.ndarray
    bandwidth_hz: float
    snr_db: float | None


def decibel(value: float) -> float:
    """Amplitude factor of a level in dB."""
    return 10 ** (value / 20)


def frame_power(audio: np.ndarray) -> np.ndarray:
    """Mean power of each 10-ms frame."""
    return np.mean(audio[: len(audio) // HOP * HOP].reshape(-1, HOP) ** 2, axis=1)


def active_rms(audio: np.ndarray) -> float:
    """RMS over the frames within 15 dB of the loud ones (95th percentile)."""
    power = frame_power(audio)
    if not len(power) or not power.any():
        return 0.0
    return float(np.sqrt(power[power >= np.percentile(power, 95) * 10**-1.5].mean()))


def trimmed(speech: np.ndarray) -> np.ndarray:
    """Speech without the silence round it and with the hiss in its pauses lowered by 20 dB."""
    power = frame_power(speech)
    if len(power) < 10 or not power.any():
        return speech[:0]
    loud, floor = np.percentile(power, 95), np.percentile(power, 10)
    # 6 dB above the floor of the recording, but between 40 and 25 dB below the loud frames.
    active = power > loud * np.clip(4 * floor / loud, 1e-4, 3e-3)
    active = maximum_filter1d(active.astype(np.float32), 17)  # 80 ms to both sides
    inside = np.flatnonzero(active)
    gain = 0.1 + 0.9 * np.convolve(active, np.full(5, 0.2), "same")
    start, stop = inside[0], inside[-1] + 1
    places = (np.arange(start * HOP, stop * HOP) + 0.5) / HOP - 0.5
    return faded(speech[start * HOP : stop * HOP] * np.interp(places, np.arange(len(gain)), gain))


def faded(audio: np.ndarray) -> np.ndarray:
    """20-ms fades at both ends."""
    n = min(EDGE, len(audio) // 2)
    audio = audio.astype(np.float32)
    if n:
        ramp = np.linspace(0, 1, n, dtype=np.float32)
        audio[:n] *= ramp
        audio[-n:] *= ramp[::-1]
    return audio


def draw_speed(rng: Rng, largest: float) -> float:
    """Factor of speed and pitch together; 1 in a third of the draws."""
    return 1.0 if rng.random() < 1 / 3 else largest ** rng.uniform(-1, 1)


def faster(audio: np.ndarray, speed: float) -> np.ndarray:
    """Played ``speed`` times as fast, all frequencies times ``speed``."""
    return audio if speed == 1 else soxr.resample(audio, RATE * speed, RATE, "LQ")


def speech_track(pool: Pool, rng: Rng, n: int) -> tuple[np.ndarray, float]:
    """Utterances of one talker (at times two in turn) with pauses, active RMS 1; bandwidth, Hz."""
    track, limit = np.zeros(n, np.float32), RATE / 2
    talker, speed = pool.group("speech", rng), draw_speed(rng, SPEECH_SPEED)
    position = int(rng.uniform(0, 1.0) * RATE)
    for _ in range(200):
        if position >= n:
            break
        if rng.random() < 0.03:
            talker, speed = pool.group("speech", rng), draw_speed(rng, SPEECH_SPEED)
        audio, bandwidth = pool.pick(talker, rng)
        audio = faster(trimmed(audio), speed)[: n - position]
        level = active_rms(audio)
        if level > 0:
            track[position : position + len(audio)] += audio / level * decibel(rng.normal(0, 2))
            limit = min(limit, bandwidth * speed)
        pause = rng.uniform(*PAUSES[rng.choice(len(PAUSES), p=PAUSE_SHARES)])
        position += len(audio) + int(pause * RATE)
    return track / max(active_rms(track), 1e-6), limit


def recorded(pool: Pool, rng: Rng, n: int, kind: str) -> np.ndarray:
    """Noise or music: recordings of one group joined; short ones with gaps between them."""
    track = np.zeros(n, np.float32)
    group, position = pool.group(kind, rng), 0
    speed = draw_speed(rng, NOISE_SPEED)
    for _ in range(400):
        if position >= n:
            break
        audio = faster(pool.pick(group, rng)[0], speed)
        short = len(audio) < 2 * RATE
        if not short:
            audio = audio[rng.integers(len(audio) // 2) :]
        audio = faded(audio[: n - position])
        if short:  # events of one class differ in level by tens of dB
            audio = audio / max(active_rms(audio), 1e-4) * decibel(rng.normal(0, 3))
        track[position : position + len(audio)] += audio
        position += max(len(audio) - EDGE, HOP) + int(short * rng.exponential(0.5) * RATE)
    return track / max(active_rms(track), 1e-6)


def babble(pool: Pool, rng: Rng, n: int) -> np.ndarray:
    """Four to twelve talkers at once, at times heard through a room."""
    track = np.zeros(n, np.float32)
    for _ in range(rng.integers(4, 13)):
        voice, _ = speech_track(pool, rng, n)
        track += voice * decibel(rng.uniform(-6, 0))
    if rng.random() < 0.5:
        track = fftconvolve(track, room.simulate(rng))[:n].astype(np.float32)
    return track / max(active_rms(track), 1e-6)


def one_noise(pool: Pool, rng: Rng, n: int) -> np.ndarray:
    """A noise of active RMS 1: recorded, synthetic, babble or music."""
    draw = rng.random()
    if draw < 0.12:
        return babble(pool, rng, n)
    if draw < 0.18 and pool.has("music"):
        return recorded(pool, rng, n, "music")
    if draw < 0.48:
        return synth.noise(rng, n)
    return recorded(pool, rng, n, "noise")


def noise_track(pool: Pool, rng: Rng, n: int) -> np.ndarray:
    """One noise, or in a quarter of the mixtures two; active RMS 1."""
    track = one_noise(pool, rng, n)
    if rng.random() < 0.25:
        track = track + one_noise(pool, rng, n) * decibel(rng.uniform(-10, 5))
    return track / max(active_rms(track), 1e-6)


def coloured(audio: np.ndarray, rng: Rng) -> np.ndarray:
    """A mild random second-order pole-zero filter, left out in 30 % (RNNoise's ranges)."""
    if rng.random() < 0.3:
        return audio
    zeros, poles = rng.uniform(-0.375, 0.375, (2, 2))
    return lfilter([1, *zeros], [1, *poles], audio).astype(np.float32)


def draw_snr(rng: Rng) -> float | None:
    """SNR in dB: mostly -5...30, some higher; None for noise only."""
    draw = rng.random()
    if draw < 0.06:
        return None
    if draw < 0.12:
        return rng.uniform(40, 70)  # nearly clean
    return rng.uniform(-5, 30) if draw < 0.92 else rng.uniform(30, 45)


def draw_level(rng: Rng) -> float:
    """Active level in dBFS: -18...+10 dB round -26, wider in a fifth."""
    change = rng.uniform(-18, 10) if rng.random() < 0.8 else rng.uniform(-28, 18)
    return SPEECH_LEVEL + change


def in_room(pool: Pool, rng: Rng, speech: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Speech as heard in a room, and what should be left of it."""
    if pool.has("rir") and rng.random() < 0.2:
        response = room.aligned(pool.pick(pool.group("rir", rng), rng)[0])
    else:
        response = room.simulate(rng)
    early = response[: int(room.KEEP * RATE)]
    response = response / np.sqrt(np.sum(early**2) + 1e-12)
    n = len(speech)
    return fftconvolve(speech, response)[:n], fftconvolve(speech, room.target(response))[:n]


def mixture(pool: Pool, seed: int, index: int, frames: int) -> Mixture:
    """Mixture ``index`` of the endless row that ``seed`` names; ``frames`` of 10 ms."""
    rng = np.random.default_rng([seed, index])
    n = frames * HOP
    snr, level = draw_snr(rng), draw_level(rng)
    noise = coloured(noise_track(pool, rng, n), rng)
    noise = noise / max(active_rms(noise), 1e-6)
    if snr is None:
        heard, clean, limit = np.zeros(n), np.zeros(n), RATE / 2
        noise = noise * decibel(-rng.uniform(0, 25))
    else:
        speech, limit = speech_track(pool, rng, n)
        speech = coloured(speech, rng)
        speech = speech / max(active_rms(speech), 1e-6)
        heard, clean = in_room(pool, rng, speech) if rng.random() < 0.28 else (speech, speech)
        noise = noise * decibel(-snr)
    noisy = heard + noise
    if rng.random() < 0.5:  # hiss of a microphone or converter
        noisy = noisy + decibel(-rng.uniform(45, 70)) * rng.standard_normal(n)
    both = np.stack([noisy, clean])
    if rng.random() < 0.7:  # one tilt for both
        zero, pole = rng.uniform(-0.3, 0.3, 2)
        both = lfilter([1, zero], [1, pole], both)
    if rng.random() < 0.15:
        cutoff = np.exp(rng.uniform(np.log(3000), np.log(20_000)))
        both = sosfilt(butter(8, cutoff, fs=RATE, output="sos"), both)
        limit = min(limit, cutoff)
    full_scale = 0.99 / max(np.abs(both).max(), 1e-6)
    if rng.random() < 0.1:  # an input turned up too far; what it does to the speech is noise too
        full_scale *= decibel(rng.uniform(0, 15))
        level = 0.0
    noisy, clean = both * min(decibel(level), full_scale)
    # What reaches the product is 16 bits wide.
    noisy = np.clip(np.round(noisy * 32768), -32768, 32767) / 32768
    return Mixture(noisy.astype(np.float32), clean.astype(np.float32), limit, snr)
