"""Settle every number of the generated library before a line of C is printed.

`plan(model)` gives the plan, a sorted JSON-able dictionary that ends up in plan.json, and the
arrays (tables and weights) it refers to. Same model and code, same bytes: no clock, no path.
Generation stops here, naming the accumulator, when a worst case does not fit.
"""

import hashlib
import json
import math

import numpy as np
from safetensors.numpy import load

from codegen import fixed, formats, kernels, quantize
from codegen.stages import comb, erb, features, gains, highpass, pitch, postfilter, stft
from reference import params
from reference.dnn import model_path
from reference.suppressor import Options

VERSION = "0.1.0"
STAGES = {
    "stft": stft,
    "erb": erb,
    "pitch": pitch,
    "comb": comb,
    "features": features,
    "gains": gains,
    "postfilter": postfilter,
    "highpass": highpass,
}
SETTING_HELP = {
    "postfilter": "Envelope postfilter: more suppression between words, a little less fidelity.",
    "decay_floor": "Lets no band fall faster than 60 dB in 100 ms: less dry on headphones.",
    "highpass": "High-pass at 60 to 100 Hz that follows the talker's pitch.",
}
STATE_MARGIN_BYTES = 256  # alignment may differ between targets


def plan(model: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The plan of a model by name (reference/models/<model>.safetensors), and its arrays.

    Raises OverflowError when a bound does not fit, FileNotFoundError for an unknown model.
    """
    if not model_path(model).exists():
        raise FileNotFoundError(f"{model_path(model)}: no such model; see reference/models")
    return settle(model, model_path(model).read_bytes())


def settle(model: str, blob: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """The same from the bytes of a weight file (safetensors), whatever its layer widths."""
    digest = hashlib.sha256(blob).hexdigest()
    network, arrays = quantize.quantize(load(blob))
    tables = dict(fixed.tables())
    constants = framing()
    for stage in STAGES.values():
        tables |= stage.tables()
        constants |= stage.constants()
    arrays |= {name: values for name, (_, values, _) in tables.items()}
    content = {
        "model": {"name": model, "sha256": digest},
        "constants": constants,
        "tables": {name: describe(*table) for name, table in tables.items()},
        "bounds": bounds(),
        "stft": stft.plan(),
        "dnn": network,
        "kernels": kernels.plan(),
        "packing": kernels.packing(),
        "weights_sha256": {
            name: hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
            for name, array in arrays.items()
            if name not in tables
        },
        "taps": taps(network),
    }
    content["api"] = api(model, digest, content["taps"], network)
    content["hash"] = hashlib.sha256(canonical(content)).hexdigest()
    return content, arrays


def canonical(content: dict) -> bytes:
    """The plan as sorted JSON, one line an entry."""
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def framing() -> dict[str, int]:
    """Sizes that every stage shares; C name without the prefix."""
    return {
        "RATE": params.RATE,
        "HOP": params.HOP,
        "WINDOW": params.WINDOW,
        "N_BINS": params.N_BINS,
        "ACTIVE_BINS": params.ACTIVE_BINS,
        "N_BANDS": params.N_BANDS,
        "LOOKAHEAD": params.LOOKAHEAD_FRAMES,
    }


def describe(ctype: str, values: np.ndarray, format_text: str) -> dict:
    limit = np.iinfo(ctype.removesuffix("_t"))
    if values.min() < limit.min or values.max() > limit.max:
        raise OverflowError(f"table '{format_text}' needs more than {ctype}")
    flat = np.asarray(values).ravel()
    return {"ctype": ctype, "length": flat.size, "format": format_text, "values": flat.tolist()}


def bounds() -> list[dict]:
    """Worst case of every accumulator of the signal stages, with its margin in bits."""
    found = []
    for stage, module in {**STAGES, "kernels": kernels}.items():
        for name, worst, limit in module.bounds():
            if worst > limit:
                raise OverflowError(f"{name}: can reach {worst}, bound is {limit}; see {stage}.py")
            margin = round(math.log2(limit / max(worst, 1)), 2)
            found.append({"name": name, "worst": worst, "limit": limit, "margin_bits": margin})
    return found


def taps(network: dict) -> list[dict]:
    """Signals of one frame in pipeline order: name, C field, numpy dtype, count."""
    frame = [
        ("newest_re", "newest.re", "int32", params.N_BINS),
        ("newest_im", "newest.im", "int32", params.N_BINS),
        ("newest_frac", "newest.frac", "int32", 1),
        ("newest_energy", "newest_energy", "int64", params.N_BANDS),
        ("period", "period", "int32", 1),
        ("correlation_q15", "correlation_q15", "int32", 1),
        ("comb_q15", "comb_q15", "int32", params.WINDOW),
        ("p_re", "p.re", "int32", params.N_BINS),
        ("p_im", "p.im", "int32", params.N_BINS),
        ("p_frac", "p.frac", "int32", 1),
        ("y_re", "y.re", "int32", params.N_BINS),
        ("y_im", "y.im", "int32", params.N_BINS),
        ("y_energy", "y_energy", "int64", params.N_BANDS),
        ("cross", "cross", "int64", params.N_BANDS),
        ("p_energy", "p_energy", "int64", params.N_BANDS),
        ("coherence_q15", "coherence_q15", "int16", params.N_BANDS),
        ("features_q12", "features_q12", "int16", params.N_FEATURES),
    ]
    sizes = network["sizes"]
    layers = [("dense", sizes["dense"])]
    layers += [(conv["name"], conv["units"]) for conv in network["convs"]]
    layers += [(gru["name"], gru["units"]) for gru in network["grus"]]
    back = [
        ("gain_q15", "gain_q15", "int16", params.N_BANDS),
        ("strength_q15", "strength_q15", "int16", params.N_BANDS),
        ("vad_q15", "vad_q15", "int16", 1),
        ("band_gain_q15", "band_gain_q15", "int32", params.N_BANDS),
        ("z_re", "z.re", "int32", params.N_BINS),
        ("z_im", "z.im", "int32", params.N_BINS),
        ("z_energy", "z_energy", "int64", params.N_BANDS),
        ("scale_q13", "scale_q13", "int16", params.N_BANDS),
        ("enhanced_re", "enhanced.re", "int32", params.N_BINS),
        ("enhanced_im", "enhanced.im", "int32", params.N_BINS),
        ("hop_q8", "hop_q8", "int32", params.HOP),
        ("out", "out", "int16", params.HOP),
    ]
    listed = [(name, f"frame.{field}", dtype, count) for name, field, dtype, count in frame]
    listed += [(f"{name}_q15", f"past.dnn.{name}_q15", "int16", n) for name, n in layers]
    listed += [(name, f"frame.{field}", dtype, count) for name, field, dtype, count in back]
    return [
        {"name": n, "field": f, "dtype": d, "count": c, "bytes": np.dtype(d).itemsize}
        | formats.of_tap(n)
        for n, f, d, c in listed
    ]


def api(model: str, digest: str, tap_list: list[dict], network: dict) -> dict:
    """What percepnet.h says: rates, delay, size, settings, identity."""
    options = Options()
    return {
        "version": VERSION,
        "model_id": f"{model}-{digest[:12]}",
        "rate": params.RATE,
        "hop": params.HOP,
        "delay": params.DELAY,
        "state_bytes": state_bytes(tap_list, network),
        "settings": {
            name: {"help": text, "default": int(getattr(options, name))}
            for name, text in SETTING_HELP.items()
        },
    }


def state_bytes(tap_list: list[dict], network: dict) -> int:
    """Upper bound of the size of an instance; the C compiler checks that it is enough."""
    signals = sum(tap["bytes"] * tap["count"] for tap in tap_list)
    spectra = params.LOOKAHEAD_FRAMES * (8 * params.N_BINS + 8 + 8 * params.N_BANDS)
    stages = sum(stage.state_bytes() for stage in (stft, pitch, comb))
    layers = 8 * network["pre"] + network["layers_buffer"] + 2 * network["sizes"]["dense"]
    layers += sum(conv["buffer"] for conv in network["convs"])
    total = signals + spectra + stages + layers + 8 * params.N_BANDS + STATE_MARGIN_BYTES
    return -(-total // 256) * 256
