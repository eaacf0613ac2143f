"""Other rates in the command: the way to 48 kHz and back, through the stand-in for the library."""

import json
import subprocess

import numpy as np
import pytest
import soundfile
from command_line import FLOAT, accepted, noise, refused, wav
from conftest import needs, write_stand_in

from targets import build, target

RATES = [8000, 8001, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 47999, 96000, 191999, 192000]
SNR_DB = 87
"""Of a tone of half full scale: int16 rounds it twice, each 89 dB below it; the filter adds 0.01 dB
of ripple at most."""


def tone(rate: int, hertz: float, seconds: float = 0.7) -> np.ndarray:
    """(N,) int16 of half full scale."""
    time = np.arange(int(rate * seconds)) / rate
    return np.round(16384 * np.sin(2 * np.pi * hertz * time)).astype("<i2")


def decibels(signal: np.ndarray, error: np.ndarray) -> float:
    """Signal to error in the middle half, dB."""
    middle = slice(len(signal) // 4, -len(signal) // 4)
    power = [np.mean(x[middle] ** 2.0) + 1e-9 for x in (signal, error)]
    return 10 * np.log10(power[0] / power[1])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("part", [0.02, 0.2, 0.44])
def test_a_tone_comes_back(run, rate, part):
    """Level, phase and place of a tone in the pass band, up to 0.88 of half the lower rate."""
    pcm = tone(rate, part * min(rate, 48000))
    done, out = run(wav(pcm.tobytes(), rate=rate), "--resample")
    assert done.returncode == 0, done.stderr
    back, found = soundfile.read(out, dtype="int16")
    assert found == rate and len(back) == len(pcm)
    assert decibels(pcm, back - pcm.astype(float)) > SNR_DB


def test_what_48_khz_cannot_hold_goes(run):
    """30 kHz would fold to 18 kHz."""
    done, out = run(wav(tone(96000, 30000).tobytes(), rate=96000), "--resample")
    back = soundfile.read(out, dtype="int16")[0]
    assert done.returncode == 0 and np.abs(back[4800:-4800]).max() <= 1


def test_48_khz_is_left_alone(run):
    data = wav(noise(5000).tobytes())
    accepted(*run(data, "--resample"), data)


@pytest.mark.parametrize("count", [0, 1, 79, 80, 81, 4321])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 96000])
def test_length_stays(run, rate, count):
    """Known and unknown beforehand, and where it is, channels and format too."""
    data = wav((noise(count, 2) / 40000).astype("<f4").tobytes(), FLOAT, 2, rate)
    done, out = run(data, "--resample")
    assert done.returncode == 0, done.stderr
    assert out.read_bytes()[:44] == data[:44] and out.stat().st_size == len(data)
    data = wav(noise(count).tobytes(), rate=rate, size=0)
    done = subprocess.run([run.command, "--resample", "-", "-"], input=data, capture_output=True,
                          check=True)  # fmt: skip
    assert len(done.stdout) == len(data)


def test_channels_stay_apart(run):
    pcm = np.stack([tone(16000, 440), 0 * tone(16000, 440), -tone(16000, 3000)], 1)
    _, out = run(wav(pcm.tobytes(), channels=3, rate=16000), "--resample")
    back = soundfile.read(out, dtype="int16")[0]
    assert not back[:, 1].any()
    assert all(decibels(pcm[:, c], back[:, c] - pcm[:, c] + 0.0) > SNR_DB for c in (0, 2))


@pytest.mark.parametrize("rate", [16000, 44100])
def test_delay_of_a_stream_is_that_of_the_library(run, rate):
    """Filters wait but do not shift: what listens gets 30 ms."""
    pcm, late = tone(rate, 1000), 1440 * rate // 48000
    data = wav(pcm.tobytes(), rate=rate)
    done = subprocess.run([run.command, "--resample", "--json", "-", "-"], input=data,
                          capture_output=True, check=True)  # fmt: skip
    back = np.frombuffer(done.stdout[44:], "<i2")
    assert json.loads(done.stderr)["delay"] == late and len(back) == len(pcm)
    assert decibels(pcm[:-late], back[late:] - pcm[:-late].astype(float)) > SNR_DB


def test_voice_and_summary_speak_of_the_file(run, tmp_path):
    done, _ = run(wav(bytes(2 * 16000), rate=8000), "--resample", "--json", "-v", "--vad",
                  str(tmp_path / "v.csv"))  # fmt: skip
    summary = json.loads(done.stdout)
    assert (summary["rate"], summary["samples"], summary["delay"]) == (8000, 16000, 0)
    assert b"2.00 s of sound" in done.stderr
    assert (tmp_path / "v.csv").read_text().splitlines()[-1].startswith("1.99,")


def test_a_part_of_a_sample_of_48_khz_counts(run, tmp_path):
    """961 samples of 96 kHz are 480.5 of 48 kHz: two hops, not one."""
    for count, hops in ((960, 1), (961, 2)):
        run(wav(bytes(2 * count), rate=96000), "--resample", "--vad", str(tmp_path / "v.csv"))
        assert len((tmp_path / "v.csv").read_text().splitlines()) == 1 + hops


@pytest.mark.parametrize("rate", [8001, 47999, 95999, 191998, 191999])
def test_every_rate_costs_little(run, tmp_path, rate):
    """10 ms in 32 MB of addresses and a second of processor time, what programs have included."""
    (tmp_path / "in.wav").write_bytes(wav(bytes(2 * (rate // 100)), rate=rate))
    limits = f'ulimit -v 32768; ulimit -t 1; exec "{run.command}" --resample in.wav out.wav'
    subprocess.run(["sh", "-c", limits], check=True, cwd=tmp_path)


@pytest.mark.parametrize("rate", RATES)
def test_another_rate_must_be_asked_for(run, rate):
    words = (f"{rate} Hz found; 48000 Hz is needed", "--resample")
    refused(*run(wav(bytes(20), rate=rate)), *words)


@pytest.mark.parametrize("rate", [0, 1, 7999, 192001, 2**32 - 1])
def test_rates_that_no_speech_has(run, rate):
    data = bytearray(wav(bytes(20)))
    data[24:28] = rate.to_bytes(4, "little")
    words = (f"{rate} Hz found", "8000 to 192000 Hz")
    refused(*run(bytes(data), "--resample"), *words)


@pytest.mark.parametrize("name", ["arm64", "armv7"])
def test_equal_on_every_target(run, tmp_path, monkeypatch, name):
    """The filter comes from doubles and another libm; the samples are equal all the same."""
    needs(name)
    monkeypatch.chdir(tmp_path)
    write_stand_in(tmp_path, name)
    other = target.load(name)
    build.build(other)
    for rate in (8000, 44100, 47999, 192000):
        done, out = run(wav(noise(rate // 5).tobytes(), rate=rate), "--resample")
        command = other.command(other.cpus[0])
        subprocess.run([*command, "--resample", "in.wav", "other.wav"], check=True)
        assert done.returncode == 0 and out.read_bytes() == (tmp_path / "other.wav").read_bytes()
