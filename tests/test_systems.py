"""Systems of systems.toml: aligned, as long, faults named; the shipped entries are sound."""

import json
import os
import re

import numpy as np
import pytest
import soundfile as sf

from eval import deepfilter, systems
from eval.score import outside, system_key
from eval.systems import main, read_table

RATE = 48000


@pytest.fixture
def folder(tmp_path):
    """A prepared set of two clips: clean is a burst of noise, noisy is clean."""
    rng, clips = np.random.default_rng(7), []
    for name in ("a", "b"):
        x = 0.1 * rng.standard_normal(RATE // 2) * np.hanning(RATE // 2)
        for kind in ("noisy", "clean"):
            path = tmp_path / "sets" / "tiny" / kind / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            sf.write(path, x, RATE, subtype="PCM_16")
        clips.append({"name": name, "noisy": f"noisy/{name}.wav", "clean": f"clean/{name}.wav"})
    (tmp_path / "sets/tiny/set.json").write_text(json.dumps({"name": "tiny", "clips": clips}))
    return tmp_path / "sets" / "tiny"


def late(x):
    """Halves and delays by 10 ms at 48 kHz."""
    return 0.5 * np.concatenate([np.zeros(480), x[:-480]])


def echo(x):
    return x


def broken(x):
    return x * np.nan


def run(folder, tmp_path, text, *names):
    table = tmp_path / "systems.toml"
    table.write_text(text)
    return main(["--set", str(folder), "--build", str(tmp_path), "--table", str(table), *names])


def test_delay_is_taken_out_gain_is_not(folder, tmp_path, capsys):
    """To the sample, nothing lost at the end: equal to half the input after rounding to int16."""
    text = '[late]\npython = "test_systems:late"\nrate = 48000\n'
    assert run(folder, tmp_path, text, "late") == 0
    assert "2 of 2 clips, delay 480 samples taken out" in capsys.readouterr().out
    about = json.loads((tmp_path / "out/late/tiny/system.json").read_text())
    assert about["delay"] == 480 and about["delay_range"] == [480, 480]
    for name in ("a", "b"):
        x, y = (sf.read(p / f"{name}.wav")[0]
                for p in (folder / "noisy", tmp_path / "out/late/tiny"))
        assert y.size == x.size and np.abs(y - 0.5 * x).max() <= 1 / 32768


@pytest.mark.parametrize("how", ['command = "cp {in} {out}"', 'python = "test_systems:echo"'])
def test_other_rates_come_back_aligned(folder, tmp_path, how):
    """At 16 kHz only what lies below 8 kHz comes back, undelayed and in place."""
    assert run(folder, tmp_path, f"[low]\n{how}\nrate = 16000\n", "low") == 0
    x, y = (sf.read(p / "a.wav")[0] for p in (folder / "clean", tmp_path / "out/low/tiny"))
    low = np.fft.rfft(x) - np.fft.rfft(y)
    k = 7000 * x.size // RATE
    assert y.size == x.size
    assert np.sum(np.abs(low[:k]) ** 2) < 1e-3 * np.sum(np.abs(np.fft.rfft(x)[:k]) ** 2)


def sometimes_late(x):
    """Delays by 10 ms unless the first half is louder."""
    first, second = np.split(x[:RATE // 2], 2)
    return x if first @ first > second @ second else late(x)


def test_the_delay_of_a_system_is_that_of_most_clips(folder, tmp_path):
    """One clip that comes early (or is measured so) moves no other."""
    about = json.loads((folder / "set.json").read_text())
    about["clips"].append({k: v.replace("a", "c") if k == "name" else v.replace("a.", "c.")
                           for k, v in about["clips"][0].items()})
    (folder / "set.json").write_text(json.dumps(about))
    x, _ = sf.read(folder / "clean" / "a.wav")
    rising = np.linspace(0.1, 1, x.size)
    for name, shape in (("a", rising[::-1]), ("b", rising), ("c", rising)):
        for kind in ("noisy", "clean"):
            sf.write(folder / kind / f"{name}.wav", x * shape, RATE)
    assert run(folder, tmp_path, '[x]\npython = "test_systems:sometimes_late"\nrate = 48000\n',
               "x") == 0
    told = json.loads((tmp_path / "out/x/tiny/system.json").read_text())
    assert told["delay_range"] == [0, 480] and told["delay"] == 480


@pytest.mark.parametrize(("text", "words"), [
    ('command = "cp {in} {out}; echo no >&2; exit 4"\nrate = 48000', "exit code 4: no"),
    ('command = "exit 3 # {in} {out}"\nrate = 48000', "exit code 3"),
    ('command = "true {in} {out}"\nrate = 48000', "no output file"),
    ('command = "echo x > {out}; : {in}"\nrate = 48000', "cannot be read"),
    ('python = "test_systems:broken"\nrate = 48000', "NaN"),
    ('python = "no_such_module:f"\nrate = 48000', r"\[peers,dfn3\]"),
    ('python = "eval.deepfilter:dfn3"\nrate = 48000', "enc.onnx.*set DFN3=DIR"),
    ('command = "cp {in} x"\nrate = 48000', "needs {in} and {out}"),
    ('command = "cp {in} {out}"', "needs rate"),
    ('python = "a:b"\nspeed = 3\nrate = 48000', "needs rate"),
])
def test_faults_are_named_and_leave_nothing(folder, tmp_path, capsys, monkeypatch, text, words):
    if "deepfilter" in text:
        pytest.importorskip("onnxruntime")
        pytest.importorskip("libdf")
        monkeypatch.setenv("DFN3", str(tmp_path / "nowhere"))
        deepfilter.graphs.cache_clear()
    assert run(folder, tmp_path, f"[x]\n{text}\n", "x") == 2
    assert re.search(words, capsys.readouterr().err)
    assert not (tmp_path / "out/x/tiny").exists()


def test_a_clip_that_fails_is_left_out_and_listed(folder, tmp_path, capsys):
    sf.write(folder / "noisy" / "b.wav", np.zeros(0), RATE)  # shorter than clean: the rest runs
    text = '[pick]\ncommand = "test $(stat -c %s {in}) -gt 20000 && cp {in} {out}"\nrate = 48000\n'
    assert run(folder, tmp_path, text, "pick") == 1
    assert "failed: pick b: exit code 1" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "out/pick/tiny").glob("*.wav")] == ["a.wav"]


def test_shipped_table_and_order():
    """Every entry is sound; noisy, then ours, then the others."""
    table = read_table()
    assert {"pyrnnoise", "webrtc-noise-gain", "deep-filter"} <= outside() <= table.keys()
    names = ["pyrnnoise", "host-postfilter", "arm64-cortex-a53", "host", "noisy", "float", "twin"]
    assert sorted(names, key=system_key) == [
        "noisy", "float", "twin", "host", "arm64-cortex-a53", "host-postfilter", "pyrnnoise"]


@pytest.mark.parametrize("name", ["pyrnnoise", "webrtc-noise-gain"])
def test_peers_suppress_noise(name):
    """Half a second of hiss comes out at least 6 dB weaker after a second to settle."""
    pytest.importorskip({"pyrnnoise": "pyrnnoise", "webrtc-noise-gain": "webrtc_noise_gain"}[name])
    x = 0.02 * np.random.default_rng(8).standard_normal(3 * RATE // 2)
    y = systems.enhance(read_table()[name], x)
    assert np.std(y[RATE:x.size]) < 0.5 * np.std(x[RATE:])


def test_dfn3_with_a_network_that_changes_nothing_is_aligned(monkeypatch):
    """Gains of 1 and filters of this frame alone give the input, whatever its length."""
    pytest.importorskip("libdf")

    def answers(name, signals):
        frames = len(signals["feat_erb"][0, 0])
        taps = np.zeros((frames, deepfilter.LOW_BINS, deepfilter.TAPS, 2))
        taps[:, :, deepfilter.TAPS - 1 - deepfilter.LOOKAHEAD, 0] = 1
        return signals | {"m": np.ones((1, 1, frames, deepfilter.BANDS)), "coefs": taps}

    monkeypatch.setattr(deepfilter, "graphs", dict)
    monkeypatch.setattr(deepfilter, "infer", answers)
    for n in (1, 480, 12345):
        x = 0.1 * np.random.default_rng(n).standard_normal(n)
        assert deepfilter.dfn3(x) == pytest.approx(x, abs=1e-6)


def test_dfn3_filters_bins_over_two_frames_back_and_two_ahead():
    rng = np.random.default_rng(1)
    low, taps = rng.normal(size=(7, 3)), rng.normal(size=(7, 3, 5))
    want = [[sum(taps[n, b, k] * low[n + k - 2, b] for k in range(5) if 0 <= n + k - 2 < 7)
             for b in range(3)] for n in range(7)]
    assert deepfilter.filtered(low, taps) == pytest.approx(np.array(want))


def test_dfn3_suppresses_noise():
    if not os.environ.get("DFN3"):
        pytest.skip("its graphs are not given; DFN3=DIR")
    deepfilter.graphs.cache_clear()
    x = 0.02 * np.random.default_rng(8).standard_normal(3 * RATE // 2)
    assert np.std(deepfilter.dfn3(x)[RATE:]) < 0.1 * np.std(x[RATE:])
