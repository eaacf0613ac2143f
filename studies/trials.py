"""What a network does at the edge: clean speech, noise alone, other levels, long after a reset.

A suppressor is judged by what it leaves alone as much as by what it removes, and by how long:

* clean in: PESQ-WB of the result, and how much quieter active speech has become (dB);
* noise alone in: how much quieter it has become (dB);
* level: PESQ-WB at -20...+20 dB from the clip's own level, and the spread of these means; and how
  much the noisy recording itself loses at +20 dB, where a converter clips it;
* minutes without a reset: PESQ-WB of the clip after them, and how much less than after a reset.
"""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from itertools import cycle
from pathlib import Path
from statistics import fmean

import numpy as np
import soundfile

from eval.mixing import active_level
from eval.testset import read_set
from reference import dnn
from reference.params import HOP, RATE
from reference.suppressor import Suppressor, enhance, load_network

LATE_MINUTES = 20
NOISY = "network"  # noisy speech in; "network+10": 10 dB louder
UNSCORED = ("noise", "noise-in")
LEVELS_DB = (-20, -10, 10, 20)  # from the level of the clip
STEPS = {
    "clean-in": "clean speech in: the network",
    "noise": "the noise of the clip, untouched",
    "noise-in": "noise alone in: the network",
    "network": "noisy speech in, at its own level: the network",
    **{f"network{level:+d}": f"noisy speech {level:+d} dB, brought back: the network"
       for level in LEVELS_DB},
    "untouched": "noisy speech, nothing done",
    "clipped": f"noisy speech {LEVELS_DB[-1]:+d} dB, clipped, brought back, nothing done",
    "late": f"noisy speech {LATE_MINUTES} minutes after the last reset: the network",
}  # fmt: skip


@cache
def late(model: str, folder: Path) -> dnn.Network:
    """The network after LATE_MINUTES of the noisy clips of a prepared set, one after the other."""
    network, left = dnn.Network(load_network(model)), int(LATE_MINUTES * 60 * RATE / HOP)
    for clip in cycle(read_set(folder)["clips"]):
        features = front(folder / clip["noisy"])[:left]
        network.run(features)
        left -= len(features)
        if not left:
            return network


@cache
def front(path: Path) -> np.ndarray:
    """Features (frames, 70) of a sound file, the last part of a hop left out."""
    samples = soundfile.read(path)[0]
    hops = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    return Suppressor(None).hear(hops)["features"]


def steps(
    noisy: np.ndarray, clean: np.ndarray, model: str, folder: Path
) -> Iterator[tuple[str, np.ndarray]]:
    """(step, samples (N,)) of one clip at 48 kHz of the prepared set in `folder`; default options
    of the shipped library.
    """
    weights = load_network(model)

    def heard(samples: np.ndarray) -> np.ndarray:
        return enhance(samples, dnn.Network(weights))

    yield "clean-in", heard(clean)
    yield "noise", noisy - clean
    yield "noise-in", heard(noisy - clean)
    yield "network", heard(noisy)
    for level in LEVELS_DB:
        factor = 10 ** (level / 20)
        sent = np.clip(noisy * factor, -1, 1)  # what a converter turned up too far delivers
        yield f"network{level:+d}", heard(sent) / factor
    yield "untouched", noisy
    yield "clipped", sent / factor
    yield "late", enhance(noisy, deepcopy(late(model, folder)))


def read(out: Path, step: str, testset: str, clip: str) -> np.ndarray:
    """Samples of one clip of one step, full scale 1."""
    return soundfile.read(out / "out" / step / testset / f"{clip}.wav")[0]


def power_db(samples: np.ndarray) -> float:
    """Mean power, dB of full scale; silence counts as -120."""
    return 10 * np.log10(max(np.mean(samples**2), 1e-12))


def row(trial: str, measure: str, values: list[float], best: str, wanted: str = "") -> dict:
    """Mean and worst over the clips; `best`: whether "high" or "low" is good; wanted in words."""
    worst = min(values) if best == "high" else max(values)
    return {"trial": trial, "measure": measure, "mean": round(fmean(values), 3),
            "worst": round(worst, 3), "wanted": wanted}


def levels(scores: dict[str, list[float]]) -> list[dict]:
    """Rows of the trials at other levels, and the spread of the means."""
    by_level = {int(step.removeprefix(NOISY) or 0): found
                for step, found in scores.items() if step.startswith(NOISY)}
    rows = [row(f"level {level:+d} dB", "PESQ-WB", found, "high")
            for level, found in sorted(by_level.items())]
    means = [r["mean"] for r in rows]
    spread = round(max(means) - min(means), 3)
    return [*rows, row("level", "spread", [spread], "low")]


def result(rows: list[dict], folder: Path, out: Path) -> dict:
    """{"rows": [{trial, measure, mean, worst, wanted}]}. Raises SystemExit without a score."""
    about = read_set(folder)
    failed = [f"{r['clip']}: {r['error']}" for r in rows
              if r.get("error") and r["system"] in STEPS.keys() - set(UNSCORED)]
    if failed:
        raise SystemExit("error: not scored: " + "; ".join(failed))
    scores = {step: [r["pesq_wb"] for r in rows if r["system"] == step]
              for step in STEPS if step not in UNSCORED}
    lost, clipping = ([a - b for a, b in zip(scores[before], scores[after], strict=True)]
                      for before, after in ((NOISY, "late"), ("untouched", "clipped")))
    long, quieter, reduced = f"{LATE_MINUTES} min without a reset", [], []
    for clip in about["clips"]:
        clean = soundfile.read(folder / clip["clean"])[0]
        after, noise, left = (read(out, step, about["name"], clip["name"])
                              for step in ("clean-in", "noise", "noise-in"))
        quieter.append(active_level(clean) - active_level(after))
        reduced.append(power_db(noise) - power_db(left))
    return {"rows": [
        row("clean speech in", "PESQ-WB", scores["clean-in"], "high", "mean ≥ 4.3"),
        row("clean speech in", "attenuation dB", quieter, "low", "≤ 0.5, ≤ 1.5"),
        row("noise alone in", "reduction dB", reduced, "high", "≥ 30, ≥ 20"),
        *levels(scores),
        row(f"level {LEVELS_DB[-1]:+d} dB, nothing done", "PESQ-WB lost", clipping, "low"),
        row(long, "PESQ-WB", scores["late"], "high"),
        row(long, "PESQ-WB lost", lost, "low")]}  # fmt: skip
