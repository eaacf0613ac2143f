"""Kernels: packed layout against its definition, every variant against scalar, choice by CPU."""

import subprocess

import numpy as np
import pytest
from conftest import needs_arm64
from test_render import toy

from codegen import kernels, pack, render
from targets import build, run, target


@pytest.mark.parametrize(("rows", "cols"), [(16, 32), (4, 32), (36, 64), (1, 1), (35, 33), (48, 7)])
@pytest.mark.parametrize("depth", [1, 4])
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


def test_bounds_of_the_narrow_sums():
    assert dict((name, worst) for name, worst, _ in kernels.bounds()) == {
        "kernels tanh interpolation": 127 * round(2**30 * np.tanh(1 / 64)),
        "kernels two int8 products": 32258,
    }


def build_toy(root, monkeypatch, name: str, edit: tuple[str, str, str] | None = None):
    """`build/<name>` of the toy network under `root`; edit: file, old and new text."""
    monkeypatch.chdir(root)
    gen = root / "build" / name / "gen"
    gen.mkdir(parents=True)
    for file, text in render.render(*toy()).items():
        if edit and file == edit[0]:
            assert edit[1] in text
            text = text.replace(*edit[1:])
        (gen / file).write_text(text)
    build.build(target.load(name))
    return target.load(name)


def test_every_variant_equals_scalar_on_the_host(tmp_path, monkeypatch, capsys):
    host = build_toy(tmp_path, monkeypatch, "host")
    assert run.check_kernels(host) == 0
    assert "scalar: 0 of" in capsys.readouterr().out


@pytest.fixture(scope="module")
def arm64(tmp_path_factory):
    needs_arm64()
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("arm64")
        yield root, build_toy(root, patch, "arm64")


@pytest.mark.parametrize("seed", ["1", "2"])
@pytest.mark.parametrize(("cpu", "sets"), [("cortex-a53", 2), ("cortex-a76", 3), ("max", 3)])
def test_every_variant_equals_scalar_on_arm64(arm64, monkeypatch, cpu, sets, seed):
    root, built = arm64
    monkeypatch.chdir(root)
    command = [*built.command(cpu, program="kernel_check"), seed]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert f"seed {seed}" in text and text.count(": 0 of ") == sets
    assert ("dotprod: not on this CPU" in text) == (sets == 2)


MUTATIONS = {
    "truncated requantisation": ("neon.h", "low = vrshlq_s64(low", "low = vshlq_s64(low"),
    "columns swapped": ("matvec_s8_neon.c", "repeat2(x16), a.val[3]", "repeat1(x16), a.val[3]"),
    "lane of dot product": ("matvec_s8_dotprod.c", "a.val[3], low, 2", "a.val[3], low, 3"),
    "short accumulator": ("matvec_s8_s16_neon.c", "vmlal_s16(acc2", "vmlal_s16(acc1"),
    "half of the fraction": ("gates_s32_neon.c", "(1 << 7) - 1", "(1 << 6) - 1"),
    "sign of tanh": ("gates_s32_neon.c", "vsub_s16(veor_s16(size, sign), sign)", "size"),
    "write past the end": ("gates_s32_neon.c", "i + 4 <= n", "i < n"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_mutation_is_seen(tmp_path, monkeypatch, capsys, mutation):
    needs_arm64()
    built = build_toy(tmp_path, monkeypatch, "arm64", MUTATIONS[mutation])
    assert run.check_kernels(built) > 0
    assert "scalar" in capsys.readouterr().err
