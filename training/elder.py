"""A network of ours as teacher: it hears the features that the learner hears."""

from pathlib import Path

import torch
from torch import Tensor

from reference import dnn
from reference.params import N_FEATURES
from reference.topology import shape_of
from training.model import Model
from training.targets import TAUGHT


class Elder:
    """The float network of a weight file."""

    def __init__(self, path: Path, device: torch.device | str = "cpu"):
        """Raises as `reference.dnn.read`."""
        weights = dnn.read(path)
        self.model = Model(shape_of(weights))
        self.model.load_state_dict({key: torch.from_numpy(x) for key, x in weights.items()})
        self.model.to(device).eval()

    @torch.no_grad()
    def teach(self, stored: Tensor) -> Tensor:
        """Rows of a store (R, L, 242), with its gains and strengths as those of the teacher."""
        features = stored[..., :N_FEATURES].float().transpose(0, 1).contiguous()
        gain, strength, _ = self.model(features)
        said = torch.sigmoid(torch.cat([gain, strength], -1)).transpose(0, 1)
        stored[..., TAUGHT] = said.to(stored.dtype)
        return stored
