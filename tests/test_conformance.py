"""The shipped library on every target: equal to the twin on speech and on hostile input."""

import numpy as np
import pytest
import soundfile
from conftest import needs
from generated import adversarial, speech

from codegen import render, twin
from codegen.plan import plan
from reference.clips import to_int16
from reference.suppressor import Options
from targets import build, run, target

EVERY_STAGE = ["--postfilter", "--decay-floor", "--highpass"]


@pytest.fixture(scope="module", params=["host", "arm64", "armv7"])
def built(request, tmp_path_factory):
    """A target built from the default model, and two clips beside it."""
    needs(request.param)
    root = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        goal = target.load(request.param)
        render.write("small", goal.folder / "gen")
        build.build(goal)
        for name, samples in (("speech", to_int16(speech(1))), ("hostile", adversarial().ravel())):
            soundfile.write(f"{name}.wav", samples, 48000, "PCM_16")
        yield goal


@pytest.fixture(scope="module")
def expected():
    """Twin output of a clip with some options, each computed once."""
    known = {}

    def compute(clip, every_stage):
        if (clip, every_stage) not in known:
            samples, _ = soundfile.read(f"{clip}.wav", dtype="int16")
            options = Options(True, True, True) if every_stage else Options()
            known[clip, every_stage] = twin.enhance(
                samples, twin.Suppressor(*plan("small"), options)
            )
        return known[clip, every_stage]

    return compute


@pytest.mark.parametrize("every_stage", [False, True])
@pytest.mark.parametrize("clip", ["speech", "hostile"])
def test_every_cpu_equals_the_twin(built, expected, clip, every_stage):
    """0 samples may differ: the arithmetic is defined to the last bit."""
    wanted = expected(clip, every_stage)
    for cpu in built.cpus:
        options = EVERY_STAGE if every_stage else []
        run.run_command([*built.command(cpu), *options, f"{clip}.wav", "out.wav"])
        got, rate = soundfile.read("out.wav", dtype="int16")
        assert rate == 48000 and got.shape == wanted.shape
        assert np.count_nonzero(got != wanted) == 0, cpu


def test_a_difference_is_named_by_stage_frame_and_index(built, monkeypatch):
    """One table entry of the twin off by one: the first tap it touches, with both values."""
    from codegen.stages import gains

    original = gains.scale_q13
    monkeypatch.setattr(gains, "scale_q13", lambda *a: original(*a) + (np.arange(34) == 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "read_plan", lambda goal: plan("small")[0])
        words = run.explain(built, built.cpus[0], "speech.wav")
    assert words.startswith("stage gains, signal scale_q13, frame 0, index 5: twin ")
