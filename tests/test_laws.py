"""Laws of the generated library that hold whatever the sound: memory, saturation, time.

More of them (reset, instances, in place) are in test_suppressor.py, misuse in test_interface.py.
"""

import ctypes

import numpy as np
import pytest
from generated import adversarial, pointer, speech

from codegen import twin
from reference import suppressor
from reference.clips import to_int16
from reference.params import DELAY, HOP, N_BANDS
from reference.suppressor import EVERY_STAGE, Options

GUARD = 256  # bytes on either side
PAINT = 0xA5


class Guarded:
    """`size` bytes, 16-byte aligned, between painted guards."""

    def __init__(self, size: int) -> None:
        self.memory = np.full(size + 2 * GUARD + 16, PAINT, np.uint8)
        self.start = GUARD + -(self.memory.ctypes.data + GUARD) % 16
        self.inside = self.memory[self.start : self.start + size]

    def untouched(self) -> bool:
        before, after = self.memory[: self.start], self.memory[self.start + self.inside.size :]
        return bool((before == PAINT).all() and (after == PAINT).all())


@pytest.mark.parametrize("options", [Options(), EVERY_STAGE])
def test_nothing_is_written_outside_instance_and_output(library, options):
    """Guards round the instance (state and signals of a frame), input and output stay painted."""
    c = library.c
    size = c.percepnet_state_bytes()
    state, hop, out = Guarded(size), Guarded(2 * HOP), Guarded(2 * HOP)
    instance = ctypes.c_void_p(state.inside.ctypes.data)
    assert c.percepnet_init(instance, ctypes.c_size_t(size)) == instance.value
    for name, value in vars(options).items():
        assert getattr(c, f"percepnet_set_{name}")(instance, int(value)) == 0
    for samples in adversarial():
        hop.inside.view(np.int16)[:] = samples
        c.percepnet_process(instance, pointer(out.inside), pointer(hop.inside))
        assert np.array_equal(hop.inside.view(np.int16), samples), "the input was written to"
        c.percepnet_feed(instance, pointer(out.inside), pointer(hop.inside), 479)
        assert np.array_equal(hop.inside.view(np.int16), samples), "the input was written to"
    assert state.untouched() and hop.untouched() and out.untouched()


def test_memory_before_init_does_not_matter(library):
    """Two instances on differently painted memory give the same, byte for byte of every signal."""
    hops = to_int16(speech(0.5)).reshape(-1, HOP)
    one, other = library.instance(), library.instance()
    other.state[:] = 0
    size = ctypes.c_size_t(library.c.percepnet_state_bytes())
    assert library.c.percepnet_init(other.pointer, size) == other.pointer.value
    for hop in hops:
        expected, got = one.process(hop), other.process(hop)
        assert all(np.array_equal(expected[name], got[name]) for name in expected)


def by_hops(instance, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """percepnet_process hop by hop: (output, voice activity of every hop)."""
    out = samples.reshape(-1, HOP).copy()
    voice = [instance.c.percepnet_process(instance.pointer, pointer(h), pointer(h)) for h in out]
    return out.ravel(), np.array(voice)


def by_calls(instance, samples: np.ndarray, lengths) -> tuple[np.ndarray, np.ndarray]:
    """percepnet_feed with calls of these lengths: (output, what each call returned)."""
    out, returned, at = np.zeros_like(samples), [], 0
    for length in lengths:
        part, room = samples[at : at + length], out[at : at + length]
        returned.append(
            instance.c.percepnet_feed(instance.pointer, pointer(room), pointer(part), part.size)
        )
        at += length
    assert at >= samples.size
    return out, np.array(returned)


def hop_later(out: np.ndarray) -> np.ndarray:
    return np.append(np.zeros(HOP, np.int16), out[:-HOP])


def test_feed_is_process_a_hop_later_for_calls_of_every_length(library):
    """One stream in calls of 0, 1, 2 ... 4800 samples in random order: 11.5 million samples."""
    lengths = np.random.default_rng(3).permutation(4801)
    total = -(-lengths.sum() // HOP) * HOP
    samples = np.resize(np.concatenate([to_int16(speech(3)), adversarial().ravel()]), total)
    expected, voice = by_hops(library.instance(), samples)
    out, returned = by_calls(library.instance(), samples, [*lengths, total - lengths.sum()])
    assert np.array_equal(out, hop_later(expected))
    hops = np.append(0, voice)[np.cumsum([*lengths, total - lengths.sum()]) // HOP]
    assert np.array_equal(returned, hops), "the voice activity of the newest hop"


@pytest.mark.parametrize("length", [1, 7, 64, 441, 479, 480, 481, 960, 1024, 4799, 4800])
def test_feed_is_process_a_hop_later_for_calls_of_one_length(library, length):
    samples = to_int16(speech(0.5))
    expected, _ = by_hops(library.instance(), samples)
    out, _ = by_calls(library.instance(), samples, [length] * -(-samples.size // length))
    assert np.array_equal(out, hop_later(expected))


def test_feed_delays_by_what_the_query_says(library):
    """At 0 dB of attenuation limit the output is the input, so that the delay can be read off."""
    samples = to_int16(speech(0.5))
    instance = library.instance()
    instance.configure(Options(attenuation_limit_db=0))
    out, _ = by_calls(instance, samples, [700] * 35)
    delay = library.c.percepnet_feed_delay_samples()
    assert delay == DELAY + HOP
    assert np.array_equal(out, np.append(np.zeros(delay, np.int16), samples[:-delay]))


def test_feed_in_place_reset_and_interleaved(library):
    """In place, after a reset in the middle of a hop, with another instance between the calls."""
    samples = to_int16(speech(0.5))
    lengths = [333] * -(-samples.size // 333)
    other, one = library.instance(), library.instance()
    one.configure(EVERY_STAGE)
    expected, _ = by_calls(one, samples, lengths)
    by_calls(one, samples[::-1].copy(), [1000] * 24)
    assert library.c.percepnet_reset(one.pointer) == 0
    moved = samples.copy()
    for at in range(0, moved.size, 333):
        part = moved[at : at + 333]
        library.c.percepnet_feed(one.pointer, pointer(part), pointer(part), part.size)
        by_calls(other, samples[at : at + 91].copy(), [91])
    assert np.array_equal(moved, expected)


def test_highpass_switched_on_again_knows_no_old_sound(library):
    """What it held when it was switched off must not come out into the silence of later."""
    instance, silence = library.instance(), np.zeros((20, HOP), np.int16)
    instance.configure(EVERY_STAGE)
    by_hops(instance, to_int16(speech(0.5)))
    instance.configure(Options())
    by_hops(instance, silence.ravel())
    instance.configure(EVERY_STAGE)
    assert not by_hops(instance, silence.ravel())[0].any()


class Unity:
    """A float network that changes nothing."""

    def run(self, features):
        frames = len(features)
        return np.ones((frames, N_BANDS)), np.zeros((frames, N_BANDS)), np.ones(frames)


class UnityQ15:
    """The same in integers."""

    def run(self, features):
        one = np.full((*features.shape[:-1], N_BANDS), 32767)
        return {"gain_q15": one, "strength_q15": 0 * one, "vad_q15": one[..., :1]}


N = np.arange(24000)
LOUD = {
    "full-scale square": np.where(N % 240 < 120, 1.0, -1.0),
    "clipped tone": np.clip(2 * np.sin(2 * np.pi * 440 * N / 48000), -1, 1),
    "speech at +6 dB": np.clip(20 * speech(0.5), -1, 1),
    "full-scale tone": np.sin(2 * np.pi * 997 * N / 48000),
}


@pytest.mark.parametrize("name", LOUD)
def test_loud_output_saturates_and_keeps_its_sign(name):
    """Unsaturated float result beyond int16: the integers give the nearest int16, within 4 LSB.

    1 LSB each for the DC blocker, the gain of 32767/32768, the spectrum's rounding and the
    output's; a wrapped sample would be off by 65536.
    """
    samples = to_int16(LOUD[name])
    expected = suppressor.enhance(samples / 32768, Unity()) * 32768
    out = twin.enhance(samples, UnityQ15()).astype(float)
    if "square" in name or "+6" in name:
        assert np.abs(expected).max() > 32768, "the sound does not reach beyond full scale"
    assert np.abs(out - np.clip(expected, -32768, 32767)).max() <= 4


def test_output_is_the_saturated_signal_before_it(library):
    """out = hop_q8 / 256 rounded half up and limited to int16; hop_q8 itself never saturates."""
    instance = library.instance()
    loud = to_int16(np.clip(20 * speech(1), -1, 1)).reshape(-1, HOP)
    for hop in [*adversarial(), *loud]:
        taps = instance.process(hop)
        rounded = (taps["hop_q8"].astype(np.int64) + 128) >> 8
        assert np.array_equal(taps["out"], np.clip(rounded, -32768, 32767))
        assert np.abs(taps["hop_q8"].astype(np.int64)).max() < 2**31 - 1
