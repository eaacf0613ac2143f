#!/usr/bin/env python3
"""qemu_board.py CPU [-plugin PLUGIN] PROGRAM [ARGUMENT ...]: a program on a board that QEMU plays.

The program percepnet (board.c) takes options and WAV files here as the command does elsewhere:
[--[no-]SETTING ...] [--pf-beta BETA] [-a DB] [--taps FILE] IN OUT, 48 kHz, 16-bit, mono.
"""

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

from settings import take

BOARDS = {"cortex-m7": "mps2-an500", "cortex-m55": "mps3-an547"}
QEMU = ["qemu-system-arm", "-nographic", "-monitor", "none", "-serial", "none"]


def run(cpu: str, plugin: list[str], program: str, words: list[str]) -> int:
    """Exit code of a program with these arguments."""
    arguments = "".join(f",arg={word.replace(',', ',,')}" for word in [Path(program).name, *words])
    return subprocess.run([*QEMU, "-M", BOARDS[cpu], *plugin, "-kernel", program,
                           "-semihosting-config", f"enable=on,target=native{arguments}"],
                          check=False, stdin=subprocess.DEVNULL).returncode  # fmt: skip


def enhance(cpu: str, program: str, options: list[str], source: str, out: str) -> int:
    """Exit code of percepnet on a WAV file, raw samples in between."""
    settings, taps = take(options)
    words = [f"{name}={value}" for name, value in settings]
    with tempfile.TemporaryDirectory() as folder, wave.open(source) as file:
        (Path(folder) / "in").write_bytes(file.readframes(file.getnframes()))
        names = ["in", "out", *(["taps"] if taps else [])]
        code = run(cpu, [], program, words + [f"{folder}/{name}" for name in names])
        if code == 0:
            with wave.open(out, "wb") as made:
                made.setparams(file.getparams())
                made.writeframes((Path(folder) / "out").read_bytes())
            if taps:
                Path(taps).write_bytes((Path(folder) / "taps").read_bytes())
    return code


def main(cpu: str, *arguments: str) -> int:
    """Command line; exit code."""
    if cpu == "--version":
        return subprocess.run(["qemu-system-arm", "--version"], check=False).returncode
    words, plugin = list(arguments), []
    if words[0] == "-plugin":
        plugin, words = words[:2], words[2:]
    program, *words = words
    if Path(program).name != "percepnet":
        return run(cpu, plugin, program, words)
    if words[:1] == ["--footprint"]:
        settings, _ = take(words[1:])
        return run(cpu, plugin, program, [*(f"{n}={v}" for n, v in settings), "--footprint"])
    return enhance(cpu, program, words[:-2], *words[-2:])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
