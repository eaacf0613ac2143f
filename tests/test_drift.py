"""codegen/drift.py: the states of the two networks stay together, and drift would be noticed."""

import numpy as np
import pytest
from generated import speech

from codegen import drift
from codegen.stages import dnn
from reference.clips import to_int16


@pytest.fixture(scope="module")
def features():
    """Speech-like sounds of two levels, and the pauses of the command: three rounds of 10 s. A
    part is one sound and one pause, so the last one is no harder than those before it.
    """
    sounds = [to_int16(level * speech(2, seed)) for seed, level in ((1, 1), (2, 0.1))]
    spoken, pauses = (drift.features_of(s) for s in (sounds, drift.between()))
    return drift.sequence(spoken, [pause[:50] for pause in pauses], 3000)


@pytest.mark.parametrize("model", ["tiny", "small", "full"])
def test_states_stay_together(model, features):
    """30 seconds without a reset; the hour is `python -m codegen.drift`."""
    differences = drift.follow(model, features)
    _, problems = drift.verdict(differences)
    assert not problems, problems
    assert differences[100:, 0].min() > 0, "the integer network is not the float one"


def test_a_leak_in_the_states_is_noticed(features, monkeypatch):
    """h = n + 0.97 z (h - n): a state that forgets faster parts from the float one."""
    before = drift.follow("small", features)
    mul_q = dnn.mul_q
    monkeypatch.setattr(dnn, "mul_q", lambda a, b, n: mul_q(a, b, n) * 97 // 100)
    after = drift.follow("small", features)
    assert np.mean(after[50:, 0]) > 2 * np.mean(before[50:, 0])
    assert drift.verdict(after)[1]


def test_sequence_is_speech_and_pauses_and_every_clip_comes_before_one_comes_again():
    speech, pauses = [np.full((5, 70), k) for k in (1, 2, 3)], [np.zeros((2, 70), int)]
    found = drift.sequence(speech, pauses, 40)[:, 0]
    assert found.size == 40 and (found[[5, 6, 12, 13, 19, 20]] == 0).all()
    assert sorted(found[[0, 7, 14]]) == sorted(found[[21, 28, 35]]) == [1, 2, 3]


def test_pauses_grow_from_silence_to_loud_noise():
    pauses = drift.between()
    assert not pauses[0].any()
    levels = [np.sqrt(np.mean(np.square(pause / 32768))) for pause in pauses]
    assert levels == sorted(set(levels)), "each is louder than the one before"
    assert levels[1] < 2e-3, "a hiss of a quiet room"
    assert all(np.abs(pause).max() < 32767 for pause in pauses[:-1]), "noise that is not clipped"


def test_growth_is_called_drift():
    steady = np.full((1200, 2), 0.005)
    assert drift.verdict(steady)[1] == []
    growing = steady * np.linspace(0, 2, 1200)[:, None]
    (words,) = drift.verdict(growing)[1]
    assert words.endswith("drift")
    assert "is allowed" in drift.verdict(steady * 4)[1][0]
