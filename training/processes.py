"""Several processes or machines on one run: each takes its own crops, gradients are averaged.

Started by torchrun, which sets RANK and WORLD_SIZE; without it there is one process and every
function here does nothing.
"""

import ctypes
import os

import torch
import torch.distributed as dist
from torch import Tensor

MALLOC = {-3: 1 << 30, -1: (1 << 31) - 1, -2: 1 << 26}  # mmap from, trim from, grow by: bytes


def join() -> None:
    """Meet the other processes of a torchrun (gloo: it needs no GPU)."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")


def leave() -> None:
    """Part from them."""
    if dist.is_initialized():
        dist.destroy_process_group()


def keep_memory() -> None:
    """Keep freed memory for the next tensors rather than give it back: a page that is new is first
    filled with zeros. Mixtures are made 1.7 times as fast, a teacher listens 1.5 times as fast.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library than glibc: slower
        return
    for option, size in MALLOC.items():
        mallopt(option, size)


def meet() -> None:
    """Go on when all have come here."""
    if dist.is_initialized():
        dist.barrier()


def rank() -> int:
    """Number of this process; process 0 writes logs and checkpoints."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


@torch.no_grad()
def average(tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over all processes: one message for all of them."""
    if world() == 1:
        return
    joined = torch.cat([t.reshape(-1) for t in tensors]).cpu()
    dist.all_reduce(joined)
    joined /= world()
    for tensor, part in zip(tensors, joined.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


@torch.no_grad()
def share(tensors: list[Tensor]) -> None:
    """Every process gets tensor k from process ``k % world()``, which has made it: ``mine``."""
    if world() == 1:
        return
    for owner in range(min(world(), len(tensors))):
        made = tensors[owner :: world()]
        joined = torch.cat([t.reshape(-1) for t in made]).cpu()
        dist.broadcast(joined, owner)
        for tensor, part in zip(made, joined.split([t.numel() for t in made]), strict=True):
            tensor.copy_(part.view_as(tensor))


def mine(k: int) -> bool:
    """Whether this process makes tensor k of those that are shared."""
    return k % world() == rank()


def mean(value: float) -> float:
    """Mean of a number over all processes."""
    total = torch.tensor(value, dtype=torch.float64)
    average([total])
    return total.item()
