"""Test vectors for ports by hand: `python -m targets.vectors --model small --out build/vectors`.

Raw little-endian numbers and WAV files, described by manifest.json; docs/vectors.md says how to use
them. Same model and code, same bytes.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import soundfile

from codegen import fixed, twin
from codegen.plan import canonical
from codegen.suppressor import Suppressor
from reference.clips import to_int16
from reference.dnn import fit_model
from reference.params import HOP
from reference.signals import adversarial, speech
from reference.suppressor import EVERY_STAGE, Options

SECONDS = 1.0
OPERATOR_VALUES = 4096
STEP = 2**24 - 3  # odd steps over int32, so that every bit of an argument moves


def sounds() -> dict[str, np.ndarray]:
    """int16 samples by name, whole hops."""
    return {"speech": to_int16(speech(SECONDS)), "hostile": adversarial().ravel()}


class Folder:
    """A folder of vectors and the manifest entries of what lies in it."""

    def __init__(self, path: Path) -> None:
        self.path, self.files = path, {}
        shutil.rmtree(path, ignore_errors=True)

    def add(self, name: str, values: np.ndarray, dtype: str, **facts: str) -> None:
        """Writes raw numbers; rows are frames where there are two dimensions."""
        data = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
        self.note(f"{name}.{dtype}", data.tobytes(), dtype=dtype, shape=list(data.shape), **facts)

    def note(self, name: str, data: bytes, **facts) -> None:
        """Writes bytes and enters name, SHA-256 and facts."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.files[name] = {"sha256": hashlib.sha256(data).hexdigest(), **facts}


def add_run(folder: Folder, name: str, samples: np.ndarray, model: str, options: Options) -> None:
    """Input hops, every signal of every call, and the voice activity, of one sound."""
    content, hops = twin.settle(model)[0], samples.reshape(-1, HOP)
    frames = twin.dump(Suppressor(twin.network(model), options).run_block(hops), content)
    folder.add(f"{name}/in", hops, "int16", stage="input", format="int16 samples")
    for tap in content["taps"]:
        facts = {"stage": tap["stage"], "format": tap["format"]}
        folder.add(f"{name}/{tap['name']}", frames[tap["name"]], tap["dtype"], **facts)
    folder.note(f"{name}/in.wav", wav(samples))
    folder.note(f"{name}/out.wav", wav(frames["out"].ravel()))


def wav(samples: np.ndarray) -> bytes:
    """A 48 kHz 16-bit mono WAV."""
    import io

    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.int16), 48000, "PCM_16", format="WAV")
    return file.getvalue()


def add_operators(folder: Folder) -> None:
    """Argument and result of the three functions that need tables, over their whole domain."""
    wide = (np.arange(OPERATOR_VALUES) * STEP) % 2**32 - 2**31
    near = np.arange(OPERATOR_VALUES) * 17 - OPERATOR_VALUES * 17 // 2  # where they are not flat
    signed = np.concatenate([wide, near])
    functions = {
        "log2_q16": np.abs(signed),
        "tanh_q15": signed,
        "sigmoid_q15": signed,
    }
    for name, x in functions.items():
        values = np.stack([x, getattr(fixed, name)(x)], axis=1)
        folder.add(f"operators/{name}", values, "int64", format="rows of argument, result")


def write(model: str, out: Path) -> dict:
    """Writes everything; the manifest."""
    content, arrays = twin.settle(model)
    folder = Folder(out)
    for name, samples in sounds().items():
        add_run(folder, name, samples, model, Options())
        add_run(folder, f"{name}-every-stage", samples, model, EVERY_STAGE)
    add_operators(folder)
    for name, values in arrays.items():
        if name not in content["tables"]:
            folder.add(f"weights/{name}", values, str(values.dtype))
    folder.note("plan.json", canonical(content))
    manifest = {
        "plan": content["hash"],
        "model": content["model"],
        "hop": HOP,
        "delay": content["api"]["delay"],
        "signals": [tap["name"] for tap in content["taps"]],
        "files": folder.files,
    }
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=fit_model, default="small")
    parser.add_argument("--out", type=Path, default=Path("build/vectors"))
    args = parser.parse_args()
    manifest = write(args.model, args.out)
    print(f"{args.out}: {len(manifest['files'])} files, plan {manifest['plan'][:16]}")


if __name__ == "__main__":
    main()
