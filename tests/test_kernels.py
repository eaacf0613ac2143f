"""Kernels: packed layout against its definition, every variant against scalar, choice by CPU."""

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import needs
from test_render import toy

from codegen import kernels, pack, render
from targets import build, target
from targets.target import HARNESS


@pytest.mark.parametrize(("rows", "cols"), [(16, 32), (4, 32), (36, 64), (1, 1), (35, 33), (48, 7)])
@pytest.mark.parametrize("depth", [2, 4, 8])
def test_packed_place_of_every_weight(rows, cols, depth):
    weight = np.random.default_rng(rows).integers(-127, 128, (rows, cols)).astype(np.int8)
    packed = pack.pack(weight, depth)
    packed_rows, packed_cols = pack.padded(rows, cols, depth)
    assert packed.size == packed_rows * packed_cols
    assert np.abs(packed.astype(int)).sum() == np.abs(weight.astype(int)).sum()
    for row in range(rows):
        n = 16 if row < packed_rows // 16 * 16 else 4
        for col in range(cols):
            group, k = divmod(col, depth)
            place = (row // n * n) * packed_cols + (group * n + row % n) * depth + k
            assert packed[place] == weight[row, col]


@pytest.mark.parametrize("depth", [4, 8])
@pytest.mark.parametrize(("rows", "cols"), [(48, 64), (36, 33), (100, 70)])
def test_what_a_sparse_matrix_holds(rows, cols, depth):
    """Taken apart again by the index it is the matrix itself; nothing that is zero is held."""
    rng = np.random.default_rng(cols)
    weight = rng.integers(1, 128, (rows, cols)).astype(np.int8)
    held = np.kron(rng.random((-(-rows // 16), -(-cols // 4))) < 0.4, np.ones((16, 4)))
    held[16:32] = 0  # rows without a block
    held[:16] = np.arange(held.shape[1]) // 4 == 2  # and with one
    weight[held[:rows, :cols] == 0] = 0
    groups = pack.groups_of(weight)
    packed, index = pack.pack(weight, depth, groups), pack.index_of(groups).tolist()
    found, at = np.zeros(pack.padded(rows, cols, depth), np.int8), 0
    for row in range(0, len(found) // 16 * 16, 16):
        count, *blocks = index[: index[0] + 1]
        index = index[count + 1 :]
        blocks += blocks[-1:] * (len(blocks) * 4 % depth // 4)  # beside zeros
        for pair in np.reshape(blocks, (-1, depth // 4)):
            for r in range(row, row + 16):
                for group in pair:
                    found[r, 4 * group : 4 * group + 4] += packed[at : at + 4]
                    at += 4
    body, behind = len(found) // 16 * 16, 64 * (depth == 4)
    assert not index and np.array_equal(found[:body, :cols], weight[:body])
    if body < len(found):
        rest = pack.pack(weight[body:], depth)
        assert np.array_equal(packed[at : at + rest.size], rest)
        at += rest.size
    assert packed[at:].tolist() == [0] * behind


def test_a_matrix_without_zero_blocks_is_dense():
    weight = np.zeros((40, 70), np.int8)
    weight[::16, ::4] = weight[32:, 0] = 1
    assert pack.groups_of(weight) is None
    weight[:16, :36] = 0  # 27 of 36 blocks are left; what follows counts for none
    assert pack.groups_of(weight) is None
    weight[16:32, 0] = 0
    assert [len(held) for held in pack.groups_of(weight)] == [9, 17]


def test_bounds_of_the_narrow_sums():
    assert dict((name, worst) for name, worst, _ in kernels.bounds()) == {
        "kernels tanh partial sum": 32766,
        "kernels state update product": 2 * 32767**2,
        "kernels two int8 products": 32258,
    }


CHOICE = """
#include <stdio.h>
#include "kernels.h"
int main(void) { return puts(percepnet_kernels_choose()->isa) < 0; }
"""


class Check:
    """kernel_check of the toy network, compiled for a target without optimisation."""

    def __init__(self, root: Path, name: str) -> None:
        loaded = target.load(name)
        flags = [*loaded.compile["flags"], "-O1"]
        self.root = root
        self.target = dataclasses.replace(loaded, compile={**loaded.compile, "flags": flags})
        self.gen = root / self.target.folder / "gen"
        self.gen.mkdir(parents=True)
        files = render.render(*toy())
        for file in files.keys() - {"weights.c", "weights_i8mm.c", "taps.c"}:
            (self.gen / file).write_text(files[file])
        sources = [self.gen / file for file in (*kernels.files(), "kernels.c", "tables.c")]
        start = [HARNESS / file for file in loaded.compile.get("start", [])]
        self.sources = [*sources, HARNESS / "kernel_check.c", *start]
        self.objects = self.compile(self.sources, root / "obj")
        self.link(self.objects)

    def compile(self, sources: list[Path], into: Path) -> list[Path]:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            return build.compile_objects(self.target, sources, into)

    def link(self, objects: list[Path]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            build.link(self.target, self.target.compile["link"], objects, "kernel_check")

    def run(self, cpu: str, seed: str = "1") -> subprocess.CompletedProcess:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            command = [*self.target.command(cpu, program="kernel_check"), seed]
            return subprocess.run(command, check=False, capture_output=True, text=True)

    def chosen(self, cpu: str) -> str:
        """The set of kernels that an instance takes on a CPU."""
        (self.root / "choice.c").write_text(CHOICE)
        choice = self.compile([self.root / "choice.c"], self.root / "choice")
        self.link([*(o for o in self.objects if o.stem != "kernel_check"), *choice])
        done = self.run(cpu)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def mutated(self, file: str, old: str, new: str) -> None:
        """Compiles and links the program with one file changed, which is then put back."""
        text = (self.gen / file).read_text()
        assert old in text, f"{file} holds no {old!r}"
        (self.gen / file).write_text(text.replace(old, new))
        changed = [s for s in self.sources if s.name == file or file.endswith(".h")]
        fresh = self.compile(changed, self.root / "fresh")
        (self.gen / file).write_text(text)
        kept = [o for o in self.objects if o.stem not in {f.stem for f in fresh}]
        self.link([*kept, *fresh])


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return Check(tmp_path_factory.mktemp("host"), "host")


def test_every_variant_equals_scalar_on_the_host(host):
    host.link(host.objects)
    done = host.run("native")
    assert done.returncode == 0, done.stderr
    assert "scalar: 0 of" in done.stdout


def test_every_shape_of_the_network_is_checked(host):
    """The header names the matrices of the plan, for kernel_check."""
    text = (host.gen / "kernels.h").read_text()
    for m in toy()[0]["dnn"]["matrices"]:
        assert f"DO({m['packed_rows']}, {m['packed_cols']}, {m['depth']})" in text


def test_an_operation_without_a_check_does_not_build(host):
    """The table of kernels names it, and nothing in kernel_check does."""
    with pytest.raises(SystemExit, match="check_halve_s16"):
        host.mutated("kernels.h", "    DO(erb_inner_s32)", "    DO(halve_s16) DO(erb_inner_s32)")
    host.link(host.objects)


@pytest.fixture(scope="module")
def arm64(tmp_path_factory):
    needs("arm64")
    return Check(tmp_path_factory.mktemp("arm64"), "arm64")


@pytest.fixture(scope="module")
def wasm(tmp_path_factory):
    needs("wasm")
    return Check(tmp_path_factory.mktemp("wasm"), "wasm")


@pytest.fixture(scope="module")
def m55(tmp_path_factory):
    needs("m55")
    return Check(tmp_path_factory.mktemp("m55"), "m55")


@pytest.mark.parametrize(("cpu", "sets"), [("cortex-a53", 2), ("cortex-a76", 3), ("max", 4)])
def test_every_variant_equals_scalar_on_arm64(arm64, cpu, sets):
    arm64.link(arm64.objects)
    for seed in ("1", "2"):
        done = arm64.run(cpu, seed)
        assert done.returncode == 0, done.stderr
        assert f"seed {seed}" in done.stdout and done.stdout.count(": 0 of ") == sets
        assert ("dotprod: not on this CPU" in done.stdout) == (sets == 2)
        assert ("i8mm: not on this CPU" in done.stdout) == (sets < 4)


@pytest.mark.parametrize(("cpu", "isa"), [("cortex-a53", "neon"), ("cortex-a76", "dotprod"),
                                          ("max", "i8mm")])  # fmt: skip
def test_a_cpu_gets_the_fastest_set_that_it_runs(arm64, cpu, isa):
    assert arm64.chosen(cpu) == isa


def test_every_variant_equals_scalar_on_armv7(tmp_path):
    needs("armv7")
    check = Check(tmp_path, "armv7")
    done = check.run(check.target.cpus[0])
    assert done.returncode == 0, done.stderr
    assert "neon: 0 of " in done.stdout


@pytest.mark.parametrize("cpu", ["node", "wasmtime"])
def test_every_variant_equals_scalar_in_a_module(wasm, cpu):
    wasm.link(wasm.objects)
    done = wasm.run(cpu)
    assert done.returncode == 0, done.stderr
    assert "simd128: 0 of " in done.stdout


MUTATIONS = {
    "truncated requantisation": ("neon.h", "vqrdmulhq_s32(acc", "vqdmulhq_s32(acc"),
    "columns swapped": ("matmul_s8_neon.c", "&w, repeat2(x16)", "&w, repeat1(x16)"),
    "lane of dot product": ("matmul_s8_dotprod.c", "in[0], 2)", "in[0], 3)"),
    "blocks of a sparse matrix": ("matmul_s8_dotprod.c", "b.index[i]", "b.index[0]"),
    "partner of a block": ("matmul_s8_neon.c", "pick(x, b.index[i + 1])", "pick(x, b.index[i])"),
    "inputs of a last block": ("matmul_s8_neon.c", "vdupq_n_s8(0))", "vdupq_n_s8(1))"),
    "two groups": ("matmul_s8_i8mm.c", "columns * second", "columns * first"),
    "columns of a pair": ("matmul_s8_i8mm.c", "by_column.val[c % 2]", "by_column.val[0]"),
    "accumulators mixed": ("matmul_s8_s16_neon.c", "(acc.rows[2]", "(acc.rows[1]"),
    "half of the offset": ("gates_s32_neon.c", "vmulq_n_s16(size, 30)", "vmulq_n_s16(size, 15)"),
    "low bytes twice": ("gates_s32_neon.c", "vorrq_u16(point, vdupq_n_u16(16 << 8))", "point"),
    "saturation left out": ("gates_s32_neon.c", "vqmovn_s32(low)", "vmovn_s32(low)"),
    "a state truncated": ("gates_s32_neon.c", "vrshrn_n_s32(low", "vshrn_n_s32(low"),
    "sign of tanh": ("gates_s32_neon.c", "x_6k)), sign), sign)", "x_6k)), sign), x_6k)"),
    "bins turned": ("fft_s32_neon.c", "vrev64q_s32(a)", "a"),
    "a product truncated": ("fft_s32_neon.c", "vqrdmulhq_s32(a", "vqdmulhq_s32(a"),
    "mask of a band": ("erb_inner_s32_neon.c", "masks + 4 - (end - j)", "masks"),
    "lag": ("correlate_s16_neon.c", "window, past + lag)", "window, past)"),
    "halves": ("correlate_s16_neon.c", "out[i + HALF] += shared[i]", "out[i + HALF] += shared[0]"),
    "write past the end": ("gates_s32_neon.c", "i + 8 <= n", "i < n"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation_is_seen(arm64, mutation):
    arm64.mutated(*MUTATIONS[mutation])
    done = arm64.run("max")
    assert done.returncode == 1 and "scalar" in done.stderr


X86_MUTATIONS = {
    "inputs not raised": ("matmul_s8_vnni.c", "(m->bias_raised + row)", "(m->bias + row)"),
    "chains of a sparse matrix": ("matmul_s8_vnni.c", "percepnet_group(b, i + k)", "(i + k)"),
    "blocks left over": ("matmul_s8_vnni.c", "percepnet_group(b, i))", "i)"),
    "blocks of a sparse matrix": ("matmul_s8_avx2.c", "percepnet_group(b, i)", "i"),
    "points 8 to 15": ("gates_s32_avx2.c", "table->high[i], at_high", "table->low[i], at_high"),
    "odd product truncated": ("fft_s32_avx2.c", "_mm256_add_epi64(odd, half)", "odd"),
    "bins turned": ("fft_s32_avx2.c", "epi32(7, 6,", "epi32(6, 7,"),
    "twiddles of two blocks": ("fft_s32_avx2.c", "_mm_set1_epi32(x[1])", "_mm_set1_epi32(x[0])"),
    "mask of a band": ("erb_inner_s32_avx2.c", "masks + 4 - (end - j)", "masks"),
    "one size only": ("matmul_s8_avx2.c", "for (; row < m->rows; row += 4",
                      "for (; row < m->rows && (m->rows != 60 || columns < 4); row += 4"),
    "lag": ("correlate_s16_avx2.c", "past + i - n", "past + i - n / 2"),
}


@pytest.mark.parametrize("mutation", X86_MUTATIONS)
def test_mutation_is_seen_on_x86(host, mutation):
    file = X86_MUTATIONS[mutation][0]
    isa = file.removesuffix(".c").rpartition("_")[2]
    host.link(host.objects)
    if f"{isa}: 0 of " not in host.run("native").stdout:
        pytest.skip(f"this CPU has no {isa}")
    host.mutated(*X86_MUTATIONS[mutation])
    done = host.run("native")
    assert done.returncode == 1 and "scalar" in done.stderr


WASM_MUTATIONS = {
    "rounding left out": ("simd128.h", "splat(1 << 30)", "splat(0)"),
    "rows of a vector": ("matmul_s8_simd128.c", "w + 8 * r", "w + 8 * (r ^ 1)"),
    "blocks of a sparse matrix": ("matmul_s8_simd128.c", "percepnet_group(b, i)", "i"),
    "rows of int16": ("matmul_s8_s16_simd128.c", "w + 8 * r", "w + 8 * (r / 2)"),
    "half of the offset": ("gates_s32_simd128.c", "i16x8_splat(30)", "i16x8_splat(15)"),
    "sign of tanh": ("gates_s32_simd128.c", "(x_6k)), sign), sign)", "(x_6k)), sign), x_6k)"),
    "bins turned": ("fft_s32_simd128.c", "3, 2, 1, 0", "3, 2, 0, 1"),
    "a product truncated": ("fft_s32_simd128.c", "splat(1 << 30)", "splat(0)"),
    "lag": ("correlate_s16_simd128.c", "past + i - n", "past + i - n / 2"),
}


@pytest.mark.parametrize("mutation", WASM_MUTATIONS)
def test_mutation_is_seen_in_a_module(wasm, mutation):
    wasm.mutated(*WASM_MUTATIONS[mutation])
    done = wasm.run("node")
    assert done.returncode == 1 and "scalar" in done.stderr


def test_every_variant_equals_scalar_with_helium(m55):
    m55.link(m55.objects)
    done = m55.run("cortex-m55")
    assert done.returncode == 0, done.stderr
    assert "helium: 0 of " in done.stdout


HELIUM_MUTATIONS = {
    "rows mixed": ("matmul_s8_helium.c", "whole_row_of(weight + 8,", "whole_row_of(weight + 4,"),
    "blocks of a sparse matrix": ("matmul_s8_helium.c", "b.index[i]", "i"),
    "groups left over": ("matmul_s8_helium.c", "vctp32q((uint32_t)groups)", "vctp32q(1)"),
    "a state truncated": ("gates_s32_helium.c", "0), even, 15)", "0), even, 14)"),
    "saturation left out": ("gates_s32_helium.c", "vqmovnbq_s32(", "vmovnbq_s32("),
    "bins turned": ("fft_s32_helium.c", "a[3], a[2], a[1]", "a[3], a[1], a[2]"),
    "low bits of a bin": ("erb_inner_s32_helium.c", "vdupq_n_s32(7)", "vdupq_n_s32(6)"),
    "lag": ("correlate_s16_helium.c", "past + i - 1", "past + i"),
}


@pytest.mark.parametrize("mutation", HELIUM_MUTATIONS)
def test_mutation_is_seen_with_helium(m55, mutation):
    m55.mutated(*HELIUM_MUTATIONS[mutation])
    done = m55.run("cortex-m55")
    assert done.returncode == 1 and "scalar" in done.stderr
