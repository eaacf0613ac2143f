"""What follows from the plans alone: formats, tables, bounds (docs/integer-tables.md)."""

from functools import cache

from codegen.plan import plan
from pages.scores import DEFAULT, model_names
from reference.markdown import table

settle = cache(plan)


def content() -> dict:
    """The plan of the default model, for what all models share."""
    return settle(DEFAULT)[0]


def formats() -> str:
    """Every signal of a call in pipeline order."""
    rows = [
        [f"`{tap['name']}`", *(tap[key] for key in ("stage", "dtype", "count", "format"))]
        for tap in content()["taps"]
    ]
    return table(["signal", "stage", "type", "values", "format"], rows)


def inside() -> str:
    """What the network computes with and does not record."""
    rows = [[name.replace("_", " "), text] for name, text in content()["dnn"]["formats"].items()]
    return table(["in the network", "format"], rows)


def constants() -> str:
    """Every constant table."""
    rows = [
        [f"`{name}`", t["ctype"].removesuffix("_t"), t["length"], t["format"]]
        for name, t in sorted(content()["tables"].items())
    ]
    return table(["table", "type", "entries", "format"], rows)


def margins() -> str:
    """Every accumulator of the signal stages: worst case, what it must fit, bits left."""
    rows = [
        [b["name"], f"{b['worst']:.4g}", f"{b['limit']:.4g}", f"{b['margin_bits']:.2f}"]
        for b in content()["bounds"]
    ]
    return table(["accumulator", "worst case", "must fit", "bits left"], rows)


def network() -> str:
    """Every matrix of every model: size, and bits left to int32 of accumulator and result."""
    settled = {model: settle(model)[0] for model in model_names()}
    matrices = {model: one["dnn"]["matrices"] for model, one in settled.items()}
    rows = []
    for same in zip(*matrices.values(), strict=True):
        cells = [
            f"{m['rows']} × {m['cols']}: {m['acc_margin_bits']:.2f}, {m['pre_margin_bits']:.2f}"
            for m in same
        ]
        source = "int16 Q12" if same[0]["name"] == "dense" else "int8, step 1/127"
        rows.append([f"`{same[0]['name']}`", source, *cells])
    models = ", ".join(f"`{one['api']['model_id']}`" for one in settled.values())
    return f"Models {models}.\n\n{table(['matrix', 'input', *matrices], rows)}"


PARTS = {"formats": formats, "inside": inside, "tables": constants, "margins": margins,
         "network": network}
