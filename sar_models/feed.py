"""Batches onto the device: on CUDA one ahead, so that the device never waits for the processor."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from sar_models.augment import augmented
from sar_models.data import Batch

T = TypeVar("T")


def on_device(batches: Iterator[Batch], device: torch.device) -> Iterator[Batch]:
    """The same batches in the same order, with images and text on `device`, and augmented there.

    On CUDA a thread puts the next batch together and copies it, on a stream of its own, while this one is computed
    with; the copy overlaps where the batches are pinned.
    """
    if device.type != "cuda":
        yield from (_moved(batch, device) for batch in batches)
        return
    copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def following() -> tuple[Batch, torch.cuda.Event] | None:
        with torch.cuda.stream(copying):
            batch = next(batches, None)
            return None if batch is None else (_moved(batch, device), copying.record_event())

    for batch, copied in one_ahead(following):
        computing = torch.cuda.current_stream(device)
        computing.wait_event(copied)
        for tensor in (batch.images, *batch.text.values()):
            tensor.record_stream(computing)  # so that no later copy gets its memory before it was computed with
        yield batch


def one_ahead(following: Callable[[], T | None]) -> Iterator[T]:
    """What `following` gives until it gives `None`, each worked out by a thread while the one before is used.

    What it raises is raised when its turn comes.
    """
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(following)
        while (item := coming.result()) is not None:
            coming = thread.submit(following)
            yield item


def _moved(batch: Batch, device: torch.device) -> Batch:
    images = batch.images.to(device, non_blocking=True)
    return dataclasses.replace(
        batch,
        images=images if batch.draws is None else augmented(images, batch.draws),
        text={name: tokens.to(device, non_blocking=True) for name, tokens in batch.text.items()},
        draws=None,
    )
