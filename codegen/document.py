"""Write the generated parts of docs/quantisation.md: `python -m codegen.document`.

A part stands between `<!-- begin NAME -->` and `<!-- end -->`; the rest is written by hand.
"""

import argparse
import re
from pathlib import Path

from codegen import first_ring
from codegen.plan import plan

PAGE = Path(__file__).parent.parent / "docs" / "quantisation.md"


def table(head: list[str], rows: list[list]) -> str:
    """Markdown table; numbers with thousands separated."""
    cells = [
        [f"{c:,}" if isinstance(c, int) else str(c).replace("|", r"\|") for c in row]
        for row in rows
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *cells])


def formats(content: dict) -> str:
    """Every signal of a call in pipeline order."""
    rows = [
        [f"`{t['name']}`", t["stage"], t["dtype"], t["count"], t["format"]] for t in content["taps"]
    ]
    return table(["signal", "stage", "type", "values", "format"], rows)


def constants(content: dict) -> str:
    """Every constant table."""
    rows = [
        [f"`{name}`", t["ctype"].removesuffix("_t"), t["length"], t["format"]]
        for name, t in sorted(content["tables"].items())
    ]
    return table(["table", "type", "entries", "format"], rows)


def margins(content: dict) -> str:
    """Every accumulator of the signal stages: worst case, what it must fit, bits left."""
    rows = [
        [b["name"], f"{b['worst']:.4g}", f"{b['limit']:.4g}", f"{b['margin_bits']:.2f}"]
        for b in content["bounds"]
    ]
    return table(["accumulator", "worst case", "must fit", "bits left"], rows)


def network(content: dict) -> str:
    """Every matrix: size, worst accumulator over all inputs, bits left to int32."""
    rows = [
        [
            f"`{m['name']}`",
            f"{m['rows']} × {m['cols']}",
            "int16 Q12" if m["input"] == "features" else "int8, step 1/127",
            m["acc_bound"],
            f"{m['acc_margin_bits']:.2f}",
            f"{m['pre_margin_bits']:.2f}",
        ]
        for m in content["dnn"]["matrices"]
    ]
    head = ["matrix", "rows × columns", "input", "worst accumulator", "bits left", "Q12 bits left"]
    return table(head, rows)


def measured(model: str) -> str:
    """Integer stage against float stage, and the FFT by level."""
    levels = ", ".join(f"{k} dBFS {v:.1f} dB" for k, v in first_ring.fft_levels().items())
    return f"{first_ring.markdown(first_ring.measure(model))}\nFFT 960, noise: {levels}.\n"


def parts(content: dict) -> dict[str, str]:
    """The parts that follow from the plan alone."""
    return {
        "formats": formats(content),
        "tables": constants(content),
        "margins": margins(content),
        "network": f"Model `{content['api']['model_id']}`.\n\n{network(content)}",
    }


def fill(text: str, name: str, part: str) -> str:
    """`text` with one part replaced. Raises ValueError when its markers are not there."""
    pattern = rf"(<!-- begin {name} -->\n).*?(<!-- end -->)"
    filled, count = re.subn(pattern, lambda m: f"{m[1]}{part}{m[2]}", text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} parts named {name} found; one is needed")
    return filled


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="small")
    model = parser.parse_args().model
    text = PAGE.read_text()
    for name, part in (parts(plan(model)[0]) | {"measured": measured(model)}).items():
        text = fill(text, name, part)
    PAGE.write_text(text)
    print(f"{PAGE}: written")


if __name__ == "__main__":
    main()
