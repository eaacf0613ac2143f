"""Faults put in on purpose: each must turn a check red, and the first signal it reaches is named.

Wide weights and accumulators that do not fit are refused before a line of C is printed; whatever
changes a bit of the C is found by comparison with the twin.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from generated import adversarial, speech

from codegen import kernels, quantize, render
from codegen import plan as planning
from reference.clips import to_int16
from reference.dnn import load
from targets import build, diff, settings, target

CLIP = Path("clip.wav")


class Bench:
    """The default model built for this machine, and the twin's signals of one clip."""

    def __init__(self) -> None:
        self.content, self.arrays = planning.plan("small")
        self.host = target.load("host")
        self.host.compile["flags"][0] = "-O1"
        render.write("small", self.host.folder / "gen")
        kernels = self.host.folder / "gen" / "kernels.c"  # plain ones: that is where faults are put
        choice = kernels.read_text().replace("return best;", "return percepnet_kernel_sets[0];")
        kernels.write_text(choice)
        build.build(self.host)
        hostile = adversarial()[::3].ravel()
        samples = np.concatenate([to_int16(speech(0.6)), hostile])
        soundfile.write(CLIP, samples, 48000, "PCM_16")
        self.twin = diff.twin_taps("small", CLIP, every_stage=True)

    def texts(self, arrays: dict) -> dict[str, str]:
        """Generated files that other arrays change."""
        before = render.render(self.content, self.arrays)
        after = render.render(self.content, arrays)
        return {name: text for name, text in after.items() if text != before[name]}

    def first_difference(self, changed: dict[str, str]) -> str:
        """Builds with `changed` files in the place of the generated ones and compares."""
        gen, command = self.host.folder / "gen", self.host.folder / "percepnet"
        kept = {name: (gen / name).read_text() for name in changed} | {"": command.read_bytes()}
        headers = any(name.endswith(".h") for name in changed)
        library = sorted((self.host.folder / "obj" / "library").glob("*.o"))
        try:
            for name, text in changed.items():
                (gen / name).write_text(text)
            sources = [gen / f"{path.stem}.c" for path in library
                       if headers or f"{path.stem}.c" in changed]  # fmt: skip
            new = build.compile_objects(self.host, sources, self.host.folder / "obj" / "mutant")
            names = {path.name for path in new}
            objects = new + [path for path in library if path.name not in names]
            harness = (self.host.folder / "obj" / "percepnet").glob("*.o")
            build.call(["gcc", *map(str, [*harness, *objects]), "-lm", "-o", str(command)])
            ours = diff.command_taps(self.host, "native", CLIP, settings.EVERY_STAGE)
            return diff.first_difference(self.twin, ours, self.content["taps"])
        except SystemExit as stop:
            return f"stopped: {stop}"
        finally:
            command.write_bytes(kept.pop(""))
            for name, text in kept.items():
                (gen / name).write_text(text)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("mutations"))
        yield Bench()


def test_without_a_fault_nothing_is_red(bench):
    untouched = (bench.host.folder / "gen" / "tables.c").read_text()
    assert bench.first_difference({"tables.c": untouched}) == ""


ROUNDED = r"\(x \+ \(\(INT64_C\(1\) << n\) >> 1\)\) >> n"
TRUNCATED = "(x + ((INT64_C(1) << n) >> 1)) / (INT64_C(1) << n)"
# File, what is replaced, by what, and the stage that must be named.
FAULTS = {
    "rounding of the shift": ("fixed.h", ROUNDED, "x >> n", "stft"),
    "rounding of the Q31 product": ("fixed.h", r" \+ \(1 << 30\)\) >> 31", ") >> 31", "gains"),
    "truncation of a negative shift": ("fixed.h", ROUNDED, TRUNCATED, "stft"),
    "saturation left out": ("fixed.h", r"\(int16_t\)clamp\(x, INT16_MIN, INT16_MAX\)", "(int16_t)x",
                            ""),
    "accumulator of a band": ("erb_inner_s32_scalar.c", r"int64_t total = 0,",
                              "int32_t total = 0; int64_t", "erb"),
    "accumulator of the pitch": ("pitch.c", r"int32_t acc = 0;", "int16_t acc = 0;", "pitch"),
    "last tap of the comb": ("comb.c", r"TERMS; term\+\+\)\n        sum",
                             "TERMS - 1; term++)\n        sum", "comb"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_changed_line_is_found(bench, fault):
    name, old, new, stage = FAULTS[fault]
    text = (bench.host.folder / "gen" / name).read_text()
    changed, count = re.subn(old, lambda _: new, text, count=1)
    assert count == 1, f"{name} holds no {old!r}"
    bench.host.compile["flags"] = [f for f in bench.host.compile["flags"] if f != "-Wconversion"]
    words = bench.first_difference({name: changed})
    # A wrong value may stop the program in a later stage (a division): that is red as well.
    assert words.startswith((f"stage {stage}", "stopped")), words or "no check turned red"


TABLES = (
    "band_peaks comb_weights_q15 dry_share_q30 fft_cos_q31 fft_sin_q31 log2_q30 "
    "pitch_bias_q15 pitch_fir_q15 pitch_move_cost_q15 pitch_move_first pitch_period_weights_q15 "
    "pitch_window_q15 rise_q11 sine_q30 tanh_cubics_q15 unpack_cos_q31 unpack_sin_q31 win_q15 "
    "winsyn_q39"
)


def test_every_table_is_mutated(bench):
    assert sorted(bench.content["tables"]) == TABLES.split()


# Where the clip looks: w_0 and w_1 of the comb with two future periods; the attenuation limit of
# the run; staying at the shortest lag, as in silence, and jumping by 16 lags; the bias of the
# shortest lag and of the longest.
PLACES = {
    "comb_weights_q15": (27, 28),
    "dry_share_q30": (12, 20),
    "pitch_bias_q15": (0, 185),
    "pitch_move_cost_q15": (0, 16 * 186),
}


@pytest.mark.parametrize("name", TABLES.split())
def test_a_swapped_table_entry_is_found(bench, name):
    """Two entries at a third and at two thirds of the table, or the next that differ."""
    values = bench.arrays[name].copy()
    flat = values.ravel()
    i, start = PLACES.get(name, (flat.size // 3, 2 * flat.size // 3))
    j = next(j for j in range(start, flat.size) if flat[j] != flat[i])
    flat[[i, j]] = flat[[j, i]]
    changed = bench.texts(bench.arrays | {name: values})
    assert list(changed) == ["tables.c"]
    assert bench.first_difference(changed), "no check turned red"


@pytest.mark.parametrize("matrix_name", ["dense", "conv1", "gru2_hh", "gain", "vad"])
def test_one_weight_off_by_one_is_found(bench, matrix_name):
    weight = bench.arrays[f"{matrix_name}_weight"].copy()
    column = np.abs(weight[0].astype(int)).argmax()  # an input that matters, so hardly silent
    weight[0, column] += 1 if weight[0, column] < 0 else -1
    changed = bench.texts(bench.arrays | {f"{matrix_name}_weight": weight})
    layer = matrix_name.split("_")[0]
    words = bench.first_difference(changed)
    assert words.startswith(f"stage dnn, signal {layer}_q15"), words or "no check turned red"


def test_a_widened_weight_is_refused():
    """-128 or 200 in an int8 row: the proofs hold for -127..127 only."""
    plan, arrays = quantize.quantize(load("small"))
    entry = next(m for m in plan["matrices"] if m["name"] == "gru2_hh")
    for value in (-128, 200):
        w = arrays["gru2_hh_weight"].astype(np.int64)
        w[7, 3] = value
        with pytest.raises(OverflowError, match=rf"gru2_hh row 7: weight .* {abs(value)}, bound"):
            quantize.prove("gru2_hh", w, arrays["gru2_hh_bias"], arrays["gru2_hh_mult"],
                           entry["x_max"])  # fmt: skip


MODULES = {**planning.STAGES, "kernels": kernels}


@pytest.mark.parametrize("name", [bound["name"] for bound in planning.bounds()])
def test_a_shortened_accumulator_is_refused(name, monkeypatch):
    """One bit less than its worst case takes: named, with value and bound."""
    module = MODULES[name.split()[0]]
    shorter = {b: (b, worst, (1 << worst.bit_length() - 1) - 1) for b, worst, _ in module.bounds()}
    kept = [shorter[b[0]] if b[0] == name else b for b in module.bounds()]
    monkeypatch.setattr(module, "bounds", lambda: kept)
    _, worst, limit = shorter[name]
    with pytest.raises(OverflowError) as refusal:
        planning.plan("tiny")
    assert f"{name}: can reach {worst}, bound is {limit}" in str(refusal.value)


def test_a_table_wider_than_its_type_is_refused():
    with pytest.raises(OverflowError, match="table 'window, Q15' needs more than int16_t"):
        planning.describe("int16_t", np.array([0, 2**15]), "window, Q15")


# ---- kernels of x86; those of Arm are in test_kernels.py ----

# File, what is replaced, by what: kernel_check must find the set of that file unequal to scalar.
KERNEL_FAULTS = {
    "accumulator of 16 bits": ("matmul_s8_avx2.c", "_mm256_add_epi32(acc, _mm256_madd_epi16(pairs",
                               "_mm256_add_epi16(acc, _mm256_madd_epi16(pairs"),
    "accumulator of the features": ("matmul_s8_s16_avx2.c", "_mm256_add_epi32(acc, _mm256_madd",
                                    "_mm256_add_epi16(acc, _mm256_madd"),
    "weights of other rows": ("matmul_s8_avx2.c", "w + 32, x4", "w, x4"),
    "inputs raised, bias not": ("matmul_s8_vnni.c", "(m->bias_raised + row)", "(m->bias + row)"),
    "a sum left out": ("matmul_s8_vnni.c", "int k = 1; k < CHAINS; k++)\n            acc[0][c]",
                       "int k = 2; k < CHAINS; k++)\n            acc[0][c]"),
    "rounding of a state": ("gates_s32_avx2.c", "_mm256_set1_epi32(1 << 14)",
                            "_mm256_setzero_si256()"),
    "rounding of a gate": ("gates_s32_avx2.c", "_mm256_set1_epi64x(1 << 14)",
                           "_mm256_set1_epi64x(0)"),
    "swapped table entries": ("gates_s32_avx2.c", "percepnet_tanh_cubics_q15 + 16 * i)",
                              "percepnet_tanh_cubics_q15 + 16 * i + 1)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def kernel_check(tmp_path_factory):
    """kernel_check of this machine, and the sets of kernels that it has."""
    from test_kernels import Check

    check = Check(tmp_path_factory.mktemp("kernels"), "host")
    done = check.run("native")
    assert done.returncode == 0, done.stderr
    return check, set(re.findall(r"(\w+): 0 of", done.stdout))


@pytest.mark.parametrize("fault", KERNEL_FAULTS)
def test_a_changed_kernel_is_found(kernel_check, fault):
    check, sets = kernel_check
    name, old, new = KERNEL_FAULTS[fault]
    isa = Path(name).stem.split("_")[-1]
    if isa not in sets:
        pytest.skip(f"this machine has no {isa}")
    check.mutated(name, old, new)
    done = check.run("native")
    assert done.returncode == 1 and isa in done.stderr and "scalar" in done.stderr
