"""Mixtures of many rows at once: speech with pauses, noise, rooms, colours and levels.

Rows are (R, N) float32 where the bank lies. Every filter is a product of spectra: a mixture takes
one transform of its speech, one of its noise, and one back of each of its two sides.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional

from reference.params import HOP, RATE, WINDOW
from reference.stft import vorbis_window
from training import filters, hostile, plan, room
from training.bank import EDGE, RESPONSE, Bank
from training.plan import Played, Track, decibel

NOISES = {"babble": 0.12, "music": 0.06, "synthetic": 0.30, "noise": 0.52}  # shares of noises
SECOND = 0.3  # share of mixtures with two noises
WARPED, WARP = 0.4, 1.18  # share of voices with another vocal tract, and how much longer at most
IN_ROOM, MEASURED = 0.28, 0.2  # share of mixtures in a room; of rooms, measured ones
HISS, TILT, LOW_PASS, OVERDRIVEN = 0.5, 0.7, 0.15, 0.1  # shares of mixtures
HOSTILE, HOSTILE_S = 0.03, (0.2, 4.0)  # share of mixtures that begin with hostile sound; seconds
WANDER_POINTS = 40  # of a gain that wanders, in a mixture
TOGETHER = 64  # mixtures made at once, which may hear each other as babble
REACH = 16  # samples to both sides that interpolation hears
Rng = np.random.Generator


class Mixtures(NamedTuple):
    """noisy, clean: (R, N), sample-aligned; noisy within +-1 on a grid of 16 bits, as clean is but
    where the input clips. The rest is (R,): top of the clean speech in Hz, SNR in dB (NaN without
    speech), how much a teacher may say, 0 or 1, and the factor from active RMS 1 to the mixture.
    """

    noisy: Tensor
    clean: Tensor
    bandwidth_hz: Tensor
    snr_db: Tensor
    believed: Tensor
    gain: Tensor


@lru_cache(maxsize=200)
def interpolator(speed: int, device: torch.device) -> Tensor:
    """Windowed sincs (speed + 2 REACH, 100): from a block of input samples to 100 of output.

    Kaiser window; the cutoff is that of the slower of the two rates.
    """
    place = np.arange(100) * speed / 100
    distance = np.arange(-REACH, speed + REACH)[:, None] - place
    cutoff = min(1, 100 / speed)
    window = np.i0(8 * np.sqrt(np.clip(1 - (distance / REACH) ** 2, 0, 1)))
    kernel = np.sinc(cutoff * distance) * window * (np.abs(distance) < REACH)
    return torch.from_numpy((kernel / kernel.sum(0)).astype(np.float32)).to(device)


def faster(audio: Tensor, speed: int, samples: int) -> Tensor:
    """Played at a speed in per cent: (n,) -> (samples,), zeros behind its end."""
    blocks = -(-samples // 100)
    if speed == 100:
        return functional.pad(audio, (0, max(samples - len(audio), 0)))[:samples]
    needed = blocks * speed + 2 * REACH
    padded = functional.pad(audio, (REACH, max(needed - REACH - len(audio), 0)))[:needed]
    frames = padded.unfold(0, speed + 2 * REACH, speed)
    return (frames @ interpolator(speed, audio.device)).flatten()[:samples]


def active_rms(x: Tensor) -> Tensor:
    """RMS over the frames within 15 dB of the loud ones of each row: (R, N) -> (R, 1)."""
    power = x.view(len(x), -1, HOP).square().mean(-1)
    loud = torch.quantile(power, 0.95, dim=1, keepdim=True)
    active = (power >= loud * 10**-1.5).to(x)
    return ((power * active).sum(1) / active.sum(1)).sqrt().clamp(min=1e-6)[:, None]


class Mixer:
    """Makes mixtures of a bank; the number that names a draw alone decides which."""

    def __init__(self, bank: Bank, frames: int):
        self.bank, self.device, self.samples = bank, bank.samples.device, frames * HOP
        self.size = next_fast_len(self.samples + RESPONSE, real=True)
        self.window = self.row(vorbis_window())
        self.ramp = torch.linspace(0, 1, EDGE, device=self.device)

    def row(self, values: np.ndarray) -> Tensor:
        """Numbers drawn on the CPU, float32, where the bank lies."""
        return torch.as_tensor(np.asarray(values, np.float32), device=self.device)

    def many(self, rows: int, seed: tuple[int, ...]) -> Mixtures:
        """So many rows, TOGETHER at a time, each time of a draw of its own."""
        sizes = [min(TOGETHER, rows - first) for first in range(0, rows, TOGETHER)]
        parts = [self.mixtures(size, (*seed, k)) for k, size in enumerate(sizes)]
        return Mixtures(*(torch.cat(values) for values in zip(*parts, strict=True)))

    def mixtures(self, rows: int, seed: tuple[int, ...]) -> Mixtures:
        """Draw ``seed``: so many rows."""
        rng = np.random.default_rng(seed)
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        styles = [plan.draw_style(rng, self.bank) for _ in range(rows)]
        tracks = [plan.speech(self.bank, rng, self.samples, style) for style in styles]
        top = np.array([track.bandwidth_hz for track in tracks])
        snr = np.array([plan.draw_snr(rng, style) for style in styles], float)  # None: NaN
        speech = self.varied(self.placed(tracks), rng, top)
        noise = self.noises(rng, speech)
        noisy, clean = self.spectra(rng, generator, speech, noise, snr, top)
        noisy, clean = (torch.fft.irfft(x, self.size)[:, : self.samples] for x in (noisy, clean))
        gain = self.gains(rng, torch.maximum(noisy.abs().amax(1), clean.abs().amax(1)))
        noisy = (noisy * gain[:, None] * 32768).round().clamp(-32768, 32767) / 32768
        clean *= gain[:, None]
        shaken = self.shaken(rng, noisy, clean)
        believed = (snr < plan.TAUGHT_SNR) & (np.array(styles) == "usual") & ~shaken
        top[np.isnan(snr)] = RATE / 2
        return Mixtures(noisy, clean, self.row(top), self.row(snr), self.row(believed), gain)

    # tracks -----------------------------------------------------------------------------------

    def placed(self, tracks: list[Track], joined: bool = False) -> Tensor:
        """The clips of each track where they belong: (R, N). joined: with 20-ms fades."""
        rows = torch.zeros(len(tracks), self.samples, device=self.device)
        for row, track in zip(rows, tracks, strict=True):
            for speed, clips in plan.by_speed(track).items():
                line = rows.new_zeros(self.samples * speed // 100 + REACH)
                for played in clips:
                    self.play(line, played, joined)
                row += faster(line, speed, self.samples)
        return rows

    def play(self, line: Tensor, played: Played, joined: bool) -> None:
        """Add a clip to a line that is later played at the clip's speed."""
        at = played.at * played.speed // 100
        audio = self.bank.audio(played.clip)
        audio = (audio.flip(0) if played.backwards else audio)[played.skip + max(-at, 0) :]
        at = max(at, 0)
        audio = audio[: len(line) - at].float() * played.gain
        if joined:
            edge = min(EDGE, len(audio) // 2)
            audio[:edge] *= self.ramp[:edge]
            audio[len(audio) - edge :] *= self.ramp[:edge].flip(0)
        line[at : at + len(audio)] += audio

    def varied(self, speech: Tensor, rng: Rng, top: np.ndarray) -> Tensor:
        """Some voices with another vocal tract, all with active RMS 1; limits ``top`` with them."""
        chosen = np.flatnonzero(rng.random(len(speech)) < WARPED)
        if len(chosen):
            factor = WARP ** rng.uniform(-1, 1, len(chosen))
            speech[chosen] = self.warped(speech[chosen], self.row(factor))
            top[chosen] = np.minimum(top[chosen], top[chosen] * factor)
        return speech / active_rms(speech)

    def warped(self, x: Tensor, factor: Tensor) -> Tensor:
        """Spectral envelopes stretched by ``factor`` (R,), pitch untouched: (R, N) -> (R, N)."""
        frames = functional.pad(x, (HOP, HOP)).unfold(1, WINDOW, HOP)
        spectra = torch.fft.rfft(frames * self.window)
        level = torch.log(spectra.abs() + 1e-5)
        wide = functional.pad(level, (7, 7), mode="reflect")
        envelope = functional.avg_pool1d(wide, 15, 1)
        last = level.shape[-1] - 1
        place = (torch.arange(last + 1, device=x.device) / factor[:, None]).clamp(max=last)
        low = place.long().clamp(max=last - 1)
        index = low[:, None].expand(-1, envelope.shape[1], -1)
        moved = torch.lerp(
            envelope.gather(2, index), envelope.gather(2, index + 1), (place - low)[:, None]
        )
        spectra *= torch.exp((moved - envelope).clamp(-2, 2))
        parts = torch.fft.irfft(spectra, WINDOW) * self.window
        return (parts[:, :-1, HOP:] + parts[:, 1:, :HOP]).flatten(1)

    # noise ------------------------------------------------------------------------------------

    def noises(self, rng: Rng, speech: Tensor) -> Tensor:
        """A noise for each row of speech, or two, some wandering in level; active RMS 1."""
        noise = self.one_each(rng, speech, len(speech))
        two = np.flatnonzero(rng.random(len(speech)) < SECOND)
        if len(two):
            level = self.row(decibel(rng.uniform(-10, 5, len(two))))[:, None]
            noise[two] += self.one_each(rng, speech, len(two)) * level
        noise *= self.wandering(rng, len(noise))
        return noise / active_rms(noise)

    def one_each(self, rng: Rng, speech: Tensor, rows: int) -> Tensor:
        """Noises of active RMS 1; babble is made of the voices of all rows."""
        kinds = rng.choice(list(NOISES), rows, p=list(NOISES.values()))
        noise = torch.empty(rows, self.samples, device=self.device)
        for row, kind in enumerate(kinds):
            if kind == "synthetic":
                noise[row] = self.rolled(rng)
            elif kind == "babble":
                noise[row] = self.babble(rng, speech)
            else:
                kind = kind if self.bank.has(kind) else "noise"
                track = plan.noise(self.bank, rng, self.samples, kind)
                noise[row] = self.placed([track], joined=True)[0]
        return noise / active_rms(noise)

    def rolled(self, rng: Rng) -> Tensor:
        """A clip of synthetic noise from anywhere on, of either sign: (N,)."""
        clip = self.bank.clip("synthetic", rng)
        audio = self.bank.audio(clip).float() * (clip.gain * rng.choice([-1, 1]))
        audio = audio.repeat(-(-self.samples // len(audio)))
        return torch.roll(audio, int(rng.integers(len(audio))))[: self.samples]

    def babble(self, rng: Rng, speech: Tensor) -> Tensor:
        """Four to twelve talkers at once, at times heard through a room: (N,)."""
        heard = torch.zeros(self.samples, device=self.device)
        for row in rng.integers(len(speech), size=rng.integers(4, 13)):
            voice = torch.roll(speech[row], int(rng.integers(self.samples)))
            heard.add_(voice, alpha=decibel(rng.uniform(-6, 0)))
        if rng.random() < 0.5:
            spectrum = torch.fft.rfft(heard, self.size) * self.rooms(rng, 1)[0][0]
            heard = torch.fft.irfft(spectrum, self.size)[: self.samples]
        return heard

    def wandering(self, rng: Rng, rows: int) -> Tensor:
        """Gains (R, N) that wander by some dB in a third of the rows."""
        depth = rng.uniform(1, 6, rows) * (rng.random(rows) < 0.33)
        points = self.row(rng.normal(size=(rows, 1, WANDER_POINTS)) * depth[:, None, None])
        level = functional.interpolate(points, size=self.samples // HOP, mode="linear")
        gain = 10 ** (level[:, 0] / 20)
        return functional.interpolate(gain[:, None], size=self.samples, mode="linear")[:, 0]

    # the whole --------------------------------------------------------------------------------

    def rooms(self, rng: Rng, count: int) -> tuple[Tensor, Tensor]:
        """Spectra of random rooms and of what should be left of them; early energy 1."""
        responses = torch.zeros(count, RESPONSE, device=self.device)
        for row in responses:
            measured = self.bank.has("rir") and rng.random() < MEASURED
            clip = self.bank.clip("rir" if measured else "room", rng)
            audio = self.bank.audio(clip)[:RESPONSE]
            row[: len(audio)] = audio
        early = responses[:, : int(room.KEEP * RATE)].square().sum(1, keepdim=True)
        responses /= early.sqrt()
        kept = responses * self.row(room.kept(RESPONSE))
        return torch.fft.rfft(responses, self.size), torch.fft.rfft(kept, self.size)

    def spectra(
        self, rng: Rng, generator: torch.Generator, speech: Tensor, noise: Tensor,
        snr: np.ndarray, top: np.ndarray,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Spectra of the noisy and the clean side; the last filter limits ``top``."""
        rows, silent = len(speech), np.isnan(snr)
        cutoff = np.exp(rng.uniform(np.log(3000), np.log(20_000), rows))
        cutoff[rng.random(rows) >= LOW_PASS] = np.inf
        np.minimum(top, cutoff, out=top)
        last = filters.tilts(rng, rows, TILT) * filters.low_pass(cutoff)
        of_speech = filters.colours(rng, rows) * filters.equaliser(rng, rows, 4)
        of_noise = filters.colours(rng, rows) * filters.equaliser(rng, rows, 8)
        loud = decibel(np.where(silent, -rng.uniform(0, 25, rows), -np.nan_to_num(snr)))
        clean = self.coloured(speech, of_speech, last * ~silent[:, None])
        noisy = self.coloured(noise, of_noise, last * loud[:, None])
        hissing = np.flatnonzero(rng.random(rows) < HISS)
        hiss = self.white(generator, len(hissing))
        level = self.row(decibel(-rng.uniform(45, 70, (len(hissing), 1))) * last[hissing])
        noisy[hissing] += filters.apply(level, hiss)
        heard = clean
        inside = np.flatnonzero(rng.random(rows) < IN_ROOM)
        if len(inside):
            heard = clean.clone()
            response, kept = self.rooms(rng, len(inside))
            heard[inside] *= response
            clean[inside] *= kept
        return noisy.add_(heard), clean

    def coloured(self, x: Tensor, colour: np.ndarray, last: np.ndarray) -> Tensor:
        """Spectra (R, bins) of rows (R, N) through a filter that leaves the loudness, and a last.

        By total energy, most of which lies in the active frames: a transform less than by frames.
        """
        spectra, colour = torch.fft.rfft(x, self.size), self.row(colour)
        power = filters.pooled(spectra)
        lost = (power.sum(1) / (power * colour**2).sum(1)).nan_to_num().sqrt()
        gains = colour * lost[:, None] * self.row(last)
        return filters.apply(gains, spectra)

    def shaken(self, rng: Rng, noisy: Tensor, clean: Tensor) -> np.ndarray:
        """Hostile sound instead of what some rows begin with, in place; which rows, (R,) bool."""
        chosen = rng.random(len(noisy)) < HOSTILE
        for row in np.flatnonzero(chosen):
            count = min(int(rng.uniform(*HOSTILE_S) * RATE), self.samples)
            noisy[row, :count] = self.row(np.round(hostile.sound(rng, count) * 32767) / 32768)
            clean[row, :count] = 0
        return chosen

    def white(self, generator: torch.Generator, rows: int) -> Tensor:
        """Spectra of white noise of RMS 1."""
        shape = rows, self.size // 2 + 1, 2
        noise = torch.randn(shape, generator=generator, device=self.device)
        return torch.view_as_complex(noise) * (self.size / 2) ** 0.5

    def gains(self, rng: Rng, peak: Tensor) -> Tensor:
        """Factors (R,) that give each row its level, within full scale, or some dB too much."""
        rows = len(peak)
        level = np.array([plan.draw_level(rng) for _ in range(rows)])
        hot = rng.random(rows) < OVERDRIVEN
        boost = np.where(hot, decibel(rng.uniform(0, 15, rows)), 1)
        wanted = self.row(decibel(np.where(hot, 0, level)))
        return torch.minimum(wanted, 0.99 / peak.clamp(min=1e-6) * self.row(boost))
