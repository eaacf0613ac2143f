"""What else there was to choose where the paper is silent or proved wrong, and what was measured.

Every step has true gains; "comb" is what was chosen. Steps with other constants (changes.py) run
in processes of their own. Compared are means, and the difference from what was chosen with the 95 %
interval of the mean over clips.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import numpy as np

from reference import erb, gains, oracle
from reference.comb import future_periods, weights
from reference.params import N_BANDS, RATE
from reference.stft import Synthesis
from studies.result import means
from studies.scene import Scene, cosine

BAND = np.arange(N_BANDS)
MEASURED = ("pesq_wb", "stoi", "si_sdr")
"""Whose differences are told."""


@dataclass(frozen=True)
class Decision:
    """A question, the steps that answer it by name, the step chosen, and why."""

    question: str
    steps: dict[str, str]
    chosen: str
    reason: str


DECISIONS = [
    Decision(
        "Look-ahead",
        {"lookahead-0": "0 frames", "lookahead-1": "1 frame", "comb": "2 frames",
         "lookahead-3": "3 frames"},
        "comb",
        "None costs 0.12 PESQ, one frame 0.03; two are all that comb and tracker need, and the"
        " network judges a frame better with what follows.",
    ),
    Decision(
        "Strength",
        {"band-gains": "none (r = 0)", "closed-form-plain": "closed form of the paper",
         "exact": "exact quadratic", "comb": "r_cos"},
        "comb",
        "r_cos is best by every measure and needs neither the clean pitch nor cases; the exact"
        " quadratic comes near, the closed form stays far behind.",
    ),
    Decision(
        "Strength in low bands",
        {"comb": "0 in bands that end below the pitch",
         "comb-peak": "0 in bands whose peak is below the pitch",
         "comb-two": "0 in bands 0 and 1", "comb-free": "as computed everywhere"},
        "comb",
        "A band that ends below the pitch holds no harmonic: nothing for a comb to keep. One whose"
        " peak alone lies below may hold the fundamental, and is worth combing. As computed"
        " everywhere is better still with true values; with a network it was not tried.",
    ),
    Decision(
        "Renormalisation (scale bands)",
        {"closed-form-unscaled": "closed form, without", "closed-form": "closed form, with",
         "exact-unscaled": "exact, without", "exact": "exact, with",
         "comb-unscaled": "r_cos, without", "comb": "r_cos, with"},
        "comb",
        "With: gains and comb must not both take energy out of a band; no loss by any measure,"
        " whatever the strength.",
    ),
    Decision(
        "Coherence that strengths are computed from",
        {"closed-form-plain": "closed form, plain", "closed-form": "closed form, leave-one-out",
         "exact-plain": "exact, plain", "exact": "exact, leave-one-out"},
        "exact",
        "Leave-one-out: it is 0 for noise, and as a feature says more about the gains (R² 0.027"
        " against 0.018, ten clips). The strength the product trains, r_cos, needs neither.",
    ),
    Decision(
        "Bands",
        {"bands-32-gains": "32, gains only", "band-gains": "34, gains only",
         "bands-32": "32, with comb", "comb": "34, with comb"},
        "comb",
        "34: a small gain with and without comb, most of it below 100 Hz.",
    ),
    Decision(
        "Comb: periods on each side",
        {"periods-1": "1", "periods-3": "3", "comb": "5"},
        "comb",
        "5, as the paper has it; 3 is as good here and would save 1600 samples of history, so it is"
        " the first candidate where memory is short. 1 loses noise reduction.",
    ),
]  # fmt: skip


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


def difference(rows: list[dict], step: str, other: str, measure: str) -> tuple[float, float]:
    """(mean of step - other over the clips both have, half its 95 % interval)."""
    value = {(r["system"], r["clip"]): r[measure] for r in rows if not r.get("error")}
    gaps = [v - value[other, clip] for (system, clip), v in value.items()
            if system == step and (other, clip) in value]
    return fmean(gaps), 1.96 * stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else 0.0


def result(rows: list[dict], folder: Path, out: Path) -> dict:
    """{"noisy": means, "rows": [{question, step, <means>, "difference": {measure: [mean, half]}}]};
    no difference for the chosen step.
    """
    found = []
    for decision in DECISIONS:
        for step in decision.steps:
            gaps = {m: [round(x, 5) for x in difference(rows, step, decision.chosen, m)]
                    for m in MEASURED if step != decision.chosen}  # fmt: skip
            found.append({"question": decision.question, "step": step, **means(rows, step),
                          "difference": gaps or None})  # fmt: skip
    return {"noisy": means(rows, "noisy"), "rows": found}
