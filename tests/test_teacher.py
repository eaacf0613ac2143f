"""DeepFilterNet 3 in torch: its parts by their definitions, and the whole against its graphs.

The whole needs the graphs: DFN3=DIR, with the packages of the extras `dfn3` and `teacher`.
"""

import os

import numpy as np
import pytest
import torch
from torch.nn import functional

from reference.params import HOP
from training import teacher as t
from training.teacher import Teacher, Weights


class Drawn(Weights):
    """Random weights of whatever shape is asked for; remembers them."""

    def __init__(self):
        self.given = []

    def take(self, operator, *shapes):
        self.given = [torch.randn(shape) / max(shape[-1], 4) for shape in shapes]
        return self.given


@pytest.fixture(scope="module")
def drawn():
    """A teacher of random weights."""
    torch.manual_seed(1)
    return Teacher(*(kind(Drawn()) for kind in (t.Encoder, t.BandDecoder, t.FilterDecoder))).eval()


def rows(count: int, frames: int) -> torch.Tensor:
    """Noise, float32."""
    noise = np.random.default_rng(3).normal(scale=0.1, size=(count, frames * HOP))
    return torch.from_numpy(noise).float()


def test_a_row_hears_nothing_of_its_neighbours(drawn):
    noisy = rows(3, 60)
    together = drawn.enhance(noisy, rows=2)
    assert together.shape == noisy.shape
    for row, want in zip(noisy, together, strict=True):
        torch.testing.assert_close(drawn.enhance(row[None])[0], want, rtol=0, atol=1e-5)


def test_it_hears_two_frames_ahead_and_no_more(drawn):
    """Of the spectra; a sample is in two windows, so what changes from hop 40 on is heard in 37."""
    noisy = rows(1, 60)
    other = noisy.clone()
    other[:, 40 * HOP :] *= -0.5
    apart = (drawn.enhance(noisy) - drawn.enhance(other)).view(60, HOP).abs().amax(1)
    first = int(torch.nonzero(apart)[0])
    assert first == 40 - t.AHEAD - 1


def test_without_gains_and_filters_it_gives_its_input(drawn, monkeypatch):
    """Aligned to the sample: gains of 1 and taps of this frame alone."""

    def answers(spectra):
        taps = torch.zeros(*spectra.shape[:2], t.FILTER_BINS, t.TAPS, dtype=torch.complex64)
        taps[..., t.TAPS - 1 - t.AHEAD] = 1
        return torch.ones(*spectra.shape[:2], len(t.BAND_BINS)), taps

    monkeypatch.setattr(drawn, "network", answers)
    noisy = rows(2, 20)
    torch.testing.assert_close(drawn.enhance(noisy), noisy, rtol=0, atol=1e-6)


def test_running_mean_is_a_one_pole_filter():
    x, start = torch.rand(2, 3 * t.MEAN_BLOCK + 7, 4), torch.rand(4)
    mean = start.double()
    for frame, got in zip(x.double().unbind(1), t.running_mean(x, start).unbind(1), strict=True):
        mean = t.KEEP * mean + (1 - t.KEEP) * frame
        torch.testing.assert_close(got.double(), mean, rtol=1e-6, atol=0)


def test_merged_convolutions_are_what_they_were_made_of():
    torch.manual_seed(2)

    class Kept(Drawn):
        def take(self, operator, *shapes):
            made = [torch.randn(shape) for shape in shapes]
            self.given += made
            return made

    cases = [((64, 1, 1, 3), 64, 64, 2), ((64, 1, 3, 3), 64, 2, 1), ((10, 32, 5, 1), 10, 2, 1)]
    for shape, outputs, groups, stride in cases:
        weights = Kept()
        both = weights.merged(shape, outputs, groups=groups, stride=stride)
        first, point, bias = weights.given
        x = torch.randn(2, groups * shape[1], 9, 8)
        padded = functional.pad(x, (shape[3] // 2, shape[3] // 2, shape[2] - 1, 0))
        apart = functional.conv2d(padded, first, stride=(1, stride), groups=groups)
        apart = functional.conv2d(apart, point, bias)
        torch.testing.assert_close(both(x), apart, rtol=1e-4, atol=1e-4)
    weights = Kept()
    both = weights.merged_up()
    first, point, bias = weights.given
    x = torch.randn(2, 64, 9, 8)
    apart = functional.conv_transpose2d(x, first, None, (1, 2), (0, 1), (0, 1), groups=64)
    apart = functional.conv2d(apart, point, bias)
    assert apart.shape[-1] == 16
    torch.testing.assert_close(both(x), apart, rtol=1e-4, atol=1e-4)


def test_gates_of_a_recurrent_layer_are_in_the_order_of_onnx():
    """Update, reset, new; the reset gate behind the recurrent product (linear_before_reset)."""
    torch.manual_seed(3)
    weights = Drawn()
    gru = weights.gru(t.HIDDEN, 1)
    (w, r, b) = (x[0].double() for x in weights.given)
    x = torch.randn(1, 6, t.HIDDEN)
    state = torch.zeros(t.HIDDEN, dtype=torch.double)
    for frame, got in zip(x[0].double(), gru(x)[0][0], strict=True):
        own, past = w @ frame + b[: 3 * t.HIDDEN], r @ state + b[3 * t.HIDDEN :]
        update, reset, _ = torch.sigmoid(own + past).chunk(3)
        new = torch.tanh(own[2 * t.HIDDEN :] + reset * past[2 * t.HIDDEN :])
        state = (1 - update) * new + update * state
        torch.testing.assert_close(got.double(), state, rtol=0, atol=1e-5)


def test_faults_are_named(drawn, tmp_path):
    with pytest.raises(FileNotFoundError, match="enc.onnx does not exist; give the folder"):
        Teacher.load(tmp_path)
    with pytest.raises(ValueError, match="multiple of 480 samples"):
        drawn.enhance(torch.zeros(1, 481))
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "g", [], [])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "enc.onnx")
    with pytest.raises(ValueError, match="expected Conv with .*got the end"):
        Teacher.load(tmp_path)


def test_it_is_the_network_of_the_graphs(monkeypatch):
    """Rows of different level and content at once, each as libdf and onnxruntime give it alone."""
    folder = os.environ.get("DFN3")
    if not folder:
        pytest.skip("its graphs are not given; DFN3=DIR")
    for name in ("onnx", "onnxruntime", "libdf"):
        pytest.importorskip(name)
    from eval import deepfilter

    deepfilter.graphs.cache_clear()
    rng = np.random.default_rng(4)
    time = np.arange(300 * HOP) / 48000
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 30))
    voice = 0.2 * voice * np.clip(np.sin(2 * np.pi * 1.5 * time), 0, 1)
    noisy = np.stack([level * (voice + hiss * rng.standard_normal(len(time)))
                      for level, hiss in ((1, 0.03), (0.01, 0.1), (0.3, 0.3))])
    got = Teacher.load(folder).enhance(torch.from_numpy(noisy).float()).numpy()
    for row, made in zip(noisy, got, strict=True):
        want = deepfilter.dfn3(row)
        assert np.mean((made - want) ** 2) < 1e-6 * np.mean(want**2)
