"""Settle every number of the generated library before a line of C is printed.

`plan(model)` gives the plan, a sorted JSON-able dictionary that ends up in plan.json, and the
arrays (tables and weights) it refers to. Same model and code, same bytes: no clock, no path.
Generation stops here, naming the accumulator, when a worst case does not fit.
"""

import hashlib
import json
import math

import numpy as np

from codegen import fixed, formats, kernels, quantize
from codegen.buffers import COLUMNS
from codegen.stages import (
    attenuation,
    comb,
    erb,
    features,
    gains,
    highpass,
    pitch,
    postfilter,
    stft,
)
from reference import params
from reference.dnn import model_path, parse, read_bytes
from reference.suppressor import RANGES, Options

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
    "attenuation": attenuation,
}
SETTING_HELP = {
    "postfilter": "Envelope postfilter: more suppression between words, a little less fidelity.",
    "postfilter_beta_permille": "Strength of the envelope postfilter, its beta in 1/1000: the "
    "larger, the quieter are frames full of noise.",
    "decay_floor": "Lets no band fall faster than 60 dB in 100 ms: less dry on headphones.",
    "highpass": "High-pass at 60 to 100 Hz that follows the talker's pitch.",
    "attenuation_limit_db": "Attenuation limit in dB: 0 gives the delayed input bit for bit, 20 "
    "keeps a tenth of the noise, 100 is no limit. A change fades over one hop, without a click.",
}
STATE_MARGIN_BYTES = 256  # alignment may differ between targets


def plan(model: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The plan of a model by name (reference/models/<model>.safetensors), and its arrays.

    Raises OverflowError when a bound does not fit; for a missing or unfit file as `dnn.read`.
    """
    return settle(model, read_bytes(model_path(model)))


def settle(model: str, blob: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """The same from the bytes of a weight file (safetensors), whatever its layer widths."""
    digest = hashlib.sha256(blob).hexdigest()
    network, arrays = quantize.quantize(parse(blob, f"model {model}"))
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
        "packing": kernels.packing(max(kernels.COLS_CHECKED, network["cols_max"])),
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
        "BLOCK": COLUMNS,
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
    front = [
        ("dry", "frames[0].dry", "int16", params.HOP),
        ("newest_re", "work.newest.re", "int32", params.N_BINS),
        ("newest_im", "work.newest.im", "int32", params.N_BINS),
        ("newest_frac", "work.newest.frac", "int32", 1),
        ("newest_energy", "work.newest_energy", "int64", params.N_BANDS),
        ("period", "frames[0].period", "int32", 1),
        ("correlation_q15", "frames[0].correlation_q15", "int32", 1),
        ("comb_q15", "work.comb_q15", "int32", params.WINDOW),
        ("p_re", "frames[0].p.re", "int32", params.N_BINS),
        ("p_im", "frames[0].p.im", "int32", params.N_BINS),
        ("p_frac", "frames[0].p.frac", "int32", 1),
        ("y_re", "frames[0].y.re", "int32", params.N_BINS),
        ("y_im", "frames[0].y.im", "int32", params.N_BINS),
        ("y_energy", "frames[0].y_energy", "int64", params.N_BANDS),
        ("cross", "work.cross", "int64", params.N_BANDS),
        ("p_energy", "work.p_energy", "int64", params.N_BANDS),
        ("coherence_q15", "work.coherence_q15", "int16", params.N_BANDS),
        ("features_q12", "io.features_q12", "int16", params.N_FEATURES),
    ]
    layers = [(of["name"], of["units"]) for of in network["layers"] if of["kind"] != "output"]
    back = [
        ("gain_q15", "io.gain_q15", "int16", params.N_BANDS),
        ("strength_q15", "io.strength_q15", "int16", params.N_BANDS),
        ("vad_q15", "io.vad_q15", "int16", 1),
        ("band_gain_q15", "work.band_gain_q15", "int32", params.N_BANDS),
        ("z_re", "work.z.re", "int32", params.N_BINS),
        ("z_im", "work.z.im", "int32", params.N_BINS),
        ("z_energy", "work.z_energy", "int64", params.N_BANDS),
        ("scale_q13", "work.scale_q13", "int16", params.N_BANDS),
        ("enhanced_re", "work.enhanced.re", "int32", params.N_BINS),
        ("enhanced_im", "work.enhanced.im", "int32", params.N_BINS),
        ("hop_q8", "work.hop_q8", "int32", params.HOP),
        ("wet", "work.wet", "int16", params.HOP),
        ("out", "work.out", "int16", params.HOP),
    ]
    network = [(f"{name}_q15", f"past.dnn.{name}_q15", "int16", n) for name, n in layers]
    return [
        {"name": n, "field": f, "dtype": d, "count": c, "bytes": np.dtype(d).itemsize}
        | formats.of_tap(n)
        for n, f, d, c in (*front, *network, *back)
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
        "feed_delay": params.DELAY + params.HOP,
        "state_bytes": state_bytes(tap_list, network),
        "settings": {
            name: {
                "help": SETTING_HELP[name],
                "default": int(getattr(options, name)),
                "min": low,
                "max": high,
            }
            for name, (low, high) in RANGES.items()
        },
    }


def state_bytes(tap_list: list[dict], network: dict) -> int:
    """Upper bound of the size of an instance; the C compiler checks that it is enough."""
    signals = sum(tap["bytes"] * tap["count"] for tap in tap_list)
    spectrum = 8 * params.N_BINS + 4
    delayed = params.LOOKAHEAD_FRAMES * (spectrum + 4 + 8 * params.N_BANDS)
    frame = 2 * spectrum + 8 + 8 * params.N_BANDS + 2 * params.HOP
    frame += 2 * (params.N_FEATURES + 2 * params.N_BANDS + 1)
    block = (COLUMNS - 1) * frame
    stages = sum(stage.state_bytes() for stage in (stft, pitch, comb, attenuation))
    layers = sum(buffer["rows"] * buffer["bytes"] for buffer in network["buffers"].values())
    layers += (1 + COLUMNS) * 4 * network["pre"]
    settings = 4 * len(RANGES) + 2 * params.HOP + 8  # and the hop that percepnet_feed fills
    total = signals + delayed + block + stages + layers + settings + 8 * params.N_BANDS
    total += STATE_MARGIN_BYTES
    return -(-total // 256) * 256
