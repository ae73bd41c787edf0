"""The processes of a run under `torchrun`, or the only one."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed


@dataclass(frozen=True)
class World:
    """This process among all; with one process every exchange is the identity."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files, logs and validates."""
        return self.rank == 0

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of the values over the processes; carries no gradient."""
        values = values.detach().clone()
        if self.size > 1:
            torch.distributed.all_reduce(values)
        return values

    def from_first(self, values: torch.Tensor) -> torch.Tensor:
        """The values of the first process."""
        if self.size > 1:
            torch.distributed.broadcast(values, src=0)
        return values


def is_first() -> bool:
    """Whether this process is the only one or the first, outside of `joined` too."""
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the processes that `torchrun` started (it sets `WORLD_SIZE`), over NCCL or, on the CPU, Gloo."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(rank=torch.distributed.get_rank(), size=size)
    finally:
        torch.distributed.destroy_process_group()
