"""The fuzzers find what is planted, name the case that repeats it, and pass what is sound."""

import json
import re
import subprocess

import pytest

import fuzz.__main__ as fuzz
from fuzz import climb, recovery, soak
from targets.target import HARNESS

# The fuzzer, what is changed in a source of the command, and what a check or a sanitizer says.
FAULTS = {
    "files: samples read beyond the block": (
        "files", "wav_read.c", "CHUNK * WAV_MAX_BYTES", "CHUNK * 2", "stack-buffer-overflow"),
    "files: no limit of channels": (
        "files", "wav_format.c", "> WAV_MAX_CHANNELS", "> 100000", "WRONG: .*channels"),
    "files: sizes as they were declared": (
        "files", "wav_write.c", "void wav_finish(wav_out *out, wav_in *in)\n{",
        "void wav_finish(wav_out *out, wav_in *in)\n{\n    (void)in;\n    if (out) return;",
        "WRONG: "),
    "rates: a sample too many": (
        "rates", "resample.c", "(uint64_t)count * r->up / r->down) + 1",
        "(uint64_t)count * r->up / r->down)", "WRONG: .*room|heap-buffer-overflow"),
}  # fmt: skip


def built(name: str, folder, monkeypatch, **changed):
    """The fuzzer of that name in `folder`, its sources changed by file name."""
    monkeypatch.chdir(folder)
    (folder / "source").mkdir()
    sources = []
    for part in fuzz.PARTS[name]:
        text = (HARNESS / f"{part}.c").read_text()
        for old, new in changed.get(part, ()):
            assert old in text
            text = text.replace(old, new)
        (folder / "source" / f"{part}.c").write_text(text)
        sources.append(folder / "source" / f"{part}.c")
    return fuzz.program(fuzz.target("command", plain=False), name, sources)


@pytest.mark.parametrize("name", fuzz.PARTS)
def test_what_is_sound_passes_and_repeats(name, tmp_path, monkeypatch):
    path = built(name, tmp_path, monkeypatch)
    (what,) = fuzz.run(path, seed=3, seconds=1)
    assert fuzz.run(path, seed=3, seconds=1)[what] > 100
    totals = tmp_path / "totals.json"
    fuzz.add(totals, {what: 5}, "sanitized")
    assert fuzz.add(totals, {what: 6}, "sanitized") == {f"{what}, sanitized": 11}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_repeats(fault, tmp_path, monkeypatch):
    name, source, old, new, words = FAULTS[fault]
    path = built(name, tmp_path, monkeypatch, **{source.removesuffix(".c"): [(old, new)]})
    with pytest.raises(SystemExit) as stop:
        fuzz.run(path, seed=4, seconds=30)
    assert re.search(words, str(stop.value)), stop.value
    again = str(stop.value).splitlines()[-1].split()
    assert subprocess.run(again, check=False, capture_output=True).returncode != 0


def test_a_kernel_that_differs_is_found(tmp_path, monkeypatch):
    """Scalar and chosen kernels are driven side by side."""
    if not re.search(r"\bavx2\b", open("/proc/cpuinfo").read()):
        pytest.skip("this machine has no avx2")
    monkeypatch.chdir(tmp_path)
    real = fuzz.render.write

    def write(model, gen):
        real(model, gen)
        path = gen / "gates_s32_avx2.c"
        path.write_text(path.read_text().replace("_mm256_set1_epi32(1 << 14)",
                                                 "_mm256_setzero_si256()"))  # fmt: skip

    monkeypatch.setattr(fuzz.render, "write", write)
    path = fuzz.calls("tiny", plain=True)
    with pytest.raises(SystemExit, match="WRONG: .*hop_of_other"):
        fuzz.run(path, seed=5, seconds=60)


def test_a_long_call_stays_equal_and_a_fault_is_found(tmp_path, monkeypatch):
    """Fifteen seconds; then one weight of the twin is another."""
    monkeypatch.chdir(tmp_path)
    assert soak.soak("tiny", 0.25, seed=1) == 1500
    network = soak.twin.network

    def other(model):
        found = network(model)
        found.matrices["gain"].weight[3, 5] += 16
        return found

    monkeypatch.setattr(soak.twin, "network", other)
    with pytest.raises(SystemExit, match="tiny: C and twin part in hop [0-9]+, seed 1"):
        soak.soak("tiny", 0.25, seed=1)


def test_the_default_model_forgets_hostile_sound_in_a_second(tmp_path, monkeypatch):
    """On these two clips; the worst of all stands in docs/attacks.md."""
    monkeypatch.chdir(tmp_path)
    found = recovery.measure("small", recovery.CLIPS[::8])
    assert len(found) == 6 and all(len(ms) == 2 and max(ms) <= 1000 for ms in found.values())


def test_states_climb_towards_their_bounds_and_one_beyond_is_red(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(climb, "KEPT", tmp_path / "climb.json")
    monkeypatch.setattr("sys.argv", ["climb", "--model", "tiny", "--seconds", ".2"])
    assert climb.main() == 0
    found = json.loads(climb.KEPT.read_text())["tiny"]
    plan = json.loads(next(tmp_path.rglob("plan.json")).read_text())
    assert found.keys() == climb.bounds(plan).keys()
    shares = {name: state["share"] for name, state in found.items()}
    assert min(shares["comb"], shares["dcblock_sum"]) > 0.9 and max(shares.values()) <= 1
    real = climb.bounds
    monkeypatch.setattr(climb, "bounds", lambda plan: real(plan) | {"comb": 2**29})
    assert climb.main() == 1
