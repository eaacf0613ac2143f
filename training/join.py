"""Networks side by side as one, and the level of what it says.

    python -m training.join A.safetensors B.safetensors --name full [--share 0.25 0.75]
        [--gain -0.5] [--strength 0.7] [--density 0.29 --speech DIR --noise DIR]

Each keeps its layers, which hear nothing of the other's; the logits of the one network are the
means of theirs, weighted if shares are given. Networks of different sizes err differently, if not
much (docs/ablations.md), and most blocks of the wide matrices are zeros, which cost nothing.
--density makes more of them zeros: those that change least of what the network says of mixtures of
the recordings given.
Given one file alone, --gain and --strength move the biases of its outputs.
"""

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from reference import dnn
from reference.topology import FEATURES, GRUS, LAYERS, OUTPUTS, Shape, shape_of
from training.model import Model
from training.prune import effects, thin
from training.store import Maker, Source
from training.targets import batch
from training.train import add_sources, read_segments
from training.weights import write

SEED, SHARDS = 30_000, 5  # of the mixtures by which blocks are chosen; 80 of 12 s


def beside(shapes: Sequence[Shape]) -> Shape:
    """Shape of networks side by side. Raises ValueError if convolutions reach further in one."""
    if any(shape.frames != shapes[0].frames for shape in shapes):
        raise ValueError("networks whose convolutions reach equally far are needed")
    width = {name: sum(shape.width[name] for shape in shapes) for name in LAYERS}
    return Shape({FEATURES: shapes[0].width[FEATURES]} | width | OUTPUTS, shapes[0].frames)


def joined(networks: Sequence[dnn.Weights], shares: Sequence[float] = ()) -> dict[str, np.ndarray]:
    """Tensors of the network whose logits are the means of these networks' logits, weighted by
    their shares, which sum to 1. Raises ValueError for other shares, and as `beside`.
    """
    shares = shares or [1 / len(networks)] * len(networks)
    if len(shares) != len(networks) or min(shares) <= 0 or not math.isclose(sum(shares), 1):
        raise ValueError(f"shares {' '.join(f'{share:g}' for share in shares)} of {len(networks)} "
                         "networks found; one of each, above 0, with a sum of 1, is needed")
    shapes = [shape_of(network) for network in networks]
    shape = beside(shapes)
    tensors = {key: np.zeros(size, np.float32) for key, size in shape.tensors().items()}
    before = dict.fromkeys(shape.width, 0)  # units of a layer that earlier networks have taken
    for network, own, mine in zip(networks, shapes, shares, strict=True):
        for key, tensor in network.items():
            layer, kind = key.split(".")
            share = mine if layer in OUTPUTS else 1
            gates = 3 if layer in GRUS else 1
            rows = [units(layer, own, before) + gate * shape.width[layer] for gate in range(gates)]
            place = (np.concatenate(rows),)
            if kind.startswith("weight"):
                sources = (layer,) if kind == "weight_hh" else LAYERS[layer].reads
                place = np.ix_(*place, inputs(sources, own, shape, before))
            tensors[key][place] += share * tensor
        for name in LAYERS.keys() - OUTPUTS.keys():
            before[name] += own.width[name]
    return tensors


def units(name: str, own: Shape, before: dict[str, int]) -> np.ndarray:
    """Where the outputs of one network's layer, or the features, lie among those of all."""
    return np.arange(own.width[name]) + before[name]


def inputs(sources: Sequence[str], own: Shape, shape: Shape, before: dict[str, int]) -> np.ndarray:
    """Where what one network reads lies among what all read, layer after layer."""
    starts = np.cumsum([0, *(shape.width[source] for source in sources)])
    return np.concatenate([start + units(source, own, before)
                           for start, source in zip(starts, sources, strict=False)])


def moved(tensors: dict[str, np.ndarray], gain: float, strength: float) -> dict[str, np.ndarray]:
    """The same network, but its logits of all gains and of all strengths moved by so much."""
    by = {"gain.bias": np.float32(gain), "strength.bias": np.float32(strength)}
    return {key: tensor + by.get(key, 0) for key, tensor in tensors.items()}


def pruned(tensors: dict[str, np.ndarray], density: float, features: Tensor
           ) -> dict[str, np.ndarray]:
    """The same network with so much of the blocks of convolutions and GRUs: those go that change
    least of what it says of (L, B, 70) features.
    """
    model = Model(shape_of(tensors))
    model.load_state_dict({key: torch.from_numpy(tensor) for key, tensor in tensors.items()})
    thin(model, effects(model, features), density)
    return {key: tensor.numpy() for key, tensor in model.state_dict().items()}


def mixtures(args: argparse.Namespace) -> Tensor:
    """Features (L, B, 70) of mixtures of the recordings for training that were named."""
    segments = tuple(read_segments(args))
    with TemporaryDirectory() as cache:
        source = Source(segments, args.cache or Path(cache), SEED)
        source.prepare("train", os.cpu_count() or 1)
        maker = Maker(source, "train")
        return batch(torch.cat([maker.shard(k) for k in range(SHARDS)]), 0).features


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.join",
                                     description="networks side by side as one")
    parser.add_argument("weights", nargs="+", type=Path, metavar="FILE.safetensors")
    parser.add_argument("--name", required=True, help="the file in reference/models it becomes")
    parser.add_argument("--share", type=float, nargs="+", default=(),
                        help="of each network in the means; equal without")  # fmt: skip
    parser.add_argument("--gain", type=float, default=0, help="added to the logits of all gains")
    parser.add_argument("--strength", type=float, default=0, help="and of all strengths")
    parser.add_argument("--density", type=float, default=1, help="share of all blocks that stay")
    add_sources(parser)
    args = parser.parse_args(arguments)
    if not 0 < args.density <= 1:
        parser.error(f"--density {args.density:g} found; a share above 0, at most 1, is needed")
    try:
        tensors = joined([dnn.read(path) for path in args.weights], args.share)
        tensors = moved(tensors, args.gain, args.strength)
        if args.density < 1:
            tensors = pruned(tensors, args.density, mixtures(args))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    target = dnn.model_path(args.name)
    write(target, tensors, model=args.name)
    print(f"{target}: {sum(t.size for t in tensors.values()):,} parameters, "
          f"{sum(np.count_nonzero(t) for t in dnn.read(target).values()):,} not 0")


if __name__ == "__main__":
    main()
