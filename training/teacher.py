"""DeepFilterNet 3 in torch, in batches of rows: a teacher of band gains.

H. Schröter, T. Rosenkranz, A. N. Escalante-B., A. Maier: DeepFilterNet: Perceptually Motivated
Real-Time Speech Enhancement (2023).  The weights are the initialisers of the three graphs of its
ONNX export: `enc.onnx`, `erb_dec.onnx`, `df_dec.onnx`, in one folder.

No batch normalisation is left in the graphs and nothing lies between a depthwise convolution and
the pointwise one behind it, so each such pair is multiplied out into one dense convolution: three
taps of 64 channels keep matrix units busier than one tap of each.

Axes: R rows, T frames of 10 ms, 481 bins, 32 bands, 64 channels.  Convolutions hold
(R, channels, T, bands) with the channels last in memory.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reference.params import HOP, WINDOW
from reference.stft import vorbis_window

BINS = WINDOW // 2 + 1
BAND_BINS = (2,) * 13 + (5, 5, 7, 7, 8, 10, 12, 13, 15, 18, 20, 24, 28, 31, 37, 42, 50, 56, 67)
FILTER_BINS = 96  # bins that the deep filter makes; above them a gain per band
TAPS, AHEAD = 5, 2  # frames of the deep filter, how many of them are to come
KEEP = 0.99  # one-pole coefficient of the running means
CHANNELS, HIDDEN = 64, 256
MEAN_BLOCK = 64  # frames of a block of the running means
WEIGHTED = ("Conv", "ConvTranspose", "Einsum", "GRU", "MatMul")


def graph_weights(path: Path) -> list[tuple[str, list[Tensor]]]:
    """Constants of the graph's weighted nodes, in its order: (operator, tensors)."""
    try:
        import onnx
    except ImportError:
        raise SystemExit(f"{path} needs the package onnx: pip install -e '.[teacher]'") from None
    graph = onnx.load(str(path)).graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            known[node.output[0]] = node.attribute[0].t
    found = []
    for node in graph.node:
        if node.op_type in WEIGHTED:
            tensors = [known[name] for name in node.input if name in known]
            arrays = [np.array(onnx.numpy_helper.to_array(tensor)) for tensor in tensors]
            found.append((node.op_type, [torch.from_numpy(array) for array in arrays]))
    return found


class Weights:
    """Hands out a graph's weights in order and says what was expected where another comes."""

    def __init__(self, path: Path):
        self.path, self.left = path, graph_weights(path)

    def take(self, operator: str, *shapes: tuple[int, ...]) -> list[Tensor]:
        """Tensors of the next weighted node. ValueError if operator or shapes are others."""
        have, tensors = self.left.pop(0) if self.left else ("the end", [])
        shapes_seen = [tuple(tensor.shape) for tensor in tensors]
        if have != operator or shapes_seen != list(shapes):
            raise ValueError(
                f"{self.path}: expected {operator} with {list(shapes)}, got {have} with "
                f"{shapes_seen}; give the graphs of DeepFilterNet 3"
            )
        return tensors

    def gru(self, inputs: int, layers: int) -> nn.GRU:
        """A GRU of so many layers; ONNX keeps its gates as (update, reset, new)."""
        gru = nn.GRU(inputs, HIDDEN, layers, batch_first=True)
        for layer in range(layers):
            shapes = (1, 3 * HIDDEN, HIDDEN), (1, 3 * HIDDEN, HIDDEN), (1, 6 * HIDDEN)
            kernel, recurrent, bias = (tensor[0] for tensor in self.take("GRU", *shapes))
            parts = kernel, recurrent, *bias.chunk(2)
            names = "weight_ih", "weight_hh", "bias_ih", "bias_hh"
            for name, part in zip(names, parts, strict=True):
                update, reset, new = part.chunk(3)
                getattr(gru, f"{name}_l{layer}").data = torch.cat([reset, update, new])
        return gru

    def grouped(self, groups: int, inputs: int, outputs: int) -> "Grouped":
        """A linear layer in groups."""
        return Grouped(self.take("Einsum", (groups, inputs, outputs))[0])

    def full(self, *shape: int) -> "Convolution":
        """A convolution with a bias as it stands in the graph."""
        return Convolution(*self.take("Conv", shape, shape[:1]))

    def merged(self, depthwise: tuple, outputs: int, groups=CHANNELS, stride=1) -> "Convolution":
        """Depthwise convolution and the pointwise one behind it as one."""
        (first,) = self.take("Conv", depthwise)
        inner = depthwise[0]
        point, bias = self.take("Conv", (outputs, inner, 1, 1), (outputs,))
        dense = torch.zeros(inner, groups * depthwise[1], *depthwise[2:])
        for channel, row in enumerate(first):
            start = channel // (inner // groups) * depthwise[1]
            dense[channel, start : start + depthwise[1]] = row
        kernel = torch.einsum("om,mihw->oihw", point[..., 0, 0], dense)
        return Convolution(kernel, bias, stride)

    def merged_up(self) -> "ConvolutionUp":
        """Depthwise convolution to twice the bands and the pointwise one behind it, as one."""
        (first,) = self.take("ConvTranspose", (CHANNELS, 1, 1, 3))
        point, bias = self.take("Conv", (CHANNELS, CHANNELS, 1, 1), (CHANNELS,))
        return ConvolutionUp(torch.einsum("oi,iahw->ioahw", point[..., 0, 0], first)[:, :, 0], bias)

    def scale(self) -> "Scale":
        """A depthwise convolution of one tap."""
        kernel, bias = self.take("Conv", (CHANNELS, 1, 1, 1), (CHANNELS,))
        return Scale(kernel[:, 0], bias[:, None, None])


class Convolution(nn.Module):
    """(R, channels, T, bands): causal in time, symmetric over bands, both with zeros around."""

    def __init__(self, kernel: Tensor, bias: Tensor, stride: int = 1):
        super().__init__()
        self.kernel = nn.Parameter(kernel.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(bias)
        self.stride = (1, stride)

    def forward(self, x: Tensor) -> Tensor:
        frames, bands = self.kernel.shape[2:]
        padding = frames - 1, bands // 2
        y = F.conv2d(x, self.kernel, self.bias, self.stride, padding)
        return y[:, :, : x.shape[2]]


class ConvolutionUp(nn.Module):
    """(R, channels, T, bands) -> (R, channels, T, 2 bands)."""

    def __init__(self, kernel: Tensor, bias: Tensor):
        super().__init__()
        self.kernel, self.bias = nn.Parameter(kernel), nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.kernel, self.bias, (1, 2), (0, 1), (0, 1))


class Scale(nn.Module):
    """A gain and an offset for each channel, (64, 1, 1)."""

    def __init__(self, gain: Tensor, offset: Tensor):
        super().__init__()
        self.gain, self.offset = nn.Parameter(gain), nn.Parameter(offset)

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.offset, x, self.gain)


class Grouped(nn.Module):
    """Linear in groups, without bias: (R, T, groups inputs) -> (R, T, groups outputs)."""

    def __init__(self, kernel: Tensor):
        super().__init__()
        self.kernel = nn.Parameter(kernel)

    def forward(self, x: Tensor) -> Tensor:
        groups, inputs, outputs = self.kernel.shape
        parts = x.reshape(-1, groups, inputs).transpose(0, 1)
        return torch.bmm(parts, self.kernel).transpose(0, 1).reshape(*x.shape[:2], -1)


class Encoder(nn.Module):
    """Features -> what both decoders read."""

    def __init__(self, weights: Weights):
        super().__init__()
        narrow = (CHANNELS, 1, 1, 3)
        self.band0 = weights.full(CHANNELS, 1, 3, 3)
        self.band1 = weights.merged(narrow, CHANNELS, stride=2)
        self.band2 = weights.merged(narrow, CHANNELS, stride=2)
        self.band3 = weights.merged(narrow, CHANNELS)
        self.bin0 = weights.merged((CHANNELS, 1, 3, 3), CHANNELS, groups=2)
        self.bin1 = weights.merged(narrow, CHANNELS, stride=2)
        self.bins = weights.grouped(32, 96, 16)
        self.before = weights.grouped(16, 32, 16)
        self.gru = weights.gru(HIDDEN, 1)
        self.after = weights.grouped(16, 16, 32)

    def forward(self, levels: Tensor, bins: Tensor) -> tuple:
        """levels (R, 1, T, 32), bins (R, 2, T, 96) -> e0…e3, c0, embedding (R, T, 512)."""
        e0 = self.band0(levels).relu_()
        e1 = self.band1(e0).relu_()
        e2 = self.band2(e1).relu_()
        e3 = self.band3(e2).relu_()
        c0 = self.bin0(bins).relu_()
        both = flat(e3) + self.bins(flat(self.bin1(c0).relu_()).float()).relu_()
        out = self.gru(self.before(both.float()).relu_())[0]
        return (e0, e1, e2, e3), c0, self.after(out).relu_()


class BandDecoder(nn.Module):
    """Gains of the bands."""

    def __init__(self, weights: Weights):
        super().__init__()
        self.before = weights.grouped(16, 32, 16)
        self.gru = weights.gru(HIDDEN, 2)
        self.after = weights.grouped(16, 16, 32)
        self.path3, self.up3 = weights.scale(), weights.merged((CHANNELS, 1, 1, 3), CHANNELS)
        self.path2, self.up2 = weights.scale(), weights.merged_up()
        self.path1, self.up1 = weights.scale(), weights.merged_up()
        self.path0, self.out = weights.scale(), weights.full(1, CHANNELS, 1, 3)

    def forward(self, embedding: Tensor, encoded: tuple) -> Tensor:
        """-> gains (R, T, 32), 0…1."""
        e0, e1, e2, e3 = encoded
        x = self.after(self.gru(self.before(embedding).relu_())[0]).relu_()
        x = x.unflatten(2, (-1, CHANNELS)).permute(0, 3, 1, 2).to(e3.dtype)
        x = self.up3(self.path3(e3).relu_().add_(x)).relu_()
        x = self.up2(self.path2(e2).relu_().add_(x)).relu_()
        x = self.up1(self.path1(e1).relu_().add_(x)).relu_()
        return self.out(self.path0(e0).relu_().add_(x))[:, 0].float().sigmoid()


class FilterDecoder(nn.Module):
    """Taps of the deep filter in the low bins."""

    def __init__(self, weights: Weights):
        super().__init__()
        # the graph does its recurrence first, then the pathway from the encoder, then the rest
        self.before = weights.grouped(8, 64, 32)
        self.gru = weights.gru(HIDDEN, 2)
        self.skip = weights.grouped(16, 32, 16)
        self.path = weights.merged((2 * TAPS, CHANNELS // 2, TAPS, 1), 2 * TAPS, groups=2)
        weights.take("MatMul", (HIDDEN, 1))  # of a gate that the enhancement leaves out
        self.out = weights.grouped(16, 16, 60)

    def forward(self, embedding: Tensor, c0: Tensor) -> Tensor:
        """-> complex taps (R, T, 96, 5), oldest frame first."""
        x = self.gru(self.before(embedding).relu_())[0] + self.skip(embedding)
        taps = self.out(x).tanh_().unflatten(2, (FILTER_BINS, 2 * TAPS))
        taps = taps + self.path(c0).relu_().permute(0, 2, 3, 1)
        return torch.view_as_complex(taps.unflatten(3, (TAPS, 2)).contiguous())


def flat(x: Tensor) -> Tensor:
    """(R, channels, T, bands) -> (R, T, bands channels)."""
    return x.permute(0, 2, 3, 1).flatten(2)


def early(x: Tensor) -> Tensor:
    """Frames (R, T, …) brought AHEAD to the front, zeros at the end."""
    return torch.cat([x[:, AHEAD:], torch.zeros_like(x[:, :AHEAD])], 1)


def running_mean(x: Tensor, start: Tensor) -> Tensor:
    """y[t] = KEEP y[t - 1] + (1 - KEEP) x[t] along axis 1 from y[-1] = start; x (R, T, n).

    Two triangular products, in and between blocks of frames, in float64: no loop, no drift.
    """
    rows, frames, n = x.shape
    blocks = -(-frames // MEAN_BLOCK)
    x = F.pad(x.double(), (0, 0, 0, blocks * MEAN_BLOCK - frames))
    keep = torch.tensor(KEEP, dtype=torch.float64, device=x.device)

    def powers(count, step):
        age = torch.arange(count, device=x.device)
        age = age[:, None] - age
        return torch.where(age >= 0, keep ** (age.clamp(min=0) * step), 0.0)

    inside = (1 - KEEP) * powers(MEAN_BLOCK, 1) @ x.unflatten(1, (blocks, MEAN_BLOCK))
    ends = torch.cat([start.double().expand(rows, 1, n), inside[:, :-1, -1]], 1)
    carried = powers(blocks, MEAN_BLOCK) @ ends
    fade = keep ** torch.arange(1, MEAN_BLOCK + 1, device=x.device)
    return (inside + fade[:, None] * carried[:, :, None]).flatten(1, 2)[:, :frames].float()


class Teacher(nn.Module):
    """The whole of it: noisy rows in, enhanced rows out, each from a fresh state."""

    def __init__(self, encoder: Encoder, bands: BandDecoder, taps: FilterDecoder):
        super().__init__()
        self.encoder, self.bands, self.taps = encoder, bands, taps
        self.conv_dtype = torch.float32
        averages = torch.zeros(BINS, len(BAND_BINS))
        ends = np.cumsum(BAND_BINS)
        for band, (end, width) in enumerate(zip(ends, BAND_BINS, strict=True)):
            averages[end - width : end, band] = 1 / width
        state = {
            "window": torch.from_numpy(vorbis_window()).float(),
            "averages": averages,
            "band_of_bin": torch.arange(len(BAND_BINS)).repeat_interleave(torch.tensor(BAND_BINS)),
            "level_start": torch.linspace(-60, -90, len(BAND_BINS)),
            "bin_start": torch.linspace(0.001, 0.0001, FILTER_BINS),
        }
        for name, value in state.items():
            self.register_buffer(name, value, persistent=False)

    @classmethod
    def load(
        cls, folder: Path, device: str = "cpu", conv_dtype: torch.dtype = torch.float32
    ) -> "Teacher":
        """From the folder of the three graphs. FileNotFoundError if one is not there.

        conv_dtype: of the convolutions; float16 halves memory and time on a GPU.
        """
        folder = Path(folder)
        parts = []
        for name, kind in (("enc", Encoder), ("erb_dec", BandDecoder), ("df_dec", FilterDecoder)):
            path = folder / f"{name}.onnx"
            if not path.is_file():
                raise FileNotFoundError(
                    f"{path} does not exist; give the folder of enc.onnx, erb_dec.onnx and "
                    "df_dec.onnx of DeepFilterNet 3"
                )
            parts.append(kind(Weights(path)))
        teacher = cls(*parts).to(device).eval().requires_grad_(False)
        teacher.conv_dtype = conv_dtype
        for module in teacher.modules():
            if isinstance(module, Convolution | ConvolutionUp | Scale):
                module.to(conv_dtype)
        return teacher

    def spectra(self, x: Tensor) -> Tensor:
        """(R, T HOP) -> (R, T, 481): frame t ends with sample (t + 1) HOP."""
        frames = F.pad(x, (HOP, 0)).unfold(1, WINDOW, HOP)
        return torch.fft.rfft(frames * self.window, norm="forward")

    def samples(self, spectra: Tensor) -> Tensor:
        """(R, T, 481) -> (R, T HOP), a window's half behind `spectra`'s input."""
        frames = torch.fft.irfft(spectra, WINDOW, norm="forward") * self.window
        old = F.pad(frames[:, :-1, HOP:], (0, 0, 1, 0))
        return (frames[..., :HOP] + old).flatten(1)

    def network(self, spectra: Tensor) -> tuple[Tensor, Tensor]:
        """(R, T, 481) -> gains (R, T, 32), taps (R, T, 96, 5)."""
        power = spectra.real.square() + spectra.imag.square()
        level = 10 * torch.log10(power @ self.averages + 1e-10)
        level = early((level - running_mean(level, self.level_start)) / 40)
        low = spectra[..., :FILTER_BINS]
        low = early(low / running_mean(low.abs(), self.bin_start).sqrt())
        bins = torch.view_as_real(low).permute(0, 3, 1, 2)
        bins, level = (
            x.to(self.conv_dtype).contiguous(memory_format=torch.channels_last)
            for x in (bins, level[:, None])
        )
        encoded, c0, embedding = self.encoder(level, bins)
        return self.bands(embedding, encoded), self.taps(embedding, c0)

    def enhance(self, noisy: Tensor, rows: int = 32) -> Tensor:
        """(R, N) float32 at 48 kHz, full scale 1, N a multiple of 480 -> (R, N), no delay.

        rows: how many at a time; 1,200 frames take about 100 MB a row in float32.
        """
        if noisy.dim() != 2 or noisy.shape[1] % HOP:
            raise ValueError(
                f"expected rows of a multiple of {HOP} samples, got {tuple(noisy.shape)}; "
                "pad them with zeros"
            )
        with torch.no_grad():
            return torch.cat([self._enhance(some) for some in noisy.split(rows)])

    def _enhance(self, noisy: Tensor) -> Tensor:
        spectra = self.spectra(F.pad(noisy, (0, WINDOW)))
        gains, taps = self.network(spectra)
        enhanced = spectra * gains[..., self.band_of_bin]
        around = F.pad(spectra[..., :FILTER_BINS], (0, 0, TAPS - 1 - AHEAD, AHEAD))
        low = torch.zeros_like(enhanced[..., :FILTER_BINS])
        for tap in range(TAPS):
            low.addcmul_(around[:, tap : tap + low.shape[1]], taps[..., tap])
        enhanced[..., :FILTER_BINS] = low
        return self.samples(enhanced)[:, HOP : HOP + noisy.shape[1]]
