"""Print the plan as C: python -m codegen.render --model small --out build/host/gen

`--no-postfilter` leaves the envelope postfilter out, so that nothing of it is in the library.
"""

import argparse
from pathlib import Path

import jinja2
import numpy as np

from codegen import kernels
from codegen.pack import pack_all
from codegen.plan import canonical, plan
from codegen.suppressor import STAGES

TEMPLATES = Path(__file__).parent / "templates"
FILES = (
    ["percepnet.h", "params.h", "fixed.h", "tables.h", "tables.c", "weights.c", "weights_i8mm.c"]
    + [f"{stage}.{kind}" for stage in (*STAGES, "kernels", "suppressor") for kind in ("h", "c")]
    + ["gates.h", "neon.h", "simd128.h", "x86.h", *kernels.files()]
    + ["taps.h", "taps.c"]
)


def environment() -> jinja2.Environment:
    """Strict: an unknown name stops generation. Templates print numbers, they make none."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, TEMPLATES / "kernels"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(content: dict, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """All generated files by name: text of each. Pure: same plan and arrays, same text."""
    env = environment()
    packed = pack_all(content["dnn"]["matrices"], arrays)
    left_out = STAGES.keys() - set(content["stages"])
    files = {}
    for name in (file for file in FILES if file.partition(".")[0] not in left_out):
        head = f"/* Generated from {name}.j2, plan {content['hash'][:16]}. Do not edit. */\n"
        text = env.get_template(f"{name}.j2").render(**content, arrays=arrays, packed=packed,
                                                       shapes=kernels.shapes(content["dnn"]["matrices"]))
        files[name] = head + text
    return files


def write(model: str, out: Path, postfilter: bool = True) -> dict:
    """Render a model into `out` with its plan.json; files whose text is the same stay untouched.

    Returns the plan.
    """
    content, arrays = plan(model, postfilter)
    files = {name: text.encode() for name, text in render(content, arrays).items()}
    files["plan.json"] = canonical(content)
    out.mkdir(parents=True, exist_ok=True)
    for stale in set(p.name for p in out.iterdir()) - set(files):
        (out / stale).unlink()
    for name, data in files.items():
        if not (out / name).exists() or (out / name).read_bytes() != data:
            (out / name).write_bytes(data)
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="small")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-postfilter", dest="postfilter", action="store_false")
    args = parser.parse_args()
    try:
        content = write(args.model, args.out, args.postfilter)
    except (FileNotFoundError, OverflowError, ValueError) as error:
        parser.error(str(error))
    tightest = min(content["bounds"], key=lambda bound: bound["margin_bits"])
    print(
        f"{args.out}: {content['api']['model_id']}, plan {content['hash'][:16]}, tightest bound"
        f" {tightest['name']} with {tightest['margin_bits']} bits to spare"
    )


if __name__ == "__main__":
    main()
