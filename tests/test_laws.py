"""Laws of the generated library that hold whatever the sound: memory, saturation, time.

More of them (reset, instances, in place, misuse) are in test_suppressor.py.
"""

import ctypes

import numpy as np
import pytest
import soundfile
from conftest import needs
from generated import adversarial, pointer, speech

from codegen import render, twin
from codegen.plan import plan
from reference import suppressor
from reference.clips import to_int16
from reference.params import HOP, N_BANDS
from targets import build, count, target

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


@pytest.mark.parametrize("stages", [0, 1])
def test_nothing_is_written_outside_instance_and_output(library, stages):
    """Guards round the instance (state and signals of a frame), input and output stay painted."""
    c = library.c
    size = c.percepnet_state_bytes()
    state, hop, out = Guarded(size), Guarded(2 * HOP), Guarded(2 * HOP)
    instance = ctypes.c_void_p(state.inside.ctypes.data)
    assert c.percepnet_init(instance, ctypes.c_size_t(size)) == instance.value
    for name in ("postfilter", "decay_floor", "highpass"):
        assert getattr(c, f"percepnet_set_{name}")(instance, stages) == 0
    for samples in adversarial():
        hop.inside.view(np.int16)[:] = samples
        c.percepnet_process(instance, pointer(out.inside), pointer(hop.inside))
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


class Unity:
    """A network that changes nothing, for float and integers."""

    def run(self, features):
        if features.ndim == 2:
            frames = len(features)
            return np.ones((frames, N_BANDS)), np.zeros((frames, N_BANDS)), np.ones(frames)
        one = np.full(N_BANDS, 32767)
        return {"gain_q15": one, "strength_q15": 0 * one, "vad_q15": one[:1]}


N = np.arange(24000)
LOUD = {
    "full-scale square": np.where(N % 240 < 120, 1.0, -1.0),
    "clipped tone": np.clip(2 * np.sin(2 * np.pi * 440 * N / 48000), -1, 1),
    "speech at +6 dB": np.clip(20 * speech(0.5), -1, 1),
    "full-scale tone": np.sin(2 * np.pi * 997 * N / 48000),
}


@pytest.mark.parametrize("name", LOUD)
def test_loud_output_saturates_and_keeps_its_sign(name):
    """Unsaturated float result beyond int16: the integers give the nearest int16, within 3 LSB.

    1 LSB each for the gain of 32767/32768, the spectrum's rounding and the output's; a wrapped
    sample would be off by 65536.
    """
    samples = to_int16(LOUD[name])
    expected = suppressor.enhance(samples / 32768, Unity()) * 32768
    integer = twin.Suppressor(*plan("small"))
    integer.dnn = Unity()
    out = twin.enhance(samples, integer).astype(float)
    if "square" in name or "+6" in name:
        assert np.abs(expected).max() > 32768, "the sound does not reach beyond full scale"
    assert np.abs(out - np.clip(expected, -32768, 32767)).max() <= 3


def test_output_is_the_saturated_signal_before_it(library):
    """out = hop_q8 / 256 rounded half up and limited to int16; hop_q8 itself never saturates."""
    instance = library.instance()
    loud = to_int16(np.clip(20 * speech(1), -1, 1)).reshape(-1, HOP)
    for hop in [*adversarial(), *loud]:
        taps = instance.process(hop)
        rounded = (taps["hop_q8"].astype(np.int64) + 128) >> 8
        assert np.array_equal(taps["out"], np.clip(rounded, -32768, 32767))
        assert np.abs(taps["hop_q8"].astype(np.int64)).max() < 2**31 - 1


@pytest.mark.slow
def test_no_frame_takes_much_longer_than_the_mean(tmp_path, monkeypatch):
    """Instructions of the worst frame of hostile input: at most 3 % above the mean of speech."""
    needs("arm64")
    monkeypatch.chdir(tmp_path)
    arm64 = target.load("arm64")
    render.write("small", arm64.folder / "gen")
    build.build(arm64)
    sounds = {"speech": to_int16(speech(2)), "hostile": adversarial().ravel()}
    counts = {}
    for name, samples in sounds.items():
        soundfile.write(f"{name}.wav", samples, 48000, "PCM_16")
        counts[name] = count.count_clips(arm64, arm64.cpus[0], [tmp_path / f"{name}.wav"])[0]
    mean = counts["speech"]["ranges"]["total"]["sum"] / counts["speech"]["frames"]
    worst = counts["hostile"]["ranges"]["total"]["max"]
    assert worst <= 1.03 * mean, f"worst frame {worst}, mean {mean:.0f}"
