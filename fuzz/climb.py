"""How near states come to their proved bounds, by hill climbing: `python -m fuzz.climb`.

    python -m fuzz.climb [--model NAME] [--seconds S] [--seed N]

Prints, for every state of climb.c, the largest value found and its share of the bound that
plan.json states (proof/ranges.py), and keeps them in fuzz/climb.json. A state beyond its bound
ends it with exit code 1.
"""

import argparse
import json
import re
import subprocess
import sys

from codegen import render
from fuzz.__main__ import HERE, program, target
from proof.ranges import bound, ranges
from reference.dnn import fit_model
from reference.files import whole

KEPT = HERE / "climb.json"
FOUND = re.compile(r"^(\w+): (\d+) of (\d+)$", re.M)


def bounds(plan: dict) -> dict[str, int]:
    """{state: what no sound can exceed}, of the states that climb.c knows."""
    known = ranges(plan)
    return {
        "dcblock_sum": bound(plan, "dcblock sum q10"),
        "spectrum": known["SPECTRUM_MAX"],
        "band_energy": known["ENERGY_MAX"],
        "comb": bound(plan, "comb acc_q15"),
        "decimated": known["LOW_MAX_Q8"],
        "smoothed": known["SMOOTHED_MAX_Q8"],
        "pre_activation": known["PRE_MAX"],
        "floor_amplitude": known["AMPLITUDE_MAX_Q2"],
        "highpass_memory_0": known["HIGHPASS_M0_MAX"],
        "highpass_memory_1": known["HIGHPASS_M1_MAX"],
    }


def climb(model: str, seed: int, seconds: float) -> dict[str, dict[str, float]]:
    """{state: {"largest", "share" of its bound, "sounds" tried}}."""
    goal = target(model, plain=True)
    gen = goal.folder / "gen"
    plan = render.write(model, gen)
    path = program(goal, "climb", sorted(p for p in gen.glob("*.c") if p.name != "taps.c"))
    printed = subprocess.check_output([str(path), str(seed), str(seconds)], text=True)
    limits = bounds(plan)
    return {name: {"largest": int(most), "share": round(int(most) / limits[name], 4),
                   "sounds": int(sounds)}
            for name, most, sounds in FOUND.findall(printed)}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz.climb", description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--model", type=fit_model, default="small")
    parser.add_argument("--seconds", type=float, default=10, help="for every state (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    found = climb(args.model, args.seed, args.seconds)
    for name, state in found.items():
        print(f"{name}: {100 * state['share']:.1f} % of its bound, {state['sounds']:,} sounds")
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    with whole(KEPT) as new:
        new.write_text(json.dumps(kept | {args.model: found}, indent=1, sort_keys=True) + "\n")
    return int(any(state["share"] > 1 for state in found.values()))


if __name__ == "__main__":
    sys.exit(main())
