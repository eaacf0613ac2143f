"""The integer twin in the state of a C instance: all that is kept from call to call, read from its
memory as this machine lays it out.
"""

from collections import deque

import numpy as np

from codegen import declare, suppressor, twin
from codegen.declare import POINTER_BYTES, Struct
from codegen.stages.pitch import FIR_PAST, MOVE_MAX
from codegen.stages.stft import Spectrum
from codegen.suppressor import Suppressor


def layout(of: str | Struct, constants: dict[str, int]) -> np.dtype:
    """A type of C as numpy's, with the places that a C compiler gives its fields."""
    if isinstance(of, str):
        return np.dtype(f"V{POINTER_BYTES}" if of.endswith("*") else of)
    return np.dtype(
        [(field.name, layout(field.type, constants),
          tuple(declare.count((dim,), constants) for dim in field.dims)) for field in of.fields],
        align=True,
    )  # fmt: skip


def taken_over(model: str, memory: np.ndarray) -> Suppressor:
    """The twin that goes on where the instance of this memory, bytes, stopped: default settings."""
    content, _ = twin.settle(model)
    of = layout(suppressor.instance(content["dnn"]), content["constants"])
    past = memory[: of.itemsize].view(of)[0]["past"]
    exact = Suppressor(twin.network(model))
    _front(exact.front, past)
    _network(exact.network, past["dnn"])
    back, kept = exact.back, past["highpass"]
    back.decay_floor.amplitude_q2 = _wide(past["decay"]["amplitude_q2"])
    back.synthesis.overlap_q8 = _wide(past["stft"]["overlap_q8"])
    for name in kept.dtype.names:
        setattr(back.highpass, name, int(kept[name]))
    back.attenuation.share_q30 = int(past["attenuation"]["share_q30"])
    return exact


def _front(front: suppressor.FrontEnd, past: np.void) -> None:
    front.dcblock.sum_q10 = int(past["dcblock"]["sum_q10"])
    front.analysis.previous = _wide(past["stft"]["previous"])
    front.comb.history = _wide(past["comb"]["history"])
    front.dry.past = deque(_wide(past["dry"]))
    oldest = int(past["oldest"])  # a ring in C
    spectra = np.roll(past["spectra"], -oldest)
    front.spectra.past = deque(
        Spectrum(_wide(one["re"]), _wide(one["im"]), int(one["frac"])) for one in spectra)
    front.energies.past = deque(np.roll(_wide(past["energies"]), -oldest, axis=0))
    pitch, kept = front.pitch, past["pitch"]
    pitch.whitening.samples = _wide(kept["samples"][-FIR_PAST:])
    pitch.whitening.low_q8 = _wide(kept["low_q8"])
    pitch.whitening.smoothed_q8 = int(kept["smoothed_q8"])
    pitch.whitened_q8 = _wide(kept["whitened_q8"])
    pitch.path_q15[MOVE_MAX:-MOVE_MAX] = kept["path_q15"]
    pitch.best = int(kept["best"])
    pitch.origins, pitch.offsets_q8 = _wide(kept["origins"]), _wide(kept["offsets_q8"])


def _network(network, past: np.void) -> None:
    """States of one sound among sounds side by side: (1, units), and (frames, 1, units)."""
    for layer in network.plan["layers"]:
        name = layer["name"]
        if layer["kind"] == "gru":
            network.state_q15[name] = _wide(past[f"{name}_q15"])[None]
        elif layer["kind"] == "conv":
            inputs = past[layer["from"]["buffer"]][: layer["kept"]]
            network.past[name] = _wide(inputs).reshape(-1, 1, layer["from"]["stride"])


def alike(a: object, b: object) -> bool:
    """Whether two objects, and all that they hold, are of the same kind and equal."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list | deque):
        return len(a) == len(b) and all(map(alike, a, b))
    return alike(vars(a), vars(b)) if hasattr(a, "__dict__") else bool(a == b)


def _wide(values: np.ndarray) -> np.ndarray:
    """As the twin keeps them."""
    return np.array(values, np.int64)
