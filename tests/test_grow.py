"""A wider network grown from a narrower one."""

import pytest
import torch

from training.grow import grown
from training.model import Model


def tensors(name: str) -> dict[str, torch.Tensor]:
    """Of a new network: shipped ones have units that say nothing (`renew.py`)."""
    torch.manual_seed(1)
    return Model(name).state_dict()


@pytest.mark.parametrize(("narrow", "wide"), [("tiny", "small"), ("tiny", "full")])
def test_grown_network_says_the_same(narrow, wide):
    """1e-5: the order of sums in float32; and every new unit can learn to be heard."""
    small, given = Model(narrow), tensors(narrow)
    large = Model(wide)
    small.load_state_dict(given)
    large.load_state_dict(grown(given, large))
    features = torch.randn(60, 2, 70)
    logits = large(features)
    for got, want in zip(logits, small(features), strict=True):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-5)
    logits[0].sum().backward()
    heard = large.gain.weight.grad.any(0)
    assert heard.all(), f"{int((~heard).sum())} units have no gradient to be heard by"


def test_equal_width_changes_nothing():
    given = tensors("tiny")
    for key, tensor in grown(given, Model("tiny")).items():
        assert torch.equal(tensor, given[key])


def test_wider_network_does_not_fit():
    with pytest.raises(ValueError, match="no wider"):
        grown(tensors("small"), Model("tiny"))
