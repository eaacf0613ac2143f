"""Do the states of the integer network stay with the float ones? `python -m codegen.drift`.

Clean and noisy clips of a prepared set in seeded order, each followed by silence, hiss or noise, go
to both networks for an hour (or --minutes) without a reset. Compared are all recurrent states after
every frame: those of the integers divided by 2^15 against those of the float network, which gets
the same features. Prints the RMS and the greatest difference for every twelfth of the time, writes
them to build/drift/MODEL.json, and exits with 1 when the states of a model drift apart.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import soundfile

from codegen import quantize, twin
from codegen.suppressor import FrontEnd
from reference import dnn
from reference.clips import to_int16
from reference.params import HOP, RATE
from reference.topology import GRUS

PARTS = 12
BLOCK = 500  # frames
GROWTH = 1.5
"""The last part may differ by so much more than the whole in RMS: drift would grow without end."""
RMS_LIMIT = 2 / 127
"""Of the states, which lie in -1...1: two steps of the int8 in which matrices read them."""
BETWEEN_DBFS = (None, -60, -34, -6)
"""Silence, hiss, noise and loud noise: what follows a clip, one after the other."""
BETWEEN_SECONDS = 3


def between() -> list[np.ndarray]:
    """(N,) int16 of every level of BETWEEN_DBFS."""
    noise = np.random.default_rng(11).standard_normal(BETWEEN_SECONDS * RATE)
    return [to_int16(noise * (10 ** (level / 20) if level else 0)) for level in BETWEEN_DBFS]


def features_of(sounds: list[np.ndarray]) -> list[np.ndarray]:
    """Features (frames, 70) int16 Q12 of each sound (N,) int16, by the front end of the twin."""
    found = []
    for sound in sounds:
        front = FrontEnd()
        hops = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
        found.append(np.array([front.run(hop)["features_q12"] for hop in hops], np.int16))
    return found


def sequence(speech: list[np.ndarray], pauses: list[np.ndarray], frames: int) -> np.ndarray:
    """(frames, 70): pieces of speech in random order, all before one comes again, and pauses."""
    rng, found, length = np.random.default_rng(12), [], 0
    while length < frames:
        for k in rng.permutation(len(speech)):
            found += [speech[k], pauses[len(found) // 2 % len(pauses)]]
            length += len(found[-2]) + len(found[-1])
    return np.concatenate(found)[:frames]


def follow(model: str, features: np.ndarray) -> np.ndarray:
    """(frames, 2): RMS and greatest difference of all recurrent states after every frame."""
    integer, exact = twin.network(model), dnn.Network(dnn.load(model))
    found = []
    for start in range(0, len(features), BLOCK):
        block = features[start : start + BLOCK]
        states = integer.run(block)
        exact.run(block / 2.0**quantize.FEATURES_Q)
        error = np.concatenate(
            [states[f"{gru}_q15"] / 2**15 - exact.taps[gru] for gru in GRUS], axis=1
        )
        found.append([np.sqrt(np.mean(error**2, axis=1)), np.abs(error).max(axis=1)])
    return np.concatenate(found, axis=1).T


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
        problems.append(f"states differ by {whole:.4f} in RMS, {RMS_LIMIT:.4f} is allowed")
    return parts, problems


def report(model: str, differences: np.ndarray, about: dict) -> bool:
    """Prints and writes what was found; whether it is good."""
    parts, problems = verdict(differences)
    for number, (rms, greatest) in enumerate(parts, 1):
        minutes = about["minutes"] * number / PARTS
        print(f"{model}, to minute {minutes:6.2f}: RMS {rms:.5f}, greatest {greatest:.4f}")
    print("\n".join(problems) or f"{model}: no drift", flush=True)
    weights = dnn.weights_hash(model)
    rows = [{"rms": round(rms, 6), "greatest": round(most, 5)} for rms, most in parts]
    path = Path("build/drift") / f"{model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"model": model, "weights": weights, **about, "parts": rows}
    path.write_text(json.dumps(result, indent=1) + "\n")
    return not problems


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    every = sorted(path.stem for path in dnn.MODELS.glob("*.safetensors"))
    parser.add_argument("--model", type=dnn.fit_model, nargs="+", default=every)
    parser.add_argument("--set", type=Path, default=Path("build/sets/embedded"))
    parser.add_argument("--minutes", type=float, default=60)
    args = parser.parse_args()
    clips = sorted(args.set.glob("clean/*.wav")) + sorted(args.set.glob("noisy/*.wav"))
    if not clips:
        parser.error(f"no clips in {args.set}; `make sets` prepares them")
    print(f"features of {len(clips)} clips ...", flush=True)
    speech = features_of([soundfile.read(clip, dtype="int16")[0] for clip in clips])
    frames = int(args.minutes * 60 * RATE / HOP)
    features = sequence(speech, features_of(between()), frames)
    about = {"testset": args.set.name, "clips": len(clips), "minutes": args.minutes}
    good = [report(model, follow(model, features), about) for model in args.model]
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
