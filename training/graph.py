"""A training step on a GPU in one launch.

A step of a small recurrent network is thousands of short kernels; to launch them one by one takes
longer than to run them. So a step that has run a few times is recorded, and from then on replayed.
"""

from collections.abc import Callable

import torch
from torch import Tensor

WARM = 3  # times that a step runs before it is recorded, for its memory to be there


class Recorded:
    """A function of tensors that works on tensors which stay where they are, recorded when it has
    run WARM times with inputs of some shapes, and replayed from then on. On a CPU it just runs.

    The result is good until the next call.
    """

    def __init__(self, work: Callable[..., Tensor]):
        self.work, self.shapes, self.runs = work, [], 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *given: Tensor) -> Tensor:
        shapes = [x.shape for x in given]
        if shapes != self.shapes:
            if self.graph:
                torch.cuda.synchronize()  # it may be at work, in memory that others get now
            self.shapes, self.runs, self.graph = shapes, 0, None
        if not given[0].is_cuda or self.runs < WARM:
            self.runs += 1
            return self.work(*given)
        if self.graph is None:
            self._record(given)
        torch._foreach_copy_(self.inputs, list(given))
        self.graph.replay()
        return self.result

    def _record(self, given: tuple[Tensor, ...]) -> None:
        """Other threads may go on to use the GPU meanwhile: `thread_local`."""
        self.inputs, self.graph = [x.clone() for x in given], torch.cuda.CUDAGraph()
        stream = torch.cuda.current_stream()
        with torch.cuda.graph(self.graph, stream=stream, capture_error_mode="thread_local"):
            self.result = self.work(*self.inputs)
