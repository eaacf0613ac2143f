"""Cases of lost speech: the sounds are what they are called, the figures those of known systems."""

import numpy as np
import pytest
from test_ladder import CLIPS, pair

from eval.mixing import active_level
from reference import dnn
from reference.params import HOP, RATE
from reference.suppressor import enhance, load_network
from studies import cases


@pytest.fixture(scope="module")
def speech():
    return pair(CLIPS[0])[1]


def rng():
    return np.random.default_rng(1)


def test_a_cut_begins_where_the_voice_is_already_loud(speech):
    x = cases.cut(speech, rng())
    assert x.size == RATE
    begin = next(k for k in range(speech.size) if np.array_equal(speech[k : k + RATE], x))
    for part in (x[: cases.ONSET], speech[begin - cases.ONSET : begin]):
        assert 10 * np.log10(np.mean(part**2)) > active_level(speech) - 3.1
    assert cases.cut(speech[: RATE // 2], rng()) is None


@pytest.mark.parametrize("hz", [120, 220])
def test_a_vowel_is_voiced_level_and_has_its_formants(hz):
    x = cases.vowel("i", hz, 1)
    assert active_level(x) == pytest.approx(-26, abs=0.1)
    spectrum = np.abs(np.fft.rfft(x * np.hanning(x.size)))  # bins of 1 Hz
    first = np.argmax(spectrum)
    assert abs(first - round(280 / hz) * hz) < 0.02 * first + 1, "the harmonic next to F1"
    valley, second = spectrum[1300:1700].max(), spectrum[2100:2500].max()
    assert second > 2 * valley
    assert spectrum[hz * 3 // 2 - 10 : hz * 3 // 2 + 10].max() < 0.01 * spectrum[first]


def test_whisper_keeps_the_words_and_not_the_voice(speech):
    x, hop = cases.whisper(speech, rng()), 960
    assert x.shape == speech.shape and active_level(x) == pytest.approx(-26, abs=0.01)
    rows = [10 * np.log10(np.mean(s[: s.size // hop * hop].reshape(-1, hop) ** 2, axis=1) + 1e-9)
            for s in (x, speech)]  # fmt: skip
    assert np.corrcoef(rows)[0, 1] > 0.8

    def voiced(s):  # greatest correlation with itself a period of 60...400 Hz later, loudest 50 ms
        at = np.argmax(np.convolve(s**2, np.ones(2400), "valid"))
        a = s[at : at + 2400]
        lags = [s[at - lag : at - lag + 2400] for lag in range(120, 800, 2)]
        return max(a @ b / np.sqrt((a @ a) * (b @ b)) for b in lags)

    assert voiced(x) < 0.5 < 0.7 < voiced(speech)


def test_going_on_after_nothing_is_a_fresh_start_and_changes_no_state(speech):
    weights, x = load_network("tiny"), speech[RATE : RATE + 12345]
    state = cases.after(weights, np.zeros(0))
    want = enhance(x, dnn.Network(weights))
    for _ in range(2):
        assert cases.go_on(state, x) == pytest.approx(want, abs=1e-9)


def test_going_on_is_the_rest_of_one_long_sound(speech, monkeypatch):
    monkeypatch.setattr(cases, "BLOCK", 7)
    weights, before, x = load_network("tiny"), speech[: 50 * HOP], speech[50 * HOP :][:9999]
    whole = enhance(np.r_[before, x], dnn.Network(weights))[50 * HOP :]
    assert cases.go_on(cases.after(weights, before), x) == pytest.approx(whole, abs=1e-9)


def test_figures_of_a_system_that_halves(speech):
    def halves(sounds):
        return [x / 2 for x in sounds]

    def silent_from_second_2(sounds):
        return [np.where(np.arange(x.size) < x.size - RATE, x, 1e-9 * x) for x in sounds]

    systems, sounds = [halves, silent_from_second_2], [speech] * 3
    for row in cases.held(systems, sounds):
        assert row["mean"] == row["worst"] == pytest.approx(-6.02, abs=0.01)
        assert row["rnnoise"] == [-100, -100]
    (row,) = cases.whispered([halves], sounds, rng())
    assert (row["mean"], row["worst"]) == pytest.approx((6.02, 6.02), abs=0.01)
    (row,) = cases.quiet([halves], sounds, rng())
    assert row["mean"] == pytest.approx(6.02, abs=0.3), "hiss at 15 dB resembles speech by chance"


def test_an_offset_costs_what_the_system_makes_of_it(speech):
    def clean_without_offset(sounds):
        return [x if abs(x.mean()) < 0.01 else np.roll(x, 9) * 0.5 + rng().normal(0, 0.01, x.size)
                for x in sounds]  # fmt: skip

    noisy = [speech] * 2
    rows = list(cases.offset([clean_without_offset], noisy, noisy))
    assert [r["trial"] for r in rows] == ["DC offset of 5 %", "DC offset of 20 %"]
    assert all(row["mean"] > 1 for row in rows)
    (five, twenty) = cases.offset([lambda sounds: [x - x.mean() for x in sounds]], noisy, noisy)
    assert abs(five["mean"]) < 0.02 and abs(twenty["mean"]) < 0.02
