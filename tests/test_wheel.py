"""The Python package: installed in an empty environment it needs NumPy alone and gives the samples
of the C command, bit for bit.
"""

import json
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from codegen.plan import VERSION
from reference.signals import speech

pytestmark = pytest.mark.xdist_group("shipped")

# What a user writes: ten lines, no package beside percepnet and NumPy.
TEN_LINES = """\
import wave
import numpy as np
import percepnet
with wave.open("noisy.wav") as file:
    rate, data = file.getframerate(), file.readframes(file.getnframes())
clean = percepnet.denoise(np.frombuffer(data, np.int16), rate)
with wave.open("clean.wav", "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(rate)
    file.writeframes(clean.tobytes())
"""


@pytest.fixture
def run(python, tmp_path):
    """run(program text) -> what it printed, as JSON; in a folder with noisy.wav."""
    pcm = np.round(speech(0.5) * 32767).astype(np.int16)[:21111]
    pcm += np.random.default_rng(1).integers(-900, 900, pcm.size).astype(np.int16)
    soundfile.write(tmp_path / "noisy.wav", pcm, 48000, "PCM_16")

    def call(text: str):
        done = subprocess.run([python, "-I", "-c", text], cwd=tmp_path, check=False,
                              capture_output=True, text=True)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    call.folder, call.pcm = tmp_path, pcm
    return call


def test_ten_lines_equal_the_command(run, python):
    run(TEN_LINES)
    command = [python.with_name("percepnet"), "noisy.wav", "command.wav"]
    subprocess.run(command, check=True, cwd=run.folder)
    clean, expected = (
        soundfile.read(run.folder / name, dtype="int16")[0] for name in ("clean.wav", "command.wav")
    )
    assert np.array_equal(clean, expected)
    assert len(TEN_LINES.splitlines()) <= 10 and np.any(clean != run.pcm)


def test_floats_and_channels_equal_the_command(run, python):
    """float32 stereo beyond full scale: rounding and clipping are those of the command too."""
    samples = (np.stack([run.pcm, -run.pcm], 1) * np.float32(12 / 32768)).astype(np.float32)
    soundfile.write(run.folder / "noisy.wav", samples, 48000, "FLOAT")
    samples.tofile(run.folder / "noisy.f32")
    warned = run("""
import json, warnings, numpy as np, percepnet
x = np.fromfile("noisy.f32", np.float32).reshape(-1, 2)
with warnings.catch_warnings(record=True) as warned:
    percepnet.denoise(x, 48000, highpass=True).tofile("clean.f32")
print(json.dumps([str(w.message) for w in warned]))
""")
    beyond = np.count_nonzero(np.abs(samples) > 1)
    assert beyond and warned == [f"{beyond} samples beyond full scale (1.0) were clipped"]
    command = [python.with_name("percepnet"), "--highpass", "noisy.wav", "command.wav"]
    subprocess.run(command, check=True, cwd=run.folder)
    clean = np.fromfile(run.folder / "clean.f32", np.float32).reshape(-1, 2)
    assert np.array_equal(clean, soundfile.read(run.folder / "command.wav", dtype="float32")[0])


def test_stream_delay_reset_and_settings(run):
    """Whole recording = frame by frame less the delay; reset = a new instance; settings stick."""
    said = run("""
import json, numpy as np, percepnet
x = np.random.default_rng(2).integers(-9000, 9000, 40 * 480).astype(np.int16)
d = percepnet.Denoiser(model="small", highpass=1)
first = np.concatenate([d.process(f) for f in x.reshape(-1, 480)])
voice = d.voice
d.reset()
second = np.concatenate([d.process(f) for f in x.reshape(-1, 480)])
d.set("highpass", 0)
whole = percepnet.denoise(x, 48000, highpass=1)
print(json.dumps([bool(np.array_equal(first, second)), d.delay, 0 <= voice <= 1, d.get("highpass"),
    bool(np.array_equal(first[d.delay:], whole[:-d.delay])), d.model_id.split("-")[0],
    percepnet.models(), percepnet.denoise(x[:0], 48000).shape,
    percepnet.denoise(x[:1], 48000).shape]))
""")
    assert said == [True, 1440, True, 0, True, "small", ["small"], [0], [1]]


MISUSE = {
    "percepnet.denoise(i16, 44100)": "ValueError: 44100 Hz found; 48000 Hz is needed",
    "percepnet.denoise(i16, 7999, resample=True)": "ValueError: 7999 Hz found; 8000 to 192000 Hz",
    "percepnet.denoise(i16, 44100.5, resample=True)": "ValueError: .* 44100.5 found; a whole",
    "percepnet.denoise(i16, '48000')": "ValueError: .* '48000' found; a whole number of Hz",
    "percepnet.denoise(i16, np.nan)": "ValueError: .* found; a whole number of Hz",
    "percepnet.denoise(i16.astype(int), 48000)": r"TypeError: int64 found; .*astype\(np.int16\)",
    "percepnet.denoise(i16.astype(np.float16), 48000)": "TypeError: float16 found; .*np.float32",
    "pickle.dumps(percepnet.Denoiser())": "TypeError: a Denoiser cannot be pickled or copied: its",
    "copy.deepcopy(percepnet.Denoiser())": "TypeError: a Denoiser cannot be pickled or copied",
    "percepnet.denoise(i16 * np.nan, 48000)": "ValueError: NaN",
    "percepnet.denoise(i16.reshape(1, 1, -1), 48000)": r"ValueError: .* shape \(1, 1, 480\) found",
    "percepnet.Denoiser('none')": "ValueError: model 'none' found; one of small",
    "percepnet.Denoiser(volume=3)": "ValueError: setting 'volume' found; one of .*postfilter",
    "percepnet.denoise(np.zeros((2, 480)), 48000)": r"ValueError: .* \(2, 480\) found; .*samples.T",
    "percepnet.Denoiser(postfilter=-7)": "ValueError: postfilter=-7 found; 0 to 1, a whole",
    "percepnet.Denoiser(attenuation_limit_db=101)": "ValueError: .*=101 found; 0 to 100, a whole",
    "percepnet.Denoiser(attenuation_limit_db=12.5)": "ValueError: .*=12.5 found; 0 to 100, a whole",
    "percepnet.Denoiser().get('volume')": "ValueError: setting 'volume'",
    "percepnet.Denoiser().process(i16 / 2)": "TypeError: float64 found; .*astype",
    "percepnet.Denoiser().process(i16[:479])": r"ValueError: a frame of shape \(479,\)",
}


def test_misuse_says_what_is_needed(run):
    program = f"""
import copy, json, pickle, re, numpy as np, percepnet
i16, said = np.zeros(480, np.int16), {{}}
for call in {list(MISUSE)}:
    try:
        eval(call)
        said[call] = "no error"
    except Exception as error:
        said[call] = f"{{type(error).__name__}}: {{error}}"
print(json.dumps(said))
"""
    for call, message in run(program).items():
        assert re.match(MISUSE[call], message), f"{call}: {message}"


def test_types_and_rates_that_mean_the_same(run):
    """Every width, byte order and number that holds these samples gives the same output."""
    said = run("""
import json, pickle, numpy as np, percepnet
x = np.random.default_rng(0).integers(-9000, 9000, (4000, 2)).astype(np.int16) & ~np.int16(255)
y = percepnet.denoise(x, 48000)
def as_int16(a):
    a = a.astype(a.dtype.newbyteorder("="))
    if a.dtype == np.uint8:
        return (a.astype(int) - 128) << 8
    return a * 32768.0 if a.dtype.kind == "f" else a.astype(np.int64) >> 8 * a.dtype.itemsize - 16
inputs = [x.astype(">i2"), x.astype(np.int32) << 16, (x.astype(np.int32) << 16).astype(">i4"),
          (x.astype(np.int32) << 16) - 0x8000, x / 32768, (x / 32768).astype(np.float32),
          (x / 32768).astype(">f4"), np.asfortranarray(x), x[::-1][::-1], x.tolist()]
outputs = [percepnet.denoise(a, 48000) for a in inputs[:-1]]
same = [a.dtype == b.dtype and np.array_equal(as_int16(b), y) for a, b in zip(inputs, outputs)]
eight = percepnet.denoise((x // 256 + 128).astype(np.uint8), 48000)
same.append(eight.dtype == np.uint8 and np.abs(as_int16(eight) - y.astype(int)).max() <= 128)
rates = [48000, 48000.0, np.float32(48000), np.int64(48000), np.uint16(48000), np.array(48000)]
same += [np.array_equal(percepnet.denoise(x, rate), y) for rate in rates]
z = percepnet.denoise(x, 44100, resample=True)
rates = [44100.0, np.float64(44100), np.uint16(44100)]
same += [np.array_equal(percepnet.denoise(x, rate, resample=True), z) for rate in rates]
big = percepnet.Denoiser().process(x[:480, 0].astype(">i2"))
same.append(np.array_equal(big, percepnet.Denoiser().process(x[:480, 0])))
same.append(pickle.loads(pickle.dumps(percepnet.denoise)) is percepnet.denoise)
print(json.dumps([percepnet.__version__, *map(bool, same)]))
""")
    assert said[0] == VERSION
    assert all(said[1:]), said


@pytest.mark.parametrize("rate", [16000, 44100])
def test_other_rates_equal_the_command(run, python, rate):
    samples = np.stack([run.pcm, -run.pcm // 2], 1)
    soundfile.write(run.folder / "noisy.wav", samples, rate, "PCM_16")
    samples.tofile(run.folder / "noisy.s16")
    run('import numpy as np, percepnet; x = np.fromfile("noisy.s16", np.int16).reshape(-1, 2);'
        f'percepnet.denoise(x, {rate}, resample=True).tofile("clean.s16")')  # fmt: skip
    command = [python.with_name("percepnet"), "--resample", "noisy.wav", "command.wav"]
    subprocess.run(command, check=True, cwd=run.folder)
    clean = np.fromfile(run.folder / "clean.s16", np.int16).reshape(-1, 2)
    assert np.array_equal(clean, soundfile.read(run.folder / "command.wav", dtype="int16")[0])
    assert len(clean) == len(samples) and np.any(clean != samples)


def test_the_command_reads_what_soundfile_reads(run, python):
    """FLAC by the extra `formats`; without it the line says how to get it."""
    soundfile.write(run.folder / "noisy.flac", run.pcm, 48000, "PCM_16")
    command = [python.with_name("percepnet"), "noisy.flac", "clean.wav"]
    packages = str(Path(soundfile.__file__).parent)
    subprocess.run(command, check=True, cwd=run.folder, env={"PYTHONPATH": packages})
    subprocess.run([*command[:1], "noisy.wav", "wav.wav"], check=True, cwd=run.folder)
    clean, expected = ((run.folder / name).read_bytes() for name in ("clean.wav", "wav.wav"))
    assert clean.partition(b"data")[2] == expected.partition(b"data")[2]
    done = subprocess.run(command, check=False, cwd=run.folder, capture_output=True)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1
    assert b"noisy.flac: " in done.stderr and b"pip install 'percepnet[formats]'" in done.stderr


def test_the_command_chooses_the_model(python):
    name = python.with_name("percepnet")
    for option in (["-m", "small"], ["--model=small"], []):
        assert b"model small-" in subprocess.check_output([name, *option, "-V"])
    said = subprocess.check_output([name, "-h"])
    assert b"Models here: small; -m chooses" in said and b"--resample" in said
    done = subprocess.run([name, "-m", "none", "-V"], check=False, capture_output=True)
    assert done.returncode == 2 and b"one of small is needed" in done.stderr


def test_types_and_documents_are_inside(wheel_file):
    names = zipfile.ZipFile(wheel_file).namelist()
    assert {"percepnet/py.typed", "percepnet/percepnet.h"} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)
    assert {"percepnet/resample.so", "percepnet/models/small.so"} <= set(names)
    assert wheel_file.name.startswith(f"percepnet-{VERSION}-py3-none-manylinux")
    (minor,) = re.findall(r"manylinux_2_(\d+)_", wheel_file.name)
    assert int(minor) <= 17, "older systems are left out: something asks for a newer glibc"
