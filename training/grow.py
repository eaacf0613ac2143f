"""A wider network that begins by saying what a narrower one said.

Old units keep their weights and do not hear the new ones; new units hear everything and go
unheard until training lets them be heard (Net2Net, Chen et al. 2016, with silent units for copies).
What both can learn is learnt by the narrow one in a tenth of the time.
"""

import torch
from torch import Tensor

from reference.topology import GRUS, LAYERS, Shape, shape_of
from training.model import Model


@torch.no_grad()
def grown(small: dict[str, Tensor], model: Model) -> dict[str, Tensor]:
    """Tensors of `model`, newly made, such that it says what the network `small` says.

    small: tensors of a network whose layers are at most as wide; of equal width they come back as
    they are. Raises ValueError if a layer is wider than the model's, or the tensors do not fit
    together.
    """
    old = shape_of({key: tensor.numpy(force=True) for key, tensor in small.items()})
    new = model.shape
    wider = [name for name in LAYERS if old.width[name] > new.width[name]]
    if wider or old.frames != new.frames:
        raise ValueError(f"weights to begin with of {_words(old)} found; for this size "
                         f"layers no wider than {_words(new)} are needed")  # fmt: skip
    tensors = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    for key, tensor in tensors.items():
        layer, kind = key.split(".")
        rows = _rows(old.width[layer], new.width[layer], gates=3 if layer in GRUS else 1)
        tensor[rows] = 0  # old units do not hear new ones
        if kind.startswith("bias"):
            tensor[rows] = small[key].to(tensor)
        else:
            sources = (layer,) if kind == "weight_hh" else LAYERS[layer].reads
            columns = _columns(sources, old, new)
            tensor[rows[:, None], columns] = small[key].to(tensor)
    return tensors


def _rows(old: int, new: int, gates: int) -> Tensor:
    """Where the rows of old units lie among those of the new ones: first in each gate."""
    return torch.cat([torch.arange(old) + k * new for k in range(gates)])


def _columns(sources: tuple[str, ...], old: Shape, new: Shape) -> Tensor:
    """Where the old outputs of layers side by side lie among the new ones."""
    found, offset = [], 0
    for source in sources:
        found.append(torch.arange(old.width[source]) + offset)
        offset += new.width[source]
    return torch.cat(found)


def _words(shape: Shape) -> str:
    """Widths of a network, and what its convolutions reach."""
    widths = ", ".join(f"{name} {shape.width[name]}" for name in LAYERS)
    return f"{widths} and {' and '.join(map(str, shape.frames.values()))} frames"
