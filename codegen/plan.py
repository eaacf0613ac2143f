"""Settle every number of the generated library before a line of C is printed.

`plan(model)` gives the plan, a sorted JSON-able dictionary that ends up in plan.json, and the
arrays (tables and weights) it refers to. Same model and code, same bytes: no clock, no path.
Generation stops here, naming the accumulator, when a worst case does not fit.
"""

import hashlib
import json
import math

import numpy as np

from codegen import declare, fixed, kernels, quantize, suppressor
from codegen.buffers import COLUMNS
from codegen.suppressor import STAGES
from reference import params
from reference.dnn import model_path, parse, read_bytes
from reference.suppressor import RANGES, Options

VERSION = "0.1.0"


def plan(model: str, postfilter: bool = True) -> tuple[dict, dict[str, np.ndarray]]:
    """The plan of a model by name (reference/models/<model>.safetensors), and its arrays.

    postfilter: False leaves the envelope postfilter out: stage, tables, bounds and settings.

    Raises OverflowError when a bound does not fit; for a missing or unfit file as `dnn.read`.
    """
    return settle(model, read_bytes(model_path(model)), postfilter)


def settle(
    model: str, blob: bytes, postfilter: bool = True
) -> tuple[dict, dict[str, np.ndarray]]:
    """The same from the bytes of a weight file (safetensors), whatever its layer widths."""
    digest = hashlib.sha256(blob).hexdigest()
    network, arrays = quantize.quantize(parse(blob, f"model {model}"))
    stages = {n: module for n, module in STAGES.items() if postfilter or n != "postfilter"}
    declared = suppressor.declared(network)
    known = {name: text for stage in stages for name, text in declared[stage].settings.items()}
    settings = {name: known[name] for name in RANGES if name in known}
    instance = suppressor.instance(network, settings)
    tables = dict(fixed.tables())
    constants = framing()
    for module in stages.values():
        tables |= module.tables() if hasattr(module, "tables") else {}
        constants |= module.constants() if hasattr(module, "constants") else {}
    arrays |= {name: values for name, (_, values, _) in tables.items()}
    content = {
        "model": {"name": model, "sha256": digest},
        "constants": constants,
        "tables": {name: describe(*table) for name, table in tables.items()},
        "bounds": bounds(stages),
        **{name: module.plan() for name, module in stages.items() if hasattr(module, "plan")},
        "dnn": network,
        "kernels": kernels.plan(),
        "packing": kernels.packing(max(kernels.COLS_CHECKED, network["cols_max"])),
        "weights_sha256": {
            name: hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
            for name, array in arrays.items()
            if name not in tables
        },
        "stages": [*stages, "suppressor"],
        "taps": [
            tap for stage, signal in suppressor.signals(network).values()
            for tap in signal.taps(stage, constants)
        ],
        "structs": suppressor.structs(instance),
    }  # fmt: skip
    content["api"] = api(model, digest, state_bytes(instance, constants), settings)
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


def bounds(stages: dict = STAGES) -> list[dict]:
    """Worst case of every accumulator of the signal stages, with its margin in bits."""
    found = []
    for stage, module in {**stages, "kernels": kernels}.items():
        for name, worst, limit in getattr(module, "bounds", tuple)():
            if worst > limit:
                raise OverflowError(f"{name}: can reach {worst}, bound is {limit}; see {stage}.py")
            margin = round(math.log2(limit / max(worst, 1)), 2)
            found.append({"name": name, "worst": worst, "limit": limit, "margin_bits": margin})
    return found


def api(model: str, digest: str, state_bytes: int, settings: dict[str, str]) -> dict:
    """What percepnet.h says: rates, delay, size, settings, identity."""
    options = Options()
    return {
        "version": VERSION,
        "model_id": f"{model}-{digest[:12]}",
        "rate": params.RATE,
        "hop": params.HOP,
        "delay": params.DELAY,
        "feed_delay": params.DELAY + params.HOP,
        "state_bytes": state_bytes,
        "settings": {
            name: {
                "help": text,
                "default": int(getattr(options, name)),
                "min": RANGES[name][0],
                "max": RANGES[name][1],
            }
            for name, text in settings.items()
        },
    }


def state_bytes(instance: declare.Struct, constants: dict[str, int]) -> int:
    """Size of an instance, the largest on any target; the C compiler checks that it is enough."""
    total, _ = declare.size(instance, constants)
    return -(-total // 256) * 256
