"""The whole pipeline: definition, laws of streaming, twin against float, C against twin."""

import numpy as np
import pytest
from generated import adversarial, snr_db, speech

from codegen import twin
from codegen.suppressor import Suppressor, recorded
from reference import dnn, suppressor
from reference.clips import to_int16
from reference.dcblock import Dcblock
from reference.params import DELAY, HOP, N_BANDS
from reference.suppressor import Options

OFF = Options(postfilter=False, decay_floor=False, highpass=False)
ALL = suppressor.EVERY_STAGE


class Unity:
    """A network that answers gain 1, strength 0."""

    def run(self, features):
        ones = np.ones((len(features), N_BANDS))
        return ones, 0 * ones, ones[:, 0]


@pytest.fixture(scope="module")
def network():
    weights = dnn.load("small")
    return lambda: dnn.Network(weights)


def test_pass_through_returns_the_delayed_input():
    """Gains 1, strengths 0, filters off: -120 dB below 20 kHz, but for the DC blocker."""
    n = np.arange(96000)
    tones = sum(0.1 * np.sin(2 * np.pi * f * n / 48000 + f) for f in (50, 440, 3000, 12345, 18000))
    tones *= np.hanning(n.size)  # no onset, which would reach above 20 kHz
    out = suppressor.Suppressor(Unity(), OFF).run(tones.reshape(-1, HOP)).ravel()
    centred = Dcblock().run(tones.reshape(-1, HOP)).ravel()
    assert snr_db(centred[:-DELAY], out[DELAY:]) > 120
    assert snr_db(centred, suppressor.enhance(tones, Unity(), OFF)) > 119


@pytest.mark.parametrize("options", [OFF, ALL])
def test_blocks_of_any_length_equal_single_frames(network, options):
    """Streaming and whole-file paths: 1e-9."""
    hops = speech(1.5).reshape(-1, HOP)
    whole = suppressor.Suppressor(network(), options).run(hops)
    stream = suppressor.Suppressor(network(), options)
    single = np.concatenate([stream.run(hop[None]) for hop in hops])
    stream = suppressor.Suppressor(network(), options)
    blocks = np.concatenate([stream.run(part) for part in np.split(hops, [1, 8, 9, 70])])
    assert np.abs(single - whole).max() < 1e-9 and np.abs(blocks - whole).max() < 1e-9


@pytest.mark.parametrize("samples", [0, 1, 479, 480, 481, 5000])
def test_enhance_keeps_the_length(network, samples):
    assert suppressor.enhance(speech(1)[:samples], network()).shape == (samples,)


def test_enhance_refuses_what_is_not_one_finite_channel(network):
    with pytest.raises(ValueError, match="one channel"):
        suppressor.enhance(np.zeros((2, 480)), network())
    with pytest.raises(ValueError, match="1 not finite"):
        suppressor.enhance(np.array([0, np.nan]), network())


N = np.arange(48000)
STRANGE_SOUNDS = {
    "silence": 0.0 * N,
    "dc": 0.9 + 0.0 * N,
    "full scale": np.where(N // 120 % 2, 1.0, -1.0),
    "impulse": (N == 20000) * 1.0,
    "tone": 0.9 * np.sin(2 * np.pi * 1000 * N / 48000),
    "two talkers": 0.5 * (speech(1, 1) + np.roll(speech(1, 2), 7777)),
}


@pytest.mark.parametrize("name", STRANGE_SOUNDS)
def test_no_nan_for_strange_input(network, name):
    assert np.isfinite(suppressor.enhance(STRANGE_SOUNDS[name], network(), ALL)).all()


def test_network_removes_noise_and_keeps_speech(network):
    """White noise in the pauses falls by 10 dB at least; speech keeps its level within 3 dB."""
    clean, noisy = speech(6, 3), speech(6, 3)
    noisy = noisy + 0.01 * np.random.default_rng(9).standard_normal(noisy.size)
    out = suppressor.enhance(noisy, network())
    loud = np.repeat(np.square(clean).reshape(-1, HOP).mean(axis=1) > 1e-3, HOP)
    later = np.arange(clean.size) > 96000
    quiet = np.repeat(np.square(clean).reshape(-1, HOP).mean(axis=1) < 2e-4, HOP) & later
    assert quiet.sum() > 48000
    level = lambda x: 10 * np.log10(np.mean(np.square(x)))  # noqa: E731
    assert level(out[quiet]) < level(noisy[quiet]) - 10
    assert abs(level(out[loud & later]) - level(noisy[loud & later])) < 3


@pytest.mark.parametrize("options", [OFF, ALL])
def test_twin_follows_float(network, options):
    """int16 in: same samples to both. The int8 network sets the limit."""
    samples = to_int16(speech(3))
    reference = suppressor.enhance(samples / 32768, network(), options)
    got = twin.enhance(samples, twin.network("small"), options) / 32768
    assert snr_db(reference, got) > 20


def test_twin_signal_path_follows_float_when_the_network_is_the_same():
    """Spectra, energies, coherence of speech at -20 dBFS, stage by stage, in dB."""
    samples = to_int16(speech(2))
    hops = samples.reshape(-1, HOP)
    integer = Suppressor(twin.network("small"))
    frames = [integer.run(hop) for hop in hops]
    centred = np.array([frame["centred"] for frame in frames]) / 32768
    expected = suppressor.FrontEnd().run(centred)
    same = [n for n in range(20, len(hops)) if frames[n]["period"] == expected["period"][n]]
    assert len(same) > 0.9 * (len(hops) - 20)
    for name, bound in (("newest", 80), ("y", 80), ("p", 75)):
        spectra = [frames[n][name] for n in same]
        got = [(x.re + 1j * x.im) / 2.0 ** (x.frac + 15) for x in spectra]
        if name == "newest":
            wanted = [suppressor_spectrum(centred, n) for n in same]
        else:
            wanted = expected[name][same]
        assert snr_db(np.real(wanted), np.real(got)) > bound, name
    features = np.array([frames[n]["features_q12"] for n in same]) / 2**12
    assert snr_db(expected["features"][same], features) > 40


@pytest.mark.parametrize("options", [OFF, ALL])
def test_twin_of_a_block_equals_single_hops(options):
    """Every signal of every hop, the states carried on from block to block."""
    hops = np.concatenate([to_int16(speech(0.5)).reshape(-1, HOP), adversarial()[::5]])
    single, block = (Suppressor(twin.network("small"), options) for _ in range(2))
    wanted = [single.run(hop) for hop in hops]
    got = [taps for part in np.split(hops, [1, 4, 37]) for taps in block.run_block(part)]
    for n, (expected, taps) in enumerate(zip(wanted, got, strict=True)):
        expected, taps = recorded(expected), recorded(taps)
        assert list(expected) == list(taps) == [t["name"] for t in twin.settle("small")[0]["taps"]]
        assert all(np.array_equal(expected[name], taps[name]) for name in taps), f"hop {n}"


def test_clips_side_by_side_equal_each_alone():
    """Of several lengths; the twin to the bit, float to 1 LSB at a tie of rounding."""
    sounds = [to_int16(level * speech(0.6, seed))[:n]
              for seed, level, n in ((1, 1, 28000), (2, 0.1, 15001), (3, 0.5, 7))]  # fmt: skip
    for enhance_clips, tolerance in ((twin.enhance_clips, 0), (suppressor.enhance_clips, 1)):
        for samples, got in zip(sounds, enhance_clips(sounds, "small"), strict=True):
            (alone,) = enhance_clips([samples], "small")
            assert got.dtype == np.int16 and got.shape == samples.shape
            assert np.abs(got.astype(int) - alone).max() <= tolerance
    assert np.array_equal(twin.enhance(sounds[1], twin.network("small")),
                          twin.enhance_clips(sounds, "small")[1])  # fmt: skip


def suppressor_spectrum(hops, n):
    from reference.stft import vorbis_window

    return np.fft.rfft(hops[n - 1 : n + 1].ravel() * vorbis_window())


def frames_equal(library, hops, options):
    """Run C and twin side by side; the first tap that differs is the error message."""
    instance = library.instance()
    instance.configure(options)
    reference = Suppressor(twin.network("small"), options)
    for n, hop in enumerate(hops):
        expected, got = recorded(reference.run(hop)), instance.process(hop)
        for name in got:
            wanted = np.atleast_1d(expected[name])
            different = np.flatnonzero(got[name] != wanted)
            assert different.size == 0, (
                f"frame {n}, tap {name}[{different[0]}]: C {got[name][different[0]]},"
                f" twin {wanted[different[0]]}"
            )


@pytest.mark.parametrize("options", [OFF, ALL])
def test_c_equals_twin_on_speech(library, options):
    frames_equal(library, to_int16(speech(2)).reshape(-1, HOP), options)


@pytest.mark.parametrize("options", [OFF, ALL])
def test_c_equals_twin_on_adversarial_input(library, options):
    frames_equal(library, adversarial(), options)


def test_instances_do_not_touch_each_other_and_reset_is_fresh(library):
    hops = to_int16(speech(1)).reshape(-1, HOP)
    alone = library.instance()
    expected = [alone.process(hop)["out"] for hop in hops]
    one, other = library.instance(), library.instance()
    for n, hop in enumerate(hops):
        assert np.array_equal(one.process(hop)["out"], expected[n])
        other.process(hops[::-1][n])
    assert library.c.percepnet_reset(other.pointer) == 0
    assert all(np.array_equal(other.process(h)["out"], e) for h, e in zip(hops, expected))  # noqa: B905


def test_in_place_equals_out_of_place(library):
    from generated import pointer

    hops = to_int16(speech(1)).reshape(-1, HOP)
    one, other = library.instance(), library.instance()
    for hop in hops:
        expected = one.process(hop)["out"]
        library.c.percepnet_process(other.pointer, pointer(hop), pointer(hop))
        assert np.array_equal(hop, expected)
