"""Units started anew: the right ones, without a change of what the network says."""

import pytest
import torch

from reference.topology import GRUS
from training.model import Model
from training.renew import LONGEST, leaks, leave_out, renew

STUCK = {"gru1": [3], "gru3": [0, 5, 79], "gru_gain": [7], "gru_strength": [31]}


@pytest.fixture
def stuck():
    """A network with units whose update gate never opens; from a fresh state they say 0."""
    torch.manual_seed(1)
    model = Model("tiny").double()
    with torch.no_grad():
        for name, units in STUCK.items():
            gru = getattr(model, name)
            rows = [gru.weight_hh.shape[1] + unit for unit in units]
            gru.weight_ih[rows] = gru.weight_hh[rows] = 0
            gru.bias_ih[rows], gru.bias_hh[rows] = 15.0, 20.0
    return model


def marks(model) -> dict[str, torch.Tensor]:
    marked = {name: torch.zeros(model.shape.width[name], dtype=torch.bool) for name in GRUS}
    for name, units in STUCK.items():
        marked[name][units] = True
    return marked


def test_leak_is_the_mean_share_replaced_in_a_frame(stuck):
    features = torch.randn(30, 2, 70, dtype=torch.double)
    found = leaks(stuck, features)
    for name, marked in marks(stuck).items():
        assert torch.equal(found[name] < 1 / LONGEST, marked)
        closed = torch.sigmoid(torch.tensor(-35.0, dtype=torch.double))
        torch.testing.assert_close(found[name][marked], closed.expand(int(marked.sum())))
    with torch.no_grad():  # by the definition h = (1 - z) n + z h, one unit of the first layer
        outputs = stuck.layers(features, stuck.fresh(2))
        gru, x, h = stuck.gru1, outputs["conv2"], outputs["gru1"]
        before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
        inside, outside = before @ gru.weight_hh.T + gru.bias_hh, x @ gru.weight_ih.T + gru.bias_ih
        reset = torch.sigmoid(inside[..., :80] + outside[..., :80])
        new = torch.tanh(outside[..., 160:] + reset * inside[..., 160:])
        share = ((h - before) / (new - before))[..., 10].mean()
    torch.testing.assert_close(found["gru1"][10], share, rtol=1e-6, atol=0)


def test_renewed_network_says_the_same_and_its_units_move(stuck):
    features = torch.randn(30, 2, 70, dtype=torch.double)
    marked, before = marks(stuck), stuck(features)
    old = {key: x.clone() for key, x in stuck.state_dict().items()}
    renew(stuck, marked, Model("tiny").double())
    for got, want in zip(stuck(features), before, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)
    found = leaks(stuck, features)
    for name, units in marked.items():
        assert (found[name][units] > 0.1).all()
        rows = ~units.repeat(3)
        own, kept = getattr(stuck, name).weight_hh[rows], old[f"{name}.weight_hh"][rows]
        assert torch.equal(own[:, ~units], kept[:, ~units]) and not own[:, units].any()
        assert torch.equal(getattr(stuck, name).bias_hh[rows], old[f"{name}.bias_hh"][rows])
    logits = sum(x.sum() for x in stuck(features))
    (gradient,) = torch.autograd.grad(logits, stuck.gain.weight)
    place = sum(stuck.shape.width[name] for name in ("conv2", "gru1", "gru2"))
    assert gradient[:, [place, place + 5, place + 79]].all(), "what they say can be learnt again"


def test_units_left_out_are_zero_and_unheard(stuck):
    features = torch.randn(30, 2, 70)
    model = Model("tiny")
    model.load_state_dict(stuck.state_dict())
    before = model(features)
    left = leave_out(model, features)
    assert left == {"gru2": 0} | {name: len(units) for name, units in STUCK.items()}
    for got, want in zip(model(features), before, strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-5)  # sums in another order
    outputs = model.layers(features, model.fresh(2))
    assert not any(outputs[name][..., units].any() for name, units in STUCK.items())
    again = leaks(model, features)  # a run that begins with these weights starts them anew
    assert not any(again[name][units].any() for name, units in STUCK.items())
