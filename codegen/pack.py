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

A sparse matrix leaves out the 16 x 4 blocks that are all zero. An index says which are there: for
every 16 rows their number, then the group of 4 columns of each. SMMLA takes them in pairs, two
groups in place of 8 columns, a last one beside zeros. Rows left over stay whole. A dense matrix is
the same with all blocks there and no index.
"""

import numpy as np

ROWS = 16  # of a block
ROWS_TAIL = 4
COLS_S8 = 32  # inputs of two vectors
DEPTH_S8 = 4
DEPTH_S16 = 2
DEPTH_I8MM = 8
RAISE = 128  # added to int8 inputs where the instruction takes none with a sign
SPARSE = 0.75  # share of blocks below which leaving out the others saves more than an index costs


def padded(rows: int, cols: int, depth: int) -> tuple[int, int]:
    """Rows and columns of the packed matrix."""
    return up(rows, ROWS_TAIL), up(cols, DEPTH_S16 if depth == DEPTH_S16 else COLS_S8)


def groups_of(weight: np.ndarray) -> list[np.ndarray] | None:
    """Column groups of the blocks that each 16 rows of a sparse matrix hold; None: a dense one."""
    full = _fill(weight, DEPTH_S8)
    blocks = full[: len(full) // ROWS * ROWS].reshape(-1, ROWS, full.shape[1] // DEPTH_S8, DEPTH_S8)
    held = blocks.any(axis=(1, 3))
    if held.sum() >= SPARSE * len(held) * -(-weight.shape[1] // DEPTH_S8):
        return None
    return [np.flatnonzero(row) for row in held]


def index_of(groups: list[np.ndarray]) -> np.ndarray:
    """uint16: for every 16 rows the number of blocks and the column group of each."""
    return np.concatenate([[len(held), *held] for held in groups]).astype(np.uint16)


def pack(weight: np.ndarray, depth: int, groups: list[np.ndarray] | None = None) -> np.ndarray:
    """(rows, cols) int8 to the flat packed array; filled up with zeros.

    groups: see groups_of; but for SMMLA a block of zeros follows, as two are read at a time.
    """
    full = _fill(weight, depth)
    body = len(full) // ROWS * ROWS
    blocks = [full[i : i + ROWS] for i in range(0, body, ROWS)]
    if groups is not None:
        blocks = [b.reshape(ROWS, -1, DEPTH_S8)[:, held].reshape(ROWS, -1)
                  for b, held in zip(blocks, groups, strict=True)]  # fmt: skip
    blocks += [full[i : i + ROWS_TAIL] for i in range(body, len(full), ROWS_TAIL)]
    if groups is not None and depth == DEPTH_S8:
        blocks.append(np.zeros((ROWS, DEPTH_S8), np.int8))
    return np.concatenate([_in_order(block, depth) for block in blocks])


def _fill(weight: np.ndarray, depth: int) -> np.ndarray:
    rows, cols = padded(*weight.shape, depth)
    return np.pad(weight, ((0, rows - weight.shape[0]), (0, cols - weight.shape[1])))


def _in_order(block: np.ndarray, depth: int) -> np.ndarray:
    block = np.pad(block, ((0, 0), (0, -block.shape[1] % depth)))
    return block.reshape(len(block), block.shape[1] // depth, depth).transpose(1, 0, 2).ravel()


def pack_all(matrices: list[dict], arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What weights.c holds of each matrix, rows filled up with zeros.

    `<matrix>_weight` packed, `_i8mm` where SMMLA may meet it, `_index` of a sparse one, `_bias`,
    `_mult`, and `_bias_raised`: the bias for raised inputs.
    """
    packed = {}
    for m in matrices:
        name = m["name"]
        weight, bias = arrays[f"{name}_weight"], arrays[f"{name}_bias"]
        groups = groups_of(weight) if m["index"] else None
        packed[f"{name}_weight"] = pack(weight, m["depth"], groups)
        if m["i8mm"]:
            packed[f"{name}_i8mm"] = pack(weight, DEPTH_I8MM, groups)
        if m["index"]:
            packed[f"{name}_index"] = index_of(groups)
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
