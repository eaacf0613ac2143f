"""What zero blocks save: instructions and bytes of copies of a model that hold fewer and fewer.

`python -m targets.density MODEL` counts a frame and a block of four on every CPU of arm64 and keeps
`eval/baseline/density/<model>.json`. A copy keeps of every matrix of convolutions and GRUs the
blocks of 16 rows and 4 columns that are largest; where it keeps more than the model has, zero ones
are filled: instructions depend on which blocks there are, not on what is in them. Nothing is
trained again, so nothing is said of how a copy sounds.
"""

import argparse
import contextlib
import json
import tempfile

import numpy as np
from safetensors.numpy import save

from codegen.pack import DEPTH_S8, ROWS
from codegen.plan import canonical, settle
from codegen.render import render
from reference.dnn import model_path, parse, read_bytes
from reference.topology import LAYERS
from targets.build import build
from targets.count import SHAPES, count_clips, inputs
from targets.footprint import footprint
from targets.target import ROOT, load

DENSITIES = (1, 0.5, 0.3, 0.2)
FOLDER = ROOT / "eval" / "baseline" / "density"


def keep_blocks(weight: np.ndarray, density: float, rows: int = ROWS) -> np.ndarray:
    """The (rows, cols) matrix with that share of its blocks, the largest by their squares.

    rows: of a block. Raises ValueError when the matrix has no whole number of blocks.
    """
    if weight.shape[0] % rows or weight.shape[1] % DEPTH_S8:
        raise ValueError(f"{weight.shape} found; multiples of {rows} x {DEPTH_S8} are needed")
    shape = (weight.shape[0] // rows, rows, weight.shape[1] // DEPTH_S8, DEPTH_S8)
    blocks = weight.reshape(shape).transpose(0, 2, 1, 3).reshape(-1, rows, DEPTH_S8)
    order = np.argsort(-np.square(blocks).sum(axis=(1, 2)), kind="stable")
    kept = np.zeros_like(blocks)
    chosen = order[: round(density * len(order))]
    kept[chosen] = blocks[chosen]
    kept[chosen[~kept[chosen].any(axis=(1, 2))]] = np.abs(weight).max() / 2
    return kept.reshape(shape[0], shape[2], rows, DEPTH_S8).transpose(0, 2, 1, 3).reshape(
        weight.shape)  # fmt: skip


def keep(weights: dict[str, np.ndarray], density: float, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Tensors of a network with that share of the blocks of its convolutions and GRUs."""
    found = dict(weights)
    for name, weight in weights.items():
        if "bias" not in name and LAYERS[name.split(".")[0]].kind in ("conv", "gru"):
            # (out, in, frames) as the matrix has it: the inputs of each frame side by side
            flat = weight.swapaxes(1, -1) if weight.ndim == 3 else weight
            kept = keep_blocks(flat.reshape(len(flat), -1), density, rows).reshape(flat.shape)
            found[name] = np.ascontiguousarray(kept.swapaxes(1, -1) if weight.ndim == 3 else kept)
    return found


def count(blob: bytes, model: str) -> dict:
    """{"instructions": {CPU: {call: mean of a frame}}, "read_<call>", "weights": bytes}."""
    goal, speech = load("arm64"), {"speech": inputs()["speech"][:24000]}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        content, arrays = settle(model, blob)
        gen = goal.folder / "gen"
        gen.mkdir(parents=True)
        (gen / "plan.json").write_bytes(canonical(content))
        for name, text in render(content, arrays).items():
            (gen / name).write_text(text)
        build(goal)
        counted = {}
        for cpu in goal.every_cpu:
            calls = {shape: count_clips(goal, cpu, shape, speech)["speech"] for shape in SHAPES}
            counted[cpu] = {shape: round(c["ranges"]["total"]["sum"] / c["frames"])
                            for shape, c in calls.items()}  # fmt: skip
        size = footprint(goal, SHAPES)
    read = {key: size[key] for key in ("weights", *(f"read_{shape}" for shape in SHAPES))}
    return {"instructions": counted, **read}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    model, rows = parser.parse_args().model, []
    try:
        weights = parse(read_bytes(model_path(model)), model)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    for density in DENSITIES:
        copy = save({name: np.float32(w) for name, w in keep(weights, density).items()})
        rows.append({"density": density, **count(copy, model)})
        print(json.dumps(rows[-1]), flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{model}.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
