"""Do the states of the integer network stay with the float ones? `python -m codegen.drift`.

Features of speech, silence and noise, in seeded order and without a reset, go to both networks for
an hour (or --minutes). Prints the RMS and the greatest difference of all recurrent states for every
twelfth of the time; exit code 1 when they drift apart.
"""

import argparse
import sys

import numpy as np

from codegen import quantize, twin
from codegen.plan import plan
from codegen.stages.dnn import Dnn
from reference import dnn
from reference.clips import to_int16
from reference.params import HOP

PARTS = 12
GROWTH = 1.5
"""The last part may differ by so much more than the whole in RMS: drift would grow without end."""
RMS_LIMIT = 0.03
"""Of the states, which lie in -1...1: int8 weights and inputs give about a third of it."""


def segments(model: str, seconds: float) -> list[np.ndarray]:
    """Features (frames, 70) int16 Q12 of speech-like sounds, noise and silence, from the twin."""
    from targets.signals import speech

    count = int(seconds * 48000)
    rng = np.random.default_rng(11)
    noise = 0.02 * rng.standard_normal(count)
    sounds = [speech(seconds, 1), 0.3 * speech(seconds, 2) + 0.2 * noise[: count // HOP * HOP],
              noise, 0.001 * noise, np.zeros(count)]  # fmt: skip
    found = []
    for sound in sounds:
        integer = twin.Suppressor(*plan(model))
        hops = to_int16(sound)[: count // HOP * HOP].reshape(-1, HOP)
        found.append(np.array([integer._front_end(hop)["features_q12"] for hop in hops]))
    return found


def states(network: Dnn | dnn.Network) -> np.ndarray:
    """All recurrent states, one after the other, -1...1."""
    if isinstance(network, Dnn):
        return np.concatenate(list(network.state_q15.values())) / 2**15
    layers = {**network.chain, "gru_strength": network.gru_strength}
    return np.concatenate([gru.state for gru in layers.values()])


def follow(model: str, frames: int, pieces: list[np.ndarray]) -> np.ndarray:
    """(frames, 2): RMS and greatest difference of the states, call by call."""
    content, arrays = plan(model)
    integer, exact = Dnn(content["dnn"], arrays), dnn.Network(dnn.load(model))
    rng, found = np.random.default_rng(12), []
    while len(found) < frames:
        for row in pieces[rng.integers(len(pieces))]:
            integer.run(row)
            exact.run(row[None] / 2.0**quantize.FEATURES_Q)
            error = states(integer) - states(exact)
            found.append((np.sqrt(np.mean(error**2)), np.abs(error).max()))
    return np.array(found[:frames])


def verdict(differences: np.ndarray) -> tuple[list[tuple[float, float]], list[str]]:
    """([(RMS, greatest)] of every part, sentences on what is wrong)."""
    rms, greatest = differences.T
    parts = [(float(np.sqrt(np.mean(np.square(r)))), float(g.max()))
             for r, g in zip(np.array_split(rms, PARTS), np.array_split(greatest, PARTS),
                             strict=True)]  # fmt: skip
    whole, last, problems = float(np.sqrt(np.mean(np.square(rms)))), parts[-1][0], []
    if last > GROWTH * whole:
        problems.append(f"the last part differs by {last:.4f}, the whole by {whole:.4f}: drift")
    if whole > RMS_LIMIT:
        problems.append(f"states differ by {whole:.4f} in RMS, {RMS_LIMIT} is allowed")
    return parts, problems


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--minutes", type=float, default=60)
    args = parser.parse_args()
    differences = follow(args.model, int(args.minutes * 6000), segments(args.model, 10))
    parts, problems = verdict(differences)
    for number, (rms, greatest) in enumerate(parts, 1):
        minutes = args.minutes * number / PARTS
        print(f"to minute {minutes:6.2f}: RMS {rms:.5f}, greatest {greatest:.4f}")
    print("\n".join(problems) or "no drift")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
