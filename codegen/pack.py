"""Weights in the order in which kernels read them: one layout for every instruction set.

Rows come in blocks of 16, what is left over in blocks of 4 (zero rows fill the last one). Inside
a block the columns come `depth` at a time, row after row:

    16 x 4 block:  row 0 cols 0..3, row 1 cols 0..3, ... row 15 cols 0..3, row 0 cols 4..7, ...

Depth 4 suits int8 inputs: 16 bytes are one operand of SDOT by element, or of SMULL with four
inputs repeated; accumulators are one row a lane, so nothing is summed across lanes at the end.
Columns are filled up to 32 with zeros: such a kernel has no tail in a row, and reads so many
inputs. Depth 2 suits int16 inputs (VPMADDWD; SMLAL after a load that parts the two columns).
Depth 8 suits SMMLA: 16 bytes are two rows. Only matrices that meet several columns at once, the
frames of a block, are packed so as well.
"""

import numpy as np

ROWS = 16  # of a block
ROWS_TAIL = 4
COLS_S8 = 32  # inputs of two vectors
DEPTH_S8 = 4
DEPTH_S16 = 2
DEPTH_I8MM = 8
RAISE = 128  # added to int8 inputs where the instruction takes none with a sign


def padded(rows: int, cols: int, depth: int) -> tuple[int, int]:
    """Rows and columns of the packed matrix."""
    return up(rows, ROWS_TAIL), up(cols, DEPTH_S16 if depth == DEPTH_S16 else COLS_S8)


def pack(weight: np.ndarray, depth: int) -> np.ndarray:
    """(rows, cols) int8 to the flat packed array; filled up with zeros."""
    rows, cols = padded(*weight.shape, depth)
    full = np.zeros((rows, cols), np.int8)
    full[: weight.shape[0], : weight.shape[1]] = weight
    body = rows // ROWS * ROWS
    blocks = [full[i : i + ROWS] for i in range(0, body, ROWS)]
    blocks += [full[i : i + ROWS_TAIL] for i in range(body, rows, ROWS_TAIL)]
    parts = [b.reshape(len(b), cols // depth, depth).transpose(1, 0, 2).ravel() for b in blocks]
    return np.concatenate(parts)


def pack_all(matrices: list[dict], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What weights.c holds of each matrix, rows filled up with zeros.

    `<matrix>_weight` packed, `_i8mm` where SMMLA may meet it, `_bias`, `_mult`, and
    `_bias_raised`: the bias for raised inputs.
    """
    packed = {}
    for m in matrices:
        name = m["name"]
        weight, bias = arrays[f"{name}_weight"], arrays[f"{name}_bias"]
        packed[f"{name}_weight"] = pack(weight, m["depth"])
        if m["i8mm"]:
            packed[f"{name}_i8mm"] = pack(weight, DEPTH_I8MM)
        rows = {"bias": bias, "mult": arrays[f"{name}_mult"]}
        rows["bias_raised"] = raised(weight, bias)
        for part, values in rows.items():
            packed[f"{name}_{part}"] = np.pad(values, (0, m["packed_rows"] - values.size))
    return packed


def raised(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(rows,) int64: bias of the same product of inputs that are RAISE larger."""
    return bias.astype(np.int64) - RAISE * weight.sum(axis=1, dtype=np.int64)


def up(n: int, step: int) -> int:
    """n rounded up to a multiple of step."""
    return -(-n // step) * step
