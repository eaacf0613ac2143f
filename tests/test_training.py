"""Training: a toy run learns, resumes exactly and exports what it learned; its parts are right."""

import copy
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from reference import dnn
from reference.params import N_BANDS, RATE
from reference.topology import named
from training import ablations, log, mix, processes, room, synth
from training.data import Cache, Pool, bandwidth, read_folder, read_index
from training.export import card, carry_over, export, options, part_way
from training.grow import grown
from training.listen import Listener
from training.loss import SKIP_FRAMES, Batch, Shape, loss, masked_mean
from training.model import Gru, Model
from training.optimiser import DECAY, MUON_RATE, Optimiser
from training.shards import Ring, Source, make_shard, unpack
from training.train import Run, Settings


def voice(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Something like speech: harmonics of a moving pitch in syllables."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(rng.uniform(90, 250) * (1 + 0.1 * np.sin(6 * time))) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 30))
    return 0.1 * tone * np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    """Folders of three talkers and three noises."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(5)
    for kind in ("speech", "noise"):
        (folder / kind).mkdir()
        for i in range(3):
            audio = voice(rng, 3) if kind == "speech" else 0.1 * rng.standard_normal(RATE * 3)
            soundfile.write(folder / kind / f"{i}.wav", audio, RATE)
    return [s for kind in ("speech", "noise") for s in read_folder(folder / kind, kind)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_own_recurrence_equals_torch():
    """Outputs and all gradients, in double: 1e-12 leaves room for the order of sums only."""
    torch.manual_seed(1)
    own, theirs = Gru(5, 7).double(), torch.nn.GRU(5, 7).double()
    for name, parameter in own.named_parameters():
        torch.nn.init.uniform_(parameter, -0.8, 0.8)
        getattr(theirs, f"{name}_l0").data.copy_(parameter.data)
    x = torch.randn(20, 3, 5, dtype=torch.double, requires_grad=True)
    start = torch.randn(3, 7, dtype=torch.double, requires_grad=True)
    weight = torch.randn(20, 3, 7, dtype=torch.double)

    def gradients(out, module):
        inputs = [x, start, *module.parameters()]
        return torch.autograd.grad((out * weight).sum(), inputs)

    ours, reference = own(x, start), theirs(x, start[None])[0]
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-12)
    torch.testing.assert_close(own.in_one_launch(x, start), reference, rtol=0, atol=1e-12)
    for got, want in zip(gradients(ours, own), gradients(reference, theirs), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_learns_as_the_cpu_does():
    """The launch over all frames has a backward pass, and its gradients are those of the loop."""
    torch.manual_seed(1)
    model, features = Model("tiny"), torch.randn(40, 3, 70)

    def gradients(device):
        placed = copy.deepcopy(model).to(device)
        sum(x.square().sum() for x in placed(features.to(device))).backward()
        return [p.grad.cpu() for p in placed.parameters()]

    for got, want in zip(gradients("cuda"), gradients("cpu"), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=0.01 * want.abs().max().item())


def random_batch(frames=30, batch=2) -> Batch:
    shape = (frames, batch, N_BANDS)
    parts = [torch.rand(shape) for _ in range(2)] + [torch.ones(shape) for _ in range(2)]
    return Batch(torch.randn(frames, batch, 70), *parts, torch.rand(frames, batch))


def random_logits(frames=30, batch=2):
    bands = [torch.randn(frames, batch, N_BANDS, requires_grad=True) for _ in range(2)]
    return (*bands, torch.randn(frames, batch, requires_grad=True))


def test_loss_of_right_answers_is_zero():
    batch, logits = random_batch(), random_logits()
    right = (torch.logit(batch.gain), torch.logit(batch.strength), logits[2])
    terms = loss(right, batch)
    assert max(terms.square, terms.fourth, terms.strength, terms.error) < 1e-5


def test_loss_is_finite_at_the_edges():
    """Targets of 0 and 1, saturated logits, empty weights: no NaN, bounded gradients."""
    batch, logits = random_batch(), random_logits()
    edges = batch._replace(gain=batch.gain.round(), strength=batch.strength.round())
    empty = batch._replace(gain_weight=batch.gain * 0, strength_weight=batch.gain * 0)
    for case, scale in ((edges, 1), (edges, 1000), (edges, -1000), (empty, 1)):
        terms = loss(tuple(x * scale for x in logits), case)
        gradients = torch.autograd.grad(terms.total, logits)
        assert all(torch.isfinite(g).all() for g in (*terms, *gradients))


def test_masked_bands_and_first_frames_teach_nothing():
    batch, logits = random_batch(), random_logits()
    batch.gain_weight[:, :, 20:] = 0
    gradient = torch.autograd.grad(loss(logits, batch).total, logits[0])[0]
    assert not gradient[:, :, 20:].any() and not gradient[:SKIP_FRAMES].any()
    assert gradient[SKIP_FRAMES:, :, :20].all()
    assert masked_mean(torch.ones(3), torch.zeros(3)) == 0


def test_too_small_gains_can_be_made_to_cost_more():
    batch, logits = random_batch(), random_logits()
    shape = Shape(gamma=0.5, over=0.6, heard=0)
    batch = batch._replace(gain=torch.full_like(batch.gain, 0.25))
    # 0.25^0.5 = 0.5; gains 0.09 and 0.49 are equally far on the scale of the loss.
    low, high = (
        loss(
            (torch.full_like(logits[0], torch.logit(torch.tensor(g)).item()), *logits[1:]),
            batch, shape,
        )
        for g in (0.09, 0.49)
    )
    torch.testing.assert_close(low.square, high.square, rtol=1e-3, atol=0)
    assert low.total > high.total + 0.1


def test_mixtures_repeat_by_seed_and_fit_16_bits(segments, cache):
    pool = Pool(segments, "train", Cache(cache))
    made = [mix.mixture(pool, 3, i, 200) for i in (0, 1, 0)]
    assert np.array_equal(made[0].noisy, made[2].noisy)
    assert np.array_equal(made[0].clean, made[2].clean)
    assert not np.array_equal(made[0].noisy, made[1].noisy)
    for m in made:
        assert m.noisy.shape == m.clean.shape == (200 * 480,)
        assert np.abs(m.noisy).max() < 1
        assert np.array_equal(m.noisy * 32768, np.round(m.noisy * 32768))


def test_splits_share_no_talker(segments):
    groups = {
        s: {x.group for x in segments if x.split == s and x.kind == "speech"}
        for s in ("train", "valid")
    }
    assert groups["train"] and groups["valid"] and not groups["train"] & groups["valid"]


def test_index_file(tmp_path, cache):
    audio = np.random.default_rng(1).uniform(-0.5, 0.5, RATE)
    soundfile.write(tmp_path / "a.wav", audio, RATE)
    head = "split,kind,track,start_s,duration_s,bandwidth_hz,source,group,licence\n"
    (tmp_path / "index.csv").write_text(head + "train,speech,a.wav,0.25,0.5,16000,s,g,CC0\n")
    (segment,) = read_index(tmp_path / "index.csv")
    got = Cache(cache).audio(segment)
    np.testing.assert_allclose(got, audio[RATE // 4 : RATE * 3 // 4], atol=1 / 32768)


def test_two_runs_share_a_cache(segments, tmp_path, monkeypatch):
    """Both decode the same file at once; the second used to find its half-written one gone."""
    save, both, path = np.save, threading.Barrier(2), segments[0].path
    monkeypatch.setattr(np, "save", lambda *args: (save(*args), both.wait(60)))
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda cache: cache.file(path), [Cache(tmp_path), Cache(tmp_path)])
    np.testing.assert_array_equal(one, two)
    assert len(list(tmp_path.iterdir())) == 1


def test_bandwidth_is_measured():
    from scipy.signal import butter, sosfilt

    noise = np.random.default_rng(1).standard_normal(RATE)
    low = sosfilt(butter(20, 5000, fs=RATE, output="sos"), noise)
    assert bandwidth(noise) == 24_000
    assert 5000 < bandwidth(low) < 9000


def test_trimmed_keeps_the_voice_and_drops_silence():
    rng = np.random.default_rng(1)
    speech = np.concatenate([np.zeros(RATE), voice(rng, 2), np.zeros(RATE)])
    hiss = 1e-4 * rng.standard_normal(len(speech))
    kept = mix.trimmed((speech + hiss).astype(np.float32))
    assert 1.7 * RATE < len(kept) < 2.4 * RATE
    assert np.sum(kept**2) > 0.99 * np.sum(speech**2)


@pytest.mark.parametrize("kind", sorted(set(synth.KINDS), key=lambda f: f.__name__))
def test_synthetic_noise_has_unit_power(kind):
    audio = kind(np.random.default_rng(1), 2 * RATE)
    assert audio.shape == (2 * RATE,) and np.isfinite(audio).all()
    assert np.mean(audio**2) == pytest.approx(1, rel=1e-3)


def test_room_target_keeps_the_early_part_only():
    for seed in range(5):
        response = room.simulate(np.random.default_rng(seed))
        kept = response * room.kept(len(response))
        early = int(room.KEEP * RATE)
        assert np.argmax(response != 0) == 0, "direct sound first"
        np.testing.assert_allclose(kept[:early], response[:early], rtol=1e-6)
        late = int(0.1 * RATE)  # 80 ms after T0: 24 dB of decay and 14 dB of attenuation
        ratio = np.sum(kept[late:] ** 2) / np.sum(response[late:] ** 2)
        assert ratio < 10**-3.7


def test_shard_survives_its_format(segments, cache):
    pool = Source(segments, cache, 1).pool("train")
    batch = unpack(make_shard(pool, 1, 0, 60))
    assert batch.features.shape == (60, 16, 70) and batch.vad.shape == (60, 16)
    assert 0 <= batch.gain.min() and batch.gain.max() <= 1
    assert set(batch.gain_weight.unique().tolist()) <= {0.0, 1.0}


TOY = Settings(
    frames=40 * 4 * 60, batch=4, crops=(60, 60), rate=4e-3, warm_up=5, reuse=2, ring=2, first=1,
    sequence=80, valid_shards=1, check_every=10, clips=0,
)  # fmt: skip


def test_toy_run_learns_resumes_and_exports(segments, cache, tmp_path):
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    whole = Run(TOY, tmp_path / "whole", source)
    untrained = whole.validate()
    whole.train()
    trained = whole.validate()
    assert trained.square < 0.5 * untrained.square
    assert len(log.read(tmp_path / "whole")) == 4
    assert all(p.abs().max() <= 0.5 for n, p in whole.model.named_parameters() if "weight" in n)

    Run(TOY, tmp_path / "parts", source).train(stop_at=20)
    resumed = Run(TOY, tmp_path / "parts", source)
    assert resumed.step == 20
    remains = resumed.ring.folder / ".000009.npy.killed"
    remains.mkdir()
    resumed.train()
    assert not remains.exists()
    for name in ("model", "average"):
        pairs = zip(
            getattr(whole, name).parameters(), getattr(resumed, name).parameters(), strict=True
        )
        assert all(torch.equal(a, b) for a, b in pairs)

    path = tmp_path / "small.safetensors"
    export(tmp_path / "whole" / "last.pt", path)
    features = np.random.default_rng(1).normal(size=(40, 70))
    with torch.no_grad():
        logits = whole.average.double()(torch.from_numpy(features)[:, None])
    for got, want in zip(dnn.Network(dnn.read(path)).run(features), logits, strict=True):
        np.testing.assert_allclose(got, torch.sigmoid(want)[:, 0].numpy(), atol=2e-3)  # float16


def test_rows_read_their_sequences_crop_by_crop(segments, cache, tmp_path):
    """Every frame of a sequence once and in order, then another one; rows take turns to begin."""
    settings = replace(TOY, crops=(40, 40), sequence=130, batch=6, ring=3, first=3)
    run = Run(settings, tmp_path, Source(segments, cache, 1, 130))
    steps = []
    for run.step in range(3, 12):
        run.frames = run.step * 6 * 40
        steps.append(run.places(40))
    assert all(goes_on.sum() == 4 for _, goes_on in steps), "a third begins in every step"
    for row in range(6):
        whole = 0
        for (before, _), (now, goes_on) in zip(steps, steps[1:], strict=False):
            shard, sequence, frame = before[row]
            if goes_on[row]:
                assert now[row] == (shard, sequence, frame + 40)
            else:
                assert frame + 40 <= 130 and now[row][2] <= 10
                whole += 1
        assert whole >= 2
    assert len({places[0][:2] for places, _ in steps}) > 1


def test_states_go_on_where_the_sequence_does(segments, cache, tmp_path):
    """Not in rows that begin, nor in the first step and the one behind a check."""
    settings = replace(TOY, crops=(30, 30), sequence=90, batch=3, frames=8 * 90)
    run = Run(settings, tmp_path, Source(segments, cache, 1, 90))
    begins = np.array([True, False, False])
    assert not any(state.any() for state in run.start_states(begins))
    run.states = [state + 1 for state in run.model.fresh(3)]
    for state in run.start_states(~begins):
        assert not state[0].any() and (state[1:] == 1).all()
    run.ring.start(*run.range())
    try:
        run._begin()
        terms = run.update()
        ended = run.states
        run.update()
    finally:
        run.ring.stop()
    assert all((now != old).any() for now, old in zip(run.states, ended, strict=True))
    run.check(terms, 1.0)
    assert not any(state.any() for state in run.start_states(~begins))


def test_layers_start_from_the_given_states():
    """The second half of a sequence equals the whole but where the convolutions saw zeros."""
    torch.manual_seed(1)
    model, features = Model("tiny").double(), torch.randn(40, 2, 70, dtype=torch.double)
    model.conv1.weight.data[..., :-1] = model.conv2.weight.data[..., :-1] = 0  # no memory
    whole, end = model.go_on(features, model.fresh(2))
    _, middle = model.go_on(features[:20], model.fresh(2))
    half, same_end = model.go_on(features[20:], middle)
    for got, want in zip(half, whole, strict=True):
        torch.testing.assert_close(got, want[20:], rtol=0, atol=1e-12)
    for got, want in zip(same_end, end, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_a_new_card_keeps_what_people_wrote_into_the_old_one():
    state = {"settings": asdict(Settings(minutes=5, producers=3)), "average": {}, "frames": 4.8e6,
             "step": 900, "seconds": 300.0, "began_with": "0123456789abcdef" * 4,
             "way": 0.5, "left_out": {"gru1": 0, "gru3": 4}}  # fmt: skip
    row = {"valid_square": 1.0, "valid_error": 0.2, "valid_strength": 2.0}
    new = card("small", state, [row], [])
    assert "learnt (`renew.py`): 4 of `gru3`.\n" in new
    assert "is 0.5 of the way from them" in new
    assert "way" not in card("small", state | {"way": 1}, [row], [])
    assert "0123456789abcdef`:" in new and "--minutes 5" in new and "producers" not in new
    old = new.replace("to be stated by who trained them", "free")
    old = old.replace("steps and 5 minutes", "steps and 4 minutes")
    old = old.replace("## Test sets\n(to be filled in)", "## Test sets\nours")
    old = old.replace("## Known weaknesses\n(to be filled in)", "## Known weaknesses\ntwo\nlines")
    assert carry_over(old, new) == old.replace("and 4 minutes", "and 5 minutes"), "tools write anew"


def test_export_goes_part_of_the_way(segments, cache, tmp_path):
    """From the weights that a run began with, 0, to its own, 1; new units as the trainer made them.
    Another beginning than that of the run is refused.
    """
    began, target = tmp_path / "narrow.safetensors", tmp_path / "out.safetensors"
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    settings = replace(TOY, model="small", first=1, ring=1, reuse=1e9)
    save_file(Model("tiny").state_dict(), began)
    run = Run(settings, tmp_path / "run", source, began)
    first = grown(load_file(began), run.model)
    run.save(tmp_path / "run" / "last.pt")
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    for way in (0.0, 0.25, 1.0):
        for key, got in part_way(state, began, way).items():
            want = first[key] * (1 - way) + state["average"][key] * way
            torch.testing.assert_close(got, want, rtol=0, atol=1e-6)
    assert any(not torch.equal(first[key], x) for key, x in state["average"].items())
    export(tmp_path / "run" / "last.pt", target, began=began, way=0.5)
    half = (first["gain.weight"] + state["average"]["gain.weight"]) / 2
    torch.testing.assert_close(load_file(target)["gain.weight"], half.half(), rtol=0, atol=5e-4)
    with pytest.raises(ValueError, match="expected 0 ... 1"):
        part_way(state, began, 1.5)
    save_file(Model("tiny").state_dict(), began)
    with pytest.raises(ValueError, match="the run began with sha256"):
        export(tmp_path / "run" / "last.pt", target, began=began)


def test_nan_stops_the_run_and_keeps_the_batch(segments, cache, tmp_path):
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    run = Run(TOY, tmp_path, source)
    with torch.no_grad():
        run.model.gain.bias[3] = float("nan")
    run._begin = lambda: None
    with pytest.raises(FloatingPointError, match="nan_batch.pt"):
        run.train()
    assert (tmp_path / "nan_batch.pt").exists()


def test_two_processes_share_a_run(segments, tmp_path):
    """torchrun starts two; each step counts the crops of both, and the loss falls."""
    folder = segments[0].path.parent.parent
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "training.train", "--model", "tiny", "--speech", folder / "speech",
        "--noise", folder / "noise", "--out", tmp_path, "--frames", "96000", "--batch", "4",
        "--reuse", "8", "--clips", "0",
    ]  # fmt: skip
    done = subprocess.run([str(x) for x in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = log.read(tmp_path)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    crops = [2 * 4 * 150] * 56 + [2 * 4 * 300] * 12  # 70 % of the budget in short crops
    assert row["frames"] == state["frames"] == sum(crops) and row["step"] == len(crops)
    assert (tmp_path / "shards").exists() and (tmp_path / "shards-1").exists()


def in_two_processes(work) -> list:
    """What ``work(rank)`` returns in two processes that have met, the first to end first."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    port = str(free_port())
    workers = [
        context.Process(target=one_of_two, args=(work, rank, port, results)) for rank in (0, 1)
    ]
    for worker in workers:
        worker.start()
    got = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    return got


def one_of_two(work, rank: int, port: str, results) -> None:
    """Meet the other process, work, and part."""
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": port}  # fmt: skip
    processes.join()
    results.put(work(rank))
    processes.leave()


def test_gradients_are_averaged_over_processes():
    """Two processes, each with its own numbers: both end with the mean."""
    assert in_two_processes(averaged) == [([2.0, 3.0], [[10.0]], 1.5)] * 2


def averaged(rank: int) -> tuple[list, list, float]:
    """Numbers of one process, after averaging."""
    tensors = [torch.tensor([1.0, 2.0]) + 2 * rank, torch.tensor([[20.0]]) * rank]
    processes.average(tensors)
    return tensors[0].tolist(), tensors[1].tolist(), processes.mean(1.0 + rank)


def test_processes_share_the_steps_of_muon():
    """Two processes that each move half of the matrices have after three steps, exactly, the
    weights and the momentum of one that moves them all.
    """
    alone = stepped(0)
    assert in_two_processes(stepped) == [alone, alone]


def stepped(_rank: int) -> list[float]:
    """Sums of squares of the weights and momenta of `tiny` after three steps along made-up slopes,
    the same in all processes.
    """
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = Model("tiny")
    optimiser = Optimiser(model)
    for _ in range(3):
        for parameter in model.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimiser.step(1e-2)
    kept = optimiser.state_dict()["muon"]["state"]
    momenta = [kept[k]["momentum_buffer"] for k in sorted(kept)]
    assert len(momenta) == len(optimiser.views)
    return [x.double().square().sum().item() for x in [*model.parameters(), *momenta]]


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_bfloat16_products_are_near_float32():
    """8 bits of mantissa: a few parts in a thousand of the largest logit."""
    torch.manual_seed(1)
    exact = Model("tiny")
    short = Model("tiny", torch.bfloat16)
    short.load_state_dict(exact.state_dict())
    features = torch.randn(50, 2, 70)
    for got, want in zip(short(features), exact(features), strict=True):
        assert 0 < (got - want).abs().max() < 0.02 * want.abs().max()


def test_run_starts_from_given_weights(segments, cache, tmp_path):
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    first, given = tmp_path / "first.safetensors", Model("tiny").state_dict()
    save_file(given, first)
    run = Run(replace(TOY, model="tiny"), tmp_path / "run", source, first)
    run.train(stop_at=0)
    assert all(np.array_equal(given[key], value) for key, value in run.weights().items())


def test_run_starts_stuck_units_anew(segments, cache, tmp_path):
    """In the network that is trained and in the one that is exported."""
    weights = {k: torch.from_numpy(x) for k, x in dnn.load("tiny").items()}
    weights["gru1.bias_ih"][80 + 3] = 40.0  # the update gate of unit 3 never opens
    save_file(weights, tmp_path / "stuck.safetensors")
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    run = Run(replace(TOY, model="tiny"), tmp_path / "run", source, tmp_path / "stuck.safetensors")
    run.train(stop_at=0)
    for model in (run.model, run.average):
        assert model.gru1.bias_ih[80 + 3] == 0
        assert not model.gru2.weight_ih[:, 3].any() and model.gru2.weight_ih[:, 4].any()


def test_card_names_the_options_of_its_run():
    """Those that differ from the trainer's own, and always the seed."""
    assert options(asdict(Settings(minutes=62, gamma=0.5))) == "--seed 1 --minutes 62 --gamma 0.5"
    assert options(asdict(Settings(seed=9, bfloat16=True))) == "--seed 9 --bfloat16"


def test_listener_hears_what_is_better(segments, cache):
    """On held-out mixtures, gains of 1 change nothing; without 0.4 to 7 kHz they score worse."""
    listener = Listener(Source(segments, cache, 1), 2)
    weights = {k: np.zeros(shape, np.float32) for k, shape in named("tiny").tensors().items()}
    whole = np.full(N_BANDS, 20.0)
    hollow = np.where((np.arange(N_BANDS) >= 4) & (np.arange(N_BANDS) < 25), -20.0, whole)
    scores = [
        listener.score(weights | {"gain.bias": gain, "strength.bias": -whole})
        for gain in (whole, hollow)
    ]
    # The same but for 16 bits, nothing above 20 kHz, and the postfilter at gain 1.
    assert scores[0].both == pytest.approx(listener.noisy.both, abs=0.02)
    assert scores[1].estoi < scores[0].estoi - 0.05


def test_missing_shard_that_nobody_makes_is_an_error(segments, cache, tmp_path):
    """Not a wait without end."""
    with pytest.raises(RuntimeError, match="000000.npy is missing.*--producers 1"):
        Ring(tmp_path, Source(segments, cache, seed=1), 0).crops(0, 1, (1,), 1, 100)


def killed_trainer(source: Source, folder, producer) -> None:
    """A trainer that is killed with its producer at work."""
    ring = Ring(folder, source, 1)
    ring.start(0, 1)
    producer.value = ring.processes[0].pid
    os.kill(os.getpid(), signal.SIGKILL)


def test_producer_ends_with_a_killed_trainer(segments, cache, tmp_path):
    """It would go on filling the ring of the next run, on the next run's core."""
    context = multiprocessing.get_context("spawn")
    producer = context.Value("q", 0)
    source = Source(segments, cache, seed=1, frames=100)
    trainer = context.Process(target=killed_trainer, args=(source, tmp_path, producer))
    trainer.start()
    trainer.join()
    assert producer.value > 0
    end = time.monotonic() + 60  # it first finishes the shard it is at
    while runs(producer.value):
        assert time.monotonic() < end, "the producer is still there"
        time.sleep(0.2)


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_other_model_is_not_resumed(segments, cache, tmp_path):
    source = Source(segments, cache, TOY.seed, TOY.sequence)
    Run(TOY, tmp_path, source).save(tmp_path / "last.pt")
    with pytest.raises(ValueError, match="another --out"):
        Run(replace(TOY, model="full"), tmp_path, source)


def test_ablations_differ_in_one_option_of_the_trainer():
    names = Settings.__dataclass_fields__
    assert all(set(change) <= set(names) for change in ablations.CHANGES.values())
    assert [len(change) for change in ablations.CHANGES.values()] == [0] + [1] * 13
    assert ablations.options({"heard": 0.0}) == "--heard 0"


def test_optimiser_moves_the_weights_themselves():
    """One step: every parameter moves; a gate by an orthogonal matrix of AdamW's step size."""
    torch.manual_seed(1)
    model = Model("tiny")
    before = [p.clone() for p in model.parameters()]
    optimiser = Optimiser(model)
    loss(model(random_batch().features), random_batch()).total.backward()
    optimiser.step(1e-3)
    assert all((p != old).any() for p, old in zip(model.parameters(), before, strict=True))
    width = model.gru1.weight_hh.shape[1]
    names = [name for name, _ in model.named_parameters()]
    old = before[names.index("gru1.weight_hh")] * (1 - MUON_RATE * 1e-3 * DECAY)
    moved = (model.gru1.weight_hh.detach() - old)[:width] / (MUON_RATE * 1e-3)
    # Muon's five steps bring the singular values near 1 (0.7...1.2), not to 1.
    values = torch.linalg.svdvals(moved) / (0.2 * width**0.5)
    assert 0.5 < values.median() < 1.3 and values.max() < 1.4
