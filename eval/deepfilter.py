"""DeepFilterNet 3 beside ours: `DFN3=DIR make score systems=dfn3` (extra `dfn3`).

DIR holds its network as three ONNX graphs, enc.onnx, erb_dec.onnx and df_dec.onnx, which this
project does not distribute (H. Schröter, MIT or Apache-2.0; exports stand in public repositories).
Signal path of Schröter et al., "DeepFilterNet: Perceptually Motivated Real-Time Speech
Enhancement", 2023: a gain for each of 32 ERB bands, then below 4.8 kHz a filter over five frames in
every bin instead. 48 kHz, windows of 20 ms every 10 ms, two frames of look-ahead, no postfilter.
"""

import os
from functools import cache
from pathlib import Path

import numpy as np

RATE, WINDOW, HOP = 48000, 960, 480
BANDS, LEAST_BINS = 32, 2
LOW_BINS = 96  # below 4.8 kHz: where bins are filtered
TAPS, LOOKAHEAD = 5, 2  # frames: of the filter, and of these the future ones
FORGET = 0.99  # a frame, in the running levels that features are divided by
GRAPHS = ("enc", "erb_dec", "df_dec")


@cache
def graphs() -> dict:
    """{name: onnxruntime session of one thread}; FileNotFoundError without the folder DFN3."""
    import onnxruntime

    folder = Path(os.environ.get("DFN3", ""))
    missing = [f"{name}.onnx" for name in GRAPHS if not (folder / f"{name}.onnx").is_file()]
    if not os.environ.get("DFN3") or missing:
        raise FileNotFoundError(
            f"dfn3: DFN3={os.environ.get('DFN3', '')} found; the folder with "
            f"{', '.join(f'{name}.onnx' for name in GRAPHS)} is needed: set DFN3=DIR")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # clips run side by side
    options.log_severity_level = 3
    return {name: onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), options,
                                               providers=["CPUExecutionProvider"])
            for name in GRAPHS}


def infer(name: str, signals: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of one graph by name; it takes what it needs from `signals`."""
    session = graphs()[name]
    needed = {i.name: np.ascontiguousarray(signals[i.name], np.float32)
              for i in session.get_inputs()}
    outputs = [o.name for o in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, needed), strict=True))


def ahead(frames: np.ndarray) -> np.ndarray:
    """(L, …) moved LOOKAHEAD frames towards the beginning, zeros at the end."""
    return np.concatenate([frames[LOOKAHEAD:], np.zeros_like(frames[:LOOKAHEAD])])


def filtered(low: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """Spectra (L, 96) through their filters (L, 96, 5), oldest frame first: (L, 96)."""
    padded = np.pad(low, ((TAPS - 1 - LOOKAHEAD, LOOKAHEAD), (0, 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, TAPS, axis=0)  # (L, 96, 5)
    return np.einsum("lbk,lbk->lb", frames, taps)


def dfn3(x: np.ndarray) -> np.ndarray:
    """Samples (n,) at 48 kHz through DeepFilterNet 3 from a fresh state; as many, no delay."""
    import libdf

    graphs()
    n, state = x.size, libdf.DF(RATE, WINDOW, HOP, BANDS, LEAST_BINS)
    padded = np.pad(x, (0, -n % HOP + WINDOW)).astype(np.float32)
    spectra = state.analysis(padded[None])
    widths = np.asarray(state.erb_widths(), int)
    levels = ahead(libdf.erb_norm(libdf.erb(spectra, state.erb_widths()), FORGET)[0])
    low = ahead(libdf.unit_norm(np.ascontiguousarray(spectra[..., :LOW_BINS]), FORGET)[0])
    coded = infer("enc", {"feat_erb": levels[None, None],
                          "feat_spec": np.stack([low.real, low.imag])[None]})
    gains = infer("erb_dec", coded)["m"].reshape(-1, BANDS)
    taps = infer("df_dec", coded)["coefs"].reshape(-1, LOW_BINS, TAPS, 2)
    out = spectra[0] * np.repeat(gains, widths, axis=1)
    out[:, :LOW_BINS] = filtered(spectra[0][:, :LOW_BINS], taps[..., 0] + 1j * taps[..., 1])
    sound = state.synthesis(np.ascontiguousarray(out[None], np.complex64))[0]
    return sound[WINDOW - HOP :][:n].astype(float)
