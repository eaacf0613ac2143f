"""What is proved, piece by piece: every stage, the lemmas that stages lean on, the operators.

Drivers of Eva are found in eva/*.c: a function prove_<entry> with the comment above it. A driver
includes the shipped C of its stage and calls it with everything that its input can be.
"""

import re

from proof.tools import HERE, Piece

_DRIVER = re.compile(r"/\* ((?:[^*]|\*(?!/))*?) ?\*/\nvoid prove_(\w+)\(void\)")


def _eva() -> list[Piece]:
    pieces = []
    for source in sorted((HERE / "eva").glob("*.c")):
        for text, entry in _DRIVER.findall(source.read_text()):
            words = re.sub(r"\s*\n \* ", " ", text)
            pieces.append(Piece(entry, source.stem, "Eva", source.name, words, entry))
    return pieces


LEMMAS = [
    Piece("rshift_round", "operators", "ESBMC", "operators.c",
          "is x / 2^n rounded half up, |x| < 2^62, n of 0 to 62", "rounded"),
    Piece("bit_length", "operators", "ESBMC", "operators.c",
          "bits of every uint64", "bits"),
    Piece("saturation", "operators", "ESBMC", "operators.c",
          "sat16 and sat32 are the nearest of their type, of every int64", "saturated"),
    Piece("div_q", "operators", "ESBMC", "operators.c",
          "is num 2^q / den rounded half up, |num| 2^q and den below 2^62", "divided"),
    Piece("kept_energy", "features", "ESBMC", "spectra.c",
          "a bin with fewer bits is at most 9/4 of the same bin squared first", "kept_energy"),
    Piece("parabola_slope", "pitch", "ESBMC", "pitch.c",
          "at a local maximum the slope is at most the curvature", "parabola_slope"),
    Piece("headroom", "stft", "ESBMC", "spectra.c",
          "a sample raised by the headroom of its window fits 2^15, of a comb 2^30", "headroom"),
    Piece("mul_q15", "operators", "exhaustive", "operators.c",
          "mul_q15 of every pair is the rounded, saturated product", "products"),
    Piece("tanh_sigmoid", "operators", "exhaustive", "operators.c",
          "within 2.0 and 1.4 LSB of tanh and 1 / (1 + exp), of every int32", "gates"),
    Piece("log2", "operators", "exhaustive", "operators.c",
          "within 1.25 LSB of log2, of every leading 23 bits", "logarithms"),
    Piece("between", "gains", "exhaustive", "lemmas.c",
          "y + r (p - y) lies between y and p, interpolated values between theirs", "between"),
    Piece("parabola", "pitch", "exhaustive", "lemmas.c",
          "rises by at most 16384, half a lag aside at most", "parabola"),
    Piece("warped", "postfilter", "exhaustive", "lemmas.c",
          "no gain is larger after warping", "warped"),
    Piece("fft", "stft", "forms", "fft.cpp",
          "transforms, both directions: no sum leaves int32, no bin the bound of the plan",
          arguments=("SPECTRUM_MAX", "SYNTHESIS_MAX")),
    Piece("bands", "erb", "forms", "bands.cpp",
          "band sums: within int64, energies never negative, Cauchy and Schwarz hold",
          arguments=("SPECTRUM_MAX", "ENERGY_MAX")),
    Piece("correlation", "pitch", "worst", "correlation.c",
          "products of 11-bit samples at every lag: no partial sum leaves int32"),
    Piece("matrices", "dnn", "worst", "matrices.c",
          "every matrix product with the shipped weights: no partial sum leaves int32"),
]  # fmt: skip
PIECES = _eva() + LEMMAS
