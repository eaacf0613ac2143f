"""percepnet_process_block: the same bits as hop by hop, however hops are grouped, and misuse."""

import ctypes

import numpy as np
import pytest
from generated import adversarial, pointer, speech

from reference.clips import to_int16
from reference.params import HOP

ERR_NULL, ERR_RANGE, PAINT = -1, -2, 0x5A5A


def signal() -> np.ndarray:
    """(hops, 480): speech, then hostile hops."""
    return np.concatenate([to_int16(speech(0.5)).reshape(-1, HOP), adversarial()[::7]])


def in_blocks(library, hops: np.ndarray, sizes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Output and voice activity of `hops`, grouped by `sizes` in turn."""
    instance, out, voice = library.instance(), np.empty_like(hops), np.empty(len(hops), np.int16)
    start, turn = 0, 0
    while start < len(hops):
        n = min(sizes[turn % len(sizes)], len(hops) - start)
        given = hops[start : start + n].copy()
        status = library.c.percepnet_process_block(
            instance.pointer, pointer(out[start:]), pointer(given), n, pointer(voice[start:])
        )
        assert status == 0 and np.array_equal(given, hops[start : start + n])
        start, turn = start + n, turn + 1
    return out, voice


def test_blocks_equal_single_hops(library):
    """Other groupings on every target: test_conformance.py."""
    hops = signal()
    single = library.instance()
    taps = [single.process(hop) for hop in hops]
    out, voice = in_blocks(library, hops, [4, 1, 3, 2, 2])
    assert np.array_equal(out, [t["out"] for t in taps])
    assert np.array_equal(voice, [t["vad_q15"][0] for t in taps])


@pytest.mark.parametrize("hops", [0, 5, -1])
def test_another_number_of_hops_is_refused_and_nothing_written(library, hops):
    instance, out = library.instance(), np.full(5 * HOP, PAINT, np.int16)
    before = instance.state.copy()
    call = library.c.percepnet_process_block
    assert call(instance.pointer, pointer(out), pointer(out), hops, None) == ERR_RANGE
    assert (out == PAINT).all() and np.array_equal(instance.state, before)


def test_null_is_refused_but_for_the_voice_activity(library):
    instance, hop = library.instance(), np.zeros(HOP, np.int16)
    given = [instance.pointer, pointer(hop), pointer(hop)]
    for i in range(3):
        arguments = [None if k == i else a for k, a in enumerate(given)]
        assert library.c.percepnet_process_block(*arguments, 1, None) == ERR_NULL
    assert library.c.percepnet_process_block(*given, ctypes.c_int(1), None) == 0
