"""Rooms: simulated ones decay as asked, targets keep the early part (Valin et al. 2022)."""

import numpy as np
import pytest
from scipy.signal import butter, fftconvolve

from reference.params import RATE
from training import room


def decay_time(response: np.ndarray, top: float, bottom: float) -> float:
    """Seconds per 60 dB from Schroeder's backward integral between two levels in dB."""
    left = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
    level = 10 * np.log10(left / left[0] + 1e-30)
    first, last = (np.argmax(level < limit) for limit in (top, bottom))
    return 60 / (top - bottom) * (last - first) / RATE


def tail(t60: float, seed: int = 1) -> np.ndarray:
    """White noise that decays by 60 dB in t60 seconds."""
    time = np.arange(int(1.2 * t60 * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(time.size)
    return noise * 10 ** (-3 * time / t60)


def test_target_leaves_the_first_20_ms_as_they_are():
    assert (room.kept(RATE)[: RATE // 50] == 1).all()


def test_target_weakens_what_comes_later():
    """A response of ones shows the weight itself: 1, a fade, then -14 dB and 60 dB in 200 ms."""
    weight = room.kept(RATE // 2)
    db = 20 * np.log10(weight[np.round(np.array([0.019, 0.030, 0.120, 0.220]) * RATE).astype(int)])
    np.testing.assert_allclose(db, [0, -14 - 3, -14 - 30, -14 - 60], atol=0.1)  # 0.2: -13.98 dB
    assert (np.diff(weight) <= 0).all()
    middle = weight[round(0.025 * RATE)]  # of the fade: (1 + 0.2) / 2, and 1.5 dB of decay
    assert middle == pytest.approx(0.6 * 10 ** (-1.5 / 20), rel=1e-3)


@pytest.mark.parametrize("t60", [0.3, 0.8])
def test_decay_times_of_room_and_target_add_as_rates(t60):
    """1 / R = 1 / R_0 + 1 / R_D. A tenth is what a fit to one realisation of noise scatters."""
    kept = (tail(t60) * room.kept(len(tail(t60))))[int(0.03 * RATE) :]
    expected = 1 / (1 / t60 + 1 / room.TARGET_DECAY)
    assert decay_time(kept, -5, -35) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_simulated_room_decays_as_drawn(seed):
    """T60 between -5 and -25 dB of the late part, against the first number drawn.

    A third: the bands decay at 0.6 to 1.1 times the time drawn.
    """
    rng = np.random.default_rng(seed)
    drawn = np.exp(np.random.default_rng(seed).uniform(np.log(0.15), np.log(1.2)))
    response = room.simulate(rng)
    assert decay_time(response[int(0.04 * RATE) :], -5, -25) == pytest.approx(drawn, rel=0.35)


def test_simulated_room_starts_with_its_direct_sound_and_repeats_with_its_seed():
    response, again = (room.simulate(np.random.default_rng(5)) for _ in range(2))
    assert np.argmax(np.abs(response)) == 24 and np.array_equal(response, again)


@pytest.mark.parametrize("t60", [0.2, 1.0])
def test_late_reverberation_joins_without_a_step(t60, monkeypatch):
    """White image sources and one band of tail, both of the same decay: the level goes on falling
    by 60 dB per T60 across the seam. 1 dB is what 20 ms of noise scatter."""
    wide = butter(2, (20, 20_000), "band", fs=RATE, output="sos")
    monkeypatch.setattr(room, "TAIL", [(wide, 1.0)])
    images = tail(t60)
    joined = room.with_tail(images, t60, np.random.default_rng(2))
    assert np.array_equal(joined[: RATE // 20], images[: RATE // 20])
    level = 10 * np.log10(np.mean(joined[: RATE * 16 // 100].reshape(8, -1) ** 2, axis=1))
    np.testing.assert_allclose(level - level[0], -60 * 0.02 / t60 * np.arange(8), atol=1)


def test_measured_response_starts_at_its_direct_sound_and_stays_in_time_with_the_target():
    """Lead and pre-ringing of a measurement are cut, so noisy and clean stay sample-aligned."""
    response = np.concatenate([1e-3 * np.ones(3000), [1.0], 0.3 * tail(0.4)])
    cut = room.aligned(response)
    assert np.argmax(np.abs(cut)) == 24 and cut.size == response.size - 3000 + 24
    click = np.zeros(RATE // 10)
    click[1000] = 1
    heard, clean = (fftconvolve(click, h)[: click.size] for h in (cut, cut * room.kept(cut.size)))
    assert np.argmax(np.abs(heard)) == np.argmax(np.abs(clean))
    np.testing.assert_allclose(heard[: 1000 + RATE // 50], clean[: 1000 + RATE // 50], atol=1e-6)
