"""Make every step of a study as files, several clips at a time, score them, and keep the result."""

import argparse
import hashlib
import json
import multiprocessing
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import soundfile
from tqdm import tqdm

from eval.baseline import weights_hash
from eval.score import score, tools
from eval.tables import DIGITS, HEADS, STEP_MEASURES, show
from reference import dnn
from reference.files import whole
from reference.params import RATE
from studies.changes import CHANGES, set_params
from studies.result import write

FOLDER = Path(__file__).parent
OF_A_MODEL = ("parts", "trials")


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0, or 1 when clips could not be scored."""
    parser = argparse.ArgumentParser(prog="python -m studies", description=__doc__)
    parser.add_argument("study", choices=["ladder", "decisions", *OF_A_MODEL])
    parser.add_argument("--set", type=Path, required=True, help="prepared set: build/sets/X")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--model", default="small", help="network of parts and trials")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args(arguments)
    if not (args.set / "set.json").exists():
        parser.error(f"{args.set}: no prepared set; make it with make sets testset=DIR")
    make(args)
    study, out = import_module(f"studies.{args.study}"), args.build / args.study
    rows = score(args.set, out, args.jobs)
    content = {"study": args.study, "testset": args.set.name,
               "clips": len({row["clip"] for row in rows}), "versions": tools()}  # fmt: skip
    name = [args.study, args.set.name]
    if args.study in OF_A_MODEL:
        content |= {"model": args.model, "weights": weights_hash(args.model)}
        name.insert(1, args.model)
    content |= study.result(rows, args.set, out)
    show_rows(content["rows"])
    print(write(args.build, "-".join(name), content))
    return 1 if any(row.get("error") for row in rows) else 0


def show_rows(rows: list[dict]) -> None:
    """On the terminal: means by step, or what a trial measured."""
    for row in rows:
        if "step" in row:
            words = " ".join(f"{HEADS[m]} {show(row[m], DIGITS[m])}" for m in STEP_MEASURES)
            print(f"{row['step']:30} {words}")
        else:
            print("{trial:30} {measure}: mean {mean}, worst {worst}".format(**row))


def make(args: argparse.Namespace) -> None:
    """Make what is not there yet, several clips at a time."""
    about = json.loads((args.set / "set.json").read_text())
    version, out = fingerprint(args.model), args.build / args.study
    for change in CHANGES if args.study == "decisions" else [""]:
        work = partial(one_clip, args=args, out=out, change=change, version=version)
        todo = [clip for clip in about["clips"] if not done(clip, args, out, change, version)]
        with multiprocessing.get_context("spawn").Pool(
            min(args.jobs, len(todo) or 1), set_params, [change]
        ) as pool:
            title = f"{args.study} {change}".strip()
            list(tqdm(pool.imap_unordered(work, todo), total=len(todo), desc=title))


def one_clip(clip: dict, args: argparse.Namespace, out: Path, change: str, version: str) -> None:
    """Write every step of one clip, and then that it is done."""
    from reference.clips import to_int16

    study = import_module(f"studies.{args.study}")
    noisy, clean = (soundfile.read(args.set / clip[side])[0] for side in ("noisy", "clean"))
    told = {"ladder": (), "decisions": (change,), "parts": (args.model,),
            "trials": (args.model, args.set)}[args.study]  # fmt: skip
    for step, samples in study.steps(noisy, clean, *told):
        path = out / "out" / step / args.set.name / f"{clip['name']}.wav"
        with whole(path) as new:
            soundfile.write(new, to_int16(samples), RATE, "PCM_16")
    note = stamp(clip, args, out, change)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(key(clip, version))


def stamp(clip: dict, args: argparse.Namespace, out: Path, change: str) -> Path:
    """The file that says for which sources a clip was made."""
    return out / "done" / args.set.name / f"{clip['name']}{change and '.'}{change}"


def done(clip: dict, args: argparse.Namespace, out: Path, change: str, version: str) -> bool:
    note = stamp(clip, args, out, change)
    return note.exists() and note.read_text() == key(clip, version)


def key(clip: dict, version: str) -> str:
    return f"{version} {clip['sha256_noisy']} {clip['sha256_clean']}"


def fingerprint(model: str) -> str:
    """Changes with the code of the stages and studies, and with the weights."""
    code = [*Path(dnn.__file__).parent.glob("*.py"), *FOLDER.glob("*.py")]
    return hashlib.sha256(
        b"".join(p.read_bytes() for p in [*sorted(code), dnn.model_path(model)])
    ).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
