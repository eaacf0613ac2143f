"""The network in numpy: equal to torch, streaming equal to blocks, files checked on reading."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from reference import dnn
from reference.topology import named, shape_of

FRAMES = 60


def random_weights(name="small", seed=1):
    rng = np.random.default_rng(seed)
    tensors = named(name).tensors().items()
    return {k: rng.uniform(-0.3, 0.3, s).astype(np.float32) for k, s in tensors}


def random_features(seed=2):
    return np.random.default_rng(seed).normal(size=(FRAMES, 70))


def test_full_has_the_published_number_of_weights():
    table = named("full").tensors()
    count = sum(np.prod(s) for k, s in table.items() if "weight" in k and "vad" not in k)
    assert count == 7_948_288


def test_equals_torch():
    """1e-6: torch is asked in double, so only the order of sums differs."""
    import torch

    from training.model import Model

    weights, features = random_weights(), random_features()
    model = Model("small").double()
    model.load_state_dict({k: torch.from_numpy(w).double() for k, w in weights.items()})
    with torch.no_grad():
        logits = model(torch.from_numpy(features)[:, None])
    expected = [torch.sigmoid(x)[:, 0].numpy() for x in logits]
    for got, want in zip(dnn.Network(weights).run(features), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-6)


@pytest.mark.parametrize("blocks", [[1] * FRAMES, [7, 1, 2, 50]])
def test_streaming_equals_one_block(blocks):
    weights, features = random_weights(), random_features()
    whole = dnn.Network(weights).run(features)
    network = dnn.Network(weights)
    parts = [network.run(x) for x in np.split(features, np.cumsum(blocks)[:-1])]
    for got, want in zip(zip(*parts, strict=True), whole, strict=True):
        np.testing.assert_allclose(np.concatenate(got), want, rtol=0, atol=1e-9)


def test_sounds_side_by_side_equal_each_alone():
    """1e-9: a product of many columns adds in another order than that of one."""
    weights, sounds = random_weights(), [random_features(2), random_features(3)]
    together = dnn.Network(weights)
    blocks = [together.run(part) for part in np.split(np.stack(sounds, axis=1), [5])]
    for c, features in enumerate(sounds):
        for k, wanted in enumerate(dnn.Network(weights).run(features)):
            got = np.concatenate([block[k][:, c] for block in blocks])
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9)


def test_gru_by_hand():
    """One unit, all numbers chosen, against the equations written out."""
    weights = {
        "g.weight_ih": np.array([[0.5], [-1.0], [2.0]]),
        "g.weight_hh": np.array([[0.3], [0.2], [-0.7]]),
        "g.bias_ih": np.array([0.1, 0.0, -0.2]),
        "g.bias_hh": np.array([0.0, 0.4, 0.3]),
    }
    h = 0.0
    expected = []
    for x in (1.0, -0.5, 0.25):
        r = 1 / (1 + np.exp(-(0.5 * x + 0.1 + 0.3 * h)))
        z = 1 / (1 + np.exp(-(-1.0 * x + 0.2 * h + 0.4)))
        n = np.tanh(2.0 * x - 0.2 + r * (-0.7 * h + 0.3))
        h = (1 - z) * n + z * h
        expected.append(h)
    got = dnn.Gru(weights, "g").run(np.array([[1.0], [-0.5], [0.25]]))
    np.testing.assert_allclose(got[:, 0], expected, atol=1e-12)


def test_convolution_is_causal_and_newest_last():
    weight = np.zeros((1, 1, 3))
    weight[0, 0] = [0.1, 0.2, 0.4]
    out = dnn.Conv({"c.weight": weight, "c.bias": np.zeros(1)}, "c").run(np.eye(5)[:, :1])
    np.testing.assert_allclose(np.arctanh(out[:, 0]), [0.4, 0.2, 0.1, 0, 0], atol=1e-12)


WRONG = {  # what is done to good weights, and what is said
    "a matrix of other widths": (
        lambda w: w | {"gru2.weight_hh": w["gru2.weight_hh"][:3]},
        r"tensor gru2.weight_hh of shape \(3, 160\) found; \(480, 160\) is needed",
    ),
    "a bias of other widths": (
        lambda w: w | {"gain.bias": w["gain.bias"][:-1]},
        r"tensor gain.bias of shape \(33,\) found; \(34,\) is needed",
    ),
    "a missing tensor": (
        lambda w: {k: v for k, v in w.items() if k != "gru3.bias_hh"},
        "tensor gru3.bias_hh is missing",
    ),
    "an empty tensor": (
        lambda w: w | {"conv1.weight": w["conv1.weight"][..., :0]},
        "tensor conv1.weight is empty",
    ),
    "a strange tensor": (
        lambda w: w | {"gru4.bias": w["gain.bias"]},
        "tensor gru4.bias found; the network has none",
    ),
    "not finite": (
        lambda w: w | {"vad.bias": np.float32([np.nan])},
        "tensor vad.bias holds numbers that are not finite",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_reference_and_generator_refuse_a_file_with_the_same_words(wrong, tmp_path):
    from codegen.plan import settle

    spoil, words = WRONG[wrong]
    path = tmp_path / "x.safetensors"
    save_file({k: np.ascontiguousarray(v) for k, v in spoil(random_weights()).items()}, path)
    with pytest.raises(ValueError, match=words) as by_reference:
        dnn.read(path)
    with pytest.raises(ValueError, match=words) as by_generator:
        settle("x", path.read_bytes())
    assert str(by_reference.value).split(": ", 1)[1] == str(by_generator.value).split(": ", 1)[1]


def test_a_missing_or_broken_file_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match="there are"):
        dnn.read(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="x.safetensors: safetensors with float weights are"):
        dnn.read(path)


def test_a_file_of_widths_that_no_list_holds_is_read(tmp_path):
    from test_quantize import ODD, random_tensors

    weights = random_tensors(1, ODD)
    save_file(weights, tmp_path / "x.safetensors")
    read = dnn.read(tmp_path / "x.safetensors")
    assert read.keys() == weights.keys() and shape_of(read) == ODD
    gain, strength, vad = dnn.Network(read).run(random_features())
    assert gain.shape == strength.shape == (FRAMES, 34) and vad.shape == (FRAMES,)
