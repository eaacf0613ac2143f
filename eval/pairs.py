"""Folders of a test set as others leave them: which clips belong together, and what is wrong.

Understands the DNS Challenge (`noisy/<stem>_snrN_tl-M_fileid_K.*` with `clean/clean_fileid_K.*`, or
`synthetic_` before either), VoiceBank-DEMAND (equal names in `clean*/` and `noisy*/`, however
their accents are written), and recordings without clean speech, as the DNS Challenge has them: a
folder of them, or one that holds `noisy*/` alone. 48 or 16 kHz, one channel, as wav, flac, ogg or
opus. Every fault is a sentence that names the file.
"""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from os.path import normpath
from pathlib import Path

import numpy as np
import soundfile as sf

from reference.clips import to_int16

RATES = (48000, 16000)
LONGEST_S = 3600  # a clip of an hour takes 1.4 GB as doubles
AUDIO = (".wav", ".flac", ".ogg", ".opus")
CLEAN = ("clean_fileid_{}", "synthetic_clean_fileid_{}")  # of the DNS Challenge, by fileid
SUM_LINES = (re.compile(r"(?P<sum>[0-9a-fA-F]+) +\*?(?P<name>\S.*)"),  # sha256sum, PowerShell
             re.compile(r"SHA256 \((?P<name>.+)\) = (?P<sum>[0-9a-fA-F]+)"))  # BSD, openssl
LINE = 10_000  # characters of a row of a manifest
FACTS = ("snr", "fileid", "level", "noise", "reverb", "voice", "language")


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
    """One clip of a source folder; `facts` holds FACTS, None where unknown. No clean: a recording
    of what was never heard without its noise."""
    noisy: Path
    clean: Path | None
    facts: dict


def sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_of(path: Path) -> str:
    """Stem of a file, its accents in one code point (NFC): macOS hands them out in two (NFD)."""
    return unicodedata.normalize("NFC", path.stem)


def audio_files(folder: Path) -> tuple[list[Path], list[str]]:
    """(audio files directly in `folder`, sorted by name; a problem for every other file)."""
    found, problems = [], []
    for path in sorted(p for p in folder.iterdir() if not p.name.startswith(".")):
        if path.is_symlink() and not path.exists():
            problems.append(f"{path}: is a link to {path.readlink()}, which does not exist")
        elif path.suffix.lower() in AUDIO and path.is_file():
            found.append(path)
        else:
            problems.append(f"{path}: is of a kind that is not read; needs {', '.join(AUDIO)}")
    return found, problems


def find_folders(folder: Path) -> tuple[Path, Path | None]:
    """(noisy, clean) folders of a set, clean None where there is no folder but the noisy one.

    Raises SetError saying what was found instead.
    """
    if not folder.is_dir():
        raise SetError(folder, ["is not a folder"])
    children = sorted(p for p in folder.iterdir() if p.is_dir())
    if len(children) == 1 and children[0].name.lower().startswith("noisy"):
        return children[0], None
    if not children and any(p.suffix.lower() in AUDIO for p in folder.iterdir()):
        return folder, None
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
    def number(pattern: str) -> int | float | None:
        match = re.search(pattern, stem)
        return (float if "." in match[1] else int)(match[1]) if match else None

    known = {"snr": number(r"_snr(-?\d+(?:\.\d+)?)"), "level": number(r"_tl(-?\d+)"),
             "fileid": number(r"_fileid_(\d+)$")}
    return dict.fromkeys(FACTS) | known


def manifest_facts(folder: Path) -> dict[str, dict]:
    """Rows of manifest.csv by stem of the noisy file; {} without a manifest."""
    path = folder / "manifest.csv"
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = path.read_bytes()[:error.start].count(b"\n") + 1
        raise SetError(folder, [f"{path}, line {line}: is not UTF-8; save it as UTF-8"]) from error
    comma = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    if (number := next((n for n, line in enumerate(lines, 1) if len(line) > LINE), None)):
        raise SetError(folder, [f"{path}, line {number}: is longer than {LINE} characters"])
    rows = csv.DictReader(lines, delimiter=comma)
    if "noisy" not in (rows.fieldnames or []):
        raise SetError(folder, [f"{path}, line 1: needs a column noisy, has "
                                f"{', '.join(rows.fieldnames or ['nothing'])}"])
    return {name_of(Path(row["noisy"])): {k: row[k] or None for k in FACTS[3:] if k in row}
            for row in rows if row["noisy"]}


def repeated(paths: dict[str, list[Path]], why: str) -> list[str]:
    """A problem for every file that stands under the same key as another."""
    return [f"{path}: {why} as {next(p for p in group if p != path).name}"
            for group in paths.values() if len(group) > 1 for path in group]


def by_key(items: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    """Paths by key, in order."""
    found: dict[str, list[Path]] = {}
    for key, path in items:
        found.setdefault(key, []).append(path)
    return found


def find_recordings(noisy_dir: Path, manifest: dict[str, dict]) -> tuple[list[Pair], list[str]]:
    """(pairs without clean speech, problems) of a folder of recordings."""
    files, problems = audio_files(noisy_dir)
    listed = {name_of(Path(name)) for name in ("manifest.csv", "SHA256SUMS")}
    problems = [p for p in problems if name_of(Path(p.split(": ")[0])) not in listed]
    names = by_key((name_of(p), p) for p in files)
    problems += repeated(names, "same name")
    pairs = [Pair(group[0], None, name_facts(group[0].stem) | manifest.get(name, {}))
             for name, group in names.items() if len(group) == 1]
    if not files:
        problems.append(f"no audio files ({', '.join(AUDIO)}) in {noisy_dir.name}/")
    return pairs, problems


def find_pairs(folder: Path) -> tuple[list[Pair], list[str]]:
    """(pairs sorted by name, problems): orphans, and all files that share a name or a fileid.

    Files with problems are in no pair: which of two clips belongs to a clean file is not guessed.
    """
    noisy_dir, clean_dir = find_folders(folder)
    manifest = manifest_facts(folder)
    if clean_dir is None:
        return find_recordings(noisy_dir, manifest)
    (noisy_files, problems), (clean_files, more) = map(audio_files, (noisy_dir, clean_dir))
    cleans = by_key((name_of(p), p) for p in clean_files)
    problems += more + repeated(cleans, "same name")
    facts, wanted = {}, []
    for path in noisy_files:
        facts[path] = name_facts(path.stem) | manifest.get(name_of(path), {})
        names = [name_of(path), *(form.format(facts[path]["fileid"]) for form in CLEAN)]
        name = next((n for n in names if n in cleans), None)
        if name is None:
            missing = names[facts[path]["fileid"] is not None]
            problems.append(f"{path}: orphan, no {clean_dir.name}/{missing}.*")
        else:
            wanted.append((name, path))
    noisies = by_key(wanted)
    problems += repeated(noisies, "same clean file")
    problems += [f"{path}: orphan, no noisy file belongs to it"
                 for name in sorted(cleans.keys() - noisies.keys()) for path in cleans[name]]
    pairs = [Pair(group[0], cleans[name][0], facts[group[0]]) for name, group in noisies.items()
             if len(group) == len(cleans[name]) == 1]
    if not pairs and not problems:
        problems.append(f"no audio files ({', '.join(AUDIO)}) in {noisy_dir.name}/")
    return sorted(pairs, key=lambda pair: pair.noisy.name), problems


def truncation(path: Path, samples: int) -> str | None:
    """What a file lacks by its own header, None if nothing; `samples` could be read."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head[:4] == b"RIFF":
        promised, there = int.from_bytes(head[4:], "little") + 8, path.stat().st_size
        if there < promised < 0xFFFFFFFF:  # more: a stream whose length was not known
            return f"{there} of {promised} bytes"
    elif samples < (promised := sf.info(path).frames):
        return f"{samples} of {promised} samples"
    return None


def load(path: Path) -> tuple[np.ndarray, int]:
    """(samples (n,) float64, rate) of one file. Raises ValueError naming file and fault."""
    try:
        with sf.SoundFile(path) as file:  # its head first: nothing is allocated for a forged one
            rate, channels, promised = file.samplerate, file.channels, file.frames
            if channels != 1:
                raise ValueError(f"{path}: has {channels} channels, needs 1")
            if rate not in RATES:
                raise ValueError(f"{path}: rate is {rate} Hz, needs {' or '.join(map(str, RATES))}")
            if promised > LONGEST_S * rate:
                raise ValueError(f"{path}: holds {promised / rate:.0f} s by its head, a clip has "
                                 f"{LONGEST_S} at most")
            x = file.read(always_2d=True)
    except (sf.SoundFileError, RuntimeError, OSError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from error
    if x.shape[0] and (words := truncation(path, x.shape[0])):
        raise ValueError(f"{path}: is truncated, it holds {words}")
    if x.shape[0] == 0:
        raise ValueError(f"{path}: has no samples")
    if not np.all(np.isfinite(x)):
        raise ValueError(f"{path}: holds NaN or infinite samples")
    return x[:, 0], rate


def load_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray | None, int]:
    """(noisy, clean, rate), equal in length and rate, none silent; else ValueError."""
    noisy, rate = load(pair.noisy)
    if not np.any(to_int16(noisy)):
        raise ValueError(f"{pair.noisy}: is silent, there is nothing to enhance")
    if pair.clean is None:
        return noisy, None, rate
    clean, clean_rate = load(pair.clean)
    if rate != clean_rate:
        raise ValueError(f"{pair.noisy}: rate {rate} Hz, but {pair.clean.name} has {clean_rate}")
    if noisy.size != clean.size:
        raise ValueError(f"{pair.noisy}: {noisy.size} samples, but {pair.clean.name} "
                         f"has {clean.size}")
    if not np.any(to_int16(clean)):
        raise ValueError(f"{pair.clean}: is silent, a reference needs speech")
    return noisy, clean, rate


def check_sums(folder: Path) -> dict[Path, str]:
    """Problems of files listed in SHA256SUMS by path; {} when all agree or there is no list."""
    path, problems = folder / "SHA256SUMS", {}
    lines = path.read_text(encoding="utf-8-sig", errors="replace") if path.exists() else ""
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = next(filter(None, (form.fullmatch(line.rstrip()) for form in SUM_LINES)), None)
        if not match:
            problems[path] = f"{path}, line {number}: is not a SHA-256, two spaces and a name"
            continue
        want, file = match["sum"].lower(), folder / match["name"].replace("\\", "/")
        if not Path(normpath(file)).is_relative_to(normpath(folder)):
            problems[path] = f"{path}, line {number}: names {match['name']}, outside of the set"
        elif not file.is_file():
            problems[file] = f"{file}: listed in SHA256SUMS, but missing"
        elif sha256(file) != want:
            problems[file] = f"{file}: is not the file that SHA256SUMS lists (changed?)"
    return problems


def examine(folder: Path) -> tuple[list[Pair], list[str]]:
    """(pairs whose files are the listed ones, problems of all others). Nothing is decoded yet."""
    pairs, problems = find_pairs(folder)
    changed = check_sums(folder)
    return ([pair for pair in pairs if not {pair.noisy, pair.clean} & changed.keys()],
            problems + list(changed.values()))


def check(folder: Path) -> tuple[int, list[str]]:
    """(clips that can be used, problems) of a folder: names, sums and the sound of every file."""
    pairs, problems = examine(folder)
    bad = []
    for pair in pairs:
        try:
            load_pair(pair)
        except ValueError as error:
            bad.append(str(error))
    return len(pairs) - len(bad), problems + bad
