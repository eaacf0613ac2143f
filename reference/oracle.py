"""Ideal gains and strengths, from noisy speech and its clean original: the training targets.

The targets are `ideal_gain` and `ideal_strength`. The strengths and the attenuation of the paper
stand beside them so that the oracle ladder can show what each is worth.
"""

from dataclasses import dataclass

import numpy as np

from reference import erb
from reference.params import BAND_PEAKS, ENERGY_FLOOR, HOP, LOOKAHEAD_FRAMES, RATE
from reference.suppressor import FrontEnd

BAND_HZ = BAND_PEAKS * 50.0
BAND_END_HZ = np.append(BAND_HZ[1:], BAND_HZ[-1])  # where each triangle has come down to zero
SPEECH_BANDS = slice(2, 28)  # 200 Hz ... 8 kHz: where voice activity is judged
ATTENUATION_FLOOR = 0.03  # n_0 of P20 eq. 12: attenuate by 15 dB at most
ACTIVITY_DB = -35.0  # below the loud part (95th percentile) of the clip


@dataclass
class Examples:
    """One row a call n: the network's input and what it should answer about frame n - 2.

    features (L, 70); gain, strength, gain_weight, strength_weight (L, 34); vad (L,); all float32,
    in 0...1 except the features. Weights are 0 where a band holds nothing to learn from.
    """

    features: np.ndarray
    gain: np.ndarray
    strength: np.ndarray
    gain_weight: np.ndarray
    strength_weight: np.ndarray
    vad: np.ndarray


def ideal_gain(x_energy: np.ndarray, y_energy: np.ndarray) -> np.ndarray:
    """g_b = X_b / Y_b, amplitudes, clipped to 0...1 (P20 eq. 2): (L, 34)."""
    return np.sqrt(np.clip(x_energy / np.where(y_energy > 0, y_energy, 1), 0, 1))


def ideal_strength(x, y, p, period: np.ndarray) -> np.ndarray:
    """r_b that makes z = (1 - r) y + r p most like x in the band: argmax cos(x_b, z_b).

    With A = <x,y>, B = <x,p>, C = <y,p>: r / (1 - r) = (B |y|^2 - A C) / (A |p|^2 - B C).
    Needs no clean pitch and no cases of coherence. 0 in bands that end below the pitch.

    x, y, p: (L, 481) complex; period: (L,).  Returns (L, 34) in 0...1.
    """
    strength = most_alike(x, y, p)
    return np.where(BAND_END_HZ < RATE / period[:, None], 0, strength)


def most_alike(target, y, p) -> np.ndarray:
    """r of the mix (1 - r) y + r p that is most like `target` in each band: (L, 481) -> (L, 34)."""
    a, b, c = erb.inner(target, y), erb.inner(target, p), erb.inner(y, p)
    towards_p = b * erb.energy(y) - a * c
    towards_y = a * erb.energy(p) - b * c
    filtered = (b > 0) & (towards_p > 0)
    total = np.where(filtered, towards_p + np.maximum(towards_y, 0), 1)
    return np.where(filtered, towards_p / total, 0)


def closed_form(q_x, q_y, noise_power) -> tuple[np.ndarray, np.ndarray]:
    """The paper's strength and attenuation from coherences alone (P20 eq. 7-11).

    q_x, q_y: (L, 34) in 0...1, pitch coherence of the clean and of the noisy band; noise_power:
    (L, 1), sigma_w^2 of the comb. Returns r and g_att, (L, 34) in 0...1. Here for comparison
    only: it takes y and p for equally loud and their noises for independent, which they are not.
    """
    q_p = q_y / np.sqrt((1 - noise_power) * q_y**2 + noise_power)
    a, b = q_p**2 - q_x**2, q_p * q_y * (1 - q_x**2)
    gap = np.maximum(q_x**2 - q_y**2, 0)
    reached = (gap == 0) | (q_p >= q_x)
    # (sqrt(b^2 + a gap) - b) / a of the paper, written so that a = 0 is no special case.
    root = np.sqrt(np.maximum(b**2 + a * gap, 0)) + b
    alpha = gap / np.where(reached & (gap > 0), root, 1)
    return np.where(reached, alpha / (1 + alpha), 1), attenuation(q_x, q_p)


def exact_strength(q_x, pitch, y, p) -> np.ndarray:
    """The least r whose mix z = (1 - r) y + r p has the clean band's pitch coherence q_x.

    q_x: (L, 34) in 0...1; pitch: (L, 481), comb-filtered clean speech; y, p: (L, 481), noisy
    speech and its comb. cos(pitch, z) = q_x is a quadratic in r / (1 - r); where it has no root
    in reach, r is the one of the greatest cosine. Returns (L, 34) in 0...1.
    """
    a, b, c = erb.inner(pitch, y), erb.inner(pitch, p), erb.inner(y, p)
    wanted = q_x**2 * erb.energy(pitch)
    square = b**2 - wanted * erb.energy(p)
    half = a * b - wanted * c
    rest = a**2 - wanted * erb.energy(y)
    inside = half**2 - square * rest
    middle = -half - np.copysign(np.sqrt(np.maximum(inside, 0)), half)
    strength = most_alike(pitch, y, p)
    for n, d in ((middle, square), (rest, middle)):  # alpha = n / d, so r = n / (n + d)
        r = n / np.where(n + d != 0, n + d, 1)
        is_root = (inside >= 0) & (n * d >= 0) & (a * (1 - r) + b * r >= 0)
        strength = np.where(is_root, np.minimum(strength, r), strength)
    return np.where((q_x == 0) | (a >= 0) & (rest >= 0), 0, strength)


def attenuation(q_x: np.ndarray, q_z: np.ndarray) -> np.ndarray:
    """g_att: what a band less periodic than the clean one is turned down by (P20 eq. 12).

    q_x, q_z: pitch coherence of the clean band and of the mix, 0...1.  Returns 0.17...1, 1 where
    q_z >= q_x: then the noise between the harmonics is no louder than the clean band's own.
    """
    floor = 1 + ATTENUATION_FLOOR
    return np.sqrt((floor - q_x**2) / (floor - np.minimum(q_x, q_z) ** 2))


def voice_activity(x_energy: np.ndarray) -> np.ndarray:
    """1 where the clean speech is within 35 dB of its loud part: (L, 34) -> (L,) of 0 and 1."""
    level = x_energy[:, SPEECH_BANDS].sum(axis=1)
    threshold = max(np.percentile(level, 95) * 10 ** (ACTIVITY_DB / 10), 10 * ENERGY_FLOOR)
    return (level > threshold).astype(float)


def examples(noisy: np.ndarray, clean: np.ndarray, *, bandwidth_hz: float = RATE / 2) -> Examples:
    """Network inputs and targets for one mixture.

    noisy, clean: (N,) at 48 kHz, full scale 1, N a multiple of 480, sample-aligned.
    bandwidth_hz: the top of what the clean recording holds; bands above are not judged.
    Raises ValueError if the lengths differ or are no whole number of hops.
    """
    if noisy.shape != clean.shape or noisy.ndim != 1 or len(noisy) % HOP:
        raise ValueError(
            f"expected two signals of equal length, a multiple of {HOP}; got {noisy.shape}"
            f" and {clean.shape}"
        )
    taps = FrontEnd().run(noisy.reshape(-1, HOP))
    x = clean_spectra(clean)
    x_energy = erb.energy(x)
    known = (BAND_HZ <= bandwidth_hz) & (taps["y_energy"] > ENERGY_FLOOR)
    known[:LOOKAHEAD_FRAMES] = False
    fields = (
        taps["features"],
        ideal_gain(x_energy, taps["y_energy"]),
        ideal_strength(x, taps["y"], taps["p"], taps["period"]),
        known,
        known,
        voice_activity(x_energy),
    )
    return Examples(*(field.astype(np.float32) for field in fields))


def clean_spectra(clean: np.ndarray) -> np.ndarray:
    """Spectra X(n - 2) of the clean signal, aligned with the taps of call n: (L, 481)."""
    from reference.delay import Delay
    from reference.stft import Analysis

    spectra = Analysis().run(clean.reshape(-1, HOP))
    return Delay(LOOKAHEAD_FRAMES, spectra.shape[1:], complex).run(spectra)
