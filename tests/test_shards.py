"""Stores of shards and those who fill them."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from reference import dnn
from training.model import HISTORY
from training.store import Filler, Maker, Source, Store, claimed
from training.targets import WIDTH, batch


def test_a_shard_repeats_and_holds_what_a_network_needs(source):
    one, again, other = (Maker(source, "train").shard(k) for k in (2, 2, 3))
    assert one.shape == (4, 80, WIDTH) and one.dtype == torch.float16
    assert torch.equal(one, again) and not torch.equal(one, other)
    crops = batch(one, 0.0)
    assert 0 <= crops.gain.min() and crops.gain.max() <= 1
    assert set(crops.gain_weight.unique().tolist()) <= {0.0, 1.0}


class Halves:
    """A teacher who says half of what it hears, and remembers how loud that was."""

    def enhance(self, noisy, rows):
        self.heard = noisy
        return noisy / 2


def test_a_teacher_hears_usual_speech_at_one_level(source, monkeypatch):
    """Its answers stand beside the true targets, of those mixtures alone that it may judge."""
    maker = Maker(replace(source, rows=12, frames=100), "train")
    mixed = maker.mixer.mixtures(12, (1, 5, 0))
    monkeypatch.setattr(maker.mixer, "mixtures", lambda *_: mixed)
    maker.teacher = Halves()
    shard = maker.shard(5)
    trusted = mixed.believed > 0
    assert 0 < trusted.sum() < 12 and len(maker.teacher.heard) == trusted.sum()
    assert 0.01 < maker.teacher.heard.square().mean().sqrt() < 1
    believed = shard[..., -1].float()
    assert (believed[trusted, 60:] == 1).all() and not believed[~trusted].any()
    gain, its = shard[..., 70:104].float(), shard[..., 138:172].float()
    assert torch.equal(gain[~trusted], its[~trusted])
    weight = shard[..., 206:240] > 0
    assert (its[trusted][weight[trusted]] - 0.5).abs().median() < 0.05


def test_a_network_of_ours_as_teacher_says_what_it_says_of_these_features(source):
    """What the reference says, in float16 (half a step of 2**-11 below 1) and with the features
    rounded to it; all else is as without it.
    """
    path = dnn.model_path("tiny")
    taught = Maker(replace(source, teacher=path), "train").shard(2)
    alone = Maker(source, "train").shard(2)
    assert torch.equal(taught[..., :138], alone[..., :138])
    assert torch.equal(taught[..., 206:], alone[..., 206:])
    for row in taught.double().numpy():
        gain, strength, _ = dnn.Network(dnn.read(path)).run(row[:, :70])
        np.testing.assert_allclose(row[:, 138:172], gain, rtol=0, atol=2**-11)
        np.testing.assert_allclose(row[:, 172:206], strength, rtol=0, atol=2**-11)


@pytest.mark.parametrize("mapped", [True, False])
def test_slots_are_taken_in_turn(tmp_path, mapped):
    """Shard 7 takes the place of shard 2 in five slots; crops come with the frames before them."""
    place = tmp_path if mapped else "cpu"
    store = Store(5, 2, 40, place)
    numbered = torch.arange(2 * 40).view(2, 40, 1).expand(2, 40, WIDTH)
    for index in (2, 3):
        store.put(index, (numbered + 100 * index).half())
    assert [store.has(k) for k in (2, 3, 4, 7)] == [True, True, False, False]
    got = store.read(np.array([[2, 1, 10], [3, 0, 0]]), 5)[..., 0]
    assert got.shape == (2, HISTORY + 5)
    assert got[0].tolist() == list(range(200 + 50 - HISTORY, 200 + 55))
    assert got[1, HISTORY:].tolist() == list(range(300, 305))
    store.put(7, (numbered + 700).half())
    assert store.has(7) and not store.has(2)
    if mapped:
        assert Store(5, 2, 40, tmp_path).has(7)


def test_missing_shard_that_nobody_makes_is_an_error(source, tmp_path):
    """Not a wait without end."""
    filler = Filler(source, Store(3, 4, 80, tmp_path), tmp_path, 0)
    with pytest.raises(RuntimeError, match="shard 0 is missing.*--producers 1"):
        filler.wait([0])


def test_a_store_serves_one_run_at_a_time(tmp_path):
    with claimed(tmp_path):
        with pytest.raises(RuntimeError, match="in use by another run; .* another --out"):
            with claimed(tmp_path):
                pass
    with claimed(tmp_path):
        pass


def killed_trainer(source: Source, folder, producer) -> None:
    """A trainer that is killed with its producer at work."""
    filler = Filler(source, Store(30, source.rows, source.frames, folder), folder, 1)
    filler.start(0, 1)
    producer.value = filler.workers[0].pid
    os.kill(os.getpid(), signal.SIGKILL)


def test_producer_ends_with_a_killed_trainer(source, tmp_path):
    """It would go on filling the store of the next run, on the next run's core."""
    context = multiprocessing.get_context("spawn")
    producer = context.Value("q", 0)
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
