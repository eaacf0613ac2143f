"""Command of the studies: every step of every clip as a file, several clips at a time."""

import argparse
import hashlib
import json
import multiprocessing
import os
from functools import partial
from importlib import import_module
from pathlib import Path

import soundfile
from tqdm import tqdm

from reference import dnn
from reference.files import whole
from reference.params import RATE
from studies.changes import CHANGES, set_params

STUDIES = Path(__file__).parent


def main() -> None:
    """Make what is not there yet, several clips at a time."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__)
    parser.add_argument("study", choices=["ladder", "decisions", "parts", "trials"])
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--out", type=Path, required=True, help="folder for out/ and steps.json")
    parser.add_argument("--model", default="small", help="network of parts and trials")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if not (args.set / "set.json").exists():
        parser.error(f"{args.set}: no prepared set; make it with make sets testset=DIR")
    about = json.loads((args.set / "set.json").read_text())
    version = fingerprint(args.model)
    for change in CHANGES if args.study == "decisions" else [""]:
        work = partial(one_clip, args=args, change=change, version=version)
        todo = [clip for clip in about["clips"] if not done(clip, args, change, version)]
        with multiprocessing.get_context("spawn").Pool(
            min(args.jobs, len(todo) or 1), set_params, [change]
        ) as pool:
            title = f"{args.study} {change}".strip()
            list(tqdm(pool.imap_unordered(work, todo), total=len(todo), desc=title))
    if args.study != "decisions":
        steps = import_module(f"studies.{args.study}").STEPS
        titles = {step: title.format(model=args.model) for step, title in steps.items()}
        (args.out / "steps.json").write_text(json.dumps(titles, indent=1))


def one_clip(clip: dict, args: argparse.Namespace, change: str, version: str) -> None:
    """Write every step of one clip, and then that it is done."""
    from reference.clips import to_int16

    study = import_module(f"studies.{args.study}")
    noisy, clean = (soundfile.read(args.set / clip[side])[0] for side in ("noisy", "clean"))
    told = {"ladder": (), "decisions": (change,), "parts": (args.model,),
            "trials": (args.model, args.set)}[args.study]  # fmt: skip
    for step, samples in study.steps(noisy, clean, *told):
        path = args.out / "out" / step / args.set.name / f"{clip['name']}.wav"
        with whole(path) as new:
            soundfile.write(new, to_int16(samples), RATE, "PCM_16")
    note = stamp(clip, args, change)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(key(clip, version))


def stamp(clip: dict, args: argparse.Namespace, change: str) -> Path:
    """The file that says for which sources a clip was made."""
    return args.out / "done" / args.set.name / f"{clip['name']}{change and '.'}{change}"


def done(clip: dict, args: argparse.Namespace, change: str, version: str) -> bool:
    note = stamp(clip, args, change)
    return note.exists() and note.read_text() == key(clip, version)


def key(clip: dict, version: str) -> str:
    return f"{version} {clip['sha256_noisy']} {clip['sha256_clean']}"


def fingerprint(model: str) -> str:
    """Changes with the code of the stages and studies, and with the weights."""
    code = [*Path(dnn.__file__).parent.glob("*.py"), *STUDIES.glob("*.py")]
    weights = dnn.MODELS / f"{model}.safetensors"
    return hashlib.sha256(b"".join(p.read_bytes() for p in [*sorted(code), weights])).hexdigest()

