"""The command `percepnet`: the C program of the chosen model, with all of its options."""

import argparse
import os
import sys
from pathlib import Path

from percepnet import models


def main() -> None:
    """Takes -m/--model NAME off the command line and becomes the C program with the rest.

    Exits with 2 when the model is not there.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", "--model", default="small")
    chosen, arguments = parser.parse_known_args()
    if chosen.model not in models():
        print(
            f"percepnet: model {chosen.model} found; one of {', '.join(models())} is needed",
            file=sys.stderr,
        )
        raise SystemExit(2)
    program = Path(__file__).parent / "models" / chosen.model
    os.execv(program, ["percepnet", *arguments])


if __name__ == "__main__":
    main()
