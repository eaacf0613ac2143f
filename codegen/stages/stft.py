"""Short-time Fourier transform in integers: twin of `templates/stft.c.j2`.

Formats: samples int16; a spectrum is int32 re and im (481,) with `frac`, its number of fractional
bits relative to int16 sample units: value = integer / 2**frac. frac follows the peak of each
window, so that quiet windows keep their precision. Synthesis gives int32 Q8 sample units.

The 960-point real FFT is a 480-point complex one, of z(n) = x(2n) + i x(2n+1), and an unpacking:
a Stockham FFT (autosort, decimation in frequency), not normalised, one rounding per real product.
Nothing in it saturates: no sum of any part of the DFT exceeds the sum of the inputs' magnitudes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from codegen.declare import FRAME, WORK, Field, Signal, Stage, Struct
from codegen.fixed import bit_length, clamp, mul_q, quantise, rshift_round, sat32
from reference.params import HOP, N_BINS, WINDOW
from reference.stft import vorbis_window

RADICES = (4, 4, 2, 3, 5)  # of the 480-point FFT, in order: the last stages need few twiddles
FRAC_MIN = 5  # fractional bits of the spectrum of a full-scale window: sum |w x| < 2**30
HEADROOM_MAX = 15  # bits by which the quietest window is raised
SILENCE_FRAC = FRAC_MIN + HEADROOM_MAX  # the highest
TOTAL_BITS = 29  # sum of |re| + |im| over the bins before synthesis: below 2**29
ROUNDING_SLACK = 4096  # roundings in a DFT sum: below 6 * (480 + 120 + 30 + 15 + 5 + 1)
ONE_Q31 = 2**31 - 1


SPECTRUM = Struct(
    "spectrum",
    (Field("re", "int32", ("N_BINS",)), Field("im", "int32", ("N_BINS",)), Field("frac", "int32")),
)


def spectrum(name: str, place: str) -> Signal:
    """A recorded spectrum."""
    part = "int16 units, {name}_frac fractional bits (shared exponent)"
    formats = {"re": part, "im": part, "frac": "fractional bits of {name}"}
    return Signal(name, SPECTRUM, (), formats, place)


STATE = Struct(
    "stft_state",
    (Field("overlap_q8", "int32", ("HOP",)), Field("previous", "int16", ("HOP",))),
)
SCRATCH = Struct(
    "fft_scratch", (Field("re", "int32", (2, "HOP")), Field("im", "int32", (2, "HOP")))
)
STAGE = Stage(
    signals=(
        spectrum("newest", WORK),
        spectrum("y", FRAME),
        spectrum("p", FRAME),
        Signal("hop_q8", "int32", ("HOP",), "int16 units, Q8", WORK),
    ),
    past=(Field("stft", STATE),),
    scratch=(Field("fft", SCRATCH),),
)


class Spectrum(NamedTuple):
    """re, im: int64 (481,) inside int32; value = (re + i im) / 2**frac, in int16 sample units."""

    re: np.ndarray
    im: np.ndarray
    frac: int

    def with_frac(self, frac: int) -> Spectrum:
        """The same with at most as many fractional bits."""
        drop = self.frac - frac
        return Spectrum(rshift_round(self.re, drop), rshift_round(self.im, drop), frac)


def _q31(values: np.ndarray | float) -> np.ndarray | int:
    """Q31 of what lies in -1...1; what C multiplies with holds no -1."""
    return clamp(quantise(values, 31), -ONE_Q31, ONE_Q31)


def _stages() -> list[dict]:
    """Stages of the FFT: radix, blocks m, stride s (radix * m * s = 480), start of its twiddles."""
    stages, length, start = [], HOP, 0
    for radix in RADICES:
        blocks = length // radix
        stages.append({"radix": radix, "blocks": blocks, "stride": HOP // length, "start": start})
        length, start = blocks, start + (radix - 1) * blocks
    return stages


def _twiddle_angles() -> np.ndarray:
    """Angles j p 2 pi / length of all stages but the last (there p = 0): j = 1.., then p = 0.."""
    angles = [
        np.outer(np.arange(1, s["radix"]), np.arange(s["blocks"])).ravel()
        / (s["radix"] * s["blocks"])
        for s in STAGES[:-1]
    ]
    return 2 * np.pi * np.concatenate(angles)


STAGES = _stages()
WIN_Q15 = clamp(quantise(vorbis_window(), 15), 0, 2**15 - 1)
# |X| of every bin: the windowed samples of a full-scale hop all in phase, each rounded up
SPECTRUM_LIMIT = int(np.sum(-(-(WIN_Q15 * 2**15) // 2 ** (15 - FRAC_MIN)))) + ROUNDING_SLACK
WINSYN_Q39 = quantise(vorbis_window() / HOP, 39)
FFT_COS_Q31, FFT_SIN_Q31 = _q31(np.cos(_twiddle_angles())), _q31(np.sin(_twiddle_angles()))
UNPACK_COS_Q31 = _q31(np.cos(2 * np.pi * np.arange(HOP // 2) / WINDOW))
UNPACK_SIN_Q31 = _q31(np.sin(2 * np.pi * np.arange(HOP // 2) / WINDOW))
SIN_60_Q31 = _q31(np.sin(np.pi / 3))
COS_72_Q31, SIN_72_Q31 = _q31(np.cos(0.4 * np.pi)), _q31(np.sin(0.4 * np.pi))
COS_144_Q31, SIN_144_Q31 = _q31(np.cos(0.8 * np.pi)), _q31(np.sin(0.8 * np.pi))

_TWIDDLES = [
    tuple(t[s["start"] :][: (s["radix"] - 1) * s["blocks"]].reshape(s["radix"] - 1, -1, 1)
          for t in (FFT_COS_Q31, FFT_SIN_Q31))
    for s in STAGES[:-1]
]  # fmt: skip


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Tables of the stage: name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {
        "win_q15": ("int16_t", WIN_Q15, "Vorbis window, Q15"),
        "winsyn_q39": ("int32_t", WINSYN_Q39, "Vorbis window / 480, Q39"),
        "fft_cos_q31": ("int32_t", FFT_COS_Q31, "twiddles by stage, j and p: cos, Q31"),
        "fft_sin_q31": ("int32_t", FFT_SIN_Q31, "twiddles by stage, j and p: sin, Q31"),
        "unpack_cos_q31": ("int32_t", UNPACK_COS_Q31, "cos(2 pi k / 960), Q31"),
        "unpack_sin_q31": ("int32_t", UNPACK_SIN_Q31, "sin(2 pi k / 960), Q31"),
    }


def constants() -> dict[str, int]:
    """Numbers of the C code: #define PERCEPNET_<name>."""
    return {
        "FRAC_MIN": FRAC_MIN,
        "HEADROOM_MAX": HEADROOM_MAX,
        "SILENCE_FRAC": SILENCE_FRAC,
        "TOTAL_BITS": TOTAL_BITS,
        "SIN_60_Q31": SIN_60_Q31,
        "COS_72_Q31": COS_72_Q31,
        "SIN_72_Q31": SIN_72_Q31,
        "COS_144_Q31": COS_144_Q31,
        "SIN_144_Q31": SIN_144_Q31,
    }


def plan() -> dict:
    """What the template prints beyond tables and constants: the stages of the FFT."""
    return {"stages": STAGES}


def bounds() -> list[tuple[str, int, int]]:
    """(accumulator, worst case, limit): worst cases from the real tables.

    Every value inside an FFT is a partial DFT sum: its magnitude is at most the sum of the
    magnitudes of the inputs (analysis: windowed samples, SPECTRUM_LIMIT; synthesis: 480 values
    Z(k) of at most |X(k)| + |X(480-k)|, twice the total), plus ROUNDING_SLACK.
    """
    int32, peak_q15 = 2**31 - 1, 2**30
    total = 2**TOTAL_BITS + N_BINS + ROUNDING_SLACK  # rounding up of 2 * 481 halves
    synthesis = 2 * total
    spectrum_total = 2 * N_BINS * 2**31
    shift_max = spectrum_total.bit_length() - TOTAL_BITS
    return [
        ("stft window product q15", 2**15 * int(WIN_Q15.max()) + 2**9, int32),
        ("stft comb window product q30", peak_q15 * int(WIN_Q15.max()) + 2**24, 2**62 - 1),
        ("stft analysis sum", SPECTRUM_LIMIT, 2**30 - 1),
        ("stft unpack sum of two bins", 2 * SPECTRUM_LIMIT, int32),
        ("stft total of a spectrum", spectrum_total, 2**62 - 1),
        ("stft synthesis sum", synthesis, int32),
        ("stft synthesis window product", synthesis * int(WINSYN_Q39.max()), 2**62 - 1),
        ("stft synthesis scaling shift", shift_max, 31),
        ("stft synthesis window shift", 31 + SILENCE_FRAC, 62),
        ("stft overlap sum", 2 * 2**31, 2**62 - 1),
    ]


def _mul(a: np.ndarray, b_q31: np.ndarray | int) -> np.ndarray:
    """mul_q31 without the saturation: no table holds -1."""
    return mul_q(a, b_q31, 31)


def _rotate(x: np.ndarray, cos_q31: np.ndarray, sin_q31: np.ndarray) -> np.ndarray:
    """x (cos - i sin), x (2, ...) re and im: every product rounded."""
    return _mul(x, cos_q31) + _minus_i(_mul(x, sin_q31))


def _minus_i(x: np.ndarray) -> np.ndarray:
    """-i x = (im, -re) for x (2, ...) re and im."""
    turned = x[::-1].copy()
    np.negative(turned[1], out=turned[1])
    return turned


def _radix2(a: np.ndarray) -> list[np.ndarray]:
    return [a[0] + a[1], a[0] - a[1]]


def _radix3(a: np.ndarray) -> list[np.ndarray]:
    t = a[1] + a[2]
    m = a[0] - (t >> 1)
    s = _minus_i(_mul(a[1] - a[2], SIN_60_Q31))
    return [a[0] + t, m + s, m - s]


def _radix4(a: np.ndarray) -> list[np.ndarray]:
    t0, t1, t2, t3 = a[0] + a[2], a[0] - a[2], a[1] + a[3], _minus_i(a[1] - a[3])
    return [t0 + t2, t1 + t3, t0 - t2, t1 - t3]


def _radix5(a: np.ndarray) -> list[np.ndarray]:
    t1, t2, t3, t4 = a[1] + a[4], a[2] + a[3], a[1] - a[4], a[2] - a[3]
    m1 = a[0] + _mul(t1, COS_72_Q31) + _mul(t2, COS_144_Q31)
    m2 = a[0] + _mul(t1, COS_144_Q31) + _mul(t2, COS_72_Q31)
    s1 = _minus_i(_mul(t3, SIN_72_Q31) + _mul(t4, SIN_144_Q31))
    s2 = _minus_i(_mul(t3, SIN_144_Q31) - _mul(t4, SIN_72_Q31))
    return [a[0] + t1 + t2, m1 + s1, m2 + s2, m2 - s2, m1 - s1]


_BUTTERFLIES = {2: _radix2, 3: _radix3, 4: _radix4, 5: _radix5}


def fft(x: np.ndarray) -> np.ndarray:
    """480-point complex DFT, not normalised: (2, 480) re and im, |sum| < 2**30 -> (2, 480)."""
    for i, stage in enumerate(STAGES):
        a = x.reshape(2, stage["radix"], stage["blocks"], stage["stride"]).swapaxes(0, 1)
        y = np.stack(_BUTTERFLIES[stage["radix"]](a), axis=1)  # (2, radix, blocks, stride)
        if i < len(_TWIDDLES):
            y[:, 1:] = _rotate(y[:, 1:], *_TWIDDLES[i])
        x = y.swapaxes(1, 2).reshape(2, HOP)
    return x


def _real_fft(windowed: np.ndarray, frac: int) -> Spectrum:
    """DFT of 960 real int32 with frac fractional bits."""
    z = fft(windowed.reshape(HOP, 2).T)
    spectrum = np.zeros((2, N_BINS), np.int64)
    spectrum[0, 0], spectrum[0, HOP] = z[0, 0] + z[1, 0], z[0, 0] - z[1, 0]
    spectrum[:, HOP // 2] = z[0, HOP // 2], -z[1, HOP // 2]
    (s_re, s_im), d = _halves(z[:, 1 : HOP // 2], z[:, : HOP // 2 : -1])
    t_re, t_im = _rotate(d, UNPACK_COS_Q31[1:], UNPACK_SIN_Q31[1:])
    spectrum[:, 1 : HOP // 2] = s_re + t_im, s_im - t_re
    spectrum[:, HOP - 1 : HOP // 2 : -1] = s_re - t_im, -s_im - t_re
    return Spectrum(*spectrum, frac)


def _real_ifft(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """480 times the inverse DFT of 481 bins: (960,) real. im of bins 0 and 480 is not read."""
    middle = HOP // 2
    x, z = np.stack([re, im]), np.empty((2, HOP), np.int64)
    z[:, 0] = (x[0, 0] + x[0, HOP]) >> 1, (x[0, 0] - x[0, HOP]) >> 1
    z[:, middle] = x[0, middle], -x[1, middle]
    (s_re, s_im), d = _halves(x[:, 1:middle], x[:, HOP - 1 : middle : -1])
    o_re, o_im = _rotate(d, UNPACK_COS_Q31[1:], -UNPACK_SIN_Q31[1:])
    z[:, 1:middle] = s_re - o_im, s_im + o_re
    z[:, :middle:-1] = s_re + o_im, o_re - s_im
    return fft(z[::-1])[::-1].T.ravel()  # re and im swapped: the inverse


def _halves(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(a + conj b) / 2 and (a - conj b) / 2, rounded down; (2, n)."""
    add, sub = (a + b) >> 1, (a - b) >> 1
    return np.stack([add[0], sub[1]]), np.stack([sub[0], add[1]])


class Analysis:
    """Hops of int16 samples in, spectra out. State: the previous hop."""

    def __init__(self) -> None:
        self.previous = np.zeros(HOP, np.int64)

    def run(self, hop: np.ndarray) -> Spectrum:
        """hop int16 (480,) -> spectrum of the window that ends with it, frac 5...20."""
        hop = np.asarray(hop, np.int64)
        window = np.concatenate([self.previous, hop])
        self.previous = hop
        headroom = clamp(15 - bit_length(int(np.abs(window).max())), 0, HEADROOM_MAX)
        # An int16 raised by its headroom still fits 2**15.
        windowed = rshift_round((window << headroom) * WIN_Q15, 15 - FRAC_MIN)
        return _real_fft(windowed, FRAC_MIN + headroom)


def comb_spectrum(acc_q15: np.ndarray, max_frac: int) -> Spectrum:
    """Spectrum of a comb-filtered window. max_frac: the frac of the same frame unfiltered.

    acc_q15: (960,) samples in Q15, |acc| <= 2**30.  Returns one of frac <= max_frac.
    """
    acc_q15 = np.asarray(acc_q15, np.int64)
    headroom = clamp(30 - bit_length(int(np.abs(acc_q15).max())), 0, max_frac - FRAC_MIN)
    windowed = rshift_round(acc_q15 * WIN_Q15, 30 - FRAC_MIN - headroom)
    return _real_fft(windowed, FRAC_MIN + headroom)


class Synthesis:
    """Spectra in, hops of samples out, by overlap-add. State: the last window's second half."""

    def __init__(self) -> None:
        self.overlap_q8 = np.zeros(HOP, np.int64)

    def run(self, spectrum: Spectrum) -> np.ndarray:
        """Spectrum of frac 0...20 -> samples int32 Q8 (480,)."""
        re, im = np.asarray(spectrum.re, np.int64), np.asarray(spectrum.im, np.int64)
        total = int(np.abs(re).sum() + np.abs(im).sum())
        shift = max(0, bit_length(total) - TOTAL_BITS)
        samples = _real_ifft(rshift_round(re, shift), rshift_round(im, shift))
        frame_q8 = sat32(rshift_round(samples * WINSYN_Q39, 31 + spectrum.frac - shift))
        out_q8 = sat32(frame_q8[:HOP] + self.overlap_q8)
        self.overlap_q8 = frame_q8[HOP:]
        return out_q8
