"""DC blocker: float against the definition, integers against float, C equal to the twin."""

import c_harness
import numpy as np
import pytest
from scipy.signal import freqz
from test_stft import SIGNALS, snr_db

from codegen.stages import dcblock as twin
from reference import dcblock
from reference.dcblock import A, B
from reference.params import HOP, RATE

MAIN = """
#include <stdio.h>
#include "dcblock.h"
static percepnet_dcblock_state st;
static int16_t in[PERCEPNET_HOP], out[PERCEPNET_HOP];
int main(void)
{
    percepnet_dcblock_reset(&st);
    while (fread(in, sizeof in, 1, stdin)) {
        percepnet_dcblock_run(&st, out, in);
        fwrite(out, sizeof out, 1, stdout);
        fwrite(&st.sum_q10, sizeof st.sum_q10, 1, stdout);
    }
    return 0;
}
"""


def run(hops: np.ndarray) -> np.ndarray:
    """Hops (L, 480) through a fresh twin."""
    stage = twin.Dcblock()
    return np.array([stage.run(hop) for hop in hops])


# --- float reference --------------------------------------------------------------------------


def test_filter_is_the_difference_equation():
    x = 0.1 * np.random.default_rng(1).normal(size=(3, HOP))
    out, y = dcblock.Dcblock().run(x).ravel(), 0.0
    for n, (x0, x1) in enumerate(zip(x.ravel(), np.r_[0, x.ravel()], strict=False)):
        y = x0 - x1 + (1 - 2**-10) * y
        assert out[n] == pytest.approx(y, abs=1e-12)


def test_nothing_passes_at_0_hz_and_speech_is_left_alone():
    f = np.array([0, 7.46, 50, 100, 1000])
    _, response = freqz(B, A, worN=f, fs=RATE)
    gain_db = 20 * np.log10(np.maximum(np.abs(response), 1e-9))
    assert gain_db[0] < -170 and gain_db[1] == pytest.approx(-3.01, abs=0.01)
    assert gain_db[2:] == pytest.approx([-0.096, -0.024, 0], abs=0.005)
    assert np.degrees(np.angle(response[3:])) == pytest.approx([4.27, 0.43], abs=0.02)


def test_an_offset_that_begins_is_gone_to_a_tenth_after_50_ms():
    out = dcblock.Dcblock().run(np.ones((10, HOP))).ravel()
    assert out[0] == 1 and out[RATE // 20] < 0.1 < out[RATE // 25]


@pytest.mark.parametrize("sizes", [[1] * 12, [5, 7], [2, 1, 9]])
def test_blocks_and_sounds_side_by_side_do_not_matter(sizes):
    x = 0.1 * np.random.default_rng(2).normal(size=(12, 3, HOP))
    stage = dcblock.Dcblock()
    out = np.concatenate([stage.run(part) for part in np.split(x, np.cumsum(sizes)[:-1])])
    for c in range(3):
        assert out[:, c] == pytest.approx(dcblock.Dcblock().run(x[:, c]), abs=1e-12)


# --- first ring: integers against float -------------------------------------------------------


def test_no_accumulator_can_overflow():
    for name, worst, limit in twin.bounds():
        assert worst <= limit, name


@pytest.mark.parametrize("name", [*SIGNALS, "offset"])
def test_twin_is_the_float_filter(name):
    """Half an LSB from rounding the mean taken off, up to half because what was rounded is what
    the mean is made of."""
    rng = np.random.default_rng(5)
    offset = (2000 * rng.standard_normal((100, HOP)) + 6554).astype(np.int16)  # 20 %
    hops = SIGNALS.get(name, offset)
    expected = 32768 * dcblock.Dcblock().run(hops / 32768)
    got = run(hops).astype(float)
    assert np.abs(got - expected).max() <= 1
    power = np.mean(expected**2)
    assert snr_db(expected, got) > min(90, 10 * np.log10(6 * power) - 0.5)


def test_soft_sound_without_offset_passes_bit_for_bit():
    n = np.arange(40 * HOP)
    soft = np.round(30 * np.sin(2 * np.pi * 1000 * n / RATE)).astype(np.int16).reshape(-1, HOP)
    assert np.array_equal(run(soft), soft)


@pytest.mark.parametrize("level", [1, 1000, 32767, -32768])
def test_silence_and_dc_settle_to_zero(level):
    hops = np.r_[np.full((40, HOP), level), np.zeros((40, HOP), int)]
    out = run(hops)
    assert not out[39].any() and not out[-1].any()


def test_the_loudest_steps_saturate():
    out = run(np.r_[np.full((30, HOP), -32768), np.full((1, HOP), 32767)])
    assert out[30, 0] == 32767 and out[0, 0] == -32768


# --- second ring: C equal to the twin -----------------------------------------------------------


def test_c_equals_twin(tmp_path):
    run_c = c_harness.build(tmp_path, ["dcblock.h.j2", "dcblock.c.j2"], MAIN)
    rng, low, high = np.random.default_rng(4), -(2**15), 2**15 - 1
    hops = [
        *np.full((20, HOP), low),
        *np.full((20, HOP), high),
        np.tile([low, high], HOP // 2),
        np.eye(1, HOP, dtype=int)[0] * low,
        np.repeat([low, high], HOP // 2),
        *rng.choice([low, high], (8, HOP)),
        *rng.integers(low, high + 1, (8, HOP)),
        *rng.integers(-9, 10, (8, HOP)),
        *SIGNALS["speech-like"],
        *np.zeros((30, HOP), int),
    ]
    stage, stdin, expected = twin.Dcblock(), b"", b""
    for hop in hops:
        stdin += np.asarray(hop).astype(np.int16).tobytes()
        expected += stage.run(hop).astype(np.int16).tobytes() + np.int32(stage.sum_q10).tobytes()
    assert run_c(stdin) == expected
