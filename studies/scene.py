"""A noisy clip beside its clean original: everything a study with ideal values starts from."""

import numpy as np

from reference import erb, oracle
from reference.comb import centre_weight
from reference.params import DELAY, HOP, RATE
from reference.pitch import Pitch
from reference.suppressor import BackEnd, Options, Suppressor


class Scene:
    """What the front end makes of a noisy clip, and the ideal values its clean original gives.

    taps: the front end's, of the noisy clip; clean: the same of the clean one, so that clean["y"]
    is X, clean["p"] its comb, clean["period"] the true pitch. periodic: comb of the clean speech,
    middle tap left out, which stands for its periodic part. gain, strength: (L, 34) targets.
    """

    def __init__(self, noisy: np.ndarray, clean: np.ndarray, true_pitch: bool = False) -> None:
        """noisy, clean: (N,) at 48 kHz, full scale 1.  true_pitch: comb with the clean pitch."""
        self.samples = len(noisy)
        noisy, clean = padded_hops(noisy), padded_hops(clean)
        heard = Suppressor(None)
        if true_pitch:
            heard.front.pitch = Told(Pitch().run(clean))
        self.taps, self.clean = heard.hear(noisy), Suppressor(None).hear(clean)
        self.x, self.y, self.p = self.clean["y"], self.taps["y"], self.taps["p"]
        centre = centre_weight(self.clean["period"])[:, None]
        self.periodic = self.clean["p"] - centre * self.x
        self.gain = oracle.ideal_gain(self.clean["y_energy"], self.taps["y_energy"])
        self.strength = oracle.ideal_strength(self.x, self.y, self.p, self.taps["period"])

    def above_pitch(self, strength: np.ndarray) -> np.ndarray:
        """Strengths with 0 in bands that end below the pitch: (L, 34)."""
        pitch = RATE / self.taps["period"][:, None]
        return np.where(oracle.BAND_END_HZ < pitch, 0, strength)

    def enhanced(self, gain: np.ndarray, strength: np.ndarray, postfilter=False) -> np.ndarray:
        """What the back end makes of gains and strengths (L, 34): (N,) samples, aligned."""
        options = Options(postfilter=postfilter, decay_floor=False, highpass=False)
        return self.aligned(BackEnd(options).run(dict(self.taps), gain, strength))

    def aligned(self, hops: np.ndarray) -> np.ndarray:
        """Hops of a synthesis, (L, 480), without its delay: (N,)."""
        return hops.ravel()[DELAY:][: self.samples]


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Coherence of two spectra per band: (L, 481) -> (L, 34) in 0...1, 0 where one is silent."""
    norm = np.sqrt(erb.energy(a) * erb.energy(b))
    return np.clip(erb.inner(a, b) / np.where(norm > 0, norm, 1), 0, 1)


class Told:
    """Takes the place of the pitch tracker and repeats a track it was told."""

    def __init__(self, track: tuple[np.ndarray, np.ndarray]) -> None:
        self.track = track

    def run(self, hops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The track of the whole clip, whatever the hops."""
        return self.track


def padded_hops(samples: np.ndarray) -> np.ndarray:
    """(N,) -> (L, 480), zeros behind for the delay of the pipeline."""
    count = -(-(len(samples) + DELAY) // HOP)
    return np.pad(samples, (0, count * HOP - len(samples))).reshape(count, HOP)
