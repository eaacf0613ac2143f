"""Validation as one hears it: PESQ-WB and ESTOI of mixtures enhanced with the weights at hand.

The loss counts bands, a listener does not: the best checkpoint is chosen by these scores.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from eval.metrics import MetricError, estoi, pesq_wb
from reference import dnn
from reference.params import RATE
from reference.suppressor import enhance
from training.store import Source

FRAMES = 800  # 8 s a clip
SNR_RANGE = (-5.0, 20.0)  # dB: where a suppressor is needed
DRAWS, ROWS = 50, 8  # mixtures are made so many at a time, at most so often
LISTENED = 1_000_000  # far behind the numbers of shards


class Score(NamedTuple):
    """Means over the clips; ``both`` = PESQ-WB + ESTOI is what checkpoints are compared by."""

    pesq_wb: float
    estoi: float

    @property
    def both(self) -> float:
        """The figure of merit of a checkpoint."""
        return self.pesq_wb + self.estoi


def score(clean: np.ndarray, heard: np.ndarray) -> Score:
    """One clip, (N,) at 48 kHz. Raises MetricError where there is no speech in ``clean``."""
    pair = clean.astype(float), heard.astype(float)
    return Score(pesq_wb(*pair, RATE), estoi(*pair, RATE))


class Clip(NamedTuple):
    """One mixture, (N,) each."""

    noisy: np.ndarray
    clean: np.ndarray


class Listener:
    """A fixed set of mixtures from held-out recordings, made once, and its scores untouched."""

    def __init__(self, source: Source, clips: int):
        self.clips: list[Clip] = []
        rows = []
        for clip in candidates(source) if clips else ():
            try:
                rows.append(score(clip.clean, clip.noisy))
            except MetricError:  # no utterance in it
                continue
            self.clips.append(clip)
            if len(self.clips) == clips:
                break
        if len(self.clips) < clips:
            raise ValueError(
                f"found {len(self.clips)} of {clips} validation mixtures that PESQ can judge;"
                " give longer held-out recordings, or --clips 0"
            )
        self.noisy = mean(rows)

    def score(self, weights: dnn.Weights) -> Score:
        """Mean scores with these weights."""
        return mean([score(c.clean, enhance(c.noisy, dnn.Network(weights))) for c in self.clips])


def candidates(source: Source) -> Iterator[Clip]:
    """Mixtures of held-out recordings whose SNR is in range, DRAWS of ROWS looked at."""
    mixer = replace(source, frames=FRAMES).mixer("valid")
    for draw in range(DRAWS):
        mixed = mixer.mixtures(ROWS, (source.seed, LISTENED, draw))
        for noisy, clean, snr in zip(mixed.noisy, mixed.clean, mixed.snr_db, strict=True):
            if SNR_RANGE[0] <= snr <= SNR_RANGE[1]:
                yield Clip(noisy.numpy(), clean.numpy())


def mean(rows: list[Score]) -> Score:
    """Means over clips, NaN for none."""
    return Score(*np.mean(rows, axis=0).tolist()) if rows else Score(np.nan, np.nan)
