"""Training runs: a toy run learns, resumes exactly, exports; networks share mixtures."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reference import dnn, grid
from reference.params import N_BANDS
from reference.topology import named
from training import log, train
from training.export import export, part_way
from training.graph import Recorded
from training.grow import grown
from training.listen import Listener
from training.model import HISTORY, Model
from training.student import Clock, Settings, Student
from training.train import Run, main

TOY = Settings(
    model="tiny", frames=40 * 4 * 60, batch=4, crops=(60, 60), rate=4e-3, warm_up=5, reuse=2,
    ring=4, first=2, rows=4, sequence=80, valid_shards=1, check_every=10, clips=0,
)  # fmt: skip


def same(one: Student, other: Student) -> bool:
    """Whether two networks and their averages are equal to the bit."""
    return all(
        torch.equal(a, b)
        for name in ("model", "average")
        for a, b in zip(getattr(one, name).parameters(), getattr(other, name).parameters(),
                        strict=True)
    )  # fmt: skip


def test_toy_run_learns_resumes_and_exports(source, tmp_path):
    settings = replace(TOY, dropout=0.1, density=0.7)
    whole = Run([settings], tmp_path / "whole", source)
    (student,) = whole.students
    untrained = student.validate(whole.valid)
    whole.train()
    trained = student.validate(whole.valid)
    assert trained.square < 0.5 * untrained.square
    assert len(log.read(tmp_path / "whole" / "tiny")) == 4
    limited = [p for n, p in student.model.named_parameters() if "weight" in n]
    assert all(p.abs().max() <= 0.5 for p in limited)

    Run([settings], tmp_path / "parts", source).train(stop_at=20)
    resumed = Run([settings], tmp_path / "parts", source)
    assert resumed.clock.step == 20
    resumed.train()
    assert same(student, resumed.students[0])

    path = tmp_path / "tiny.safetensors"
    export(tmp_path / "whole" / "tiny" / "last.pt", path)
    features = np.random.default_rng(1).normal(size=(40, 70))
    rounded = {key: torch.from_numpy(x) for key, x in grid.rounded(student.weights()).items()}
    student.average.load_state_dict(rounded)
    with torch.no_grad():
        logits = student.average.double()(torch.from_numpy(features)[:, None])
    for got, want in zip(dnn.Network(dnn.read(path)).run(features), logits, strict=True):
        np.testing.assert_allclose(got, torch.sigmoid(want)[:, 0].numpy(), atol=2e-3)  # float16


def test_networks_of_a_run_learn_what_each_would_alone(source, tmp_path):
    """Beside another size, from the same store: not a bit is different."""
    both = [TOY, replace(TOY, model="small", rate=2e-3, dropout=0.2)]
    together = Run(both, tmp_path / "both", source)
    together.train(stop_at=4)
    for settings, student in zip(both, together.students, strict=True):
        alone = Run([settings], tmp_path / settings.model, source, shared=tmp_path / "both")
        alone.train(stop_at=4)
        assert same(student, alone.students[0])
    assert not (tmp_path / "tiny" / "store").exists()
    together.students[0].save(tmp_path / "both" / "tiny" / "last.pt", together.clock)
    with pytest.raises(SystemExit, match="small/last.pt: expected checkpoints of one run"):
        Run(both, tmp_path / "both", source)


def test_checkpoint_of_a_run_of_another_kind_is_refused(source, tmp_path):
    """One without the worth of blocks, where blocks are to go."""
    run = Run([TOY], tmp_path, source)
    run.students[0].save(tmp_path / "tiny" / "last.pt", run.clock)
    with pytest.raises(SystemExit, match="last.pt: expected the checkpoint .* --density .*worth"):
        Run([replace(TOY, density=0.5)], tmp_path, source)


@pytest.mark.parametrize(("option", "words"), [
    ("--rate -0.001", "--rate -0.001 found; more than 0"),
    ("--rate nan", "more than 0"),
    ("--dropout 1", "--dropout 1 found; 0 or more, below 1"),
    ("--teach 1.5", "0 to 1"),
    ("--density 0", "more than 0, at most 1"),
    ("--batch 0", "--batch 0 found; 1 or more"),
    ("--check-every 0", "--check-every 0 found; 1 or more"),
    ("--minutes -1", "--minutes -1 found; 0 or more"),
    ("", "a budget, either --frames or --minutes"),
    ("--minutes 1 --frames 100", "a budget, either --frames or --minutes"),
    ("--minutes 1 --init nowhere.safetensors", "--init: nowhere.safetensors"),
    ("--minutes 1 --teacher nowhere", "--teacher: nowhere"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(option, words, tmp_path, monkeypatch, segments,
                                             capsys):  # fmt: skip
    folder = segments[0].path.parents[1]
    monkeypatch.setattr("sys.argv", [
        "train", "--out", str(tmp_path / "run"), "--speech", str(folder / "speech"),
        "--noise", str(folder / "noise"), *option.split()])  # fmt: skip
    with pytest.raises(SystemExit) as stop:
        main()
    assert words in f"{stop.value}{capsys.readouterr().err}"
    assert not (tmp_path / "run").exists()


def test_rows_read_their_sequences_crop_by_crop(source, tmp_path):
    """Every frame of a sequence once and in order, then another one; rows take turns to begin."""
    settings = replace(TOY, crops=(40, 40), sequence=130, batch=6, ring=3, first=3)
    run = Run([settings], tmp_path, replace(source, frames=130))
    steps = []
    for step in range(3, 12):
        run.clock = Clock(step, step * 6 * 40)
        steps.append(run.places(40))
    assert all(before.sum() == 4 for _, before, _ in steps), "a third begins in every step"
    assert all((keep >= before).all() for _, before, keep in steps)
    kept = np.concatenate([keep[~before] for _, before, keep in steps])
    assert 0.2 < kept.mean() < 0.8, "half go on with the states of another sequence"
    for row in range(6):
        whole = 0
        for (last, *_), (now, before, _) in zip(steps, steps[1:], strict=False):
            shard, sequence, frame = last[row]
            if before[row]:
                assert now[row].tolist() == [shard, sequence, frame + 40]
            else:
                assert frame + 40 <= 130 and now[row][2] <= 10
                whole += 1
        assert whole >= 2
    assert len({tuple(places[0][:2]) for places, *_ in steps}) > 1
    low, high = run.need()
    assert all(low <= shard < high for shard in steps[-1][0][:, 0])
    assert high - low + 12 <= run.store.slots


def test_states_go_on_where_the_sequence_does(source, tmp_path):
    """A crop that goes on says what one run over both says; one that begins, what a fresh one."""
    student = Student(replace(TOY, batch=2), tmp_path, "cpu")
    student.model.clamp()  # as after a step: at a rate of 0 it moves nothing
    stored = torch.rand(2, HISTORY + 60, 242)
    stored[..., 206:240] = 1
    ones, features = torch.ones(2), stored[..., :70].transpose(0, 1)
    with torch.no_grad():
        want = student.model(features[HISTORY:])
        first, states = student.model.go_on(features[: HISTORY + 30], student.model.fresh(2),
                                            0 * ones)  # fmt: skip
        second, _ = student.model.go_on(features[30:], states, ones)
        for a, b, whole in zip(first, second, want, strict=True):
            torch.testing.assert_close(torch.cat([a, b]), whole, rtol=0, atol=1e-6)
    student.learn(stored, 0 * ones, 0 * ones, 1, 0, 0, 0)
    ended = [state.clone() for state in student.states]
    student.learn(stored, 0 * ones, torch.tensor([1.0, 0.0]), 1, 0, 0, 0)
    for now, old in zip(student.states, ended, strict=True):
        torch.testing.assert_close(now[1], old[1])
        assert (now[0] != old[0]).any()


def test_dropped_units_go_unheard_and_keep_their_states():
    """Half of the units, another draw each time, the same mean; none where nothing is learnt."""
    torch.manual_seed(2)
    model = Model("tiny", dropout=0.5)
    features = torch.randn(30, 64, 70)
    masks = model.masks(features)
    assert set(masks) == {"conv2", "gru1", "gru2", "gru3", "gru_gain", "gru_strength"}
    for mask in masks.values():
        assert set(mask.unique().tolist()) == {0.0, 2.0}
        assert mask.mean() == pytest.approx(1, abs=0.1)
    dropped, again = (model(features)[0] for _ in range(2))
    assert (dropped != again).any()
    with torch.no_grad():
        plain = Model("tiny")
        plain.load_state_dict(model.state_dict())
        assert torch.equal(model(features)[0], plain(features)[0])


def test_export_goes_part_of_the_way(source, tmp_path):
    """From the weights that a run began with, 0, to its own, 1; new units as the trainer made them.

    Of one model, or grown from a narrower one. Another file than the --init is refused.
    """
    began, target = tmp_path / "narrow.safetensors", tmp_path / "out.safetensors"
    settings = replace(TOY, model="small")
    save_file(Model("tiny").state_dict(), began)
    run = Run([settings], tmp_path / "run", source, [began])
    student, path = run.students[0], tmp_path / "run" / "small" / "last.pt"
    first = grown(load_file(began), student.model)
    student.save(path, run.clock)
    state = torch.load(path, weights_only=True)
    for way in (0.0, 0.25, 1.0):
        for key, got in part_way(state, began, way).items():
            want = first[key] * (1 - way) + state["average"][key] * way
            torch.testing.assert_close(got, want, rtol=0, atol=1e-6)
    assert any(not torch.equal(first[key], x) for key, x in state["average"].items())
    export(path, target, began=began, way=0.5)
    half = {"gain.weight": (first["gain.weight"] + state["average"]["gain.weight"]).numpy() / 2}
    want = torch.from_numpy(grid.rounded(half)["gain.weight"]).half()
    torch.testing.assert_close(load_file(target)["gain.weight"], want, rtol=0, atol=5e-4)
    with pytest.raises(ValueError, match="expected 0 ... 1"):
        part_way(state, began, 1.5)
    save_file(Model("tiny").state_dict(), began)
    with pytest.raises(ValueError, match="the run began with sha256"):
        export(path, target, began=began)


def test_nan_stops_the_run(source, tmp_path):
    run = Run([TOY], tmp_path, source)
    with torch.no_grad():
        run.students[0].model.gain.bias[3] = float("nan")
    run.students[0].begin = lambda stored: None
    with pytest.raises(FloatingPointError, match="tiny, step 1: loss nan.*last.pt"):
        run.train()


def test_a_gradient_that_is_no_number_gets_into_no_checkpoint(source, tmp_path):
    """Its loss still is one: the weights are broken by the step itself."""
    run = Run([replace(TOY, check_every=1)], tmp_path, source)
    run.students[0].model.gain.bias.register_hook(lambda grad: grad * float("nan"))
    with pytest.raises(FloatingPointError, match=r"tiny, step 1: loss \d.*gradient nan"):
        run.train()
    assert not (tmp_path / "tiny" / "last.pt").exists()


def test_run_starts_from_given_weights(source, tmp_path):
    first, given = tmp_path / "first.safetensors", Model("tiny").state_dict()
    save_file(given, first)
    run = Run([TOY], tmp_path / "run", source, [first])
    run.train(stop_at=0)
    weights = run.students[0].weights()
    assert all(np.array_equal(given[key], value) for key, value in weights.items())


def test_run_starts_stuck_units_anew(source, tmp_path):
    """In the network that is trained and in the one that is exported."""
    weights = {k: torch.from_numpy(x) for k, x in dnn.load("tiny").items()}
    weights["gru1.bias_ih"][80 + 3] = 40.0  # the update gate of unit 3 never opens
    save_file(weights, tmp_path / "stuck.safetensors")
    run = Run([TOY], tmp_path / "run", source, [tmp_path / "stuck.safetensors"])
    run.train(stop_at=0)
    for model in (run.students[0].model, run.students[0].average):
        assert model.gru1.bias_ih[80 + 3] == 0
        assert not model.gru2.weight_ih[:, 3].any() and model.gru2.weight_ih[:, 4].any()


def test_listener_hears_what_is_better(source):
    """On held-out mixtures, gains of 1 change nothing; without 0.4 to 7 kHz they score worse."""
    listener = Listener(source, 2)
    shapes = named("tiny").tensors()
    weights = {k: np.zeros(shape, np.float32) for k, shape in shapes.items()}
    whole = np.full(N_BANDS, 20.0)
    hollow = np.where((np.arange(N_BANDS) >= 4) & (np.arange(N_BANDS) < 25), -20.0, whole)
    scores = [
        listener.score(weights | {"gain.bias": gain, "strength.bias": -whole})
        for gain in (whole, hollow)
    ]
    # The same but for 16 bits, nothing above 20 kHz, and the postfilter at gain 1.
    assert scores[0].both == pytest.approx(listener.noisy.both, abs=0.02)
    assert scores[1].estoi < scores[0].estoi - 0.05


@pytest.mark.parametrize(("options", "words"), [
    (["--rate", "1", "2", "3"], "--rate: expected one number, or one for each"),
    (["--init", "a"], "one for each --model"),
])  # fmt: skip
def test_command_line_says_what_is_wrong(segments, tmp_path, monkeypatch, capsys, options, words):
    folder = segments[0].path.parent.parent
    command = ["train", "--model", "tiny", "small", "--speech", folder / "speech", "--out",
               tmp_path, "--frames", "1e4", "--noise", folder / "noise", *options]  # fmt: skip
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    with pytest.raises(SystemExit) as end:
        train.main()
    assert words in capsys.readouterr().err + str(end.value)


def test_networks_of_one_size_get_a_folder_each():
    assert train.names(["tiny", "small", "tiny", "tiny"]) == ["tiny", "small", "tiny-2", "tiny-3"]


def test_command_line_gives_each_network_its_own(monkeypatch, tmp_path):
    """One number for all or one for each."""
    made = []
    monkeypatch.setattr(train, "Run", lambda settings, *_: made.extend(settings) or Nothing())
    monkeypatch.setattr(train, "read_segments", lambda _: [])
    command = ["train", "--model", "tiny", "small", "--out", tmp_path, "--frames", "1e4",
               "--rate", "0.1", "0.2", "--dropout", "0.3"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    train.main()
    assert [(s.model, s.rate, s.dropout, s.frames) for s in made] == [
        ("tiny", 0.1, 0.3, 1e4), ("small", 0.2, 0.3, 1e4)]  # fmt: skip


class Nothing:
    """A run that does nothing."""

    def train(self) -> None:
        """Nothing."""


def test_a_step_is_recorded_on_a_gpu_alone():
    """On a CPU it runs each time; on a GPU a replay says what a run says, of other shapes too."""
    runs, total = [], torch.zeros(())

    def work(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        runs.append(len(x))
        return total.add_(1) + x.sum() + y

    step = Recorded(work)
    assert [step(torch.ones(n), torch.tensor(0.5)).item() for n in (2, 2, 3)] == [3.5, 4.5, 6.5]
    assert runs == [2, 2, 3]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_replays_of_a_gpu_say_what_runs_say():
    total = torch.zeros((), device="cuda")
    step = Recorded(lambda x: total.add_(1) + x.sum())
    with torch.cuda.stream(torch.cuda.Stream()):
        said = [step(torch.full((n,), 2.0, device="cuda")).item() for n in [3] * 6 + [4] * 6]
    assert said == [k + 1 + (6 if k < 6 else 8) for k in range(12)]
    assert step.graph is not None
