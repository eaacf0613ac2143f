"""Weight files as the project ships them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from reference import dnn, grid
from reference.files import whole


def write(path: Path, tensors: Mapping[str, np.ndarray], **note: str) -> None:
    """Write the tensors of a network, every weight at a step of int8 (`reference/grid.py`).

    float16: that moves no int8 weight. note: what the file says of itself, `model` its size.
    Raises ValueError for tensors that do not fit together; then nothing is written.
    """
    halves = {key: np.ascontiguousarray(tensor, np.float16)
              for key, tensor in grid.rounded(tensors).items()}  # fmt: skip
    with whole(path) as new:
        save_file(halves, new, note or None)
        new.chmod(0o644)
        dnn.read(new)  # fails now rather than at the user's
