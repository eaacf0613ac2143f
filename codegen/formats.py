"""Stage and integer format of every recorded signal, in words: for the plan, diffs and the docs."""

from codegen.stages.erb import ENERGY_SHIFT, RISE_BITS
from codegen.stages.gains import ENHANCED_SHIFT

_Q15 = "Q15"


def _spectrum(frac: str) -> str:
    return f"int16 units, {frac} fractional bits (shared exponent)"


def _energy(frac: str) -> str:
    return f"int16 units squared, 2 ({frac} - {ENERGY_SHIFT}) + {RISE_BITS} fractional bits"


_SIGNALS = {
    "stft": {
        "newest_re": _spectrum("newest_frac"),
        "newest_im": _spectrum("newest_frac"),
        "newest_frac": "fractional bits of newest",
        "p_re": _spectrum("p_frac"),
        "p_im": _spectrum("p_frac"),
        "p_frac": "fractional bits of p, y and z",
        "y_re": _spectrum("p_frac"),
        "y_im": _spectrum("p_frac"),
        "hop_q8": "int16 units, Q8",
    },
    "erb": {
        "newest_energy": _energy("newest_frac"),
        "y_energy": _energy("p_frac"),
        "cross": _energy("p_frac"),
        "p_energy": _energy("p_frac"),
        "z_energy": _energy("p_frac"),
    },
    "pitch": {"period": "samples at 48 kHz", "correlation_q15": _Q15},
    "comb": {"comb_q15": "int16 units, Q15"},
    "features": {"coherence_q15": _Q15, "features_q12": "Q12"},
    "dnn": {"gain_q15": _Q15, "strength_q15": _Q15, "vad_q15": _Q15},
    "postfilter": {"band_gain_q15": _Q15},
    "gains": {
        "z_re": _spectrum("p_frac"),
        "z_im": _spectrum("p_frac"),
        "scale_q13": "Q13",
        "enhanced_re": _spectrum(f"p_frac - {ENHANCED_SHIFT}"),
        "enhanced_im": _spectrum(f"p_frac - {ENHANCED_SHIFT}"),
    },
    "highpass": {"wet": "int16 samples"},
    "attenuation": {"dry": "int16 samples", "out": "int16 samples"},
}
_TAPS = {name: (stage, text) for stage, names in _SIGNALS.items() for name, text in names.items()}


def of_tap(name: str) -> dict[str, str]:
    """{"stage", "format"} of a tap; what is not listed is a layer of the network, Q15."""
    stage, text = _TAPS.get(name, ("dnn", _Q15))
    return {"stage": stage, "format": text}
