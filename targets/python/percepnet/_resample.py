"""Other rates: the resampler of the command `percepnet`."""

import ctypes
import functools
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FOLDER = Path(__file__).parent
_LIMITS = re.findall(r"#define RESAMPLE_\w+EST (\d+)", (_FOLDER / "resample.h").read_text("utf-8"))
LOWEST, HIGHEST = map(int, _LIMITS)
"""Hz."""
_SILENCE = 4096
"""Samples that push out what the filter holds."""


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(_FOLDER / "resample.so"))
    state, size = ctypes.c_void_p, ctypes.c_size_t
    library.resampler_new.restype = state
    library.resampler_new.argtypes = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint]
    library.resampler_room.restype = library.resampler_run.restype = size
    library.resampler_room.argtypes = [state, size]
    library.resampler_run.argtypes = [state, ctypes.c_void_p, size, ctypes.c_void_p]
    library.resampler_free.argtypes = [state]
    return library


def resampled(pcm: NDArray[np.int16], rate: int, to: int, length: int) -> NDArray[np.int16]:
    """(N, channels) at `rate` Hz in, (length, channels) at `to` Hz out, neither early nor late.

    Raises ValueError for a rate outside LOWEST to HIGHEST.
    """
    for hertz in (rate, to):
        if not LOWEST <= hertz <= HIGHEST:
            raise ValueError(f"{hertz} Hz found; {LOWEST} to {HIGHEST} Hz is needed")
    library, channels = _library(), pcm.shape[1]
    state = library.resampler_new(rate, to, channels)
    if not state:
        raise MemoryError(f"no memory for a filter from {rate} to {to} Hz")

    def push(samples: NDArray[np.int16] | None, count: int) -> NDArray[np.int16]:
        out = np.empty((library.resampler_room(state, count), channels), np.int16)
        data = None if samples is None else samples.ctypes.data
        return out[: library.resampler_run(state, data, count, out.ctypes.data)]

    try:
        parts = [push(np.ascontiguousarray(pcm), len(pcm))]
        while sum(map(len, parts)) < length:
            parts.append(push(None, _SILENCE))
    finally:
        library.resampler_free(state)
    return np.concatenate(parts)[:length]
