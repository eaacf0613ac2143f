"""How long hostile sound is heard after it has ended: `python -m fuzz.recovery`.

Ten seconds of each kind, then a clip of the embedded set, beside an instance that hears the clip
alone (recovery.c). Prints the worst clip of every kind in milliseconds and writes all of it to
fuzz/recovery.json.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import soundfile

from codegen import render
from fuzz.__main__ import HERE, program, target
from reference.dnn import MODELS, fit_model, weights_hash
from reference.files import whole
from targets.target import ROOT

CLIPS = sorted((ROOT / "eval" / "embedded" / "noisy").glob("*.flac"))
KEPT = HERE / "recovery.json"


def measure(model: str, clips: list[Path]) -> dict[str, list[int]]:
    """{kind of hostile sound: milliseconds by clip}."""
    goal = target(model, plain=True)
    gen = goal.folder / "gen"
    render.write(model, gen)
    path = program(goal, "recovery", sorted(p for p in gen.glob("*.c") if p.name != "taps.c"))
    found: dict[str, list[int]] = {}
    for clip in clips:
        samples, _ = soundfile.read(clip, dtype="int16")
        printed = subprocess.run([str(path)], input=samples.tobytes(), check=True,
                                 stdout=subprocess.PIPE).stdout.decode()  # fmt: skip
        for kind, ms in (line.split() for line in printed.splitlines()):
            found.setdefault(kind, []).append(int(ms))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.recovery", description=__doc__)
    models = sorted(path.stem for path in MODELS.glob("*.safetensors"))
    parser.add_argument("--models", nargs="+", type=fit_model, default=models)
    args = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for model in args.models:
        found = measure(model, CLIPS)
        kept[model] = {"weights": weights_hash(model), "ms": found}
        worst = ", ".join(f"{kind} {max(ms)}" for kind, ms in found.items())
        print(f"{model}: worst of {len(CLIPS)} clips, ms: {worst}", flush=True)
        with whole(KEPT) as new:
            new.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
