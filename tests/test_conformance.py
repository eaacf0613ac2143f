"""The shipped library on every target: equal to the twin on speech and on hostile input."""

import numpy as np
import pytest
import soundfile
from conftest import needs
from generated import adversarial, speech

from codegen import render, twin
from codegen.plan import plan
from reference.clips import to_int16
from reference.suppressor import EVERY_STAGE, Options
from targets import baseline, build, count, run, settings, target

MODELS = dict.fromkeys(["host", "arm64", "armv7", "wasm"], "small") | {"m7": "tiny", "m55": "tiny"}


@pytest.fixture(scope="module", params=MODELS)
def built(request, tmp_path_factory):
    """A target built from the model that it is counted with, and two clips beside it."""
    needs(request.param)
    root = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        goal = target.load(request.param)
        render.write(MODELS[goal.name], goal.folder / "gen")
        build.build(goal)
        for name, samples in (("speech", to_int16(speech(1))), ("hostile", adversarial().ravel())):
            soundfile.write(f"{name}.wav", samples, 48000, "PCM_16")
        yield goal


@pytest.fixture(scope="module")
def expected():
    """Twin output of a clip with some options, each computed once."""
    known = {}

    def compute(model, clip, every_stage):
        if (model, clip, every_stage) not in known:
            samples, _ = soundfile.read(f"{clip}.wav", dtype="int16")
            options = EVERY_STAGE if every_stage else Options()
            known[model, clip, every_stage] = twin.enhance(samples, twin.network(model), options)
        return known[model, clip, every_stage]

    return compute


@pytest.mark.parametrize("every_stage", [False, True])
@pytest.mark.parametrize("clip", ["speech", "hostile"])
def test_every_cpu_equals_the_twin(built, expected, clip, every_stage):
    """0 samples may differ: the arithmetic is defined to the last bit."""
    wanted = expected(MODELS[built.name], clip, every_stage)
    for cpu in built.cpus:
        options = settings.EVERY_STAGE if every_stage else ()
        run.run_command([*built.command(cpu), *options, f"{clip}.wav", "out.wav"])
        got, rate = soundfile.read("out.wav", dtype="int16")
        assert rate == 48000 and got.shape == wanted.shape
        assert np.count_nonzero(got != wanted) == 0, cpu


def test_counts_are_as_agreed(built):
    """No total more than 1 % above eval/baseline; no frame of any input 3 % above mean speech.

    Frame by frame on every CPU, and blocks on the one with the most instructions to choose from;
    the output of all is one and the same. `make bench` counts the rest.
    """
    if not built.counted:
        return
    places = [*((cpu, "frame") for cpu in built.cpus), (built.every_cpu[-1], "block4")]
    counted = {place: count.count_clips(built, *place, count.inputs()) for place in places}
    count.require_same(counted)
    record = {"provenance": run.provenance(built), "complexity": []}
    for place, counts in counted.items():
        rows = count.complexity_rows(built, *place, counts)
        total = next(row for row in rows if row["stage"] == "total")
        assert total["instructions_max"] <= 1.03 * total["instructions_mean"], place
        record["complexity"] += rows
    assert baseline.path_of(record).is_file(), "make bench, then python -m targets.baseline"
    try:
        worse = baseline.regressions(record)
    except SystemExit as reason:
        pytest.skip(str(reason))
    assert not worse, "\n".join(worse)


def test_blocks_equal_single_hops(built):
    """Blocks of 1 to 4 and mixed ones, with every set of kernels: block_check compares them."""
    for cpu in built.every_cpu:
        for hops in range(5):
            run.run_command([*built.command(cpu, program="block_check"), str(hops)])


def test_a_difference_is_named_by_stage_frame_and_index(built, monkeypatch):
    """One table entry of the twin off by one: the first tap it touches, with both values."""
    from codegen.stages import gains

    original = gains.scale_q13
    monkeypatch.setattr(gains, "scale_q13", lambda *a: original(*a) + (np.arange(34) == 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "read_plan", lambda goal: plan(MODELS[goal.name])[0])
        words = run.explain(built, built.cpus[0], "speech.wav")
    assert words.startswith("stage gains, signal scale_q13, frame 0, index 5: twin ")
