"""The numbers that int8 weights stand for: 255 even steps around 0, of one height a row.

The trainer writes such numbers alone (`training/weights.py`). So the float network and the integer
one have the same weights, and part only by how they round what lies between the layers.
"""

from collections.abc import Mapping

import numpy as np

W_MAX = 127  # steps; symmetric, so that proofs and SIMD kernels never meet -128
SCALE_MIN = 2.0**-15  # keeps bias / scale small in rows of tiny weights; costs 2**-16 a weight


def row_scales(weight: np.ndarray) -> np.ndarray:
    """Height of one step in each row of a matrix (rows, cols): (rows,), float64."""
    return np.maximum(np.abs(np.asarray(weight, np.float64)).max(axis=1) / W_MAX, SCALE_MIN)


def rounded(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tensors of a network, by name, with every weight at the nearest of its row's steps.

    float32; biases stay as they are.
    """
    return {key: _nearest(np.asarray(tensor, np.float32)) if "weight" in key
            else np.asarray(tensor, np.float32) for key, tensor in tensors.items()}


def _nearest(weight: np.ndarray) -> np.ndarray:
    """A matrix (rows, ...) with all numbers at steps."""
    rows = weight.reshape(len(weight), -1)
    step = row_scales(rows)[:, None]
    return (np.floor(rows / step + 0.5) * step).astype(np.float32).reshape(weight.shape)
