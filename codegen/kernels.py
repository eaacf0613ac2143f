"""Which kernels are generated, for which instruction sets, and what lets them be narrow.

To add a variant: its template kernels/<op>_<isa>.c.j2, its isa in OPS, a line in SETS where the
instruction set is new, and its compiler flags in targets/<name>.toml under [compile.isa].
"""

import numpy as np

from codegen import fixed, pack
from codegen.buffers import COLUMNS
from codegen.fixed import TANH_ONE
from codegen.quantize import S8_MAX
from reference.grid import W_MAX

_PRODUCT = (
    "int32_t *out_6k, const percepnet_matrix *m, const {input} *x, int stride, int columns"
)
_HALVES = "int32_t *low_re, int32_t *low_im, int32_t *high_re, int32_t *high_im"
COLS_CHECKED = 512  # widest matrix of kernel_check, if the network has no wider one
OPS = [
    {
        "name": "matmul_s8",
        "stage": "dnn",
        "isas": ["scalar", "neon", "dotprod", "i8mm", "avx2", "vnni", "simd128", "helium"],
        "functions": {"matmul_s8": (
            _PRODUCT.format(input="int8_t"),
            f"out_6k[rows] = rshift_round((bias + w x) * mult, 31), for 1..{COLUMNS} columns x of "
            "cols values, -127..127; column c begins at x[c * stride], its result at "
            "out_6k[c * rows]",
        )},
    },
    {
        "name": "matmul_s8_s16",
        "stage": "dnn",
        "isas": ["scalar", "neon", "avx2", "simd128"],
        "functions": {"matmul_s8_s16": (
            _PRODUCT.format(input="int16_t"), "the same of any int16_t"
        )},
    },
    {
        "name": "gates_s32",
        "stage": "dnn",
        "isas": ["scalar", "neon", "avx2", "simd128", "helium"],
        "functions": {
            "tanh_s32": (
                "int16_t *out_q15, int8_t *out_s8, const int32_t *pre_6k, int n",
                f"n of each from pre-activations in steps of 1/{TANH_ONE}; out_s8: as matrix "
                "inputs, step 1/127",
            ),
            "sigmoid_s32": (
                "int16_t *out_q15, const int32_t *half_6k, int n", "from halves of them"
            ),
            "gru_s32": (
                "int16_t *h_q15, int8_t *h_s8, const int32_t *x_6k, const int32_t *hidden_6k,"
                " int units",
                "torch.nn.GRU from its pre-activations of input and hidden state, each r, z, n of "
                "`units`, r and z halved: n = tanh(x_n + r h_n), h' = n + z (h - n); h' lies "
                "between n and h, so nothing saturates; h_s8: h' as matrix inputs",
            ),
        },
    },
    {
        "name": "fft_s32",
        "stage": "stft",
        "isas": ["scalar", "neon", "avx2", "simd128", "helium"],
        "functions": {
            "fft_s32": (
                "int32_t *a_re, int32_t *a_im, int32_t *b_re, int32_t *b_im",
                "480 complex values from a to b, which hold others afterwards",
            ),
            "unpack_s32": (
                f"{_HALVES}, const int32_t *z_re, const int32_t *z_im",
                "960 real values as 480 complex ones: bins k and 480 - k from values k and 480 - k "
                "of the FFT, k in 1..239; low[k] is bin k, high[239 - k] bin 480 - k",
            ),
            "pack_s32": (
                f"{_HALVES}, const int32_t *x_re, const int32_t *x_im, int shift",
                "the inverse, of bins scaled by 2^-shift",
            ),
        },
    },
    {
        "name": "erb_inner_s32",
        "stage": "erb",
        "isas": ["scalar", "neon", "avx2", "helium"],
        "functions": {"erb_inner_s32": (
            "int64_t *sums, const int32_t *a_re, const int32_t *a_im, const int32_t *b_re,"
            " const int32_t *b_im",
            "<a, b> of each band, see erb.h; may read up to bin ACTIVE_BINS + 3",
        )},
    },
    {
        "name": "correlate_s16",
        "stage": "pitch",
        "isas": ["scalar", "neon", "avx2", "simd128", "helium"],
        "functions": {"correlate_s16": (
            "int32_t *cross, const int16_t *newest",
            "sums of newest[i] newest[i - lag] over the correlation window, one a lag from LAG_MIN "
            "on",
        )},
    },
]  # fmt: skip
"""Operations: files kernels/<name>_<isa>.c.j2, and {function: (arguments, what it does)}.

The struct of function pointers, its sets and the checks that kernel_check must have follow.
"""
X86 = "defined(__x86_64__) && defined(__GNUC__)"
# From the slowest to the fastest: the isas to take from (the first that an op has), when the
# compiler can make it, and when the CPU can run it.
SETS = [
    {"isa": "scalar", "from": ["scalar"], "compiled": "1", "runs": "1"},
    {"isa": "neon", "from": ["neon"], "compiled": "defined(__ARM_NEON)", "runs": "1"},
    {
        "isa": "dotprod",
        "from": ["dotprod", "neon"],
        "compiled": "defined(__aarch64__)",
        "runs": "has_dotprod()",
    },
    {
        "isa": "i8mm",
        "from": ["i8mm", "neon"],
        "compiled": "defined(__aarch64__)",
        "runs": "has_i8mm()",
    },
    {"isa": "avx2", "from": ["avx2", "scalar"], "compiled": X86, "runs": "has_x86(0)"},
    {"isa": "vnni", "from": ["vnni", "avx2", "scalar"], "compiled": X86, "runs": "has_x86(1)"},
    {
        "isa": "simd128",
        "from": ["simd128", "scalar"],
        "compiled": "defined(__wasm_simd128__)",  # a module runs whole or not at all
        "runs": "1",
    },
    {
        "isa": "helium",
        "from": ["helium", "scalar"],
        "compiled": "defined(__ARM_FEATURE_MVE)",  # likewise
        "runs": "1",
    },
]


def plan() -> dict:
    """What templates need: files and prototypes, and for each set the function of each op."""
    sets = []
    for entry in SETS:
        chosen = {}
        for op in OPS:
            isa = next(isa for isa in entry["from"] if isa in op["isas"])
            chosen |= {name: f"percepnet_{name}_{isa}" for name in op["functions"]}
        sets.append({key: entry[key] for key in ("isa", "compiled", "runs")} | {"chosen": chosen})
    ops = [op | {"functions": {name: {"arguments": arguments.split(", "), "does": does}
                               for name, (arguments, does) in op["functions"].items()}}
           for op in OPS]  # fmt: skip
    return {"ops": ops, "sets": sets}


def files() -> list[str]:
    """Generated C files of the kernels, without folder."""
    return [f"{op['name']}_{isa}.c" for op in OPS for isa in op["isas"]]


def shapes(matrices: list[dict]) -> list[tuple[int, int, int]]:
    """(rows, cols, depth) of the plan's matrices as they are packed, each once."""
    return sorted({(m["packed_rows"], m["packed_cols"], m["depth"]) for m in matrices})


def packing(cols_max: int = COLS_CHECKED) -> dict[str, int]:
    """Layout of matrices; cols_max: packed columns of the widest with int8 inputs."""
    return {
        "rows": pack.ROWS,
        "rows_tail": pack.ROWS_TAIL,
        "cols_s8": pack.COLS_S8,
        "depth_s8": pack.DEPTH_S8,
        "depth_s16": pack.DEPTH_S16,
        "depth_i8mm": pack.DEPTH_I8MM,
        "cols_max": cols_max,
        "raise": pack.RAISE,
        "columns": COLUMNS,
    }


def bounds() -> list[tuple[str, int, int]]:
    tanh = max(int(np.abs(part).max()) for part in fixed.tanh_sums(np.arange(2**15)))
    return [
        ("kernels tanh partial sum", tanh, 2**15 - 2),  # a sigmoid takes its half and rounds up
        ("kernels state update product", 2 * (2**15 - 1) ** 2, 2**31 - 1),
        ("kernels two int8 products", 2 * W_MAX * S8_MAX, 2**15 - 1),
    ]
