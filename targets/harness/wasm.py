"""python wasm.py percepnet.wasm [--[no-]SETTING ...] [--pf-beta BETA] [-a DB] [--taps FILE] IN OUT

The module under wasmtime on a 48 kHz, 16-bit, mono file; a module with a `main` is run as it is.
"""

import struct
import sys

import numpy as np
import soundfile
import wasmtime
from settings import take

HOP = 480


class Module:
    """The library in a memory of its own: one suppressor, and one hop of samples behind it."""

    def __init__(self, store: wasmtime.Store, module: wasmtime.Module) -> None:
        self.store = store
        self.exports = wasmtime.Instance(store, module, []).exports(store)
        self.memory, size = self.exports["memory"], self.call("state_bytes")
        self.state = (self.exports["__heap_base"].value(store) + 15) & ~15
        self.pcm = self.state + ((size + 15) & ~15)
        missing = self.pcm + 2 * HOP - self.memory.data_len(store)
        self.memory.grow(store, max(0, -(-missing // 65536)))
        if not self.call("init", self.state, size):
            raise SystemExit("percepnet_init refused its memory")

    def call(self, name: str, *arguments: int) -> int:
        """percepnet_<name> of the module."""
        return self.exports[f"percepnet_{name}"](self.store, *arguments)

    def read(self, begin: int, size: int) -> bytes:
        """Bytes of the module's memory."""
        return bytes(self.memory.read(self.store, begin, begin + size))

    def process(self, samples: np.ndarray) -> np.ndarray:
        """One hop in, one hop out, (480,) int16."""
        self.memory.write(self.store, samples.astype("<i2").tobytes(), self.pcm)
        if self.call("process", self.state, self.pcm, self.pcm) < 0:
            raise SystemExit("percepnet_process refused a frame")
        return np.frombuffer(self.read(self.pcm, 2 * HOP), "<i2")

    def taps(self) -> bytes:
        """The recorded signals of the last call, by the table: name, offset, count, size."""
        names = ("percepnet_taps", "percepnet_n_taps")
        table, count = (self.exports[name].value(self.store) for name in names)
        entries = struct.iter_unpack("<4I", self.read(table, 16 * self.word(count)))
        return b"".join(self.read(self.state + at, n * size) for _, at, n, size in entries)

    def word(self, address: int) -> int:
        return struct.unpack("<I", self.read(address, 4))[0]


def enhance(lib: Module, samples: np.ndarray, taps: list[bytes] | None) -> np.ndarray:
    """Feeds zeros behind and drops the delay in front: the output is aligned and as long."""
    delay = lib.call("delay_samples")
    padded = np.pad(samples, (0, delay + -(samples.size + delay) % HOP))
    hops = []
    for hop in padded.reshape(-1, HOP):
        hops.append(lib.process(hop))
        if taps is not None:
            taps.append(lib.taps())
    return np.concatenate(hops)[delay : delay + samples.size]


def run_command(store: wasmtime.Store, module: wasmtime.Module, arguments: list[str]) -> int:
    """Exit code of a module with a `main`."""
    config = wasmtime.WasiConfig()
    config.argv = arguments
    config.inherit_stdout()
    config.inherit_stderr()
    store.set_wasi(config)
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    try:
        linker.instantiate(store, module).exports(store)["_start"](store)
    except wasmtime.ExitTrap as trap:
        return trap.code
    return 0


def main(path: str, *arguments: str) -> int:
    """Command line; exit code."""
    store = wasmtime.Store()
    module = wasmtime.Module.from_file(store.engine, path)
    if any(export.name == "_start" for export in module.exports):
        return run_command(store, module, [path, *arguments])
    *options, source, out = arguments
    lib = Module(store, module)
    settings, taps_name = take(options)
    taps = [] if taps_name else None
    for name, value in settings:
        if lib.call(f"set_{name}", lib.state, value):
            raise SystemExit(f"{name}: no such setting, or out of its range")
    samples, rate = soundfile.read(source, dtype="int16")
    soundfile.write(out, enhance(lib, samples, taps), rate, "PCM_16")
    if taps_name:
        with open(taps_name, "wb") as file:
            file.write(b"".join(taps))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
