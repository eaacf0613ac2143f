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


def test_paper_has_the_published_number_of_weights():
    table = named("paper").tensors()
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
    "integers": (
        lambda w: w | {"gru1.bias_ih": w["gru1.bias_ih"].astype(np.int32)},
        "tensor gru1.bias_ih of type I32 found; F16 or F32 is needed",
    ),
    "doubles": (
        lambda w: {k: v.astype(np.float64) for k, v in w.items()},
        "of type F64 found; F16 or F32 is needed",
    ),
    "a layer of zeros": (
        lambda w: w | {"conv2.weight": 0 * w["conv2.weight"]},
        "tensor conv2.weight holds zeros only",
    ),
    "a layer without end": (
        lambda w: w | {"dense.bias": np.zeros(4097, np.float32)},
        "a layer of width 4097 found; at most 4096 are taken",
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


@pytest.mark.parametrize(("entry", "words"), [
    ("tiny", "the file calls itself tiny, its tensors have other widths"),
    ('x"; system("id', "the name of a size is needed"),
    ("a\nb", "the name of a size is needed"),
])  # fmt: skip
def test_a_file_that_calls_itself_wrongly_is_refused(tmp_path, entry, words):
    save_file(random_weights(), tmp_path / "x.safetensors", {"model": entry})
    with pytest.raises(ValueError, match=words):
        dnn.read(tmp_path / "x.safetensors")
    save_file(random_weights(), tmp_path / "x.safetensors", {"model": "small", "of": 9999 * "z"})
    assert dnn.read(tmp_path / "x.safetensors").keys() == random_weights().keys()


@pytest.mark.parametrize("name", ["../small", "/etc/passwd", "", "a b", 'a"b', "-x", "x" * 65])
def test_a_name_that_is_a_path_or_code_is_no_model(name):
    """It stands in paths and in the generated C."""
    with pytest.raises(ValueError, match="letters, digits"):
        dnn.load(name)


def test_forged_heads_are_refused_before_anything_is_allocated(tmp_path):
    """Every byte of the head of a good file changed, and sizes of terabytes: a sentence, or a file
    that still fits."""
    path = tmp_path / "x.safetensors"
    weights = random_weights("tiny")
    save_file({k: v.astype(np.float16) for k, v in weights.items()}, path, {"model": "tiny"})
    good, rng = path.read_bytes(), np.random.default_rng(3)
    head = 8 + int.from_bytes(good[:8], "little")
    forged = [good[:n] for n in (0, 7, 8, head - 1, head, len(good) - 1)]
    forged += [(1 << n).to_bytes(8, "little") + good[8:] for n in (20, 40, 62)]
    forged += [good[:8] + good[8:head].replace(b"[64]", b"[%d]" % n) + good[head:]
               for n in (10**4, 10**12, 2**63, -1)]  # fmt: skip
    for at in rng.integers(0, head, 400):
        forged.append(good[:at] + rng.bytes(1) + good[at + 1 :])
    refused = 0
    for blob in forged:
        path.write_bytes(blob)
        try:
            dnn.read(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ") and "\n" not in str(error)[:400]
            refused += 1
    assert refused > len(forged) / 2


def test_a_file_too_large_is_not_read(tmp_path):
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.truncate(dnn.FILE_BYTES + 1)  # a hole
    with pytest.raises(ValueError, match="a model has at most 268435456"):
        dnn.read(path)


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
