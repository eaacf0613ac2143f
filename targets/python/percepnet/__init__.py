"""PercepNet: noise suppression for 48 kHz speech, computed in integers by a C library.

A whole recording:

    clean = percepnet.denoise(samples, rate)

A stream, 10 ms a call, what comes out `delay` samples later:

    denoiser = percepnet.Denoiser()
    clean = denoiser.process(frame)

The samples are those of the C library and of the command `percepnet`, bit for bit.
"""

import ctypes
import functools
import re
import warnings
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from percepnet._resample import resampled

__all__ = ["HOP", "RATE", "SETTINGS", "Denoiser", "denoise", "models"]

_FOLDER = Path(__file__).parent
_HEADER = (_FOLDER / "percepnet.h").read_text(encoding="utf-8")
_ALIGNMENT = 16
_MOST_CHANNELS = 64  # as the command; more are samples that lie across
_TYPES = ("uint8", "int16", "int32", "float32", "float64")


def _constant(name: str) -> int:
    found = re.search(rf"^#define PERCEPNET_{name} (\d+)", _HEADER, re.MULTILINE)
    assert found, name
    return int(found[1])


def _version() -> str:
    found = re.search(r'^#define PERCEPNET_VERSION "(.+)"', _HEADER, re.MULTILINE)
    assert found
    return found[1]


__version__: str = _version()
"""Of the library."""
RATE: int = _constant("RATE")
"""Samples per second: 48000."""
HOP: int = _constant("HOP")
"""Samples a call of `Denoiser.process`: 480, 10 ms."""
_RANGES: dict[str, str] = {
    name: " to ".join(ends)
    for *ends, name in re.findall(
        r"(\d+) to (\d+), default \d+\. \*/ int percepnet_set_(\w+)\(",
        re.sub(r"\s+(\* )?", " ", _HEADER),
    )
}
SETTINGS: tuple[str, ...] = tuple(_RANGES)
"""Names that `Denoiser(...)`, `denoise(...)`, `get` and `set` take; percepnet.h in this package
says what each does, its range and default."""


def models() -> list[str]:
    """Names of the models in this package."""
    return sorted(path.stem for path in (_FOLDER / "models").glob("*.so"))


@functools.cache
def _library(model: str) -> ctypes.CDLL:
    if model not in models():
        raise ValueError(f"model {model!r} found; one of {', '.join(models())} is needed")
    library = ctypes.CDLL(str(_FOLDER / "models" / f"{model}.so"))
    library.percepnet_state_bytes.restype = ctypes.c_size_t
    library.percepnet_init.restype = ctypes.c_void_p
    library.percepnet_init.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.percepnet_reset.argtypes = [ctypes.c_void_p]
    library.percepnet_process.argtypes = [ctypes.c_void_p] * 3
    library.percepnet_model_id.restype = ctypes.c_char_p
    for name in SETTINGS:
        getattr(library, f"percepnet_set_{name}").argtypes = [ctypes.c_void_p, ctypes.c_int]
        getattr(library, f"percepnet_{name}").argtypes = [ctypes.c_void_p]
    return library


class Denoiser:
    """One channel of a stream. Any number of instances; one thread at a time an instance.

    model: a name from `models()`. settings: any of SETTINGS as keywords, whole numbers or bools,
    `Denoiser(postfilter=True)`.

    Raises ValueError for a model or a setting that is not there, or a value outside its range.
    """

    voice: float
    """Probability of speech in the frame that came out last, 0 to 1."""

    def __init__(self, model: str = "small", **settings: int) -> None:
        self._c = _library(model)
        size = self._c.percepnet_state_bytes()
        self._memory = np.zeros(size + _ALIGNMENT, np.uint8)
        start = self._memory.ctypes.data
        self._state = ctypes.c_void_p(start + -start % _ALIGNMENT)
        self._c.percepnet_init(self._state, size)
        self.voice = 0.0
        for name, value in settings.items():
            self.set(name, value)

    @property
    def delay(self) -> int:
        """Samples from a sample going in to the same sample coming out, beyond the frame itself."""
        return int(self._c.percepnet_delay_samples())

    @property
    def model_id(self) -> str:
        """Name of the model and the first digits of the SHA-256 of its weights."""
        return self._c.percepnet_model_id().decode()

    def process(self, frame: ArrayLike) -> NDArray[np.int16]:
        """Suppress the noise in one frame.

        frame: (480,) int16 of any byte order, 48 kHz, full scale 32767 (not floats of +-1:
        `denoise` takes those).
        Returns (480,) int16, the input of `delay` samples ago, and sets `voice`.
        Raises TypeError or ValueError when the frame is not so.
        """
        frame = np.asarray(frame)
        if frame.dtype.newbyteorder("=") != np.int16:
            raise TypeError(
                f"{frame.dtype} found; frames of int16 are needed: (32767 * frame).astype(np.int16)"
                " makes them from floats of ±1"
            )
        if frame.shape != (HOP,):
            raise ValueError(f"a frame of shape {frame.shape} found; ({HOP},) is needed")
        frame, out = np.ascontiguousarray(frame, np.int16), np.empty(HOP, np.int16)
        voice_q15 = self._c.percepnet_process(self._state, out.ctypes.data, frame.ctypes.data)
        self.voice = voice_q15 / 32767
        return out

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Denoiser cannot be pickled or copied: its state belongs to this process;"
            " make another with the same model and settings"
        )

    def reset(self) -> None:
        """Forget the past, keep the settings."""
        self._c.percepnet_reset(self._state)
        self.voice = 0.0

    def set(self, name: str, value: int) -> None:
        """Change a setting from the next frame on.

        Raises ValueError when there is no such setting, or for a value outside its range.
        """
        if name not in SETTINGS:
            raise ValueError(f"setting {name!r} found; one of {', '.join(SETTINGS)} is needed")
        whole = int(value)
        if whole != value or getattr(self._c, f"percepnet_set_{name}")(self._state, whole) < 0:
            raise ValueError(f"{name}={value} found; {_RANGES[name]}, a whole number, is needed")

    def get(self, name: str) -> int:
        """The value of a setting. Raises ValueError when there is no such setting."""
        if name not in SETTINGS:
            raise ValueError(f"setting {name!r} found; one of {', '.join(SETTINGS)} is needed")
        return int(getattr(self._c, f"percepnet_{name}")(self._state))


def denoise(
    samples: ArrayLike, rate: int, *, model: str = "small", resample: bool = False, **settings: int
) -> NDArray[Any]:
    """Suppress the noise in a recording.

    samples: (N,) or (N, channels) of uint8 (zero at 128), int16, int32 (full scale 2^31), or
    float32 or float64 where full scale is +-1 and what is beyond is clipped with a warning; any
    byte order; every channel on its own. rate: samples per second, 48000; with `resample` any whole
    number of 8000 to 192000, which is taken to 48000 and back. model, settings: as for `Denoiser`.

    Returns the same shape and type, aligned with the input, with 16 bits of them in use.
    Raises ValueError for another rate, shape or NaN, TypeError for another type of samples.
    """
    samples = np.asarray(samples)
    if samples.ndim not in (1, 2) or samples[:1].size > _MOST_CHANNELS:
        raise ValueError(
            f"samples of shape {samples.shape} found; (N,) or (N, channels), at most"
            f" {_MOST_CHANNELS} of them, is needed: samples.T where the channels come first"
        )
    if samples.dtype.newbyteorder("=") not in _TYPES:
        raise TypeError(
            f"{samples.dtype} found; {', '.join(_TYPES)} is needed: samples.astype(np.int16) where"
            " full scale is 32767, samples.astype(np.float32) where it is 1.0"
        )
    rate = _whole(rate)
    if rate != RATE and not resample:
        raise ValueError(f"{rate} Hz found; {RATE} Hz is needed: resample=True converts and back")
    pcm = _to_int16(samples)
    if pcm.ndim == 1:
        pcm = pcm[:, np.newaxis]
    if rate != RATE:
        pcm = resampled(pcm, rate, RATE, -(-len(samples) * RATE // rate))
    clean = np.empty_like(pcm)
    for channel, out in zip(pcm.T, clean.T, strict=True):
        out[:] = _channel(channel, model, settings)
    if rate != RATE:
        clean = resampled(clean, RATE, rate, len(samples))
    return _to_type(clean.reshape(samples.shape), samples.dtype)


def _whole(rate: Any) -> int:
    """Any number that is whole, of Python or NumPy."""
    try:
        whole = int(rate)
    except (TypeError, ValueError, OverflowError):
        whole = 0
    if whole != rate:
        raise ValueError(f"a rate of {rate!r} found; a whole number of Hz is needed")
    return whole


def _channel(pcm: NDArray[np.int16], model: str, settings: dict[str, int]) -> NDArray[np.int16]:
    """(N,) in, (N,) out: zeros behind push out what the delay holds, the zeros in front are cut."""
    denoiser = Denoiser(model, **settings)
    padded = np.pad(pcm, (0, denoiser.delay + -(len(pcm) + denoiser.delay) % HOP))
    frames = [denoiser.process(frame) for frame in padded.reshape(-1, HOP)]
    return np.concatenate(frames)[denoiser.delay :][: len(pcm)]


def _to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Rounded to nearest, halves up, and saturated, as the command does it."""
    if samples.dtype.kind == "f":
        return _floats_to_int16(samples)
    top = samples.astype(np.int64)
    if samples.dtype == np.uint8:
        top = (top - 128) << 8
    elif samples.dtype.itemsize == 4:
        top = (top + 0x8000) >> 16
    return np.minimum(top, 32767).astype(np.int16)


def _floats_to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    if not np.isfinite(samples).all():
        raise ValueError("NaN or infinity found in the samples; numbers are needed")
    if clipped := np.count_nonzero(np.abs(samples) > 1):
        warnings.warn(f"{clipped} samples beyond full scale (1.0) were clipped", stacklevel=4)
    nearest = np.floor(samples.astype(np.float64) * 32768 + 0.5)
    return np.clip(nearest, -32768, 32767).astype(np.int16)


def _to_type(pcm: NDArray[np.int16], dtype: np.dtype) -> NDArray[Any]:
    if dtype.kind == "f":
        return (pcm / 32768).astype(dtype)
    if dtype == np.uint8:
        return (np.minimum(pcm.astype(np.int32) + 0x80, 32767) // 256 + 128).astype(dtype)
    return (pcm.astype(np.int32) << (8 * dtype.itemsize - 16)).astype(dtype)
