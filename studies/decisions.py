"""What else there was to choose where the paper is silent or proved wrong; see eval/decisions.py.

Every step has true gains; "comb" is what was chosen. Steps with other constants (changes.py) run
in processes of their own.
"""

from collections.abc import Iterator

import numpy as np

from reference import erb, gains, oracle
from reference.comb import future_periods, weights
from reference.params import N_BANDS, RATE
from reference.stft import Synthesis
from studies.scene import Scene, cosine

BAND = np.arange(N_BANDS)


def steps(noisy: np.ndarray, clean: np.ndarray, change: str) -> Iterator[tuple[str, np.ndarray]]:
    """(step, enhanced samples (N,)) of the steps that belong to a change of constants."""
    if change == "bands-32":
        fold_end_bands()
    scene = Scene(noisy, clean)
    if change == "bands-32":
        yield "bands-32-gains", scene.enhanced(scene.gain, 0 * scene.strength)
    if change:
        yield change, scene.enhanced(scene.gain, scene.strength)
        return
    yield "band-gains", scene.enhanced(scene.gain, 0 * scene.strength)
    for name, strength in strengths(scene).items():
        yield name, scene.enhanced(scene.gain, strength)
        if name in ("comb", "exact", "closed-form"):
            yield f"{name}-unscaled", unscaled(scene, strength)
    for name, strength in low_bands(scene).items():
        yield f"comb-{name}", scene.enhanced(scene.gain, strength)


def strengths(scene: Scene) -> dict[str, np.ndarray]:
    """Strengths (L, 34) by every definition."""
    x, y, p = scene.x, scene.y, scene.p
    noise = np.array([[np.sum(weights(future_periods(T)) ** 2)] for T in scene.taps["period"]])
    plain_x, plain_y = cosine(scene.clean["p"], x), cosine(p, y)
    q_x, q_y = scene.clean["coherence"], scene.taps["coherence"]
    table = {
        "exact": oracle.exact_strength(q_x, scene.periodic, y, p),
        "exact-plain": oracle.exact_strength(plain_x, scene.clean["p"], y, p),
        "closed-form": oracle.closed_form(q_x, q_y, noise)[0],
        "closed-form-plain": oracle.closed_form(plain_x, plain_y, noise)[0],
    }
    return {"comb": scene.strength} | {k: scene.above_pitch(r) for k, r in table.items()}


def low_bands(scene: Scene) -> dict[str, np.ndarray]:
    """r_cos (L, 34) with other rules for the bands below the first harmonic."""
    free = oracle.most_alike(scene.x, scene.y, scene.p)
    peak_above = oracle.BAND_HZ >= RATE / scene.taps["period"][:, None]
    return {"free": free, "peak": free * peak_above, "two": free * (BAND >= 2)}


def unscaled(scene: Scene, strength: np.ndarray) -> np.ndarray:
    """As the back end, but the bands of the mix keep what the comb left of them."""
    z = gains.mix(scene.y, scene.p, strength)
    return scene.aligned(Synthesis().run(z * erb.interpolate(scene.gain)))


def fold_end_bands() -> None:
    """Turn the bands without the two end peaks into the 32 of RNNoise 0.2: ends folded in."""
    erb.INTERPOLATION[0, :2] = 1
    erb.INTERPOLATION[-1, 356:400] = 1
    erb.BANDS[:] = erb.INTERPOLATION
    erb.BANDS[[0, -1]] *= 2 / 3
