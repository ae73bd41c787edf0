"""Memory that does not suffice: one error that says what would fit."""

import contextlib
import os
from collections.abc import Iterator

import torch

from sar_models.settings import Hardware, Training

GIB = 2**30
CPU_ALLOCATOR = ("DefaultCPUAllocator", "not enough memory")  # of torch's RuntimeError on the CPU


@contextlib.contextmanager
def explained(settings: Training, hardware: Hardware, device: torch.device, *, processes: int) -> Iterator[None]:
    """Within the block, being out of memory is a `ValueError` that names batch size, memory and what would fit."""
    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not isinstance(error, torch.OutOfMemoryError) and not any(sign in str(error) for sign in CPU_ALLOCATOR):
            raise
        rows = settings.batch_size // processes
        together = min(settings.micro_batch or rows, rows)
        options = [f"micro_batch: {max(1, together // 2)} (the same training, slower; not for ResNet towers)"]
        if hardware.precision == "fp32" and device.type == "cuda":
            options.append("precision: bf16 (about half)")
        options.append(f"batch_size: {max(2, settings.batch_size // 2)} (another training: fewer negatives)")
        raise ValueError(
            f"out of memory on {_described(device)} with batch_size {settings.batch_size}"
            + (f" over {processes} processes" if processes > 1 else "")
            + (f" in micro batches of {settings.micro_batch}" if settings.micro_batch else "")
            + f". Set in params.yaml one of: {'; '.join(options)}"
        ) from error


def _described(device: torch.device) -> str:
    if device.type != "cuda":
        return f"the CPU ({os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.1f} GiB)"
    free, total = torch.cuda.mem_get_info(device)
    return f"{torch.cuda.get_device_name(device)} ({total / GIB:.1f} GiB, {free / GIB:.1f} GiB of them free)"


def peak(device: torch.device) -> dict[str, float]:
    """`gpu_memory_gib`, the most that tensors took on the device so far; nothing on the CPU."""
    return {"gpu_memory_gib": torch.cuda.max_memory_allocated(device) / GIB} if device.type == "cuda" else {}
