"""A wider network that begins by saying what a narrower one said.

Old units keep their weights and do not hear the new ones; new units hear everything and go
unheard until training lets them be heard (Net2Net, Chen et al. 2016, with silent units for copies).
What both can learn is learnt by the narrow one in a tenth of the time.
"""

import torch
from torch import Tensor

from training.model import GRUS, READS, Model


@torch.no_grad()
def grown(small: dict[str, Tensor], model: Model) -> dict[str, Tensor]:
    """Tensors of `model`, newly made, such that it says what the network `small` says.

    small: tensors of a network of the same shape whose layers are at most as wide; of equal width
    they come back as they are. Raises ValueError if a layer is wider than the model's.
    """
    new = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for key, stored in small.items():
        old = stored.to(new[key])
        if any(a > b for a, b in zip(old.shape, new[key].shape, strict=True)):
            raise ValueError(
                f"{key} of the weights to begin with is {tuple(old.shape)}, that of model"
                f" {model.name!r} {tuple(new[key].shape)}; expected one that is no wider"
            )
        layer, kind = key.split(".")
        rows = _rows(len(old), len(new[key]), gates=3 if layer in GRUS else 1)
        new[key][rows] = 0  # old units do not hear new ones
        if kind.startswith("bias"):
            new[key][rows] = old
        else:
            columns = _columns(layer, kind, small, model)
            new[key][rows[:, None], columns] = old
    return new


def _rows(old: int, new: int, gates: int) -> Tensor:
    """Where the rows of the old tensor lie in the new one: first in each gate."""
    return torch.cat([torch.arange(old // gates) + k * (new // gates) for k in range(gates)])


def _columns(layer: str, kind: str, small: dict[str, Tensor], model: Model) -> Tensor:
    """Where the inputs of an old layer lie among those of the new one."""
    if layer not in READS or kind == "weight_hh":  # one source alone, old units first
        return torch.arange(small[f"{layer}.{kind}"].shape[1])
    found, offset = [], 0
    for source in READS[layer]:
        key = f"{source}.weight_hh" if source in GRUS else f"{source}.bias"
        width = small[key].shape[1] if source in GRUS else len(small[key])
        found.append(torch.arange(width) + offset)
        offset += model.width(source)
    return torch.cat(found)
