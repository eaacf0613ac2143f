"""Validation as one hears it: PESQ-WB and ESTOI of mixtures enhanced with the weights at hand.

The loss counts bands, a listener does not: the best checkpoint is chosen by these scores.
"""

from typing import NamedTuple

import numpy as np
import soxr
from pesq import PesqError, pesq
from pystoi import stoi

from reference import dnn
from reference.params import RATE
from reference.suppressor import enhance
from training.mix import Mixture, mixture
from training.shards import Source

PESQ_RATE = 16_000
FRAMES = 800  # 8 s a clip
SNR_RANGE = (-5.0, 20.0)  # dB: where a suppressor is needed
DRAWS = 100  # mixtures looked at for each one taken, at most


class Score(NamedTuple):
    """Means over the clips; ``both`` = PESQ-WB + ESTOI is what checkpoints are compared by."""

    pesq_wb: float
    estoi: float

    @property
    def both(self) -> float:
        """The figure of merit of a checkpoint."""
        return self.pesq_wb + self.estoi


def score(clean: np.ndarray, heard: np.ndarray) -> Score:
    """One clip, (N,) at 48 kHz. Raises PesqError where PESQ finds no utterance in ``clean``."""
    low = [soxr.resample(x.astype(float), RATE, PESQ_RATE) for x in (clean, heard)]
    return Score(pesq(PESQ_RATE, *low, "wb"), stoi(*low, PESQ_RATE, extended=True))


class Listener:
    """A fixed set of mixtures from held-out recordings, made once, and its scores untouched."""

    def __init__(self, source: Source, clips: int):
        pool = source.pool("valid")
        self.clips: list[Mixture] = []
        rows, index = [], 0
        while len(self.clips) < clips:
            if index == DRAWS * clips:
                raise ValueError(
                    f"found {len(self.clips)} of {clips} validation mixtures that PESQ can judge;"
                    " give longer held-out recordings, or --clips 0"
                )
            made = mixture(pool, source.seed, index, FRAMES)
            index += 1
            if made.snr_db is None or not SNR_RANGE[0] <= made.snr_db <= SNR_RANGE[1]:
                continue
            try:
                rows.append(score(made.clean, made.noisy))
            except PesqError:  # no utterance in it
                continue
            self.clips.append(made)
        self.noisy = mean(rows)

    def score(self, weights: dnn.Weights) -> Score:
        """Mean scores with these weights."""
        return mean([score(c.clean, enhance(c.noisy, dnn.Network(weights))) for c in self.clips])


def mean(rows: list[Score]) -> Score:
    """Means over clips, NaN for none."""
    return Score(*np.mean(rows, axis=0).tolist()) if rows else Score(np.nan, np.nan)
