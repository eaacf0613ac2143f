"""Make every step of a study as files, several clips at a time, score them, and keep the result."""

import argparse
import hashlib
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import soundfile

from eval.score import score, tools
from eval.tables import DIGITS, HEADS, STEP_MEASURES, show
from eval.testset import read_set
from reference import dnn
from reference.dnn import fit_model, weights_hash
from reference.files import whole
from reference.params import RATE
from reference.runner import Clip, every_clip
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
    parser.add_argument("--model", type=fit_model, default="small",
                        help="network of parts and trials")  # fmt: skip
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
    judged = [row for row in rows if row["system"] not in getattr(study, "UNSCORED", ())]
    return 1 if any(row.get("error") for row in judged) else 0


def show_rows(rows: list[dict]) -> None:
    """On the terminal: means by step, or what a trial measured."""
    for row in rows:
        if "step" in row:
            words = " ".join(f"{HEADS[m]} {show(row[m], DIGITS[m])}" for m in STEP_MEASURES)
            print(f"{row['step']:30} {words}")
        else:
            print("{trial:30} {measure}: mean {mean}, worst {worst}".format(**row))


def make(args: argparse.Namespace) -> None:
    """Make the steps of every clip that are not there yet."""
    about, out = read_set(args.set), args.build / args.study
    clips = [Clip(clip["name"], tuple(args.set / clip[side] for side in ("noisy", "clean")))
             for clip in about["clips"]]  # fmt: skip
    key = {"version": fingerprint(args.model)}
    for change in CHANGES if args.study == "decisions" else [""]:
        told = {"ladder": (), "decisions": (change,), "parts": (args.model,),
                "trials": (args.model, args.set)}[args.study]  # fmt: skip
        work = partial(steps_of, study=args.study, told=told, out=out, testset=args.set.name)
        every_clip(clips, work, out / "done" / args.set.name / f"{change or 'all'}.json", key,
                   jobs=args.jobs, title=f"{args.study} {change}".strip(),
                   begin=(set_params, [change]))  # fmt: skip


def steps_of(clips: list[Clip], study: str, told: tuple, out: Path, testset: str) -> list[dict]:
    """Write every step of some clips; the files."""
    from reference.clips import to_int16  # not before the constants are set

    module, found = import_module(f"studies.{study}"), []
    for clip in clips:
        files, (noisy, clean) = [], (soundfile.read(path)[0] for path in clip.sources)
        for step, samples in module.steps(noisy, clean, *told):
            files.append(out / "out" / step / testset / f"{clip.name}.wav")
            with whole(files[-1]) as new:
                soundfile.write(new, to_int16(samples), RATE, "PCM_16")
        found.append({"files": [str(path) for path in files]})
    return found


def fingerprint(model: str) -> str:
    """Changes with the code of the stages and studies, and with the weights."""
    code = [*Path(dnn.__file__).parent.glob("*.py"), *FOLDER.glob("*.py")]
    return hashlib.sha256(
        b"".join(p.read_bytes() for p in [*sorted(code), dnn.model_path(model)])
    ).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
