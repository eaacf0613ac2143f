"""The command `percepnet`: the C program of the chosen model, with all of its options."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from percepnet import models


def main() -> None:
    """Becomes the C program of the model that -m/--model names, with the whole command line.

    The program reads WAV; other files it hands to `_decode.py`, unless the command line names
    another decoder. Exits with 2 when the model is not there.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--model", default="small")
    parser.add_argument("-h", "--help", action="store_true")
    chosen, _ = parser.parse_known_args()
    if chosen.model not in models():
        print(
            f"percepnet: --model: {chosen.model} found; one of {', '.join(models())} is needed",
            file=sys.stderr,
        )
        raise SystemExit(2)
    if chosen.help:
        print(f"Models here: {', '.join(models())}; -m chooses, {chosen.model} now.\n", flush=True)
    folder = Path(__file__).parent
    decoder = shlex.join([sys.executable, str(folder / "_decode.py")]) + ' "$1"'
    program = folder / "models" / chosen.model
    os.execv(program, ["percepnet", "--decoder", decoder, *sys.argv[1:]])


if __name__ == "__main__":
    main()
