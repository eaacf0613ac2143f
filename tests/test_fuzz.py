"""The fuzzers find what is planted, name the case that repeats it, and pass what is sound."""

import json
import os
import re
import subprocess

import numpy as np
import pytest

import fuzz.__main__ as fuzz
from codegen import suppressor, twin
from fuzz import climb, recovery, soak
from fuzz.handover import alike, layout, taken_over
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


def test_a_long_call_stays_equal_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """Twelve seconds in three pieces; called again, nothing is heard again."""
    monkeypatch.chdir(tmp_path)
    assert soak.soak("tiny", 0.2, seed=1, jobs=2, blocks=4) == 1200

    def never(*_):
        raise AssertionError("heard again")

    monkeypatch.setattr(soak.Library, "run", never)
    monkeypatch.setattr(soak, "follow", never)
    assert soak.soak("tiny", 0.2, seed=1, blocks=4) == 1200


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """(library, C's memory before and behind two seconds of the second piece)."""
    folder, here = tmp_path_factory.mktemp("soak"), os.getcwd()
    os.chdir(folder)
    try:
        path = soak.built("tiny")
        soak.hear(path, folder, 2, 2, seed=3)
    finally:
        os.chdir(here)
    return path, np.load(folder / "1.npy"), np.load(folder / "2.npy")


def test_a_weight_of_the_twin_that_differs_is_found_in_any_piece(kept, monkeypatch):
    path, before, behind = kept
    assert soak.compare(1, before, behind, path, "tiny", 2, seed=3) == {"files": []}
    network = twin.network

    def other(model):
        found = network(model)
        found.matrices["gain"].weight[3, 5] += 16
        return found

    monkeypatch.setattr(twin, "network", other)
    told = soak.compare(1, before, behind, path, "tiny", 2, seed=3)
    assert re.fullmatch("C and twin part in hop [23][0-9][0-9]", told["failed"])


def test_a_state_that_differs_at_the_end_of_a_piece_is_found(kept):
    path, before, behind = kept
    spoilt = behind.copy()
    _fields(spoilt)["past.attenuation.share_q30"] += 1
    told = soak.compare(1, before, spoilt, path, "tiny", 2, seed=3)
    assert told["failed"] == "states of C and twin differ after 400 hops"


# What a hop leaves behind and the next one does not read: scratch, the layers' outputs as the
# matrices of the same hop read them, and of states as int8, which follow from those in Q15.
NOT_READ = {"pre_6k", "pre_hidden_6k", "dense_q15", "conv1_q15", "conv2_q15", "layers",
            "gru_strength", "filled", "vad_q15", "hop"}  # fmt: skip
# Which number is changed; convolutions have room for the frames to come behind those kept.
IN_USE = {"past.dnn.conv1_in": 0, "past.dnn.conv2_in": 0}


def test_the_twin_takes_over_every_state(kept):
    """One number of each field changed, the twin begins otherwise: it has read it."""
    memory, seen = kept[1], set()
    exact = taken_over("tiny", memory)
    for name in _fields(memory):
        if not name.startswith("past.") or name.rpartition(".")[2] in NOT_READ:
            continue
        spoilt = memory.copy()
        field = _fields(spoilt)[name]
        field[(IN_USE.get(name, -1),) * field.ndim] ^= 1
        assert not alike(exact, taken_over("tiny", spoilt)), name
        seen.add(name)
    assert {"past.oldest", "past.spectra.frac", "past.pitch.origins", "past.dnn.gru3_q15"} <= seen


def _fields(memory: np.ndarray) -> dict[str, np.ndarray]:
    """Every number of an instance by its name in C, as an array that can be written to."""
    content, _ = twin.settle("tiny")
    of = layout(suppressor.instance(content["dnn"]), content["constants"])
    found, todo = {}, {"": memory[: of.itemsize].view(of)}
    while todo:
        name, part = todo.popitem()
        if part.dtype.names is None:
            found[name] = part
        else:
            todo |= {f"{name}.{field}".lstrip("."): part[field] for field in part.dtype.names}
    return found


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
