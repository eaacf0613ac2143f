"""Recordings as a bank, plans, and mixtures of many rows."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from recordings import voice
from scipy.signal import butter, sosfreqz

from reference.params import HOP, RATE
from training import bank, filters, hostile, mix, plan
from training.bank import Bank, Clip, Recipe, prepared, trimmed
from training.data import Segment, read_index
from training.mix import Mixer, active_rms, faster
from training.plan import Played, Track

N = RATE  # samples of a mixture in most of these tests


@pytest.fixture(scope="module")
def mixer(source) -> Mixer:
    return replace(source, frames=100).mixer("train")


def small_bank(**audio: np.ndarray) -> Bank:
    """A bank of one clip a kind, gain 1 / 32768."""
    clips, start = [], 0
    for kind, samples in audio.items():
        clips.append(Clip(kind, "g", start, len(samples), 1 / 32768, RATE / 2))
        start += len(samples)
    joined = np.concatenate([np.round(x * 32768) for x in audio.values()])
    return Bank(torch.from_numpy(joined.astype(np.int16)), clips)


def tone(hz: float, samples: int) -> torch.Tensor:
    """A sine of amplitude 1."""
    return torch.from_numpy(np.sin(2 * np.pi * hz * np.arange(samples) / RATE)).float()


def test_trimmed_keeps_the_voice_and_drops_silence():
    rng = np.random.default_rng(1)
    speech = np.concatenate([np.zeros(RATE), voice(rng, 2), np.zeros(RATE)])
    hiss = 1e-4 * rng.standard_normal(len(speech))
    kept = trimmed((speech + hiss).astype(np.float32))
    assert 1.7 * RATE < len(kept) < 2.4 * RATE
    assert np.sum(kept**2) > 0.99 * np.sum(speech**2)


def test_prepared_clips_have_the_level_that_their_gain_says():
    """Voices and events an active RMS of 1, a long noise its own, a DC offset of a voice none."""
    rng = np.random.default_rng(2)
    talk = (0.3 * voice(rng, 3) + 0.2).astype(np.float32)
    long, short = (0.01 * rng.standard_normal(n).astype(np.float32) for n in (3 * RATE, RATE))
    for kind, audio, want in (("speech", talk, 1), ("held", talk, 1), ("noise", short, 1),
                              ("noise", long, 0.01)):  # fmt: skip
        samples, gain = prepared(kind, audio)
        assert samples.dtype == np.int16
        assert bank.active_rms(samples * gain) == pytest.approx(want, rel=0.02)
        assert abs(np.mean(samples * gain)) < 0.05 * want
    for kind in ("speech", "noise", "rir"):
        assert not prepared(kind, np.zeros(RATE, np.float32))[0].size
        assert not prepared(kind, np.zeros(0, np.float32))[0].size


def test_a_bank_is_made_once_and_holds_what_it_was_given(tmp_path):
    audio = np.random.default_rng(1).uniform(-0.5, 0.5, 4 * RATE)
    soundfile.write(tmp_path / "a.wav", audio, RATE)
    head = "split,kind,track,start_s,duration_s,bandwidth_hz,source,group,licence\n"
    rows = ("train,speech,a.wav,0,1,16000,s,g,CC0\n", "train,noise,a.wav,0.5,3,0,s,,CC0\n")
    (tmp_path / "index.csv").write_text(head + "".join(rows))
    recipe = Recipe(tuple(read_index(tmp_path / "index.csv")), synthetic=1, rooms=2)
    path = recipe.write(tmp_path / "cache", 1)
    made = Bank.read(path)
    assert {kind: len(groups) for kind, groups in made.groups.items()} == {
        "speech": 1, "noise": 1, "synthetic": 1, "room": 2}  # fmt: skip
    (noise,) = made.groups["noise"][0]
    want = audio[RATE // 2 : RATE // 2 + 3 * RATE]
    np.testing.assert_allclose(made.audio(noise).numpy() * noise.gain, want, atol=2 / 32768)
    assert made.groups["speech"][0][0].bandwidth_hz == 16_000
    when = path.stat().st_mtime_ns
    assert recipe.write(tmp_path / "cache", 1) == path and path.stat().st_mtime_ns == when
    assert replace(recipe, rooms=1).digest() != recipe.digest()
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(RATE), RATE)
    only = (Segment("train", "speech", silent, 0, -1, 0, "s", "g", "CC0"),)
    with pytest.raises(ValueError, match="recordings of speech that hold sound, found none"):
        Bank.read(Recipe(only, 0, 0).write(tmp_path / "cache", 1))


@pytest.mark.parametrize("speed", [71, 100, 118, 140])
def test_faster_moves_a_tone_and_keeps_its_level(speed):
    want, got = tone(30 * speed, N), faster(tone(3000, 2 * N), speed, N)
    assert got.shape == (N,)
    edge = mix.REACH * 2
    assert (got - want)[edge:-edge].abs().max() < 2e-3
    assert not faster(tone(3000, 1000), speed, N)[1000 * 100 // speed + edge :].any()


def test_faster_lets_nothing_alias():
    """At 140 % a tone of 20 kHz would come out at 28 kHz: it must not come out at 20."""
    edge = mix.REACH * 2
    assert faster(tone(20_000, 2 * N), 140, N)[edge:-edge].square().mean() < 3e-4 * 0.5


def test_clips_lie_where_the_plan_says():
    """One that began before the mixture, one at half speed backwards, one cut at the end."""
    audio = np.linspace(-0.5, 0.5, 1000)
    clips = small_bank(speech=audio)
    (clip,) = clips.groups["speech"][0]
    gain = clip.gain
    track = Track([Played(clip, -400, 100, gain), Played(clip, 2000, 100, gain, 100, True),
                   Played(clip, 4800 - 300, 100, 2 * gain)], RATE / 2)  # fmt: skip
    row = Mixer(clips, 10).placed([track])[0].numpy()
    want = np.zeros(4800)
    want[:600] = audio[400:]
    want[2000:2900] = audio[::-1][100:]
    want[4500:] += 2 * audio[:300]
    np.testing.assert_allclose(row, want, atol=1e-4)


def test_plans_begin_cold_rest_and_hold(source):
    """Shares of what training without them never showed: sound in the first sample, silence of two
    seconds and more before speech; held clips where there are any.
    """
    clips, samples = source.mixer("train").bank, 12 * RATE
    usual = [plan.speech(clips, np.random.default_rng(k), samples) for k in range(200)]
    cold = np.mean([track.clips[0].at < 0 for track in usual])
    assert cold == pytest.approx(plan.COLD, abs=0.1)
    for k in range(50):
        track = plan.speech(clips, np.random.default_rng(k), samples, "rest")
        starts = [0, *(p.at + p.clip.length * 100 // p.speed for p in track.clips)]
        gaps = [p.at - end for p, end in zip(track.clips, starts, strict=False)]
        assert max(gaps) > 1.9 * RATE or track.clips[-1].at > samples - 3.1 * RATE
    assert {plan.draw_style(np.random.default_rng(k), clips) for k in range(200)} == {
        "usual", "rest"}  # fmt: skip
    both = small_bank(speech=voice(np.random.default_rng(1), 1), held=np.ones(RATE) / 4)
    tracks = [plan.speech(both, np.random.default_rng(k), samples, "held") for k in range(20)]
    held = [played.clip.kind == "held" for track in tracks for played in track.clips]
    assert 0.4 < np.mean(held) < 0.8


def test_mixtures_repeat_by_seed_and_fit_16_bits(mixer):
    one, two, again = (mixer.mixtures(6, (3, k)) for k in (0, 1, 0))
    for got, want in zip(one, again, strict=True):
        assert torch.equal(torch.nan_to_num(got), torch.nan_to_num(want))
    assert not torch.equal(one.noisy, two.noisy)
    for made in (one, two):
        assert made.noisy.shape == made.clean.shape == (6, 100 * HOP)
        assert made.noisy.abs().max() <= 1
        assert torch.equal(made.noisy * 32768, (made.noisy * 32768).round())
        assert all(torch.isfinite(x).all() for x in (made.noisy, made.clean, made.bandwidth_hz))


def test_mixtures_have_the_snr_that_they_say(mixer, monkeypatch):
    """Without room, hiss, overdrive and last filters; NaN: nothing but noise."""
    for share in ("IN_ROOM", "HISS", "OVERDRIVEN", "TILT", "LOW_PASS"):
        monkeypatch.setattr(mix, share, 0.0)
    monkeypatch.setattr(mix, "NOISES", {"noise": 1.0})  # steady: the rarer a click, the vaguer
    made = mixer.mixtures(60, (5,))
    noise = made.noisy - made.clean
    level = 20 * torch.log10(active_rms(made.clean) / active_rms(noise))[:, 0]
    talks = ~torch.isnan(made.snr_db)
    assert talks.any() and not made.clean[~talks].any() and noise[~talks].abs().amax(1).min() > 0
    loud = talks & (made.noisy.square().mean(1) > 1e-6) & (made.snr_db < 40)  # of 16 bits
    loud &= made.clean.any(1)  # a rest may last longer than these mixtures
    assert loud.sum() > 15
    apart = (level - made.snr_db)[loud].abs()
    assert apart.quantile(0.9) < 1, "but where one syllable is all the speech"


def test_some_mixtures_begin_with_hostile_sound(mixer, monkeypatch):
    """At full scale, without speech; what comes behind is as it was; nobody teaches there."""
    monkeypatch.setattr(mix, "HOSTILE", 0)
    calm = mixer.mixtures(4, (3,))
    monkeypatch.setattr(mix, "HOSTILE", 1)
    monkeypatch.setattr(mix, "HOSTILE_S", (0.25, 0.25))
    shaken = mixer.mixtures(4, (3,))
    count = N // 4
    assert (shaken.noisy[:, :count].abs().amax(1) > 0.99).all()
    assert not shaken.clean[:, :count].any()
    assert torch.equal(shaken.noisy[:, count:], calm.noisy[:, count:])
    assert torch.equal(shaken.clean[:, count:], calm.clean[:, count:])
    assert not shaken.believed.any()


def test_hostile_sound_reaches_full_scale_and_stays_within():
    rng = np.random.default_rng(1)
    for _ in range(40):
        assert 0.99 < np.abs(hostile.sound(rng, N)).max() <= 1


def test_rooms_keep_the_direct_sound_in_time(mixer, monkeypatch):
    """Noisy and clean of a room are the same for its first 20 ms: a click stays where it is."""
    response, kept = mixer.rooms(np.random.default_rng(1), 3)
    heard, left = (torch.fft.irfft(x, mixer.size) for x in (response, kept))
    early = RATE // 50
    torch.testing.assert_close(heard[:, :early], left[:, :early], rtol=0, atol=1e-5)
    torch.testing.assert_close(heard[:, :early].square().sum(1), torch.ones(3), rtol=1e-3, atol=0)
    assert (left[:, early:].square().sum(1) < heard[:, early:].square().sum(1)).all()


def test_warped_voices_keep_their_pitch_and_move_their_formants(mixer):
    """Harmonics of 200 Hz with a formant at 2 kHz, 15 % longer: it lies at 2.3 kHz."""
    time = np.arange(N) / RATE
    heights = {k: np.exp(-(((200 * k - 2000) / 300) ** 2)) for k in range(1, 40)}
    audio = sum(h * np.sin(2 * np.pi * 200 * k * time + k) for k, h in heights.items())
    got = mixer.warped(torch.from_numpy(audio)[None].float(), torch.tensor([1.15]))[0].numpy()
    spectrum = np.abs(np.fft.rfft(got[RATE // 10 :][: RATE // 2]))  # 2 Hz a bin
    assert 2200 <= 2 * spectrum.argmax() <= 2400
    assert 2 * spectrum.argmax() % 200 in (0, 2, 198)


def test_filters_are_those_of_their_definitions():
    cutoff = np.array([4000.0, np.inf])
    got = filters.low_pass(cutoff)
    want = np.abs(sosfreqz(butter(8, 4000, fs=RATE, output="sos"), filters.HZ, fs=RATE)[1])
    np.testing.assert_allclose(got[0], want, atol=1e-6)
    assert (got[1] == 1).all()
    rng = np.random.default_rng(1)
    for made in (filters.colours(rng, 50), filters.tilts(rng, 50, 0.7),
                 filters.equaliser(rng, 50, 8)):  # fmt: skip
        assert made.shape == (50, filters.CELLS) and (made > 0.01).all() and (made < 100).all()
        assert 5 <= (made == 1).all(1).sum() <= 30, "some rows are left as they are"
    spectra = torch.ones(1, 9001, dtype=torch.complex64)
    np.testing.assert_allclose(filters.pooled(spectra).numpy(), 1)
    low = filters.apply(torch.from_numpy(got[:1]).float(), spectra).abs()[0].numpy()
    at = np.linspace(0, 24_000, 9001)
    np.testing.assert_allclose(low, np.interp(at, filters.HZ, got[0]), atol=2e-3)
