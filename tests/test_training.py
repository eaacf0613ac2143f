"""Training: a toy run learns, resumes exactly and exports what it learned; its parts are right."""

import copy
import multiprocessing
import os
import socket
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from reference.params import N_BANDS, RATE
from training import ablations, log, processes, prune, room, synth
from training.data import bandwidth
from training.export import card, carry_over, options
from training.loss import Batch, Shape, loss, masked_mean
from training.model import Gru, Model
from training.optimiser import DECAY, MOMENTUM, MUON_RATE, Optimiser, matrices
from training.student import Settings


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


def random_batch(frames=40, batch=2) -> Batch:
    shape = (frames, batch, N_BANDS)
    parts = [torch.rand(shape) for _ in range(2)] + [torch.ones(shape) for _ in range(2)]
    return Batch(torch.randn(frames, batch, 70), *parts, torch.rand(frames, batch))


def random_logits(frames=40, batch=2):
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


def test_masked_bands_teach_nothing_and_the_first_frame_does():
    batch, logits = random_batch(), random_logits()
    batch.gain_weight[:, :, 20:] = 0
    gradient = torch.autograd.grad(loss(logits, batch).total, logits[0])[0]
    assert not gradient[:, :, 20:].any() and gradient[:, :, :20].all()
    assert masked_mean(torch.ones(3), torch.zeros(3)) == 0


def test_too_small_gains_can_be_made_to_cost_more():
    batch, logits = random_batch(), random_logits()
    shape = Shape(gamma=0.5, over=0.6, heard=0, unlike=0)
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


def test_splits_share_no_talker(segments):
    groups = {
        s: {x.group for x in segments if x.split == s and x.kind == "speech"}
        for s in ("train", "valid")
    }
    assert groups["train"] and groups["valid"] and not groups["train"] & groups["valid"]


def test_bandwidth_is_measured():
    from scipy.signal import butter, sosfilt

    noise = np.random.default_rng(1).standard_normal(RATE)
    low = sosfilt(butter(20, 5000, fs=RATE, output="sos"), noise)
    assert bandwidth(noise) == 24_000
    assert 5000 < bandwidth(low) < 9000


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


def test_two_processes_share_a_run(segments, tmp_path):
    """torchrun starts two; each step counts the crops of both, and the same blocks are pruned."""
    folder = segments[0].path.parent.parent
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "training.train", "--model", "tiny", "--speech", folder / "speech",
        "--noise", folder / "noise", "--out", tmp_path, "--frames", "24000", "--batch", "4",
        "--first", "2", "--reuse", "8", "--clips", "0", "--rows", "4", "--synthetic", "2",
        "--rooms", "2", "--density", "0.25",
    ]  # fmt: skip
    done = subprocess.run([str(x) for x in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = log.read(tmp_path / "tiny")
    state = torch.load(tmp_path / "tiny" / "last.pt", weights_only=True)
    crops = [2 * 4 * 150] * 14 + [2 * 4 * 300] * 3  # 70 % of the budget in short crops
    assert row["frames"] == state["frames"] == sum(crops) and row["step"] == len(crops)
    assert (tmp_path / "store").exists() and (tmp_path / "store-1").exists()
    pruned = Model("tiny")
    pruned.load_state_dict(state["average"])
    kept = torch.cat([own.flatten() for own in prune.alive(pruned).values()])
    assert kept.float().mean() == pytest.approx(0.25, abs=11 / len(kept))  # one of each at least


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
        optimiser.rate.fill_(1e-2)
        optimiser.step()
    kept = [*model.parameters(), *optimiser.state_dict()["momenta"]]
    return [x.double().square().sum().item() for x in kept]


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


def test_card_names_the_options_of_its_run():
    """Those that differ from the trainer's own, and always the seed."""
    assert options(asdict(Settings(minutes=62, gamma=0.5))) == "--seed 1 --minutes 62 --gamma 0.5"
    assert options(asdict(Settings(seed=9, bfloat16=True))) == "--seed 9 --bfloat16"


def test_ablations_differ_in_one_option_of_the_trainer():
    names = Settings.__dataclass_fields__
    assert all(set(change) <= set(names) for change in ablations.CHANGES.values())
    assert [len(change) for change in ablations.CHANGES.values()] == [0] + [1] * 13
    assert ablations.options({"heard": 0.0}) == "--heard 0"


def test_matrices_move_as_by_the_muon_of_torch():
    """Three steps, all matrices of one shape at once: equal but for the order of sums in bfloat16,
    which five iterations make a few parts in a hundred of a step.
    """
    torch.manual_seed(1)
    mine, theirs = Model("tiny"), Model("tiny")
    theirs.load_state_dict(mine.state_dict())
    optimiser = Optimiser(mine)
    views = [torch.nn.Parameter(p.detach()[rows].flatten(1)) for p, rows in matrices(theirs)]
    muon = torch.optim.Muon(views, lr=MUON_RATE * 1e-2, weight_decay=DECAY, momentum=MOMENTUM,
                            adjust_lr_fn="match_rms_adamw")  # fmt: skip
    optimiser.rate.fill_(1e-2)
    for _ in range(3):
        for parameter in mine.parameters():
            parameter.grad = torch.randn_like(parameter)
        for view, (p, rows) in zip(views, optimiser.pieces, strict=True):
            view.grad = p.grad[rows].flatten(1)
        optimiser.step()
        muon.step()
    for got, want in zip(optimiser.views, views, strict=True):
        torch.testing.assert_close(got, want.data, rtol=0, atol=0.05 * 3 * MUON_RATE * 1e-2 * 0.2)


def test_optimiser_moves_the_weights_themselves():
    """One step: every parameter moves; a gate by an orthogonal matrix of AdamW's step size."""
    torch.manual_seed(1)
    model = Model("tiny")
    before = [p.clone() for p in model.parameters()]
    optimiser = Optimiser(model)
    loss(model(random_batch().features), random_batch()).total.backward()
    optimiser.rate.fill_(1e-3)
    optimiser.step()
    assert all((p != old).any() for p, old in zip(model.parameters(), before, strict=True))
    width = model.gru1.weight_hh.shape[1]
    names = [name for name, _ in model.named_parameters()]
    old = before[names.index("gru1.weight_hh")] * (1 - MUON_RATE * 1e-3 * DECAY)
    moved = (model.gru1.weight_hh.detach() - old)[:width] / (MUON_RATE * 1e-3)
    # Muon's five steps bring the singular values near 1 (0.7...1.2), not to 1.
    values = torch.linalg.svdvals(moved) / (0.2 * width**0.5)
    assert 0.5 < values.median() < 1.3 and values.max() < 1.4
