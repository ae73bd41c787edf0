"""The processes of a run under `torchrun`, or the only one."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed

CPU = torch.device("cpu")
PART_BYTES = 2**26  # of a file that goes over the network at once, by way of the device


@dataclass(frozen=True)
class World:
    """This process among all; with one process every exchange is the identity."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU  # by way of which the processes exchange

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

    def bytes_from_first(self, content: torch.Tensor) -> torch.Tensor:
        """The bytes (uint8 on the CPU) of the first process, however many; what others give is not looked at."""
        length = int(self.from_first(torch.tensor(len(content), device=self.device)))
        received = content if self.writes else torch.empty(length, dtype=torch.uint8)
        for part in received.split(PART_BYTES):  # type: ignore[no-untyped-call]
            part.copy_(self.from_first(part.to(self.device)))
        return received

    def agrees(self, said: str) -> bool:
        """Whether every process says the same as the first; all processes get the same answer."""
        digest = torch.tensor(list(hashlib.sha256(said.encode()).digest()), dtype=torch.uint8, device=self.device)
        differs = (digest != self.from_first(digest.clone())).any()
        return int(self.sum(differs.int())) == 0


def is_first() -> bool:
    """Whether this process is the only one or the first, outside of `joined` too."""
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Join the processes that `torchrun` started (it sets `WORLD_SIZE`), over NCCL or, on the CPU, Gloo."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device=device)
        return
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(rank=torch.distributed.get_rank(), size=size, device=device)
    finally:
        torch.distributed.destroy_process_group()
