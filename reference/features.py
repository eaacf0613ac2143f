"""The 70 inputs of the network (P20 section 4), scaled to about +-3."""

import numpy as np

from reference.params import (
    COHERENCE_OFFSET,
    COHERENCE_SCALE,
    ENERGY_FLOOR,
    LOG_ENERGY_OFFSET,
    LOG_ENERGY_SCALE,
    PERIOD_OFFSET,
    PERIOD_SCALE,
)


def coherence(y_energy, cross, p_energy, centre) -> np.ndarray:
    """Pitch coherence q_b of the noisy frame: cosine between y and its leave-one-out comb.

    The comb output p holds w_0 y, which would give white noise a coherence of 0.47. Removing it,
    p' = p - w_0 y, needs only the band sums that are there already.

    y_energy, cross, p_energy: (L, 34), <y,y>, <y,p>, <p,p>; centre: (L,), w_0.
    Returns (L, 34) in 0...1; 0 where a band is silent.
    """
    w0 = centre[:, None]
    cross_rest = cross - w0 * y_energy
    p_rest = p_energy - 2 * w0 * cross + w0**2 * y_energy
    product = np.maximum(y_energy * p_rest, 0)
    norm = np.sqrt(np.where(product > 0, product, 1))
    return np.where(product > 0, np.clip(cross_rest / norm, 0, 1), 0)


def scale(newest_energy, coherences, period, correlation) -> np.ndarray:
    """Feature vectors, (L, 70).

    newest_energy: (L, 34) band energies of frame n; coherences: (L, 34) of frame n - 2;
    period: (L,) of frame n - 2; correlation: (L,) of frame n.
    """
    log_energy = np.log10(newest_energy + ENERGY_FLOOR)
    return np.concatenate(
        [
            (log_energy + LOG_ENERGY_OFFSET) * LOG_ENERGY_SCALE,
            (coherences - COHERENCE_OFFSET) * COHERENCE_SCALE,
            ((period - PERIOD_OFFSET) * PERIOD_SCALE)[:, None],
            ((correlation - COHERENCE_OFFSET) * COHERENCE_SCALE)[:, None],
        ],
        axis=1,
    )
