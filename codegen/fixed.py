"""Every integer operator of the twins: the one definition of rounding and saturation.

The C counterpart is `templates/fixed.h.j2`: same names, same values, bit for bit.

Arguments are Python ints or numpy integer arrays (widened to int64). Python ints give Python ints
(quick in loops), arrays give int64 arrays. Domains are those of the C types named in each
docstring; staying inside them is for the plan to prove, nothing is checked here.

Rounding, everywhere: half up, floor(v + 1/2), which is `(v + half) >> n` with an arithmetic shift.
Saturation happens only where the docstring says so.
Qn means: value = integer / 2**n.
"""

from __future__ import annotations

import math

import numpy as np

Int = int | np.ndarray

_LUT_BITS = 7  # log2: 2**7 segments an octave
TANH_ONE = 6000  # steps of the argument of tanh to 1: int16 holds +-5.46, where tanh is flat in Q15
_ISQRT_MAX = math.isqrt(2**63 - 1)


def _wide(x: Int) -> Int:
    """Python ints as they are, anything else as int64 so that products cannot wrap."""
    return x if isinstance(x, int) else np.asarray(x, np.int64)


def quantise(value: np.ndarray | float, q: int) -> Int:
    """A real number or an array of them to Q format, rounded half up; does not saturate."""
    rounded = np.floor(np.asarray(value) * 2.0**q + 0.5).astype(np.int64)
    return rounded if rounded.ndim else int(rounded)


def clamp(x: Int, low: int, high: int) -> Int:
    """x limited to low..high (int64)."""
    if isinstance(x, int):
        return max(low, min(x, high))
    return np.minimum(np.maximum(_wide(x), low), high)


def sat16(x: Int) -> Int:
    """int64 to the nearest int16."""
    return clamp(x, -(2**15), 2**15 - 1)


def sat32(x: Int) -> Int:
    """int64 to the nearest int32."""
    return clamp(x, -(2**31), 2**31 - 1)


def rshift_round(x: Int, n: Int) -> Int:
    """x / 2**n rounded half up. |x| < 2**62, 0 <= n <= 62."""
    return (_wide(x) + ((1 << n) >> 1)) >> n


def shift_round(x: Int, n: int) -> Int:
    """x * 2**n: exact for n >= 0, rounded half up for n < 0. Result must fit int64."""
    return _wide(x) << n if n >= 0 else rshift_round(x, -n)


def mul_q15(a: Int, b: Int) -> Int:
    """Q15 * Q15 -> Q15, int16: rounded, saturated (only -1 * -1). Equals SQRDMULH.16."""
    return sat16(rshift_round(_wide(a) * _wide(b), 15))


def mul_q31(a: Int, b: Int) -> Int:
    """Q31 * Q31 -> Q31, int32: rounded, saturated (only -1 * -1). Equals SQRDMULH.32."""
    return sat32(rshift_round(_wide(a) * _wide(b), 31))


def mul_q(a: Int, b: Int, shift: Int) -> Int:
    """int32 * int32 -> int64, rounded right shift by 0 <= shift <= 62. Does not saturate."""
    return rshift_round(_wide(a) * _wide(b), shift)


def bit_length(x: Int) -> Int:
    """Bits of an unsigned number: 0 for 0, else floor(log2 x) + 1. uint64 (arrays < 2**63)."""
    if isinstance(x, int):
        return x.bit_length()
    x = _wide(x)
    high = x >> 32  # both halves are exact as float64, frexp's exponent is then the bit length
    low_bits = np.frexp((x & 0xFFFFFFFF).astype(np.float64))[1]
    high_bits = np.frexp(high.astype(np.float64))[1]
    return np.where(high > 0, high_bits + 32, low_bits).astype(np.int64)


def isqrt64(x: Int) -> Int:
    """floor(sqrt(x)), exact. uint64 -> uint32 (arrays < 2**63)."""
    if isinstance(x, int):
        return math.isqrt(x)
    x = _wide(x)
    root = np.minimum(np.sqrt(x.astype(np.float64)).astype(np.int64) + 1, _ISQRT_MAX)
    root -= root * root > x  # the float root is off by at most one either way: at most two steps
    root -= root * root > x
    return root


def div_q(num: Int, den: Int, q: int) -> Int:
    """num * 2**q / den rounded half up, int64. |num| * 2**q + den < 2**63, den > 0."""
    num, den = _wide(num), _wide(den)
    return ((num << q) + (den >> 1)) // den


def lut_lerp(table: np.ndarray, x: Int, shift: int) -> Int:
    """Linear interpolation in an int32 table at x / 2**shift, rounded half up.

    0 <= x < (len(table) - 1) * 2**shift, shift <= 30. Result has the format of the table.
    """
    x = _wide(x)
    i = x >> shift
    left, right = table[i], table[i + 1]
    if isinstance(x, int):
        left, right = int(left), int(right)
    return left + rshift_round((right - left) * (x & ((1 << shift) - 1)), shift)


def log2_q16(x: Int) -> Int:
    """log2(x) in Q16, int32. uint64 (arrays < 2**63); log2_q16(0) = log2_q16(1) = 0.

    Table of 128 segments an octave. Max error 1.25 LSB (1.9e-5), from 1 to 2**64 - 1.
    """
    x = x | (x == 0) if isinstance(x, int) else np.maximum(_wide(x), 1)
    k = bit_length(x) - 1
    fraction = ((x >> _positive(k - 22)) << _positive(22 - k)) - (1 << 22)
    return (k << 16) + rshift_round(lut_lerp(LOG2_Q30, fraction, 22 - _LUT_BITS), 14)


def tanh_q15(x_6k: Int) -> Int:
    """tanh(x) in Q15, int16 (-32766..32766, odd), from x in steps of 1 / TANH_ONE, int32.

    A cubic round the nearest of 16 points; int16 throughout, so that vectors do eight at a time.
    Max error 2.0 LSB (6.1e-5), reached at infinity, over all int32; 1.8 where int16 does not
    saturate, 1.1 of it from |x| = 3.5 on. With x it never falls by more than one LSB.
    """
    x = _wide(x_6k)
    return tanh_sums(clamp(abs(x), 0, 2**15 - 1))[-1] * ((x >> 63) | 1)


def tanh_sums(x_6k: Int) -> list[Int]:
    """The four partial sums of tanh's cubic for 0 <= x < 2**15; the last is tanh in Q15."""
    point = rshift_round(15 * x_6k, 15)
    offset_q15 = 30 * x_6k - (point << 16)  # -1..1: half way to the neighbours
    cubic = TANH_CUBICS_Q15[:, point]
    if isinstance(x_6k, int):
        cubic = cubic.tolist()
    sums = [cubic[0]]
    for coefficient in cubic[1:]:
        sums.append(coefficient + mul_q15(sums[-1], offset_q15))
    return sums


def sigmoid_q15(half_6k: Int) -> Int:
    """1 / (1 + exp(-2 h)) in Q15, int16 (1..32767), from h in steps of 1 / TANH_ONE, int32.

    (1 + tanh(h)) / 2, where h is half of the usual argument. Max error 1.4 LSB (4.2e-5) over all
    int32; sigmoid(h) + sigmoid(-h) = 1 exactly, so halves are rounded away from 1/2.
    """
    x = _wide(half_6k)
    return (2**15 + 1 + tanh_q15(x) + (x >> 63)) >> 1


def _positive(n: Int) -> Int:
    return max(n, 0) if isinstance(n, int) else np.maximum(n, 0)


# tanh in Q15 round point i = 0..15, at 32768 i / 15: coefficients of t^3, t^2, t, 1, where t = 1 is
# half way to the next point. Chebyshev interpolation, then each number moved by a few steps until
# the greatest error over every argument was least.
TANH_CUBICS_Q15 = np.array(
    [
        [-65, -36, 6, 22, 17, 9, 8, 2, 3, 3, 1, 0, 0, 0, 0, 0],
        [0, -327, -409, -313, -192, -103, -53, -25, -14, -7, -3, -1, 0, 0, 0, 0],
        [5965, 5239, 3658, 2169, 1167, 596, 293, 145, 69, 32, 16, 8, 4, 2, 1, 0],
        [0, 11429, 20379, 26138, 29392, 31093, 31949, 32369, 32576, 32675, 32723, 32746, 32757,
         32763, 32765, 32766],
    ]
)  # fmt: skip
_grid = np.arange(2**_LUT_BITS + 1) / 2**_LUT_BITS
LOG2_Q30 = quantise(np.log2(1 + _grid), 30)


def tables() -> dict[str, tuple[str, np.ndarray, str]]:
    """Tables of the operators: name -> (C type, values, format). C symbol: percepnet_<name>."""
    return {
        "log2_q30": ("int32_t", LOG2_Q30, "log2(1 + i/128) in Q30, i = 0..128"),
        "tanh_cubics_q15": (
            "int16_t",
            TANH_CUBICS_Q15,
            "tanh, Q15: t^3, t^2, t, 1 in a row of 16 points each, 32768/15 steps apart",
        ),
    }
