"""Judge the pitch tracker on speech: `python -m studies.pitch --set build/sets/X`.

The truth is WORLD's view of the clean speech (pyworld, extra "test"): Harvest and DIO, two methods
that share little, must agree on a period for the frame and both its neighbours. The tracker hears
the clean speech, and the clip's own noise mixed at 10, 5 and 0 dB (active levels, eval/mixing.py;
in a room the late reverberation counts as noise). Frame l is centred at sample 480 l for both.

Counted on voiced frames within 35 dB of the loud part of their clip:

* gross: the period is more than 5 % off; octave: those of them within 5 % of half or double;
* moved: more than 5 % off what the same tracker finds in the clean speech;
* fine: mean deviation of the frames that are not gross, in per cent;
* coherence of the comb with the clean speech: how much of it a comb with this period would keep,
  mean of <x_b, p_b> / |x_b||p_b| over bands 0-19, up to 3.9 kHz; "outside": with WORLD's period.

Writes BUILD/pitch/X.csv, a row a clip and condition, and BUILD/studies/pitch-X.json, a row a
condition.
"""

import argparse
import csv
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from eval.mixing import MixError, active_level
from eval.testset import read_set
from reference import erb, oracle
from reference.comb import Comb
from reference.files import whole
from reference.params import HOP, LOOKAHEAD_FRAMES, RATE, T_MAX, T_MIN
from reference.pitch import Pitch
from reference.stft import vorbis_window
from studies.result import write

CONDITIONS = {"clean": None, "10 dB": 10, "5 dB": 5, "0 dB": 0}
GROSS = 0.05  # relative deviation
OUTSIDE_RATE = 16_000
OUTSIDE_RANGE = (60, 600)  # Hz; speech, and inside the tracker's 60 ... 800 Hz
COHERENCE_BANDS = slice(0, 20)
COUNTS = ("voiced", "gross", "octave", "moved")
MEANS = ("fine", "coherence", "coherence_outside")
FIELDS = ("clip", "condition", *COUNTS, *MEANS)


def outside_period(clean: np.ndarray) -> np.ndarray:
    """Periods by WORLD, samples at 48 kHz, one a frame (480 samples); 0 where it is not sure.

    clean: (N,) at 48 kHz.  Returns (N // 480,).  Raises ImportError without pyworld.
    """
    import pyworld

    low, high = OUTSIDE_RANGE
    x = np.ascontiguousarray(soxr.resample(clean, RATE, OUTSIDE_RATE))
    options = {"f0_floor": low, "f0_ceil": high, "frame_period": 1000 * HOP / RATE}
    harvest, times = pyworld.harvest(x, OUTSIDE_RATE, **options)
    dio, times = pyworld.dio(x, OUTSIDE_RATE, **options)
    dio = pyworld.stonemask(x, dio, times, OUTSIDE_RATE)
    agree = np.pad((harvest > 0) & (np.abs(dio - harvest) <= GROSS * harvest), 1)
    sure = agree[:-2] & agree[1:-1] & agree[2:]
    return np.where(sure, RATE / np.maximum(harvest, low), 0)[: len(clean) // HOP]


def frames_ahead(samples: np.ndarray) -> np.ndarray:
    """(N,) -> hops (N // 480 + 2, 480): with the two frames that the tracker looks ahead."""
    whole = samples[: len(samples) // HOP * HOP].reshape(-1, HOP)
    return np.concatenate([whole, np.zeros((LOOKAHEAD_FRAMES, HOP))])


def track(samples: np.ndarray) -> np.ndarray:
    """Periods of the reference tracker, frame by frame: (N,) -> (N // 480,)."""
    return Pitch().run(frames_ahead(samples))[0][LOOKAHEAD_FRAMES:]


def comb_coherence(clean: np.ndarray, period: np.ndarray) -> np.ndarray:
    """How much of clean speech a comb with this period keeps: (N // 480, 20), at most 1."""
    whole = np.clip(np.rint(period), T_MIN, T_MAX).astype(int)
    late = np.concatenate([np.full(LOOKAHEAD_FRAMES, T_MIN), whole])
    p = Comb().run(frames_ahead(clean), late)[LOOKAHEAD_FRAMES:] * vorbis_window()
    p = np.fft.rfft(p, axis=1)
    x = oracle.clean_spectra(frames_ahead(clean).ravel())[LOOKAHEAD_FRAMES:]
    size = np.sqrt(erb.energy(x) * erb.energy(p))
    return (erb.inner(x, p) / np.maximum(size, 1e-12))[:, COHERENCE_BANDS]


def voiced_frames(clean: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(N // 480,) bool: WORLD is sure, and the frame is loud enough to matter."""
    x = oracle.clean_spectra(frames_ahead(clean).ravel())[LOOKAHEAD_FRAMES:]
    return (truth > 0) & (oracle.voice_activity(erb.energy(x)) > 0)


def errors(period: np.ndarray, truth: np.ndarray) -> dict:
    """Counts of gross and octave errors, mean of the fine ones (per cent); arrays (M,), M >= 1."""
    ratio = period / truth
    gross = np.abs(ratio - 1) > GROSS
    octave = (np.abs(ratio / 2 - 1) <= GROSS) | (np.abs(2 * ratio - 1) <= GROSS)
    fine = 100 * np.abs(ratio - 1)[~gross].mean() if not gross.all() else None
    return {"voiced": len(ratio), "gross": int(gross.sum()), "octave": int(octave.sum()),
            "fine": fine}


def at_snr(clean: np.ndarray, noisy: np.ndarray, snr_db: float | None) -> np.ndarray:
    """The pair's noise at another SNR; the clean speech for None. Raises MixError without noise."""
    if snr_db is None:
        return clean
    noise = noisy - clean
    return clean + noise * 10 ** ((active_level(clean) - active_level(noise) - snr_db) / 20)


def measure(clean: np.ndarray, noisy: np.ndarray, tracker: Callable = track) -> list[dict]:
    """A row a condition for one clip; [] if no frame is surely voiced. (N,) each, 48 kHz."""
    truth = outside_period(clean)
    voiced = voiced_frames(clean, truth)
    if not voiced.any():
        return []
    outside = comb_coherence(clean, truth)[voiced].mean()
    rows, unmoved = [], tracker(clean)
    for condition, snr_db in CONDITIONS.items():
        period = unmoved if snr_db is None else tracker(at_snr(clean, noisy, snr_db))
        moved = errors(period[voiced], unmoved[voiced])["gross"]
        coherence = comb_coherence(clean, period)[voiced].mean()
        rows.append({"condition": condition, **errors(period[voiced], truth[voiced]),
                     "moved": moved, "coherence": coherence, "coherence_outside": outside})
    return rows


def summary(rows: list[dict]) -> list[dict]:
    """A row a condition: clips, voiced frames, per cent of errors, means over all these frames."""
    out = []
    for condition in CONDITIONS:
        some = [row for row in rows if row["condition"] == condition]
        voiced = sum(row["voiced"] for row in some)
        if not voiced:
            continue
        line = {"condition": condition, "clips": len(some), "voiced": voiced}
        line |= {f"{k}_percent": round(100 * sum(r[k] for r in some) / voiced, 3)
                 for k in COUNTS[1:]}
        for key in MEANS:
            known = [r for r in some if r[key] is not None]
            frames = sum(r["voiced"] for r in known)
            total = sum(r[key] * r["voiced"] for r in known)
            line[key] = round(total / frames, 4) if known else None
        out.append(line)
    return out


def read(path: Path) -> np.ndarray:
    """(N,) samples of a prepared clip, full scale 1. Raises ValueError at another rate."""
    samples, rate = sf.read(path)
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"{path}: expected mono at {RATE} Hz, got {samples.shape} at {rate} Hz")
    return samples


def write_clips(path: Path, rows: list[dict]) -> None:
    """A row a clip and condition, whole or not at all."""
    with whole(path) as new, open(new, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            figures = {k: f"{row[k]:.6f}" for k in MEANS if row[k] is not None}
            writer.writerow(row | figures)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when a clip cannot be used (each is listed), 2 without a set."""
    parser = argparse.ArgumentParser(prog="python -m studies.pitch",
                                     description="judge the pitch tracker on a set")
    parser.add_argument("--set", type=Path, required=True, help="prepared set, e.g. build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    args = parser.parse_args(arguments)
    if not (args.set / "set.json").exists():
        print(f"error: {args.set}: no prepared set; run python -m eval.testset prepare first",
              file=sys.stderr)
        return 2
    about, rows, failed = read_set(args.set), [], 0
    for number, clip in enumerate(about["clips"], 1):
        if sys.stderr.isatty():
            print(f"\rpitch: clip {number} of {len(about['clips'])}", end="", file=sys.stderr)
        try:
            clean, noisy = (read(args.set / clip[kind]) for kind in ("clean", "noisy"))
            rows += [{"clip": clip["name"], **row} for row in measure(clean, noisy)]
        except (ValueError, MixError) as error:
            failed += 1
            print(f"failed: {clip['name']}: {error}", file=sys.stderr)
    lines = summary(rows)
    name = about["name"]
    write_clips(args.build / "pitch" / f"{name}.csv", rows)
    tools = ", ".join(f"{n} {version(n)}" for n in ("pyworld", "soxr", "numpy", "scipy"))
    write(args.build, f"pitch-{name}", {"testset": name, "tools": tools, "pitch": lines})
    for line in lines:
        print(f"{name} {line['condition']:>6}: gross {line['gross_percent']:.1f} %, "
              f"octave {line['octave_percent']:.1f} %, moved {line['moved_percent']:.1f} %, "
              f"coherence {line['coherence']:.3f} "
              f"(WORLD's period: {line['coherence_outside']:.3f}), {line['voiced']} frames")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

