"""The oracle ladder: the steps of the method one by one, with values from the clean speech.

Each step shows what one part is there for; what networks make of it: `parts.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reference import gains, oracle
from reference.params import ACTIVE_BINS
from reference.stft import Synthesis
from studies.result import by_step
from studies.scene import Scene, cosine

STEPS = {
    "noisy": "noisy: nothing done",
    "band-gains": "34 true band gains",
    "comb": "+ comb filter with true strengths (r_cos): what is trained",
    "comb-attenuation": "+ attenuation g_att of bands still too noisy",
    "comb-attenuation-postfilter": "+ envelope postfilter",
    "comb-postfilter": "true gains and comb + postfilter, no g_att",
    "comb-true-pitch": "true gains and comb, pitch of the clean speech: bound of the tracker",
    "bin-magnitudes": "true magnitude of every bin, noisy phase: bound of finer bands",
}


def steps(noisy: np.ndarray, clean: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """(step, enhanced samples (N,)) of every step but "noisy", for one clip at 48 kHz."""
    scene = Scene(noisy, clean)
    gain, strength = scene.gain, scene.strength
    quieter = gain * attenuation(scene)
    yield "band-gains", scene.enhanced(gain, 0 * strength)
    yield "comb", scene.enhanced(gain, strength)
    yield "comb-attenuation", scene.enhanced(quieter, strength)
    yield "comb-attenuation-postfilter", scene.enhanced(quieter, strength, postfilter=True)
    yield "comb-postfilter", scene.enhanced(gain, strength, postfilter=True)
    told = Scene(noisy, clean, true_pitch=True)
    yield "comb-true-pitch", told.enhanced(told.gain, told.strength)
    yield "bin-magnitudes", scene.aligned(Synthesis().run(true_magnitudes(scene.x, scene.y)))


def attenuation(scene: Scene) -> np.ndarray:
    """g_att (L, 34) of the mix with the true strengths: its coherence against the clean band's."""
    z = gains.mix(scene.y, scene.p, scene.strength)
    return oracle.attenuation(scene.clean["coherence"], cosine(scene.periodic, z))


def true_magnitudes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """|X| with the phase of Y in every active bin: (L, 481)."""
    level = np.abs(y)
    spectra = np.abs(x) * np.where(level > 0, y / np.where(level > 0, level, 1), 1)
    spectra[:, ACTIVE_BINS:] = 0
    return spectra


def result(rows: list[dict], folder: Path, out: Path) -> dict:
    """A row a step."""
    return by_step(rows, STEPS)
