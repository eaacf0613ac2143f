"""The generated library, compiled for this machine and loaded with ctypes, and test signals."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from codegen.render import write
from reference.signals import adversarial, speech
from reference.suppressor import Options

__all__ = ["adversarial", "speech"]

FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]


class Spectrum(ctypes.Structure):
    """percepnet_spectrum."""

    _fields_ = [
        ("re", ctypes.c_int32 * 481),
        ("im", ctypes.c_int32 * 481),
        ("frac", ctypes.c_int32),
    ]

    @classmethod
    def of(cls, spectrum: tuple) -> "Spectrum":
        self = cls(frac=int(spectrum[2]))
        self.re[:], self.im[:] = (np.asarray(part).tolist() for part in spectrum[:2])
        return self

    def parts(self) -> tuple:
        return np.array(self.re), np.array(self.im), self.frac


class Library:
    """Stage functions as attributes; `instance()` and `process()` for the whole."""

    def __init__(self, folder: Path, model: str = "small") -> None:
        self.gen = folder / "gen"
        self.plan = write(model, self.gen)
        path = folder / "libpercepnet_test.so"
        sources = sorted(self.gen.glob("*.c"))
        for source in sources:  # one by one, as compilers that remember need
            subprocess.run(["gcc", *FLAGS, "-fPIC", "-c", source.name], cwd=self.gen, check=True)
        objects = [source.with_suffix(".o") for source in sources]
        subprocess.run(["gcc", "-shared", "-o", path, *objects], check=True)
        self.c = ctypes.CDLL(str(path))
        self.c.percepnet_init.restype = ctypes.c_void_p
        self.c.percepnet_state_bytes.restype = ctypes.c_size_t

    def instance(self) -> "Instance":
        return Instance(self)


class Instance:
    """One suppressor in its own 16-byte aligned memory."""

    def __init__(self, library: Library) -> None:
        self.c = library.c
        size = self.c.percepnet_state_bytes()
        self.memory = np.full(size + 16, 0xA5, np.uint8)
        start = -self.memory.ctypes.data % 16
        self.state = self.memory[start : start + size]
        self.pointer = ctypes.c_void_p(self.state.ctypes.data)
        assert self.c.percepnet_init(self.pointer, ctypes.c_size_t(size)) == self.pointer.value
        self.taps = library.plan["taps"]
        table = (TapEntry * len(self.taps)).in_dll(self.c, "percepnet_taps")
        self.offsets = {entry.name.decode(): entry.offset for entry in table}

    def configure(self, options: Options) -> None:
        """Every setting through its setter."""
        for name, value in vars(options).items():
            assert getattr(self.c, f"percepnet_set_{name}")(self.pointer, int(value)) == 0

    def process(self, hop: np.ndarray) -> dict[str, np.ndarray]:
        """One hop in; all taps out, by name."""
        hop = np.ascontiguousarray(hop, np.int16)
        out = np.empty(480, np.int16)
        vad = self.c.percepnet_process(self.pointer, pointer(out), pointer(hop))
        taps = {}
        for tap in self.taps:
            start = self.offsets[tap["name"]]
            raw = self.state[start : start + tap["bytes"] * tap["count"]]
            taps[tap["name"]] = raw.view(tap["dtype"]).copy()
        assert np.array_equal(taps["out"], out) and taps["vad_q15"][0] == vad
        return taps


class TapEntry(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("offset", ctypes.c_uint),
        ("count", ctypes.c_uint),
        ("bytes", ctypes.c_uint),
    ]


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def snr_db(reference: np.ndarray, approximation: np.ndarray) -> float:
    """Energy of the reference over that of the difference, complex or not; NaN is not allowed."""
    energy, error = (np.sum(np.abs(x) ** 2.0) for x in (reference, approximation - 1.0 * reference))
    assert np.isfinite(error)
    return 10 * np.log10(energy / max(error, 1e-300))
