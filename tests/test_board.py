"""The command where there is no system, around the stand-in: board.c compiled for this machine,
then boards that QEMU plays and modules, driven by targets/harness.
"""

import functools
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import needs, write_stand_in

from targets import build, target
from targets.target import HARNESS

FLAGS = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
HOP, DELAY = 480, 1440


def compiled(stand_in: Path, out: Path, *flags: str) -> Path:
    gen = stand_in / "build" / "host" / "gen"
    sources = [HARNESS / "board.c", *gen.glob("*.c")]
    subprocess.run(["gcc", *flags, "-iquote", gen, *sources, "-o", out], check=True)
    return out


@pytest.fixture(scope="module")
def board(stand_in, tmp_path_factory):
    needs("host")
    return compiled(stand_in, tmp_path_factory.mktemp("board") / "percepnet", *FLAGS)


def run(board: Path, folder: Path, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([board, *words], check=False, capture_output=True, text=True, cwd=folder)


@pytest.mark.parametrize("samples", [0, 1, 479, 480, 481, 1440, 1441, 5000])
def test_what_passes_through_is_aligned_and_as_long(board, tmp_path, samples):
    sound = np.random.default_rng(samples).integers(-32768, 32768, samples).astype(np.int16)
    sound.tofile(tmp_path / "in")
    done = run(board, tmp_path, "in", "out", "taps")
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.fromfile(tmp_path / "out", np.int16), sound)
    hops = -(-(samples + DELAY) // HOP) if samples else 0
    taps = np.fromfile(tmp_path / "taps", np.int16).reshape(hops, HOP + 2)
    heard = np.pad(sound, (0, hops * HOP - samples)).reshape(hops, HOP)
    assert np.array_equal(taps[:, :HOP], heard)  # the line's last hop


@pytest.mark.parametrize("setting", ["postfilter=1", "attenuation_limit_db=7"])
def test_settings_reach_the_library(board, tmp_path, setting):
    sound = np.arange(-2000, 2000, dtype=np.int16)
    sound.tofile(tmp_path / "in")
    assert run(board, tmp_path, "highpass=1", setting, "in", "out").returncode == 0
    halved = setting.startswith("postfilter")
    wanted = np.trunc(sound / 2) if halved else sound ^ 7
    assert np.array_equal(np.fromfile(tmp_path / "out", np.int16), wanted)


@pytest.mark.parametrize(("words", "what"), [
    (["in"], "another command line found; IN OUT [TAPS] is needed"),
    (["in", "out", "taps", "more"], "another command line found; IN OUT [TAPS] is needed"),
    (["attenuation_limit_db=101", "in", "out"], "attenuation_limit_db=101 found; a setting and a"),
    (["postfilte=1", "in", "out"], "postfilte=1 found; a setting and a value"),
    (["postfilters=1", "in", "out"], "postfilters=1 found; a setting and a value"),
    (["none", "out"], "an unusable file found; a readable IN and a writable OUT is needed"),
    (["in", "no/out"], "an unusable file found"), (["in", "out", "no/taps"], "an unusable file"),
    (["in", "/dev/full"], "a full disk found; room is needed"),
    (["in", "out", "/dev/full"], "a full disk found; room is needed"),
])  # fmt: skip
def test_what_is_refused(board, tmp_path, words, what):
    np.ones(4000, np.int16).tofile(tmp_path / "in")
    done = run(board, tmp_path, *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"percepnet: {what}") and done.stderr.count("\n") == 1


def test_footprint_is_that_of_the_calls(stand_in, tmp_path):
    """Of the stack what frames take, not the measurement; here the call halves a hop at least."""
    board = compiled(stand_in, tmp_path / "percepnet", "-O1", "-Wl,-z,now")
    done = run(board, tmp_path, "--footprint")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found.pop("stack") in range(HOP, 4 * HOP)
    assert found == {"model": "stand-in", "state": 4096 - 1024, "scratch": 1024}


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    """emulated(target name) -> folder with the stand-in built for that target; made once."""

    @functools.cache
    def made(name: str) -> Path:
        needs(name)
        folder = tmp_path_factory.mktemp(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            write_stand_in(folder, name)
            build.build(target.load(name))
        return folder

    return made


@pytest.mark.parametrize(("name", "cpu"),
                         [("m7", "cortex-m7"), ("wasm", "node"), ("wasm", "wasmtime")])  # fmt: skip
def test_wav_files_through_an_emulator(emulated, tmp_path, monkeypatch, name, cpu):
    """With the options of the command elsewhere; a comma in a name is no end of it."""
    monkeypatch.chdir(emulated(name))
    command = target.load(name).command(cpu)
    sound, out, taps = (str(tmp_path / name) for name in ("in,1.wav", "out.wav", "taps"))
    pcm = np.random.default_rng(1).integers(-32768, 32768, 2000).astype(np.int16)
    soundfile.write(sound, pcm, 48000, "PCM_16")
    for options, wanted in ((["-a", "7"], pcm ^ 7), (["--taps", taps, "--no-postfilter"], pcm)):
        subprocess.run([*command, *options, sound, out], check=True)
        assert np.array_equal(soundfile.read(out, dtype="int16")[0], wanted)
    heard = np.fromfile(taps, np.int16).reshape(8, HOP + 2)[:, :HOP].ravel()
    assert np.array_equal(heard[:2000], pcm) and not heard[2000:].any()
    Path(out).unlink()
    done = subprocess.run([*command, "-a", "101", sound, out], check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert done.stderr and done.returncode in (1, 2) and not Path(out).exists()


def test_footprint_of_a_board(emulated, monkeypatch):
    monkeypatch.chdir(emulated("m7"))
    command = target.load("m7").command("cortex-m7")
    words = ["--footprint", "--no-postfilter"]
    found = subprocess.check_output([*command, *words], text=True)
    assert json.loads(found) | {"stack": 0} == {
        "model": "stand-in", "state": 4096 - 1024, "scratch": 1024, "stack": 0}  # fmt: skip
    version = subprocess.check_output([*command[:-2], "--version"], text=True)
    assert "QEMU emulator version" in version


@pytest.mark.parametrize("cpu", ["node", "wasmtime"])
def test_exit_code_of_a_module_that_is_a_program(tmp_path, monkeypatch, cpu):
    needs("wasm")
    monkeypatch.chdir(tmp_path)
    wasm = target.load("wasm")
    wasm.folder.mkdir(parents=True)
    source = "#include <stdio.h>\nint main(int n, char **v) { puts(v[1]); return n + 1; }\n"
    (tmp_path / "main.c").write_text(source)
    build.link(wasm, [], build.compile_objects(wasm, [tmp_path / "main.c"], tmp_path), "program")
    done = subprocess.run([*wasm.command(cpu, program="program"), "a word"], check=False,
                          capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "a word\n")
