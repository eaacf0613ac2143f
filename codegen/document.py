"""Write the generated parts of docs/quantisation.md: `python -m codegen.document`.

A part stands between `<!-- begin NAME -->` and `<!-- end -->`; the rest is written by hand.
"""

from pathlib import Path

from codegen import first_ring
from codegen.plan import plan
from reference.files import fill
from reference.topology import SIZES

MODELS = tuple(reversed(SIZES))  # small ones first
MODEL = "small"  # whose stages are measured, and whose layers stand among the signals
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


def inside(content: dict) -> str:
    """What the network computes with and does not record."""
    rows = [[name.replace("_", " "), text] for name, text in content["dnn"]["formats"].items()]
    return table(["in the network", "format"], rows)


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


def network(plans: dict[str, dict]) -> str:
    """Every matrix of every model: size, and bits left to int32 of accumulator and result."""
    matrices = {name: content["dnn"]["matrices"] for name, content in plans.items()}
    rows = []
    for same in zip(*matrices.values(), strict=True):
        cells = [
            f"{m['rows']} × {m['cols']}: {m['acc_margin_bits']:.2f}, {m['pre_margin_bits']:.2f}"
            for m in same
        ]
        source = "int16 Q12" if same[0]["name"] == "dense" else "int8, step 1/127"
        rows.append([f"`{same[0]['name']}`", source, *cells])
    models = ", ".join(f"`{content['api']['model_id']}`" for content in plans.values())
    return f"Models {models}.\n\n{table(['matrix', 'input', *matrices], rows)}"


def measured(model: str) -> str:
    """Integer stage against float stage, and the FFT by level."""
    levels = ", ".join(f"{k} dBFS {v:.1f} dB" for k, v in first_ring.fft_levels().items())
    return f"{first_ring.markdown(first_ring.measure(model))}\nFFT 960, noise: {levels}.\n"


def parts() -> dict[str, str]:
    """The parts that follow from the plans alone; what all models share from that of MODEL."""
    plans = {model: plan(model)[0] for model in MODELS}
    content = plans[MODEL]
    return {
        "formats": formats(content),
        "inside": inside(content),
        "tables": constants(content),
        "margins": margins(content),
        "network": network(plans),
    }


def main() -> None:
    """Command line."""
    text = PAGE.read_text()
    for name, part in (parts() | {"measured": measured(MODEL)}).items():
        text = fill(text, name, part)
    PAGE.write_text(text)
    print(f"{PAGE}: written")


if __name__ == "__main__":
    main()
