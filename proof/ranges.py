"""Ranges of the signals between stages, from plan.json, as the C header that all drivers read."""

from __future__ import annotations


def bound(plan: dict, name: str) -> int:
    """Worst case that the plan states for an accumulator."""
    return next(entry["worst"] for entry in plan["bounds"] if entry["name"] == name)


def ranges(plan: dict) -> dict[str, int]:
    """Name of a range in C -> value."""
    constants, tables = plan["constants"], plan["tables"]
    centre = len(tables["comb_weights_q15"]["values"]) // (constants["COMB_PERIODS"] + 1)
    energy = bound(plan, "erb band energy")
    energy += energy >> 20  # a mixed bin may be one step larger than those of the FFT
    weights = tables["pitch_period_weights_q15"]["values"]
    height = 32767 + 16384  # lemma `parabola`
    judged = (height * max(sum(weights[:3]), sum(weights[3:])) + 2**14) >> 15
    bias = tables["pitch_bias_q15"]["values"]
    score_min = -32768 - max(bias)
    postfilter = bound(plan, "postfilter sum of g^2 E")
    low = (bound(plan, "pitch decimation acc_q15") + 2**6) >> 7
    r = bound(plan, "pitch autocorrelation_q16")
    noisy_q2 = 2 ** (-(-(energy >> 3).bit_length() // 2))  # a root of the loudest band
    # The memories of the high-pass: 1 % more than the plan, which knows that all three coefficients
    # belong to one cutoff; ranges do not.
    return {
        "SPECTRUM_MAX": bound(plan, "stft analysis sum"),
        "SYNTHESIS_MAX": bound(plan, "stft synthesis sum"),
        "ENERGY_MAX": energy,
        "ENERGY_BITS_MAX": energy.bit_length(),
        "CENTRE_MAX_Q15": max(tables["comb_weights_q15"]["values"][centre // 2 :: centre]),
        "HIGHPASS_M0_MAX": bound(plan, "highpass memory 0 q43") * 101 // 100,
        "HIGHPASS_M1_MAX": bound(plan, "highpass memory 1 q43") * 101 // 100,
        "POSTFILTER_SUM_MAX": postfilter,
        "POSTFILTER_SUM_BITS_MAX": postfilter.bit_length(),
        "AMPLITUDE_MAX_Q2": 2 * noisy_q2,
        "LOW_MAX_Q8": low,
        "R_MAX_Q16": r,
        "R_BITS_MAX": r.bit_length(),
        "FLOOR_BITS": constants["PITCH_FLOOR_Q16"].bit_length(),
        "A_MAX_Q24": bound(plan, "pitch prediction a_q24"),
        "A1_MAX_Q24": 4 * 2**24 + 8,
        "A2_MAX_Q24": 6 * 2**24 + 8,
        "A4_MAX_Q24": 2**24 + 8,
        "SMOOTHED_MAX_Q8": (smoothed := bound(plan, "pitch smoothed_q8")) + (smoothed >> 16),
        "SEGMENT_MAX": 2 ** constants["PITCH_SEGMENT_BITS"] - 1,
        "CORRELATION_MAX": bound(plan, "pitch correlation acc"),
        "HEIGHT_MAX_Q15": height,
        "SCORE_MIN_Q15": score_min,
        "SCORE_MAX_Q15": judged,
        "PATH_MIN_Q15": constants["PATH_MIN_Q15"],
        "PRE_MAX": max(matrix["pre_bound"] for matrix in plan["dnn"]["matrices"]),
    }


def header(plan: dict) -> str:
    """ranges.h: ranges, matrices with the bound of their pre-activations, arrays of the network."""
    lines = [f"#define {name} INT64_C({value})" if abs(value) >= 2**31
             else f"#define {name} ({value})" for name, value in ranges(plan).items()]  # fmt: skip
    matrices = "".join(
        f" \\\n    X({m['name']}, {int(m['x_max'] > 127)}, {m['pre_bound']})"
        for m in plan["dnn"]["matrices"]
    )
    shapes = "".join(f" \\\n    X({m['name']}, {m['packed_rows']}, {m['packed_cols']})"
                     for m in plan["dnn"]["matrices"])  # fmt: skip
    layers = [f"{layer['name']}_q15" for layer in plan["dnn"]["layers"] if "to" in layer]
    buffers = " ".join(f"X({name})" for name in [*plan["dnn"]["buffers"], *layers])
    return "\n".join(
        ["#ifndef RANGES_H", "#define RANGES_H", *lines, f"#define MATRICES(X){matrices}",
         f"#define SHAPES(X){shapes}", f"#define BUFFERS(X) {buffers}", "#endif"]
    ) + "\n"  # fmt: skip
