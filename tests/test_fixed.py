"""Integer operators: Python equals C bit for bit, errors stay inside the stated bounds."""

import math
import subprocess

import numpy as np
import pytest
from c_harness import c_tables

from codegen import fixed
from codegen.render import environment

GCC = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1",
       "-fsanitize=undefined", "-fno-sanitize-recover=all"]  # fmt: skip
I16, I32, I62, I63 = (-(2**15), 2**15 - 1), (-(2**31), 2**31 - 1), (-(2**62) + 1, 2**62 - 1), \
    (-(2**63), 2**63 - 1)  # fmt: skip
U32, U63 = (0, 2**32 - 1), (0, 2**63 - 1)

# name: (C expression of int64_t a, b, c; domain of each argument)
OPERATORS = {
    "sat16": ("sat16(a)", I63),
    "sat32": ("sat32(a)", I63),
    "rshift_round": ("rshift_round(a, (int)b)", I62, (0, 62)),
    "mul_q15": ("mul_q15((int16_t)a, (int16_t)b)", I16, I16),
    "mul_q31": ("mul_q31((int32_t)a, (int32_t)b)", I32, I32),
    "mul_q": ("mul_q((int32_t)a, (int32_t)b, (int)c)", I32, I32, (0, 61)),
    "bit_length": ("bit_length((uint64_t)a)", U63),
    "isqrt64": ("isqrt64((uint64_t)a)", U63),
    "log2_q16": ("log2_q16((uint64_t)a)", U63),
    "tanh_q15": ("tanh_q15((int32_t)a)", I32),
    "sigmoid_q15": ("sigmoid_q15((int32_t)a)", I32),
}


@pytest.fixture(scope="module", params=["gcc", "any compiler"])
def harness(tmp_path_factory, request):
    """Run one operator in C: harness(C expression name, columns a, b, c) -> int64 results."""
    folder = tmp_path_factory.mktemp("fixed")
    calls = "".join(
        f'if (!strcmp(name, "{name}")) return (int64_t){op[0]};\n' for name, op in OPERATORS.items()
    )
    header = environment().get_template("fixed.h.j2").render()
    assert "defined(__GNUC__)" in header
    if request.param != "gcc":
        header = header.replace("defined(__GNUC__)", "0")
    (folder / "fixed.h").write_text(header)
    (folder / "main.c").write_text(
        '#include "fixed.h"\n#include <stdio.h>\n#include <string.h>\n#include <stdlib.h>\n'
        + c_tables(fixed.tables())
        + "static int64_t call(const char *name, int64_t a, int64_t b, int64_t c) {\n"
        + "(void)b; (void)c;\n"
        + 'if (!strcmp(name, "shift_round")) return shift_round(a, (int)b);\n'
        + 'if (!strcmp(name, "div_q")) return div_q(a, b, (int)c);\n'
        + 'if (!strcmp(name, "lut_lerp"))\n'
        + "    return lut_lerp(percepnet_log2_q30, (int32_t)a, (int)b);\n"
        + calls
        + "abort(); }\n"
        + "int main(int argc, char **argv) { int64_t v[3]; (void)argc;\n"
        + "while (fread(v, 8, 3, stdin) == 3) {\n"
        + "int64_t r = call(argv[1], v[0], v[1], v[2]); fwrite(&r, 8, 1, stdout); }\n"
        + "return 0; }\n"
    )
    subprocess.run([*GCC, "main.c", "-o", "main"], cwd=folder, check=True)

    def run(name, *columns):
        rows = np.zeros((len(columns[0]), 3), "<i8")
        for i, column in enumerate(columns):
            rows[:, i] = column
        command = [folder / "main", name]
        done = subprocess.run(command, input=rows.tobytes(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[:500]
        return np.frombuffer(done.stdout, "<i8")

    return run


def corners(low: int, high: int) -> list[int]:
    """Ends of the domain, and every power of two with its neighbours, of both signs."""
    near = {s * 2**k + d for k in range(63) for d in (-1, 0, 1) for s in (1, -1)}
    return sorted({v for v in near | {0, low, low + 1, high - 1, high} if low <= v <= high})


def samples(domains, seed: int = 1, count: int = 20_000) -> list[np.ndarray]:
    """All pairs of corners of the first two arguments, then random ones of every magnitude."""
    rng = np.random.default_rng(seed)
    grids = [np.array(corners(*d)) for d in domains[:2]]
    columns = [g.ravel() for g in np.meshgrid(*grids)]
    if len(domains) == 3:
        columns.append(rng.integers(*domains[2], columns[0].size, endpoint=True))
    out = []
    for (low, high), corner in zip(domains, columns, strict=True):
        value = rng.integers(low, high, count, endpoint=True) >> rng.integers(0, 63, count)
        out.append(np.concatenate([corner, np.clip(value, low, high)]))
    return out


def expect_equal(name, harness, columns):
    want = getattr(fixed, name)(*columns)
    got = harness(name, *columns)
    bad = np.flatnonzero(want != got)
    assert got.size == want.size and not bad.size, (
        f"{name}{tuple(int(c[bad[0]]) for c in columns)}: "
        f"Python {want[bad[0]]}, C {got[bad[0]]}; {bad.size} of {want.size} differ"
    )


@pytest.mark.parametrize("name", OPERATORS)
def test_python_equals_c(name, harness):
    expect_equal(name, harness, samples(OPERATORS[name][1:]))


@pytest.mark.parametrize("name", OPERATORS)
def test_python_ints_equal_arrays(name):
    columns = [c[:: max(1, c.size // 2000)] for c in samples(OPERATORS[name][1:])]
    operator = getattr(fixed, name)
    one_by_one = [operator(*map(int, row)) for row in zip(*columns, strict=True)]
    assert all(type(v) is int for v in one_by_one)
    assert one_by_one == operator(*columns).tolist()


def test_nonlinearities_equal_c_over_their_whole_domain(harness):
    x = np.arange(-(2**16), 2**16)  # flat beyond int16: corners above cover the rest
    for name in ("tanh_q15", "sigmoid_q15"):
        expect_equal(name, harness, [x])


def test_scalar_shifts_equal_c(harness):
    for n in (-62, -33, -1, 0, 1, 17):
        x = np.array(corners(-(2**45), 2**45))
        want = fixed.shift_round(x, n)
        assert np.array_equal(want, harness("shift_round", x, np.full(x.size, n)))
    for q in (0, 1, 15, 30):
        rng = np.random.default_rng(q)
        num = rng.integers(-(2**32), 2**32, 20_000) >> rng.integers(0, 32, 20_000)
        den = np.maximum(rng.integers(1, 2**61, 20_000) >> rng.integers(0, 61, 20_000), 1)
        want = fixed.div_q(num, den, q)
        assert np.array_equal(want, harness("div_q", num, den, np.full(num.size, q)))
        exact = [
            ((int(n) << q) * 2 + int(d)) // (2 * int(d)) for n, d in zip(num, den, strict=True)
        ]
        assert want.tolist() == exact
    for shift in (0, 5, 20):
        x = np.random.default_rng(shift).integers(0, 128 << shift, 20_000)
        x = np.concatenate([x, [0, (128 << shift) - 1]])
        want = fixed.lut_lerp(fixed.LOG2_Q30, x, shift)
        assert np.array_equal(want, harness("lut_lerp", x, np.full(x.size, shift)))


@pytest.mark.parametrize("name", ["bit_length", "isqrt64", "log2_q16"])
def test_upper_half_of_uint64_equals_python_ints(name, harness):
    x = [2**63, 2**63 + 1, 2**64 - 2**32, 2**64 - 2**33 + 1, 2**64 - 1]
    want = [getattr(fixed, name)(v) for v in x]
    assert harness(name, np.array([v - 2**64 for v in x])).tolist() == want


def test_rounding_is_half_up():
    assert fixed.rshift_round(np.array([-3, -2, -1, 1, 2, 3]), 1).tolist() == [-1, -1, 0, 1, 1, 2]
    assert fixed.rshift_round(5, 0) == 5
    assert fixed.div_q(np.array([-3, -1, 1, 3]), 2, 0).tolist() == [-1, 0, 1, 2]


def test_saturation_at_minus_one_squared():
    assert fixed.mul_q15(-(2**15), -(2**15)) == 2**15 - 1
    assert fixed.mul_q31(-(2**31), -(2**31)) == 2**31 - 1


def test_narrow_arrays_do_not_wrap():
    assert fixed.mul_q15(np.int16([32767]), np.int16([32767]))[0] == 32766
    assert fixed.rshift_round(np.int16([32767]), 8)[0] == 128


def test_integers_match_their_definition():
    (x,) = samples([U63])
    assert fixed.isqrt64(x).tolist() == [math.isqrt(int(v)) for v in x]
    root = np.random.default_rng(2).integers(1, math.isqrt(2**63 - 1), 20_000)
    assert np.array_equal(fixed.isqrt64(root * root), root)
    assert np.array_equal(fixed.isqrt64(root * root - 1), root - 1)
    assert fixed.bit_length(x).tolist() == [int(v).bit_length() for v in x]


def test_tanh_and_sigmoid_error_over_the_whole_domain():
    x = np.concatenate([np.arange(-(2**16), 2**16), [-(2**31), 2**31 - 1]])
    exact = np.tanh(x / fixed.TANH_ONE)
    tanh, sigmoid = fixed.tanh_q15(x), fixed.sigmoid_q15(x)
    error = np.abs(tanh - 2**15 * exact)
    assert error.max() <= 2.0 and error[np.abs(x) < 2**15].max() <= 1.8
    assert error[(np.abs(x) >= 3.5 * fixed.TANH_ONE) & (np.abs(x) < 2**15)].max() <= 1.1
    assert np.abs(sigmoid - 2**14 * (1 + exact)).max() <= 1.4
    assert np.array_equal(tanh, -fixed.tanh_q15(-x))
    assert np.all(sigmoid + fixed.sigmoid_q15(-x) == 2**15)
    assert np.diff(tanh[:-2]).min() >= -1 and np.diff(sigmoid[:-2]).min() >= -1
    assert (tanh.min(), tanh.max()) == (-32766, 32766)
    assert (sigmoid.min(), sigmoid.max()) == (1, 32767)


def test_partial_sums_of_tanh_fit_16_bits():
    """Those of every argument: vectors compute them in int16, and a sigmoid adds 1."""
    sums = np.array(fixed.tanh_sums(np.arange(2**15)))
    assert np.abs(sums).max() <= 2**15 - 2


def test_log2_error():
    octave = np.arange(2**22, 2**23)  # every mantissa the table can see
    x = np.concatenate([np.arange(1, 2**16), octave, samples([U63])[0][1:]])
    x = x[x > 0]
    error = fixed.log2_q16(x) - 2**16 * np.log2(x.astype(np.longdouble))
    assert np.abs(error).max() <= 1.25
    assert fixed.log2_q16(0) == fixed.log2_q16(1) == 0
