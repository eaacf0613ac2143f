"""Speech that suppressors lose: in a word after a reset, after rests, held, quiet, whispered, DC.

    python -m studies.cases --set build/sets/X --weights FILE.safetensors [--out ROWS.json]

Figures of the float reference with default options beside RNNoise's (where pyrnnoise is installed
and the case is short), against what a user may expect, as rows

    {"trial", "measure", "mean", "worst", "wanted", "rnnoise": [mean, worst] or null}

"mean" and "worst" being what the measure says they are. Speech is the clean side of a prepared set,
noise its noisy side; vowels, hiss and whisper are made here. Sent are samples of 16 bits.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from eval.mixing import MixError, active_level, to_level
from eval.testset import read_set
from reference import dnn
from reference.clips import to_int16
from reference.files import whole
from reference.params import DELAY, HOP, RATE
from reference.suppressor import Suppressor, enhance_together

CLIPS = 20  # of the set, in the cases that need whole clips
BLOCK = 1000  # hops of a rest that run at once: some 100 MB of signals
REST_S = 300
SPEECH_DB, HISS_DB, QUIET_DB, QUIET_SNR_DB = -26, -51, -70, 15  # active levels, dBFS
ONSET = RATE // 20
CUT_S = 1
FORMANTS = {"a": (700, 1150, 2600), "i": (280, 2250, 3000), "u": (310, 870, 2300)}
BANDWIDTHS = (90, 110, 170)

Sounds = list[np.ndarray]


def sent(x: np.ndarray) -> np.ndarray:
    """Full scale 1, as a converter of 16 bits delivers it."""
    return to_int16(x) / 32768


def energy_db(y: np.ndarray, x: np.ndarray) -> float:
    """Energy of y over that of x in dB, at least -100."""
    return 10 * np.log10(max(y @ y / (x @ x), 1e-10))


def lost_db(y: np.ndarray, x: np.ndarray) -> float:
    """By how much x became weaker in y, dB, at most 100: least-squares gain, noise left aside."""
    return -20 * np.log10(max(y @ x / (x @ x), 1e-5))


# ---- sounds ----


def cut(speech: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """CUT_S of (n,) that begin inside a word: its 50 ms hold at least half of the active power."""
    power = signal.fftconvolve(speech**2, np.full(ONSET, 1 / ONSET))[ONSET - 1 :][: speech.size]
    loud = power > 0.5 * 10 ** (active_level(speech) / 10)
    # 50 ms before are loud too, so it is no onset
    at = np.flatnonzero(loud[ONSET:] & loud[:-ONSET]) + ONSET
    at = at[at < speech.size - CUT_S * RATE]
    if not at.size:
        return None
    begin = rng.choice(at)
    return speech[begin : begin + CUT_S * RATE]


def vowel(name: str, hz: float, seconds: float) -> np.ndarray:
    """A held vowel with a vibrato of 1 %, (n,) at SPEECH_DB, faded in over 50 ms."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hz * (1 + 0.01 * np.sin(2 * np.pi * 5 * time))) / RATE
    x = np.zeros(time.size)
    for k in range(1, int(8000 / hz)):
        tract = [peak**2 / (peak**2 - (k * hz) ** 2 + 1j * k * hz * width)
                 for peak, width in zip(FORMANTS[name], BANDWIDTHS, strict=True)]
        x += np.abs(np.prod(tract)) / k * np.sin(k * phase)
    return to_level(x * np.minimum(1, time / 0.05), SPEECH_DB)


def whisper(speech: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same words whispered, (n,) at SPEECH_DB: envelope of the speech's spectra on noise, and
    the lows that only the voice has taken away by 6 dB an octave below 1 kHz."""
    shape = {"nperseg": 960, "noverlap": 720}
    _, _, spectra = signal.stft(speech, **shape)
    _, _, noise = signal.stft(rng.standard_normal(speech.size), **shape)
    hz = np.arange(len(spectra)) * RATE / 960
    smooth = np.exp(-0.5 * (np.arange(-8, 9) / 3) ** 2)[:, None]  # bins of 50 Hz
    envelope = np.sqrt(signal.fftconvolve(np.abs(spectra) ** 2, smooth, "same", axes=0).clip(0))
    spectra = envelope * (hz / np.hypot(hz, 1000))[:, None] * noise
    return to_level(signal.istft(spectra, **shape)[1][: speech.size], SPEECH_DB)


def rests(speech: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What was heard before, {name: (n,)}: nothing; two seconds of speech and five minutes of rest.

    The hiss goes on under what follows.
    """
    hiss = to_level(rng.standard_normal(REST_S * RATE), HISS_DB)
    word = to_level(speech, SPEECH_DB)[: 2 * RATE // HOP * HOP]
    return {"": np.zeros(0), "silence": np.r_[word, np.zeros(REST_S * RATE)],
            "hiss": np.r_[word, hiss]}


# ---- systems: what comes out for sounds of any length, aligned, each from a fresh state ----


def ours(weights: dnn.Weights) -> Callable[[Sounds], Sounds]:
    """The float reference with a network."""
    def run(sounds: Sounds) -> Sounds:
        return [y for k in range(0, len(sounds), CLIPS)
                for y in enhance_together(sounds[k : k + CLIPS], dnn.Network(weights))]

    return run


def rnnoise(sounds: Sounds) -> Sounds:
    """RNNoise, whose delay is two hops."""
    from eval.peers import rnnoise as run

    return [run(np.r_[x, np.zeros(2 * HOP)])[2 * HOP :] for x in sounds]


def after(weights: dnn.Weights, before: np.ndarray) -> Suppressor:
    """The float reference as it is after it heard `before` (whole hops)."""
    suppressor, hops = Suppressor(dnn.Network(weights)), sent(before).reshape(-1, HOP)
    for k in range(0, len(hops), BLOCK):
        suppressor.run(hops[k : k + BLOCK])
    return suppressor


def go_on(suppressor: Suppressor, x: np.ndarray) -> np.ndarray:
    """What comes out for x (n,) without a reset, aligned; the suppressor stays as it is."""
    padded = np.pad(x, (0, -x.size % HOP + DELAY)).reshape(-1, HOP)
    return deepcopy(suppressor).run(padded).ravel()[DELAY:][: x.size]


# ---- cases ----


def row(trial: str, measure: str, values: list[float], summary: Callable, wanted: str,
        rival: list[float] | None = None) -> dict:
    """A row; `summary`: values -> (mean, worst) in the sense of the measure."""
    def shown(found: list[float]) -> list[float]:
        return [round(float(v), 3) for v in summary(found)]

    mean, worst = shown(values)
    return {"trial": trial, "measure": measure, "mean": mean, "worst": worst, "wanted": wanted,
            "rnnoise": rival and shown(rival)}


def onset_summary(found: list[float]) -> tuple[float, float]:
    return np.median(found), np.percentile(found, 10)


def least(found: list[float]) -> tuple[float, float]:
    return np.median(found), np.min(found)


def most(found: list[float]) -> tuple[float, float]:
    return np.mean(found), np.max(found)


def begins(weights: dnn.Weights, cuts: Sounds, before: dict[str, np.ndarray],
           rng: np.random.Generator, rival: Callable | None) -> Iterator[dict]:
    """Words cut into, after a reset and after rests."""
    def onsets(out: Sounds) -> list[float]:
        return [energy_db(y[:ONSET], x[:ONSET]) for y, x in zip(out, cuts, strict=True)]

    titles = {"": "begins inside a word after a reset",
              "silence": "the same after 5 min of silence", "hiss": "the same after 5 min of hiss"}
    for name, title in titles.items():
        state = after(weights, before[name])
        under = [to_level(rng.standard_normal(x.size), HISS_DB) if name == "hiss" else 0 * x
                 for x in cuts]
        out = [go_on(state, sent(x + hiss)) for x, hiss in zip(cuts, under, strict=True)]
        yield row(title, "first 50 ms dB: median, tenth percentile", onsets(out), onset_summary,
                  "≥ -3, ≥ -10", onsets(rival(cuts)) if rival and not name else None)


def held(systems: list[Callable], speech: Sounds) -> Iterator[dict]:
    """Vowels held for 3 s, 0.2 s after 3 s of speech."""
    for hz in (120, 220):
        vowels = [sent(vowel(name, hz, 3)) for name in FORMANTS]
        sounds = [np.r_[to_level(x, SPEECH_DB)[: 3 * RATE], np.zeros(RATE // 5), v]
                  for x, v in zip(speech, vowels, strict=False)]

        def weakest(out: Sounds, vowels=vowels) -> list[float]:
            halves = ((y[-v.size :].reshape(6, -1), v.reshape(6, -1))
                      for y, v in zip(out, vowels, strict=True))
            return [min(map(energy_db, y, v)) for y, v in halves]

        found = [weakest(run([sent(x) for x in sounds])) for run in systems]
        yield row(f"vowels held for 3 s at {hz} Hz", "weakest 0.5 s dB: median, worst vowel",
                  found[0], least, "worst ≥ -6", *found[1:])


def quiet(systems: list[Callable], speech: Sounds, rng: np.random.Generator) -> Iterator[dict]:
    """A talker far below others, in hiss."""
    clean = [to_level(x, QUIET_DB) for x in speech]
    sounds = [sent(x + to_level(rng.standard_normal(x.size), QUIET_DB - QUIET_SNR_DB))
              for x in clean]
    found = [list(map(lost_db, run(sounds), clean)) for run in systems]
    yield row(f"talker at {QUIET_DB} dBFS, {QUIET_SNR_DB} dB SNR",
              "speech lost dB: mean, worst clip", found[0], most, "mean ≤ 4", *found[1:])


def whispered(systems: list[Callable], speech: Sounds, rng: np.random.Generator) -> Iterator[dict]:
    """Whisper without noise."""
    sounds = [sent(whisper(x, rng)) for x in speech]
    found = [list(map(lost_db, run(sounds), sounds)) for run in systems]
    yield row("whisper", "lost dB: mean, worst clip", found[0], most, "mean ≤ 8", *found[1:])


def offset(systems: list[Callable], noisy: Sounds, clean: Sounds) -> Iterator[dict]:
    """A constant on the samples, in percent of full scale."""
    from eval.metrics import pesq_wb

    def scores(run: Callable, percent: int) -> np.ndarray:
        out = run([sent(x + percent / 100) for x in noisy])
        return np.array([pesq_wb(x, sent(y), RATE) for x, y in zip(clean, out, strict=True)])

    before = [scores(run, 0) for run in systems]
    for percent in (5, 20):
        found = [list(whole - scores(run, percent))
                 for run, whole in zip(systems, before, strict=True)]
        yield row(f"DC offset of {percent} %", "PESQ-WB lost: mean, worst clip", found[0], most,
                  "mean ≤ 0.02", *found[1:])


def cases(folder: Path, weights: dnn.Weights, rival: Callable | None) -> Iterator[dict]:
    """The rows of all cases, from the clips of a prepared set."""
    rng = np.random.default_rng(20)
    pairs = [[soundfile.read(folder / clip[side])[0] for side in ("noisy", "clean")]
             for clip in read_set(folder)["clips"]]
    noisy, clean = (list(side) for side in zip(*pairs, strict=True))
    cuts = [sent(x) for x in (cut(x, rng) for x in clean) if x is not None]
    if not cuts:
        raise MixError(f"{folder}: no clip has {CUT_S} s of speech behind the middle of a word")
    systems = [ours(weights), *([rival] if rival else [])]
    yield from begins(weights, cuts, rests(clean[0], rng), rng, rival)
    yield from held(systems, clean)
    yield from quiet(systems, clean[:CLIPS], rng)
    yield from whispered(systems, clean[:CLIPS], rng)
    yield from offset(systems, noisy[:CLIPS], clean[:CLIPS])


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 2 when weights or the set cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m studies.cases", description="speech lost")
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--weights", type=Path, required=True, metavar="FILE.safetensors")
    parser.add_argument("--out", type=Path, help="JSON file: the rows, set and weights")
    args = parser.parse_args(arguments)
    try:
        import pyrnnoise  # noqa: F401
        rival = rnnoise
    except ImportError:
        rival = None
    found = []
    try:
        for case in cases(args.set, dnn.read(args.weights), rival):
            beside = ", ".join(f"{v:g}" for v in case["rnnoise"] or []) or "–"
            print(f"{case['trial']:36}{case['measure']:42}{case['mean']:9.2f}{case['worst']:9.2f}"
                  f"  wanted: {case['wanted']:14} RNNoise: {beside}", flush=True)
            found.append(case)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if args.out:
        content = {"study": "cases", "testset": args.set.name, "model": args.weights.stem,
                   "weights": hashlib.sha256(args.weights.read_bytes()).hexdigest(), "rows": found}
        with whole(args.out) as new:
            new.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
