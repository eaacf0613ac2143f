"""What blocks of weights that are left out cost in sound, with training: one run, one table.

    python -m training.densities RUN --sets build/sets/X build/sets/Y [--gain -0.3] [--strength 0.7]

RUN is a run of the trainer in which every size had several densities:

    python -m training.train --model small small tiny tiny --density 1 0.5 1 0.5 ... --out RUN

RUN/weights has all networks with the biases of their outputs moved by --gain and --strength;
RUN/densities.json has their errors on the run's own held-out mixtures, before that, and what the
sets' clips score. Copied to eval/baseline/studies it becomes a table of docs/targets.md (make
publish).
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import load_file

from reference import dnn
from reference.files import whole
from training.export import export
from training.join import moved
from training.loss import loss
from training.model import Model
from training.targets import batch

HELD_OUT = 32  # mixtures
MEASURES = ("pesq_wb", "estoi")


def networks(run: Path, out: Path) -> Iterator[tuple[str, float, Path]]:
    """Size, density and weights, as trained, of every network of a run."""
    for checkpoint in sorted(run.glob("*/last.pt")):
        settings = torch.load(checkpoint, weights_only=True)["settings"]
        path = out / f"{settings['model']}-{settings['density']:g}.safetensors"
        export(checkpoint, path)
        yield settings["model"], settings["density"], path


@torch.no_grad()
def errors(model: str, path: Path, held_out: torch.Tensor) -> dict[str, float]:
    """Square loss and mean error of the gains against true targets."""
    network, heard = Model(model), batch(held_out, 0)
    network.load_state_dict({key: x.float() for key, x in load_file(path).items()})
    terms = loss(network(heard.features), heard)
    return {"square": terms.square.item(), "error": terms.error.item()}


def judged(paths: list[Path], sets: list[Path], table: Path) -> dict[str, dict]:
    """{weights: {set: {measure: mean}}}, by the judge of weights; its scores stay in `table`."""
    command = [sys.executable, "-m", "studies.judge", *paths, "--sets", *sets, "--csv", table]
    subprocess.run([*map(str, command), "--quick"], check=True)
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = {}
    for path, folder in product(paths, sets):
        mine = [row for row in rows if (row["system"], row["set"]) == (path.stem, folder.name)]
        means = {m: fmean(float(row[m]) for row in mine) for m in MEASURES}
        scores.setdefault(path.stem, {})[folder.name] = means
    return scores


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("--sets", type=Path, nargs="+", required=True, help="prepared sets")
    parser.add_argument("--gain", type=float, default=0, help="added to the logits of all gains")
    parser.add_argument("--strength", type=float, default=0, help="and of all strengths")
    args = parser.parse_args()
    out = args.run / "weights"
    out.mkdir(exist_ok=True)
    held_out = torch.from_numpy(np.load(args.run / "valid.npy", mmap_mode="r")[:HELD_OUT].copy())
    rows = [{"model": model, "density": density, "file": path.stem, **errors(model, path, held_out)}
            for model, density, path in networks(args.run, out)]  # fmt: skip
    paths = [out / f"{row['file']}.safetensors" for row in rows]
    for path in paths:
        save_file(moved(dict(dnn.read(path)), args.gain, args.strength), path)
    scores = judged(paths, args.sets, args.run / "judged.csv")
    rows = [row | {"sets": scores[row.pop("file")]} for row in rows]
    with whole(args.run / "densities.json") as new:
        new.write_text(json.dumps({"study": "densities", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
