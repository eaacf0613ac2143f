"""Features: coherence against the comb itself, scaling, integers against float, C against twin."""

import numpy as np
import pytest
from generated import pointer, speech

from codegen.stages import erb as erb_twin
from codegen.stages import features as twin
from reference import comb, erb
from reference.params import COMB_PERIODS, N_BANDS, N_FEATURES
from reference.stft import vorbis_window
from reference.suppressor import FrontEnd


@pytest.fixture(scope="module")
def taps():
    return FrontEnd().run(speech(2).reshape(-1, 480))


def test_coherence_equals_cosine_with_the_comb_without_its_centre(taps):
    """Definition: filter with the taps k != 0 only, transform, take the cosine in each band."""
    hops = speech(2).reshape(-1, 480)
    signal = hops.ravel()
    window = vorbis_window()
    for n in (90, 120, 150):
        period = int(taps["period"][n])
        future = comb.future_periods(period)
        start = (n - 3) * 480
        p = np.zeros(960)
        for k in range(-future, COMB_PERIODS + 1):
            if k:
                p += comb.weights(future)[k + future] * signal[start - k * period :][:960]
        p_spectrum = np.fft.rfft(p * window)[None]
        y_spectrum = np.fft.rfft(signal[start:][:960] * window)[None]
        cosine = erb.inner(y_spectrum, p_spectrum) / np.sqrt(
            erb.energy(y_spectrum) * erb.energy(p_spectrum)
        )
        assert np.allclose(taps["coherence"][n], np.clip(cosine[0], 0, 1), atol=1e-9)


def test_white_noise_has_no_coherence_and_a_pulse_train_has_all():
    """Bands 0 and 1 hold two bins of 50 Hz: no resolution there."""
    rng = np.random.default_rng(1)
    noise = FrontEnd().run(0.1 * rng.standard_normal((300, 480)))["coherence"][20:]
    assert noise[:, 6:].mean() < 0.2
    pulses = np.zeros(300 * 480)
    pulses[::240] = 0.9  # 200 Hz
    coherence = FrontEnd().run(pulses.reshape(-1, 480))["coherence"][50:]
    harmonic = np.arange(N_BANDS) >= 4
    assert coherence[:, harmonic].min() > 0.999


def test_silence_gives_finite_features_and_no_coherence():
    taps = FrontEnd().run(np.zeros((20, 480)))
    assert np.isfinite(taps["features"]).all() and taps["features"].shape == (20, N_FEATURES)
    assert not taps["coherence"].any()


def quantised(taps, n, frac=10):
    """Band sums of frame n as the integer stages would hold them."""
    scale = 2.0 ** (erb_twin.energy_frac(frac) + 30)
    names = ("y_energy", "cross", "p_energy", "newest_energy")
    return [np.floor(taps[name][n] * scale + 0.5).astype(np.int64) for name in names]


def test_integer_features_equal_float(taps):
    """Q12 rounding and Q11...Q15 inside: coherence within 2e-3, log energy within 1e-3."""
    for n in range(20, 200, 7):
        y_energy, cross, p_energy, newest = quantised(taps, n)
        period = taps["period"][n]
        centre = round(comb.centre_weight(taps["period"][n : n + 1])[0] * 2**15)
        coherence_q15 = twin.coherence_q15(y_energy, cross, p_energy, centre)
        audible = taps["y_energy"][n] > 1e-6
        error = np.abs(coherence_q15 / 2**15 - taps["coherence"][n])[audible]
        assert error.max() < 2e-3
        correlation_q15 = round(taps["correlation"][n] * 32767)
        scaled = twin.scale(newest, 10, coherence_q15, period, correlation_q15) / 2**12
        error = np.abs(scaled - taps["features"][n])
        assert error[:N_BANDS].max() < 1e-3 and error[2 * N_BANDS :].max() < 1e-3


def test_c_equals_twin(library, taps):
    rng = np.random.default_rng(2)
    extreme = [rng.integers(0, 2 ** int(k), N_BANDS) for k in rng.integers(1, 61, 60)]
    cases = [quantised(taps, n) for n in range(0, 200, 5)]
    cases += [[e, rng.integers(-1, 2, N_BANDS) * (e >> 1), e[::-1], e] for e in extreme]
    cases += [[np.zeros(N_BANDS, np.int64)] * 4]
    for y_energy, cross, p_energy, newest in cases:
        sums = [np.ascontiguousarray(v) for v in (y_energy, cross, p_energy)]
        q = np.empty(N_BANDS, np.int16)
        library.c.percepnet_features_coherence(pointer(q), *map(pointer, sums), 5461)
        assert np.array_equal(q, twin.coherence_q15(*sums, 5461))
        out = np.empty(N_FEATURES, np.int16)
        newest = np.ascontiguousarray(newest)
        library.c.percepnet_features_scale(pointer(out), pointer(newest), 10, pointer(q), 333, 77)
        assert np.array_equal(out, twin.scale(newest, 10, q.astype(np.int64), 333, 77))
