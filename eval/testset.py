"""Test sets: read one in any usual layout, or mix a new one from recordings.

    python -m eval.testset prepare embedded|DIR [--out build/sets] [--name X] [--strict]
    python -m eval.testset check embedded|DIR
    python -m eval.testset make --speech DIR --noise DIR [--rir DIR] … OUT     (eval/synthesize.py)

`prepare` and `check` understand the layouts of eval/pairs.py. `prepare` writes what the other
tools read:

    OUT/<set>/{noisy,clean}/<clip>.wav     48 kHz, mono, 16-bit; clean may be missing
    OUT/<set>/set.json                     {name, score_rate, source, source_sha256, resampler,
        problems: [sentences],
        clips: [{name, noisy, clean, snr, fileid, level, noise, reverb, voice, language, seconds,
                 sha256_noisy, sha256_clean}]}

Clips at 16 kHz are resampled to 48 kHz for processing; `score_rate` stays 16000. Facts that a file
name does not tell come from `manifest.csv` beside the folders, where there is one, else are null.
A `SHA256SUMS` beside the folders is verified. A clip with a fault is named, left out and counted in
`problems`; with --strict, or when nothing is left, there is no set. A set is written whole or not
at all.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

import soundfile as sf
import soxr
from tqdm import tqdm

from eval import pairs as source_pairs
from eval.pairs import Pair, SetError, examine, load_pair, sha256
from reference.clips import to_int16
from reference.files import read_json, whole

RATE = 48000
EMBEDDED = Path(__file__).parent / "embedded"
FORMAT = 4  # of set.json and of the way clips are prepared; a change prepares anew


def read_set(folder: Path, with_clean: bool = True) -> dict:
    """set.json of a prepared set. SystemExit when it is missing, cut off or of something else, and
    when it holds recordings without clean speech for one who needs it."""
    about = read_json(folder / "set.json", "prepare it anew: python -m eval.testset prepare",
                      "clips")
    if with_clean and not all(clip.get("clean") for clip in about["clips"]):
        raise SystemExit(f"error: {folder}: holds recordings without clean speech; this needs a "
                         "set with both")
    return about


def known_set(folder: Path) -> dict:
    """set.json as it is, {} when it is cut off: it is then made anew."""
    try:
        return read_set(folder, with_clean=False)
    except SystemExit as reason:
        print(f"{str(reason).removeprefix('error: ')}; doing so", file=sys.stderr)
        return {}


def locate(source: str | Path) -> Path:
    """The folder of "embedded" or of a path."""
    return EMBEDDED if str(source) == "embedded" else Path(source).resolve()


def source_hash(pairs: list[Pair], problems: list[str]) -> str:
    """One hash over names, facts and contents of all files, over the problems and FORMAT."""
    rows = [[p.noisy.name, sha256(p.noisy), p.clean and [p.clean.name, sha256(p.clean)], p.facts]
            for p in pairs]
    return hashlib.sha256(json.dumps([FORMAT, rows, problems]).encode()).hexdigest()


def usual_rate(pairs: list[Pair]) -> int:
    """The rate in Hz that most files have by their headers, the first one's of several."""
    found = Counter()
    for path in (path for pair in pairs for path in (pair.noisy, pair.clean) if path):
        try:
            found[sf.info(path).samplerate] += 1
        except (sf.SoundFileError, RuntimeError, OSError):
            continue  # named when it is read
    rates = [rate for rate, _ in found.most_common() if rate in source_pairs.RATES]
    return rates[0] if rates else RATE


def write_pair(pair: Pair, out: Path, wanted: int) -> dict:
    """Write both files of one clip at 48 kHz; its entry of set.json.

    Raises ValueError naming file and fault, also when the rate is not the one `wanted`.
    """
    noisy, clean, rate = load_pair(pair)
    if rate != wanted:
        raise ValueError(f"{pair.noisy}: rate is {rate} Hz, most clips have {wanted} Hz; split the "
                         "set by rate")
    entry = {"name": pair.noisy.stem, "noisy": f"noisy/{pair.noisy.stem}.wav",
             "clean": f"clean/{pair.noisy.stem}.wav" if pair.clean else None, **pair.facts}
    for kind, x in (("noisy", noisy), ("clean", clean)):
        if x is None:
            entry[f"sha256_{kind}"] = None
            continue
        x = soxr.resample(x, rate, RATE) if rate != RATE else x
        sf.write(out / entry[kind], to_int16(x), RATE, subtype="PCM_16")
        entry[f"sha256_{kind}"] = sha256(out / entry[kind])
    return entry | {"seconds": round(noisy.size / rate, 3)}


def write_all(pairs: list[Pair], out: Path) -> tuple[list[dict], int, list[str]]:
    """Write every clip into `out`; (entries, the rate of the set, problems of those left out)."""
    entries, set_rate, problems = [], usual_rate(pairs), []
    for kind in ("noisy", "clean"):
        (out / kind).mkdir(parents=True)
    for pair in tqdm(pairs, desc="preparing", unit="clip", disable=None):
        try:
            entries.append(write_pair(pair, out, set_rate))
        except ValueError as error:
            problems.append(str(error))
    print(f"prepared {len(entries)} of {len(pairs)} clips", file=sys.stderr)
    return entries, set_rate, problems


def prepare(source: str | Path, out: Path, strict: bool = False, name: str | None = None) -> Path:
    """Make OUT/<name> (else the folder's own) from "embedded" or a folder; the folder written.

    Nothing is done when it is there already and the source has not changed. Raises SetError with
    all problems found when no clip is left, and for any problem if `strict`.
    """
    folder = locate(source)
    pairs, problems = examine(folder)
    if problems and (strict or not pairs):
        raise SetError(folder, problems)
    name = name or folder.name
    digest, target = source_hash(pairs, problems), out / name
    if (target / "set.json").exists():
        about = known_set(target)
        if about.get("source_sha256") == digest and not (strict and about["problems"]):
            return target
    with whole(target) as new:
        entries, rate, bad = write_all(pairs, new)
        problems += bad
        if problems and (strict or not entries):
            raise SetError(folder, problems)
        about = {"name": name, "score_rate": rate, "source": str(source),
                 "source_sha256": digest, "resampler": f"soxr {soxr.__version__} HQ",
                 "problems": problems, "clips": entries}
        (new / "set.json").write_text(json.dumps(about, indent=1) + "\n")
    return target


def run_prepare(args: argparse.Namespace) -> int:
    """`prepare`: what was left out on stderr, the folder on stdout."""
    target = prepare(args.source, args.out, args.strict, args.name)
    about = read_set(target, with_clean=False)
    if not about["clips"][0]["clean"]:
        print("no clean speech in this set: DNSMOS alone can be measured", file=sys.stderr)
    problems = about["problems"]
    if problems:
        print(f"left out: {SetError(locate(args.source), problems)}", file=sys.stderr)
    print(target)
    return 0


def run_check(args: argparse.Namespace) -> int:
    """`check`: problems on stderr and 1, or the count of good clips and 0."""
    folder = locate(args.source)
    good, problems = source_pairs.check(folder)
    if problems:
        print(f"error: {SetError(folder, problems)}", file=sys.stderr)
    print(f"{folder}: {good} clips can be used")
    return 1 if problems else 0


def with_values(arguments: list[str]) -> list[str]:
    """Arguments with "--snr", "-5,0" as "--snr=-5,0": argparse takes "-5,0" for an option."""
    words = iter(arguments)
    return [f"{word}={next(words, '')}" if word == "--snr" else word for word in words]


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, 1 when `check` finds a fault, 2 when the set cannot be used (all named)."""
    from eval import synthesize

    parser = argparse.ArgumentParser(prog="python -m eval.testset",
                                     description="read, check or make test sets")
    commands = parser.add_subparsers(dest="command", required=True)
    reader = commands.add_parser("prepare", help="make the prepared set of a folder")
    reader.add_argument("source", metavar="embedded|DIR")
    reader.add_argument("--out", type=Path, default=Path("build/sets"))
    reader.add_argument("--name", help="of the prepared set; else that of the folder")
    reader.add_argument("--strict", action="store_true", help="no set when any clip has a fault")
    reader.set_defaults(run=run_prepare)
    checker = commands.add_parser("check", help="verify names, sums and sound of a folder")
    checker.add_argument("source", metavar="embedded|DIR")
    checker.set_defaults(run=run_check)
    maker = commands.add_parser("make", help="mix a new set from recordings")
    synthesize.add_arguments(maker)
    maker.set_defaults(run=synthesize.run)
    words = sys.argv[1:] if arguments is None else arguments
    args = parser.parse_args(with_values(words))
    try:
        return args.run(args)
    except (SetError, synthesize.SourceError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
