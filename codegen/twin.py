"""Sounds through the integer twin, whole files and sets of them.

Command: python -m codegen.twin --set build/sets/embedded --out build/out/twin/embedded
"""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from codegen.plan import plan
from codegen.stages.dnn import Dnn
from codegen.suppressor import BackEnd, FrontEnd, recorded, run_together
from reference.clips import hops_side_by_side, process_set, without_delay
from reference.suppressor import Options

ROOT = Path(__file__).parent.parent
BLOCK = 100
"""Hops of a file that go through the network at once: quick, and their signals are some 5 MB."""
settle = cache(plan)  # once in each worker process


def network(model: str) -> Dnn:
    """The integer network of a model, fresh."""
    content, arrays = settle(model)
    return Dnn(content["dnn"], arrays)


def enhance(samples: np.ndarray, network, options: Options = Options(),  # noqa: B008 (frozen)
            signals: list | None = None) -> np.ndarray:  # fmt: skip
    """Whole-file helper: (N,) int16 in, (N,) int16 out, aligned with the input.

    network: fresh. signals: a list that receives those of every call.
    """
    return enhance_together([samples], network, options, signals)[0]


def enhance_together(sounds: list[np.ndarray], network, options: Options = Options(),  # noqa: B008
                     signals: list | None = None) -> list[np.ndarray]:  # fmt: skip
    """The same of several sounds, which share one network; signals: of the first."""
    hops = hops_side_by_side(sounds)
    fronts, backs = [FrontEnd() for _ in sounds], [BackEnd(options) for _ in sounds]
    out = np.empty(hops.shape, np.int16)
    for start in range(0, len(hops), BLOCK):
        frames = run_together(fronts, network, backs, hops[start : start + BLOCK])
        out[start : start + BLOCK] = [[frame["out"] for frame in row] for row in frames]
        if signals is not None:
            signals += [row[0] for row in frames]
    return without_delay(out, sounds)


def dump(frames: list[dict], content: dict) -> np.ndarray:
    """Signals of many calls as one structured array, the layout of the command's --taps file."""
    out = np.zeros(len(frames), [(t["name"], t["dtype"], (t["count"],)) for t in content["taps"]])
    for row, frame in zip(out, map(recorded, frames), strict=True):
        for name in out.dtype.names:
            row[name] = frame[name]
    return out


def enhance_clips(sounds: list[np.ndarray], model: str) -> list[np.ndarray]:
    """Clips (N,) int16, each from a fresh state."""
    return enhance_together(sounds, network(model))


def fingerprint(model: str) -> str:
    """Changes whenever an enhanced clip could: code, plan and weights."""
    code = hashlib.sha256()
    for folder in ("codegen", "reference"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            code.update(path.read_bytes())
    return plan(model)[0]["hash"] + code.hexdigest()


def main() -> None:
    """Command line."""
    process_set(__doc__, enhance_clips, fingerprint)


if __name__ == "__main__":
    main()
