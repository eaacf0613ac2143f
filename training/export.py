"""Turn a checkpoint into a weight file and the skeleton of its card.

    python -m training.export --run DIR --index data/index.csv [--name small]

Exports the averaged weights of the last checkpoint (--best: of the best validation value), without
the units that never learnt (``renew.py``, judged on validation mixtures of the run). With
--began FILE and --way 0.5 they are half way between the weights that the run began with and those:
what a run learns of its recordings alone weighs less then (Wortsman et al. 2022, WiSE-FT). What
people wrote into an earlier card of that name stays: licence, test sets, known weaknesses.
"""

import argparse
import hashlib
import re
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from reference import dnn
from reference.markdown import table
from training import log
from training.data import hours
from training.grow import grown
from training.model import Model
from training.renew import leave_out
from training.student import Settings
from training.targets import batch
from training.train import add_sources, read_segments
from training.weights import write

JUDGED = 16  # validation mixtures that units are judged on


def part_way(state: dict, began: Path, way: float) -> dict[str, torch.Tensor]:
    """Weights between those that a run began with, `way` 0, and those it ended with, 1.

    began: the file that was its --init. Raises ValueError if it was another one, or if `way` lies
    beyond the ends.
    """
    if not 0 <= way <= 1:
        raise ValueError(f"way {way}: expected 0 ... 1, from the beginning of the run to its end")
    if hashlib.sha256(began.read_bytes()).hexdigest() != state["began_with"]:
        raise ValueError(f"{began}: the run began with sha256 {state['began_with']}, not with this")
    torch.manual_seed(state["settings"]["seed"])  # new units as the trainer made them
    first = grown(load_file(began), Model(state["settings"]["model"]))
    return {key: torch.lerp(first[key], end, way) for key, end in state["average"].items()}


def export(
    checkpoint: Path, target: Path, began: Path | None = None, way: float = 1.0
) -> dict:
    """Write the averaged weights of a checkpoint (`weights.py`); returns the checkpoint.

    Its entry "left_out" says how many units of a layer have got weights of 0.
    began, way: see `part_way`.
    """
    state = torch.load(checkpoint, weights_only=True)
    name = state["settings"]["model"]
    model = Model(name)
    model.load_state_dict(part_way(state, began, way) if began else state["average"])
    held_out = np.load(checkpoint.parents[1] / "valid.npy", mmap_mode="r")[:JUDGED]
    state["left_out"] = leave_out(model, batch(torch.from_numpy(held_out.copy()), 0).features)
    state["way"] = way
    weights = {key: tensor.numpy() for key, tensor in model.state_dict().items()}
    seed, frames = state["settings"]["seed"], state["frames"]
    write(target, weights, model=name, frames=str(frames), seed=str(seed))
    return state


def options(settings: dict) -> str:
    """The seed and the numbers that differ from the trainer's own, as on its command line."""
    given = {"seed": settings["seed"]}
    for key, value in settings.items():
        changed = isinstance(value, int | float) and value != getattr(Settings, key)
        if changed and key != "producers":  # how many make mixtures changes none of them
            given[key.replace("_", "-")] = value
    return " ".join(
        f"--{key}" if value is True else f"--{key} {value:g}" for key, value in given.items()
    )


WRITTEN = (  # parts of a card that people write
    r"Licence of the weights: .*?(?=\n## )",
    r"## Test sets\n.*?(?=\n## )",
    r"## Known weaknesses\n.*?(?=\n## |\Z)",
)


def carry_over(old: str, new: str) -> str:
    """The new card with the parts that people wrote into the old one."""
    for part in WRITTEN:
        if found := re.search(part, old, re.DOTALL):
            text = found[0]
            new = re.sub(part, lambda _, text=text: text, new, flags=re.DOTALL)
    return new


def silent(state: dict) -> str:
    """A sentence on the units that were left out; empty if all learnt."""
    counts = [f"{count} of `{name}`" for name, count in state["left_out"].items() if count]
    left = ", ".join(counts)
    return f"\nUnits left out, as they never learnt (`renew.py`): {left}." if counts else ""


def beginning(state: dict) -> str:
    """A sentence on the weights that a run began with; empty if it began with none."""
    digest = state.get("began_with")
    if not digest:
        return ""
    find = f"`git log -S{digest[:16]} -- '*.md'` finds their card"
    before = f"\nBEFORE are the weights of sha256 `{digest}`:\n{find}."
    if state["way"] == 1:
        return before
    return before + f" Exported is {state['way']:g} of the way from them to the end of the run."


def taught(settings: dict) -> str:
    """A sentence on the teacher; empty if there was none."""
    if not settings["teach"]:
        return ""
    return (f" Targets: {settings['teach']:g} of those by DeepFilterNet 3 (H. Schröter et al. 2023,"
            " MIT or Apache-2.0), the rest true ones.")  # fmt: skip


def card(name: str, state: dict, rows: list[log.Row], data: list) -> str:
    """Text of the card; what is measured, or follows from the weights, `make publish` adds."""
    s = state["settings"]
    made = s["first"] * s["rows"] * s["sequence"] + state["frames"] / s["reuse"]
    last = rows[-1]
    return f"""# Model `{name}`

{part("weights")}
Size `{s["model"]}` of `reference/topology.py`.
Licence of the weights: to be stated by who trained them; sources and their licences below.

## Recipe
`python -m training.train --model {s["model"]} --index DATA/index.csv --out RUN
{options(s)}{" --init BEFORE.safetensors" if state.get("began_with") else ""}`

{state["frames"] / 1e6:.1f} M frames ({state["frames"] / 360_000:.0f} h of mixtures) in
{state["step"]} steps and {state["seconds"] / 60:.0f} minutes: crops of {s["crops"][0]}, later
{s["crops"][1]} frames, batch {s["batch"]}, Muon and AdamW (`optimiser.py`), warm-up and cosine
from {s["rate"]:g}, weights within +-1/2, exponential average of the weights exported. Mixtures made
afresh ({made / 1e6:.1f} M frames), seeded by {s["seed"]}: see `training/mix.py`. Loss:
see `training/loss.py`.{taught(s)} With a budget in minutes the learning rate follows the clock, so
another machine gives similar, not equal weights.{silent(state)}{beginning(state)}

## Learning
Held-out talkers and noises: square loss {last["valid_square"]:.3f}, mean |gain error|
{last["valid_error"]:.4f}, strength loss {last["valid_strength"]:.3f} (first check:
{rows[0]["valid_square"]:.3f}, {rows[0]["valid_error"]:.4f}, {rows[0]["valid_strength"]:.3f}).

## Recordings
{table(["split", "kind", "source", "licence", "hours"], [[*r[:4], f"{r[4]:.2f}"] for r in data])}

Synthetic noise and simulated rooms: `synth.py`, `room.py` in `training/`.

## Test sets
(to be filled in)

## Scores
{part("scores")}

### What each part is worth
`make parts`: one part left out, or told the true values.

{part("parts")}

### At the edge
`make trials`:

{part("trials")}

## Known weaknesses
(to be filled in)

## Weaknesses to hear
{part("weaknesses")}
"""


def part(name: str) -> str:
    """An empty part of a page, for `make publish` to fill."""
    return f"<!-- begin {name} -->\n<!-- end -->"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--name", help="name of the model (its size)")
    parser.add_argument("--replace", action="store_true", help="a model that is there already")
    parser.add_argument("--best", action="store_true", help="best checkpoint instead of the last")
    parser.add_argument("--out", type=Path, default=dnn.MODELS, help="folder of the models")
    parser.add_argument("--began", type=Path, help="weights that the run began with (its --init)")
    parser.add_argument("--way", type=float, help="from there to the end of the run (0.5)")
    add_sources(parser)
    args = parser.parse_args()
    if args.way is not None and not args.began:
        parser.error("--way starts at the weights that the run began with: name them by --began")
    checkpoint = args.run / ("best.pt" if args.best else "last.pt")
    name = args.name or torch.load(checkpoint, weights_only=True)["settings"]["model"]
    target = args.out / f"{name}.safetensors"
    if target.exists() and not args.replace:
        parser.error(f"{target} is there already: --name gives this one another name, "
                     "--replace puts it in the other's place")  # fmt: skip
    way = (0.5 if args.way is None else args.way) if args.began else 1.0
    state = export(checkpoint, target, args.began, way)
    rows = [row for row in log.read(args.run) if row["step"] <= state["step"]]
    text = card(name, state, rows, hours(read_segments(args)))
    path = target.with_suffix(".md")
    if path.exists():
        text = carry_over(path.read_text(encoding="utf-8"), text)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {target} with its card; `make baseline`, `make publish` measure and fill it")


if __name__ == "__main__":
    main()
