"""Decay floor: against the paper, integers against float, C = twin."""

import numpy as np
from generated import pointer

from codegen.stages import decay as twin
from codegen.stages import erb as erb_twin
from reference import decay
from reference.params import BAND_GAIN_LIMIT, DECAY_FLOOR, N_BANDS


def test_decay_falls_six_db_a_frame_and_never_exceeds_the_noisy_level():
    """60 dB in 100 ms."""
    floor = decay.DecayFloor()
    gain = np.zeros((30, N_BANDS))
    gain[0] = 1
    energy = np.ones((30, N_BANDS))
    out = floor.run(gain, energy)
    assert np.allclose(out[1:] / out[:-1], DECAY_FLOOR, rtol=1e-12)
    assert abs(20 * np.log10(out[10, 0]) + 60) < 0.01
    energy[5:] = 1e-9
    amplitude = decay.DecayFloor().run(gain, energy) * np.sqrt(energy)
    assert (amplitude <= np.sqrt(energy) + 1e-15).all()


def test_integer_decay_floor_equals_float():
    """Amplitudes in Q2 of int16 units: within 1e-3 for bands above 1000 units."""
    frac = 10
    rng = np.random.default_rng(2)
    integer, floating = twin.DecayFloor(), decay.DecayFloor()
    scale = 2.0 ** erb_twin.energy_frac(frac)
    for _ in range(40):
        gain = rng.integers(0, 32768, N_BANDS)
        energy = (rng.uniform(1e3, 1e5, N_BANDS) ** 2 * scale).astype(np.int64)
        got = integer.run(gain, energy, frac) / 2**15
        expected = floating.run(gain[None] / 2**15, energy[None] / scale)[0]
        assert np.abs(got - expected).max() < 1e-3


def test_c_equals_twin(library):
    """Bands of every size, gains up to their limit, quiet spectra and loud ones."""
    rng = np.random.default_rng(1)
    for frac in (9, 11, 14):
        floor, state = twin.DecayFloor(), np.zeros(N_BANDS, np.int64)
        for bits in (*range(2, 60, 3), 59, 1, 1):
            energy = rng.integers(0, 2**bits, N_BANDS)
            gain = rng.integers(0, int(BAND_GAIN_LIMIT * 2**15), N_BANDS)
            c_gain = gain.astype(np.int32)
            library.c.percepnet_decay_run(pointer(state), pointer(c_gain), pointer(energy), frac)
            assert np.array_equal(c_gain, floor.run(gain, energy, frac))
            assert np.array_equal(state, floor.amplitude_q2)
