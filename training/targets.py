"""Features and targets of many mixtures at once: `reference.oracle.examples` in torch.

A row of a store is what one frame teaches, float16: features 70, true gain and strength 34 each,
those of a teacher 34 each, weight 34, voice activity 1, and how much the teacher is believed 1.
"""

import torch
from torch import Tensor

from reference.oracle import ACTIVITY_DB, BAND_END_HZ, BAND_HZ, SPEECH_BANDS
from reference.params import ENERGY_FLOOR, LOOKAHEAD_FRAMES, N_BANDS, N_FEATURES, RATE
from training.front_end import FrontEnd, Taps, late
from training.loss import Batch

PARTS = (N_FEATURES, *5 * (N_BANDS,), 1, 1)
WIDTH = sum(PARTS)
TAUGHT = slice(sum(PARTS[:3]), sum(PARTS[:5]))
"""Gains and strengths of a teacher."""
MODERATE = 0.5  # part of the teacher's share where likeness to speech is judged: its ESTOI is less
SETTLES, SETTLED = 30, 60  # frames: the teacher's own state is too fresh before


def batch(stored: Tensor, teach: float, history: int = 0) -> Batch:
    """Stored frames (B, history + L, 242) as a training step takes them, float32.

    Features are (history + L, B, 70), all else (L, B, …). teach: share of the teacher in the
    targets, 0…1, where it is believed.
    """
    frames = stored.transpose(0, 1).float().contiguous()
    features = frames[..., :N_FEATURES]
    _, gain, strength, its_gain, its_strength, weight, vad, believed = torch.split(
        frames[history:], PARTS, 2
    )
    share = teach * believed
    moderate = torch.lerp(gain, its_gain, MODERATE * share)
    gain, strength = torch.lerp(gain, its_gain, share), torch.lerp(strength, its_strength, share)
    return Batch(features, gain, strength, weight, weight, vad[..., 0], moderate)


class Labeller:
    """Makes rows of a store from mixtures; `chunk` rows at a time are in memory as spectra."""

    def __init__(self, device: torch.device | str = "cpu", dtype=torch.float32, chunk: int = 4):
        self.front, self.chunk = FrontEnd(device, dtype), chunk
        self.band_hz, self.band_end_hz = self.front.put(BAND_HZ), self.front.put(BAND_END_HZ)

    def frames(
        self, noisy: Tensor, clean: Tensor, bandwidth_hz: Tensor,
        taught: Tensor | None = None, believed: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """(R, N) noisy, clean and, if there is a teacher, its output -> (R, L, 242) float16.

        bandwidth_hz (R,): the top of what the clean recording holds. believed (R,): 0…1.
        """
        period, correlation = self.front.pitch(noisy, self.chunk)
        taught = clean if taught is None else taught
        believed = torch.zeros_like(bandwidth_hz) if believed is None else believed
        made = []
        rows = zip(
            *(x.split(self.chunk) for x in (noisy, clean, bandwidth_hz, taught, believed)),
            period.split(self.chunk), correlation.split(self.chunk), strict=True,
        )  # fmt: skip
        for some, true, top, its, trust, periods, correlations in rows:
            taps = self.front.taps(some, periods, correlations)
            x_energy, *own = self.answers(true, taps)
            same = its is true or torch.equal(its, true)
            given = own if same else self.answers(its, taps)[1:]
            parts = [taps.features, *own, *given, self.known(taps, top), self.voice(x_energy),
                     self.belief(trust, periods.shape[1])]  # fmt: skip
            made.append(torch.cat(parts, -1).half())
        return torch.cat(made)

    def answers(self, clean: Tensor, taps: Taps) -> tuple[Tensor, Tensor, Tensor]:
        """Energy of the clean bands, ideal gain and ideal strength, each (R, L, 34)."""
        x, inner = late(self.front.spectra(clean)), self.front.inner
        energy = inner(x, x)
        safe = torch.where(taps.y_energy > 0, taps.y_energy, 1)
        gain = (energy / safe).clamp(0, 1).sqrt()
        a, b, c = inner(x, taps.y), inner(x, taps.p), taps.cross
        towards_p = b * taps.y_energy - a * c
        towards_y = a * taps.p_energy - b * c
        filtered = (b > 0) & (towards_p > 0)
        filtered &= self.band_end_hz >= RATE / taps.period[..., None]
        total = torch.where(filtered, towards_p + towards_y.clamp(min=0), 1)
        return energy, gain, torch.where(filtered, towards_p / total, 0)

    def known(self, taps: Taps, bandwidth_hz: Tensor) -> Tensor:
        """1 where a band holds something to learn from: (R, L, 34)."""
        known = (self.band_hz <= bandwidth_hz[:, None, None]) & (taps.y_energy > ENERGY_FLOOR)
        known[:, :LOOKAHEAD_FRAMES] = False
        return known.to(taps.y_energy)

    @staticmethod
    def voice(x_energy: Tensor) -> Tensor:
        """1 within 35 dB of the loud part of the row: (R, L, 34) -> (R, L, 1)."""
        level = x_energy[..., SPEECH_BANDS].sum(-1)
        loud = torch.quantile(level, 0.95, dim=1, keepdim=True)
        threshold = (loud * 10 ** (ACTIVITY_DB / 10)).clamp(min=10 * ENERGY_FLOOR)
        return (level > threshold).to(x_energy)[..., None]

    @staticmethod
    def belief(trust: Tensor, frames: int) -> Tensor:
        """(R,) -> (R, L, 1), from 0 while the teacher's state is fresh."""
        frame = torch.arange(frames, device=trust.device)
        settled = ((frame - SETTLES) / (SETTLED - SETTLES)).clamp(0, 1)
        return (trust[:, None] * settled)[..., None]

