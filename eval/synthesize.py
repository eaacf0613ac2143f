"""Mix a test set in the DNS-Challenge layout from recordings: `python -m eval.testset make`.

Speech of one talker is joined to clips of 6–8 s, or each recording is a clip (--sentences); noise
of one source is made as long. SNRs are spread evenly; with room responses every fourth round of
clips is reverberant. Definitions of level, SNR and clean reference: eval/mixing.py. The same
sources, seed and versions give the same set.
"""

import argparse
import csv
import hashlib
import itertools
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from eval.mixing import MixError, mix, to_level
from reference.clips import to_int16
from reference.files import whole

RATE = 48000
AUDIO = (".wav", ".flac", ".ogg", ".opus")
MIN_S, MAX_S = 6.0, 8.0
SHORTEST_S = 4.5  # of speech in a clip; the rest up to 6 s is pause
CLIPPED = 0.999, 4  # of full scale, for this many samples on end
TRIES = 20  # draws of another noise when one is silent


class SourceError(Exception):
    """Recordings that cannot make the set asked for; the message says which and what to do."""


@dataclass(frozen=True)
class Segment:
    """A piece of a recording: `group` is its talker, or the kind of noise."""
    path: Path
    group: str
    start_s: float = 0.0
    duration_s: float | None = None  # None: to the end

    def samples(self) -> tuple[np.ndarray, int]:
        """(first channel, float, rate in Hz). Raises SourceError naming an unreadable file."""
        try:
            with sf.SoundFile(self.path) as file:
                file.seek(int(self.start_s * file.samplerate))
                count = -1 if self.duration_s is None else int(self.duration_s * file.samplerate)
                return file.read(count, always_2d=True)[:, 0], file.samplerate
        except (sf.SoundFileError, RuntimeError, OSError) as error:
            raise SourceError(f"{self.path}: cannot be read ({error})") from error

    def read(self) -> np.ndarray:
        """First channel at 48 kHz, float. Raises SourceError naming an unreadable file."""
        return soxr.resample(*self.samples(), RATE)


def fault(x: np.ndarray) -> str | None:
    """What makes a recording (n,) unfit to be mixed; None if nothing."""
    if not np.all(np.isfinite(x)):
        return "holds NaN or infinite samples"
    if not np.any(to_int16(x)):
        return "is silent"
    return None


def clipped(x: np.ndarray) -> bool:
    """Whether a recording (n,) stays at full scale for CLIPPED samples on end."""
    limit, run = CLIPPED
    loud = np.abs(x) >= limit
    windows = np.lib.stride_tricks.sliding_window_view
    return loud.size >= run and bool(windows(loud, run).all(axis=1).any())


def examine(references: list[Segment], noises: list[Segment]) -> None:
    """Names what is clipped, which a reference must not be; noise is mixed as it is, and said.

    references: speech and room responses.
    Raises SourceError naming the recordings that cannot be read or mixed.
    """
    problems = []
    for segment in itertools.chain(references, noises):
        place = f" from {segment.start_s:g} s" if segment.start_s else ""
        try:
            x = segment.samples()[0]
        except SourceError as error:
            problems.append(str(error))
            continue
        if reason := fault(x):
            problems.append(f"{segment.path}{place}: {reason}")
        elif clipped(x):
            said = f"{segment.path}{place}: is clipped: {CLIPPED[1]} samples on end at full scale"
            if segment in noises:
                print(f"warning: {said}; noise is mixed as it is", file=sys.stderr)
            else:
                problems.append(said)
    if problems:
        more = [f"… and {len(problems) - 20} more"] * (len(problems) > 20)
        raise SourceError("\n  ".join([f"{len(problems)} recordings cannot be mixed; mend them or "
                                       "leave them out", *problems[:20], *more]))


def folder_segments(folder: Path) -> list[Segment]:
    """Every audio file below `folder`; its group is its first sub-folder, else its own name."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO)
    if not files:
        raise SourceError(f"{folder}: no audio files ({', '.join(AUDIO)})")
    relative = [p.relative_to(folder) for p in files]
    return [Segment(p, r.parts[0] if len(r.parts) > 1 else r.stem)
            for p, r in zip(files, relative, strict=True)]


def index_segments(index: Path, split: str, kind: str) -> list[Segment]:
    """Rows of an index.csv (split, kind, track, start_s, duration_s, source, group) that fit."""
    with open(index, newline="") as file:
        found = [Segment(index.parent / r["track"], f"{r['source']}-{r['group']}",
                         float(r["start_s"]), float(r["duration_s"]))
                 for r in csv.DictReader(file) if r["split"] == split and r["kind"] == kind]
    if not found:
        raise SourceError(f"{index}: no rows with split={split}, kind={kind}")
    return found


def by_group(segments: list[Segment]) -> dict[str, list[Segment]]:
    """Segments by group, sorted by name of the group."""
    groups: dict[str, list[Segment]] = {}
    for segment in sorted(segments, key=lambda s: (s.group, str(s.path), s.start_s)):
        groups.setdefault(segment.group, []).append(segment)
    return groups


def draw_speech(segments: list[Segment], rng: np.random.Generator) -> np.ndarray | None:
    """6–8 s of one talker, sentences at one level with pauses of 0.2–0.5 s; None if too little."""
    parts, length = [], 0
    for k in rng.permutation(len(segments)):
        pause = int(rng.uniform(0.2, 0.5) * RATE)
        x = segments[k].read()
        room = int(MAX_S * RATE) - length - pause
        if length + x.size >= MIN_S * RATE and x.size > room and parts:
            continue  # too long for what is left; a shorter one may fit
        try:
            x = to_level(x, 0)[:room]
        except MixError:
            continue
        x[-240:] *= np.linspace(1, 0, x[-240:].size)
        parts += [np.zeros(pause), x]
        length += pause + x.size
        if length >= MIN_S * RATE:
            break
    if length < SHORTEST_S * RATE:
        return None
    return np.pad(np.concatenate(parts), (0, max(0, int(MIN_S * RATE) - length)))


def joined(talkers: dict[str, list[Segment]], rng: np.random.Generator
           ) -> Iterator[tuple[str, np.ndarray]]:
    """(talker, speech at level 0) without end, talkers in turn; one with too little is left out.

    Raises SourceError when a whole turn gave nothing.
    """
    order, found, misses = rng.permutation(list(talkers)), 0, 0
    for talker in itertools.cycle(map(str, order)):
        dry = draw_speech(talkers[talker], rng)
        if dry is not None:
            found += 1
            yield talker, dry
            continue
        misses += 1
        if misses > len(talkers) * (found + 1):
            raise SourceError(f"no talker has {SHORTEST_S} s of speech; give longer recordings "
                              "or one sub-folder a talker")


def sentences(segments: list[Segment], rng: np.random.Generator
              ) -> Iterator[tuple[str, np.ndarray]]:
    """(group, whole recording at level 0) without end, all of them once before any comes again.

    Raises SourceError for one that is silent or shorter than 20 ms.
    """
    for k in itertools.cycle(rng.permutation(len(segments))):
        try:
            yield segments[k].group, to_level(segments[k].read(), 0)
        except MixError as error:
            raise SourceError(f"{segments[k].path}: {error}; leave it out") from error


def draw_noise(segments: list[Segment], n: int, rng: np.random.Generator) -> np.ndarray:
    """n samples of one kind of noise: a random order of its segments, repeated when too short."""
    parts, length = [], 0
    for k in rng.permutation(len(segments)):
        x = segments[k].read()
        x = x[rng.integers(max(1, x.size - n)):]
        fade = min(480, x.size // 2)
        x[:fade] *= np.linspace(0, 1, fade)
        x[x.size - fade:] *= np.linspace(1, 0, fade)
        parts.append(x)
        length += x.size
        if length >= n:
            break
    return np.resize(np.concatenate(parts), n) if length else np.zeros(n)


def room_responses(folder: Path) -> list[tuple[str, np.ndarray]]:
    """(name, response (n,) at 48 kHz) of every audio file in `folder`."""
    return [(s.path.stem, s.read()) for s in folder_segments(folder)]


def mix_safely(speech, noise_groups, snr, level, rir, rng) -> tuple[str, int, tuple]:
    """(noise group, level used, (noisy, clean)); draws again when a noise is silent, and lowers
    the level by 3 dB at a time when the mixture would clip."""
    names = list(noise_groups)
    for _ in range(TRIES):
        name = names[rng.integers(len(names))]
        noise = draw_noise(noise_groups[name], speech.size, rng)
        for lower in range(0, 13, 3):
            try:
                return name, level - lower, mix(speech, noise, snr, level - lower, rir)
            except MixError:
                continue
    raise SourceError(f"no usable noise in {TRIES} draws; are the noise files silent?")


def sources(args: argparse.Namespace) -> list[list[Segment]]:
    """[speech, noise]: of the folder given, else of the split of the index."""
    return [folder_segments(folder) if folder else index_segments(args.index, args.split, kind)
            for kind, folder in (("speech", args.speech), ("noise", args.noise))]


def clips(args: argparse.Namespace) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    """(manifest row, noisy, clean) for every clip asked for."""
    speech, noise = sources(args)
    rng, noises = np.random.default_rng(args.seed), by_group(noise)
    rirs = room_responses(args.rir) if args.rir else []
    rir_order, reverberant = rng.permutation(len(rirs)), 0
    spoken = sentences(speech, rng) if args.sentences else joined(by_group(speech), rng)
    for number, (talker, dry) in enumerate(itertools.islice(spoken, args.clips)):
        snr = args.snr[number % len(args.snr)]
        level = int(args.level + rng.integers(-args.spread, args.spread + 1))
        room, rir = "", None
        if rirs and number // len(args.snr) % 4 == 3:
            room, rir = rirs[rir_order[reverberant % len(rirs)]]
            reverberant += 1
        kind, level, (noisy, clean) = mix_safely(dry, noises, snr, level, rir, rng)
        stem = "".join(c if c.isalnum() or c == "-" else "-" for c in f"{talker}_{kind}")
        yield {"fileid": number, "noisy": f"noisy/{stem}_snr{snr}_tl{level}_fileid_{number}.flac",
               "clean": f"clean/clean_fileid_{number}.flac", "snr": snr, "level": level,
               "noise": kind, "reverb": room, "voice": talker, "language": ""}, noisy, clean


def write_set(folder: Path, made: Iterable[tuple[dict, np.ndarray, np.ndarray]], n: int) -> None:
    """Write noisy/, clean/ (FLAC, 16-bit), manifest.csv and SHA256SUMS into `folder`."""
    rows = []
    for row, noisy, clean in made:
        for name, x in ((row["noisy"], noisy), (row["clean"], clean)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            sf.write(folder / name, to_int16(x), RATE, subtype="PCM_16", compression_level=1.0)
        rows.append(row)
        print(f"{len(rows):4} of {n}  {noisy.size / RATE:.2f} s  {Path(row['noisy']).name}",
              file=sys.stderr, flush=True)
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    names = sorted(n for row in rows for n in (row["noisy"], row["clean"])) + ["manifest.csv"]
    (folder / "SHA256SUMS").write_text("".join(
        f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names))


def make(args: argparse.Namespace) -> None:
    """Make the set in args.folder, whole or not at all. Raises SourceError."""
    if args.folder.exists():
        raise SourceError(f"{args.folder}: exists already; remove it or name another folder")
    if not args.index and not (args.speech and args.noise):
        raise SourceError("needs --speech DIR and --noise DIR, or --index FILE for what is not "
                          "in a folder")
    if args.clips < 1:
        raise SourceError(f"--clips must be at least 1, got {args.clips}")
    for path in filter(None, (args.index, args.speech, args.noise, args.rir)):
        if not path.exists():
            raise SourceError(f"{path}: does not exist")
    speech, noise = sources(args)
    examine(speech + (folder_segments(args.rir) if args.rir else []), noise)
    with whole(args.folder) as new:
        write_set(new, clips(args), args.clips)


def run(args: argparse.Namespace) -> int:
    """`make`: the folder made on stdout."""
    make(args)
    print(args.folder)
    return 0


def decibels(text: str) -> list[int | float]:
    """Numbers with commas between them, whole ones as int. Raises ValueError for others."""
    values = [float(word) for word in text.split(",")]
    if not all(map(math.isfinite, values)):
        raise ValueError(text)
    return [int(v) if v.is_integer() else v for v in values]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m eval.testset make`."""
    parser.add_argument("folder", type=Path, metavar="OUT", help="folder to make")
    parser.add_argument("--speech", type=Path, help="folder of speech; a sub-folder is a talker")
    parser.add_argument("--noise", type=Path, help="folder of noise; a sub-folder is a kind")
    parser.add_argument("--index", type=Path,
                        help="index.csv of recordings, where no folder is given")
    parser.add_argument("--split", default="valid", help="rows of the index to use (%(default)s)")
    parser.add_argument("--sentences", action="store_true",
                        help="a clip is one recording of speech, as long as it is")
    parser.add_argument("--rir", type=Path, help="folder of room responses")
    parser.add_argument("--snr", type=decibels, default="0,5,10,15",
                        help="dB, with commas (%(default)s)")
    parser.add_argument("--level", type=int, default=-26, help="of speech, dBFS (%(default)s)")
    parser.add_argument("--spread", type=int, default=6, help="level ± this, dB (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=40)
