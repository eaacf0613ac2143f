"""DNSMOS P.835: three ratings without a reference (extra `dnsmos`: onnxruntime, speechmos).

The network is the one inside the PyPI package speechmos. The package's own function also computes
P.808 ratings, for which it wants librosa; here onnxruntime runs the P.835 network alone.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eval.metrics.base import WIDE_RATE, MetricError, at_rate

WINDOW_S, HOP_S = 9.01, 1
# From the network's output to the scale of the listeners (Reddy et al. 2022, published with it).
MAPPING = {"dnsmos_sig": (-0.08397278, 1.22083953, 0.0052439),
           "dnsmos_bak": (-0.13166888, 1.60915514, -0.39604546),
           "dnsmos_ovrl": (-0.06766283, 1.11546468, 0.04602535)}


def available() -> bool:
    """Whether the optional packages are installed."""
    return all(find_spec(name) for name in ("onnxruntime", "speechmos"))


@cache
def _session():
    import onnxruntime

    folder = Path(find_spec("speechmos").submodule_search_locations[0])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # clips run side by side
    return onnxruntime.InferenceSession(str(folder / "dnsmos_models" / "sig_bak_ovr.onnx"), options)


def dnsmos(enhanced: np.ndarray, rate: int) -> dict[str, float]:
    """{dnsmos_sig, dnsmos_bak, dnsmos_ovrl}: about 1 … 5, Reddy et al. 2022, at 16 kHz.

    Means over windows of 9.01 s, 1 s apart; shorter clips are repeated. Hears no reference: what it
    praises may be a deleted talker. Raises MetricError for silent or non-finite input.
    """
    if not np.all(np.isfinite(enhanced)) or not np.any(enhanced):
        raise MetricError("DNSMOS: silent or non-finite output")
    x, = at_rate(rate, WIDE_RATE, enhanced)
    length = int(WINDOW_S * WIDE_RATE)
    while x.size < length:
        x = np.tile(x, 2)
    starts = range(0, x.size - length + 1, HOP_S * WIDE_RATE)
    windows = np.stack([x[s:s + length] for s in starts]).astype(np.float32)
    rated = np.array([_session().run(None, {"input_1": w[None]})[0][0] for w in windows])
    return {name: float(np.mean(np.polyval(curve, rated[:, k])))
            for k, (name, curve) in enumerate(MAPPING.items())}
