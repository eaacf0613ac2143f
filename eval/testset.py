"""Test sets: read one in any usual layout, or mix a new one from recordings.

    python -m eval.testset prepare embedded|DIR [--out build/sets]
    python -m eval.testset make --speech DIR --noise DIR [--rir DIR] … OUT     (eval/synthesize.py)

`prepare` understands

* DNS Challenge: `noisy/<stem>_snrN_tl-M_fileid_K.*` with `clean/clean_fileid_K.*`, 48 or 16 kHz;
* VoiceBank-DEMAND: equal names in `clean*/` and `noisy*/` (e.g. clean_testset_wav), 48 or 16 kHz;

as wav, flac, ogg or opus, one channel. It writes what the other tools read:

    OUT/<set>/{noisy,clean}/<clip>.wav     48 kHz, mono, 16-bit
    OUT/<set>/set.json                     {name, score_rate, source, source_sha256, resampler,
        clips: [{name, noisy, clean, snr, fileid, level, noise, reverb, voice, language, seconds,
                 sha256_noisy, sha256_clean}]}

Clips at 16 kHz are resampled to 48 kHz for processing; `score_rate` stays 16000. Facts that a file
name does not tell come from `manifest.csv` beside the folders, where there is one, else are null.
A `SHA256SUMS` beside the folders is verified. The set is written whole or not at all.
"""

import argparse
import csv
import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from eval.mixing import to_int16

RATE = 48000
RATES = (48000, 16000)
AUDIO = (".wav", ".flac", ".ogg", ".opus")
EMBEDDED = Path(__file__).parent / "embedded"
FACTS = ("snr", "fileid", "level", "noise", "reverb", "voice", "language")
FORMAT = 1  # of set.json and of the way clips are prepared; a change prepares anew


class SetError(Exception):
    """A test set that cannot be used. `problems` names each file and what is wrong with it."""

    def __init__(self, folder: Path, problems: list[str]):
        self.problems = problems
        shown = [f"  {p}" for p in problems[:20]]
        if len(problems) > 20:
            shown.append(f"  … and {len(problems) - 20} more")
        super().__init__("\n".join([f"test set {folder}: {len(problems)} problem(s)", *shown]))


@dataclass(frozen=True)
class Pair:
    """One clip of a source folder; `facts` holds FACTS, None where unknown."""
    noisy: Path
    clean: Path
    facts: dict


def sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def audio_files(folder: Path) -> list[Path]:
    """Audio files directly in `folder`, sorted by name."""
    return sorted(p for p in folder.iterdir()
                  if p.suffix.lower() in AUDIO and not p.name.startswith("."))


def find_folders(folder: Path) -> tuple[Path, Path]:
    """(noisy, clean) folders of a set. Raises SetError saying what was found instead."""
    if not folder.is_dir():
        raise SetError(folder, ["is not a folder"])
    children = sorted(p for p in folder.iterdir() if p.is_dir())
    found = []
    for kind in ("noisy", "clean"):
        fits = [p for p in children if p.name.lower().startswith(kind)]
        exact = [p for p in fits if p.name == kind]
        if len(exact or fits) != 1:
            names = ", ".join(p.name + "/" for p in children) or "no folders"
            raise SetError(folder, [f"needs one folder {kind}/ (or {kind}_…/), found {names}"])
        found.append((exact or fits)[0])
    return found[0], found[1]


def name_facts(stem: str) -> dict:
    """What a DNS-Challenge file name tells: snr (dB), level (dBFS), fileid; None if not there."""
    def number(pattern: str) -> int | None:
        match = re.search(pattern, stem)
        return int(match[1]) if match else None

    known = {"snr": number(r"_snr(-?\d+)"), "level": number(r"_tl(-?\d+)"),
             "fileid": number(r"_fileid_(\d+)$")}
    return dict.fromkeys(FACTS) | known


def manifest_facts(folder: Path) -> dict[str, dict]:
    """Rows of manifest.csv by stem of the noisy file; {} without a manifest."""
    path = folder / "manifest.csv"
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        return {Path(row["noisy"]).stem: {k: row[k] or None for k in FACTS[3:] if k in row}
                for row in csv.DictReader(file)}


def find_pairs(folder: Path) -> tuple[list[Pair], list[str]]:
    """(pairs sorted by name, problems): orphans and names that occur twice are problems."""
    noisy_dir, clean_dir = find_folders(folder)
    manifest, problems = manifest_facts(folder), []
    clean_of: dict[str, Path] = {}
    for path in audio_files(clean_dir):
        if path.stem in clean_of:
            problems.append(f"{path}: same name as {clean_of[path.stem].name}")
        clean_of[path.stem] = path
    pairs, used = [], {}
    for path in audio_files(noisy_dir):
        facts = name_facts(path.stem) | manifest.get(path.stem, {})
        names = [path.stem, f"clean_fileid_{facts['fileid']}"]
        name = next((n for n in names if n in clean_of), None)
        if name is None:
            wanted = names[0] if facts["fileid"] is None else names[1]
            problems.append(f"{path}: orphan, no {clean_dir.name}/{wanted}.*")
        elif name in used:
            problems.append(f"{path}: same clean file as {used[name]} ({clean_of[name].name})")
        else:
            used[name] = path.name
            pairs.append(Pair(path, clean_of[name], facts))
    problems += [f"{clean_of[n]}: orphan, no noisy file belongs to it"
                 for n in sorted(clean_of.keys() - used.keys())]
    if not pairs and not problems:
        problems.append(f"no audio files ({', '.join(AUDIO)}) in {noisy_dir.name}/")
    return pairs, problems


def load(path: Path) -> tuple[np.ndarray, int]:
    """(samples (n,) float64, rate) of one file. Raises ValueError naming file and fault."""
    try:
        x, rate = sf.read(path, always_2d=True)
    except (sf.SoundFileError, RuntimeError, OSError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if x.shape[1] != 1:
        raise ValueError(f"{path}: has {x.shape[1]} channels, needs 1")
    if rate not in RATES:
        raise ValueError(f"{path}: rate is {rate} Hz, needs {' or '.join(map(str, RATES))}")
    if x.shape[0] == 0:
        raise ValueError(f"{path}: has no samples")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{path}: holds NaN or infinite samples")
    return x[:, 0], rate


def load_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray, int]:
    """(noisy, clean, rate), equal in length and rate, clean not silent; else ValueError."""
    (noisy, rate), (clean, clean_rate) = load(pair.noisy), load(pair.clean)
    if rate != clean_rate:
        raise ValueError(f"{pair.noisy}: rate {rate} Hz, but {pair.clean.name} has {clean_rate}")
    if noisy.size != clean.size:
        raise ValueError(f"{pair.noisy}: {noisy.size} samples, but {pair.clean.name} "
                         f"has {clean.size}")
    if not np.any(to_int16(clean)):
        raise ValueError(f"{pair.clean}: is silent, a reference needs speech")
    return noisy, clean, rate


def check_sums(folder: Path) -> list[str]:
    """Problems of files listed in SHA256SUMS; [] when all agree or there is no list."""
    path, problems = folder / "SHA256SUMS", []
    for line in path.read_text().splitlines() if path.exists() else []:
        want, name = line.split(maxsplit=1)
        if not (folder / name).exists():
            problems.append(f"{folder / name}: listed in SHA256SUMS, but missing")
        elif sha256(folder / name) != want:
            problems.append(f"{folder / name}: is not the file that SHA256SUMS lists (changed?)")
    return problems


def source_hash(pairs: list[Pair]) -> str:
    """One hash over names, facts and contents of all files, and over FORMAT."""
    rows = [[p.noisy.name, sha256(p.noisy), p.clean.name, sha256(p.clean), p.facts] for p in pairs]
    return hashlib.sha256(json.dumps([FORMAT, rows]).encode()).hexdigest()


def write_pair(pair: Pair, out: Path) -> tuple[dict, int]:
    """Write both files of one clip at 48 kHz; (its entry of set.json, its own rate)."""
    noisy, clean, rate = load_pair(pair)
    entry = {"name": pair.noisy.stem, "noisy": f"noisy/{pair.noisy.stem}.wav",
             "clean": f"clean/{pair.noisy.stem}.wav", **pair.facts}
    for kind, x in (("noisy", noisy), ("clean", clean)):
        x = soxr.resample(x, rate, RATE) if rate != RATE else x
        sf.write(out / entry[kind], to_int16(x), RATE, subtype="PCM_16")
        entry[f"sha256_{kind}"] = sha256(out / entry[kind])
    return entry | {"seconds": round(noisy.size / rate, 3)}, rate


def write_all(pairs: list[Pair], out: Path) -> tuple[list[dict], int, list[str]]:
    """Write every clip into `out`; (entries, the rate of the set, problems)."""
    entries, rates, problems = [], {}, []
    for kind in ("noisy", "clean"):
        (out / kind).mkdir(parents=True)
    for number, pair in enumerate(pairs, 1):
        if sys.stderr.isatty():
            print(f"\rpreparing clip {number} of {len(pairs)}", end="", file=sys.stderr)
        try:
            entry, rate = write_pair(pair, out)
        except ValueError as error:
            problems.append(str(error))
            continue
        entries.append(entry)
        if rate not in rates and rates:
            problems.append(f"{pair.noisy}: rate is {rate} Hz, the clips before it have "
                            f"{min(rates)} Hz; split the set by rate")
        rates.setdefault(rate, pair)
    print(f"\rprepared {len(entries)} of {len(pairs)} clips", file=sys.stderr)
    return entries, min(rates, default=RATE), problems


def prepare(source: str | Path, out: Path) -> Path:
    """Make OUT/<set> from "embedded" or a folder; the folder written. Nothing is done when it is
    there already and the source has not changed. Raises SetError with all problems found."""
    folder = EMBEDDED if str(source) == "embedded" else Path(source).resolve()
    pairs, problems = find_pairs(folder)
    problems += check_sums(folder)
    if problems:
        raise SetError(folder, problems)
    digest, target = source_hash(pairs), out / folder.name
    if (target / "set.json").exists():
        if json.loads((target / "set.json").read_text()).get("source_sha256") == digest:
            return target
    partial = out / f".{folder.name}.partial-{os.getpid()}"
    try:
        entries, rate, problems = write_all(pairs, partial)
        if problems:
            raise SetError(folder, problems)
        about = {"name": folder.name, "score_rate": rate, "source": str(source),
                 "source_sha256": digest, "resampler": f"soxr {soxr.__version__} HQ",
                 "clips": entries}
        (partial / "set.json").write_text(json.dumps(about, indent=1) + "\n")
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 2 when the set cannot be used (every file and fault is named)."""
    from eval import synthesize

    parser = argparse.ArgumentParser(prog="python -m eval.testset",
                                     description="read or make test sets")
    commands = parser.add_subparsers(dest="command", required=True)
    reader = commands.add_parser("prepare", help="make the prepared set of a folder")
    reader.add_argument("source", metavar="embedded|DIR")
    reader.add_argument("--out", type=Path, default=Path("build/sets"))
    synthesize.add_arguments(commands.add_parser("make", help="mix a new set from recordings"))
    args = parser.parse_args(arguments)
    try:
        if args.command == "make":
            synthesize.make(args)
            print(args.folder)
        else:
            print(prepare(args.source, args.out))
    except (SetError, synthesize.SourceError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
