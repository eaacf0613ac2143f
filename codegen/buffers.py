"""Where the layers of the network leave their outputs, as int8, for the layers to come.

A convolution has a buffer of its own: the frames before, then those of the block, side by side.
The other layers leave one row a frame, row 0 that of the frame before the block; what one matrix
reads is one piece of a row, so the layers lie in an order that makes it so.
"""

from itertools import accumulate

from codegen import pack
from reference.topology import LAYERS, Shape

COLUMNS = 4  # frames that a matrix meets at once, at most: the length of a block
ROWS = {
    "layers": ("gru1", "gru2", "gru_gain", "conv2", "gru3"),
    "gru_strength": ("gru_strength",),
}
"""Layers side by side in each row."""


def order(name: str) -> tuple[str, ...]:
    """What a layer reads, in the order in which it lies there.

    Raises ValueError if it does not lie in one piece.
    """
    reads = LAYERS[name].reads
    for row in ROWS.values():
        starts = [row.index(source) for source in reads if source in row]
        if len(starts) == len(reads):
            piece = row[min(starts) : max(starts) + 1]
            if len(piece) > len(reads):
                raise ValueError(f"{name}: {reads} lie apart in {row}; one piece is needed")
            return piece
    return reads


def of(shape: Shape) -> dict[str, dict]:
    """{buffer: number of rows, bytes of one, places of the layers in it}, in their order."""
    found = {}
    for name, layer in LAYERS.items():
        if layer.kind == "conv":
            inputs = shape.inputs(name)
            reach = pack.up(inputs * shape.frames[name], pack.COLS_S8)
            found[f"{name}_in"] = {"rows": 1, "bytes": (COLUMNS - 1) * inputs + reach}
    for name, row in ROWS.items():
        *starts, total = accumulate((shape.width[layer] for layer in row), initial=0)
        behind = pack.COLS_S8 if len(row) > 1 else 0  # for whole vectors from any layer on
        found[name] = {"rows": 1 + COLUMNS, "bytes": pack.up(total + behind, pack.COLS_S8),
                       "places": [*map(list, zip(starts, row, strict=True))]}  # fmt: skip
    return found


def source(name: str, shape: Shape) -> dict[str, str | int]:
    """Buffer that a layer reads, offset in a row, and bytes from frame to frame."""
    if LAYERS[name].kind == "conv":
        return {"buffer": f"{name}_in", "at": 0, "stride": shape.inputs(name)}
    return _in_row(order(name)[0], shape)


def target(name: str, shape: Shape) -> dict[str, str | int]:
    """The same of where a layer leaves its outputs of the block's first frame."""
    for reader, layer in LAYERS.items():
        if layer.kind == "conv" and layer.reads == (name,):
            kept = shape.width[name] * (shape.frames[reader] - 1)
            return {"buffer": f"{reader}_in", "at": kept, "stride": shape.width[name]}
    return _in_row(name, shape)


def _in_row(name: str, shape: Shape) -> dict[str, str | int]:
    """Where a layer's outputs lie in the rows."""
    for buffer, facts in of(shape).items():
        for at, layer in facts.get("places", ()):
            if layer == name:
                return {"buffer": buffer, "at": at, "stride": facts["bytes"]}
    raise ValueError(f"{name}: no row of {ROWS} holds it; one is needed")
