"""What kernel_check tries, taken down by a set of kernels that listens: all that its head promises.
"""

import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from conftest import needs
from test_render import toy

from codegen import render
from codegen.buffers import COLUMNS
from reference.params import HOP
from targets.target import HARNESS

FLAGS = ["-std=c99", "-O1", "-w", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
KERNELS = ("matmul_s8", "matmul_s8_s16", "tanh", "sigmoid", "gru", "fft", "unpack", "pack", "erb",
           "correlate")  # fmt: skip
KINDS = {"high", "low", "alternating", "near zero", "near limits", "any"}
SWEPT = range(4, 77, 4)


class Calls:
    """The calls of a run, in order: (numbers of its head, arrays)."""

    def __init__(self, path: Path, segment: int) -> None:
        self.data, self.at, self.segment = path.read_bytes(), 0, segment
        self.of = defaultdict(list)
        while self.at < len(self.data):
            kernel, *numbers = self.take(np.int32, 6).tolist()
            self.of[KERNELS[kernel]].append((numbers, self.arrays(KERNELS[kernel], *numbers)))

    def take(self, kind: type, count: int) -> np.ndarray:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def arrays(self, kernel: str, n: int, cols: int, stride: int, columns: int, held: int) -> list:
        heard = (columns - 1) * stride + cols
        layout = {
            "matmul_s8": [(np.int8, n * cols), (np.int8, n * (cols + 4)), (np.uint16, max(held, 0)),
                          *[(np.int32, n)] * 3, (np.int8, heard)],
            "matmul_s8_s16": [(np.int8, n * cols), *[(np.int32, n)] * 2, (np.int16, heard)],
            "tanh": [(np.int32, n)],
            "sigmoid": [(np.int32, n)],
            "gru": [(np.int16, n), *[(np.int32, 3 * n)] * 2],
            "erb": [(np.int32, HOP)] * 4,
            "correlate": [(np.int16, self.segment)],
        }  # fmt: skip
        return [self.take(*part) for part in layout.get(kernel, [(np.int32, HOP)] * 2)]


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    needs("host")
    folder = tmp_path_factory.mktemp("probe")
    files = render.render(*toy())
    scalar = [name for name in files if name.endswith("_scalar.c")]
    for name in [*scalar, "tables.c", *(name for name in files if name.endswith(".h"))]:
        (folder / name).write_text(files[name])
    sources = [HARNESS / "kernel_check.c", Path(__file__).with_name("kernel_probe.c")]
    subprocess.run(["gcc", *FLAGS, "-iquote", ".", *scalar, "tables.c", *sources, "-o", "check"],
                   check=True, cwd=folder)  # fmt: skip
    done = subprocess.run(["./check"], check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sizes = toy()[0]["constants"]
    return Calls(folder / "calls", sizes["PITCH_SEGMENT"])


def kind_of(values: np.ndarray, high: int) -> str:
    """The kind of 40 numbers or more that are drawn within -high..high."""
    assert np.abs(values.astype(int)).max() <= high
    even, odd = set(values[::2].tolist()), set(values[1::2].tolist())
    if len(even) == len(odd) == 1:
        pair = even.pop() > 0, odd.pop() > 0
        return {(True, True): "high", (False, False): "low"}.get(pair, "alternating")
    if np.abs(values).max() <= 1:
        return "near zero"
    return "near limits" if np.abs(values.astype(int)).min() >= high - 2 else "any"


def taken_apart(weight: np.ndarray, index: list[int], cols: int, rows: int, depth: int) -> tuple:
    """(rows, cols) of a packed matrix by the words of kernels.h, and how many weights it holds.

    index: of a sparse one; empty: all is there.
    """
    is_sparse, at, first = bool(index), 0, 0
    found = np.zeros((rows, cols + 4), np.int8)
    while first < rows:
        n, groups = (16 if first + 16 <= rows else 4), list(range(cols // 4))
        if is_sparse and n == 16:
            groups, index = index[1 : index[0] + 1], index[index[0] + 1 :]
        held = np.array(groups + [cols // 4] * (-len(groups) % (depth // 4)), int)  # beside zeros
        block = weight[at : at + 4 * n * held.size].reshape(-1, n, depth)
        places = (4 * held[:, None] + np.arange(4)).ravel()
        found[first : first + n, places] = block.transpose(1, 0, 2).reshape(n, -1)
        at, first = at + block.size, first + n
    assert not found[:, cols:].any() and not index
    return found[:, :cols], at


def test_every_shape_and_every_kind_of_operands_is_multiplied(calls):
    """With what the kernels need beside the weights, and no sum beyond int32."""
    kinds, shapes = defaultdict(set), set()
    for (rows, cols, stride, columns, held), arrays in calls.of["matmul_s8"]:
        weight, weight_i8mm, index, bias, mult, raised, heard = arrays
        matrix, count = taken_apart(weight, index.tolist(), cols, rows, 4)
        assert np.array_equal(matrix, taken_apart(weight_i8mm, index.tolist(), cols, rows, 8)[0])
        matrix = matrix.astype(np.int64)
        assert np.array_equal(raised, bias - 128 * matrix.sum(axis=1)) and mult.min() >= 1 << 19
        x = np.lib.stride_tricks.as_strided(heard, (columns, cols), (stride, 1)).astype(np.int64)
        sums = x @ matrix.T + bias, (x + 128) @ matrix.T + raised
        assert np.array_equal(*sums) and np.abs(sums).max() < 2**31 and stride >= 16
        if count >= 40:
            kinds[rows].add((kind_of(weight[:count], 127), kind_of(heard, 127)))
        shapes.add((rows, cols, columns, held < 0))
    pairs = {(weights, inputs) for weights in KINDS for inputs in KINDS}
    assert all(kinds[rows] == pairs for rows in SWEPT)
    own = {(m["packed_rows"], m["packed_cols"]) for m in toy()[0]["dnn"]["matrices"]
           if m["depth"] == 4}  # fmt: skip
    each = [(columns, is_dense) for columns in range(1, COLUMNS + 1) for is_dense in (True, False)]
    assert {(*shape, *way) for shape in own for way in each} <= shapes
    assert {(rows, *way) for rows in SWEPT for way in each} <= {(s[0], *s[2:]) for s in shapes}


def test_inputs_of_16_bits_likewise(calls):
    kinds, shapes = defaultdict(set), set()
    for (rows, cols, stride, columns, _), (weight, bias, mult, heard) in calls.of["matmul_s8_s16"]:
        worst = np.abs(bias.astype(np.int64)).max() + 127 * 32768 * cols
        assert worst < 2**31 and mult.min() >= 1 << 19 and stride >= 1
        if heard.size >= 40:
            kinds[rows].add((kind_of(weight, 127), kind_of(np.maximum(heard, -32767), 32767)))
        shapes.add((rows, cols, columns))
    assert all(kinds[rows] == {(w, x) for w in KINDS for x in KINDS} for rows in SWEPT)
    own = {(m["packed_rows"], m["packed_cols"], columns) for m in toy()[0]["dnn"]["matrices"]
           if m["depth"] == 2 for columns in range(1, COLUMNS + 1)}  # fmt: skip
    assert own <= shapes


@pytest.mark.parametrize("kernel", ["tanh", "sigmoid"])
def test_every_argument_of_16_bits_and_every_length(calls, kernel):
    calls = calls.of[kernel]
    values = np.concatenate([pre for _, (pre,) in calls])
    assert set(range(-36000, 36000)) <= set(values.tolist())
    assert set(range(1, 41)) <= {n for (n, *_), _ in calls}
    assert values.max() == 2**30 - 1 == -values.min()


def test_gates_of_every_layer_and_sign(calls):
    signs, lengths = set(), set()
    for (n, *_), (state, pre, hidden) in calls.of["gru"]:
        lengths.add(n)
        assert np.abs(state.astype(int)).max() <= 32767
        assert np.abs(pre.astype(np.int64) + hidden).max() < 2**31
        if n >= 20:
            signs.add(tuple(kind_of(np.sign(part) * 9, 9) for part in (pre, hidden)))
    own = {m["packed_rows"] // n for m in toy()[0]["dnn"]["matrices"] for n in (1, 3)}
    assert {*range(1, 41), *own} <= lengths
    assert {("alternating", "any"), *((a, b) for a in ("high", "low", "any")
                                      for b in ("high", "low", "any"))} <= signs  # fmt: skip


@pytest.mark.parametrize(("kernel", "divisor"), [("fft", 1024), ("unpack", 4), ("erb", 1)])
def test_every_part_of_a_spectrum_comes_near_its_bound(calls, kernel, divisor):
    """A part is below 428 million before it is divided."""
    for parts in zip(*(arrays for _, arrays in calls.of[kernel]), strict=True):
        assert len(parts) == 36 * 6
        largest = max(np.abs(part.astype(np.int64)).max() for part in parts)
        assert 0.999 * (3 << 27) // divisor < largest <= (3 << 27) // divisor


def test_shifts_of_spectra(calls):
    largest = defaultdict(int)
    for (shift, *_), parts in calls.of["pack"]:
        largest[shift] = max(largest[shift], *(int(np.abs(part).max()) for part in parts))
    assert set(largest) == set(range(13))
    for shift, found in largest.items():
        bound = (3 << 27) // (4 if shift < 2 else 1)
        assert 0.99 * bound < found <= bound


def test_segments_of_every_kind(calls):
    most = max(np.abs(segment).max() for _, (segment,) in calls.of["correlate"])
    assert most == 2 ** toy()[0]["constants"]["PITCH_SEGMENT_BITS"] - 1
    assert len(calls.of["correlate"]) == 36 * 6
