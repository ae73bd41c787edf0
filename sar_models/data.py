"""Captioned pictures in memory, and the batches of an epoch.

Which picture comes when, and with which of its captions, is a function of the seed and the epoch alone: nothing has to
be stored to resume in the middle of an epoch.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sar_models import pixels
from sar_models.tokenizer import Tokenizer

MEMORY_BYTES = 2 * 1024**3  # resized pictures are kept in memory up to this, else read again each time
Open = Callable[[Mapping[str, Any]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Examples:
    """Pictures with their captions, sorted by record."""

    record_ids: Sequence[str]
    pictures: Sequence[NDArray[np.uint8]]  # (1 or 3, S, S)
    texts: Sequence[Sequence[str]]  # captions of each picture
    tokens: Sequence[torch.Tensor]  # the same as numbers, int64 (captions of the picture, T)
    cut_captions: int  # those that do not fit into the context length

    def __len__(self) -> int:
        return len(self.record_ids)

    @property
    def captions(self) -> int:
        """Number of captions."""
        return sum(len(each) for each in self.tokens)


@dataclass(frozen=True)
class Batch:
    """Pictures, each with one of its captions."""

    record_ids: Sequence[str]
    images: torch.Tensor  # uint8 (N, 3, S, S)
    tokens: torch.Tensor  # int64 (N, T)


def examples(
    rows: Iterable[Mapping[str, Any]], *, open_picture: Open, tokenizer: Tokenizer, image_size_px: int, threads: int
) -> Examples:
    """Read the pictures of caption rows (`record_id`, `caption_id`, `text` and the picture's place), each once.

    `open_picture` gives the picture (H, W, 1 or 3) of a row, such as `ShardReader.picture`; it is called from several
    threads.
    """
    ordered = sorted(rows, key=lambda row: (row["record_id"], row["caption_id"]))
    grouped = [(record, list(group)) for record, group in groupby(ordered, key=lambda row: row["record_id"])]
    places = [group[0] for _, group in grouped]
    stored = _Stored(places, open_picture, image_size_px)
    pictures: Sequence[NDArray[np.uint8]] = stored
    if len(places) * 3 * image_size_px**2 <= MEMORY_BYTES:
        with ThreadPoolExecutor(threads) as pool:
            pictures = list(pool.map(stored.__getitem__, range(len(stored))))
    return Examples(
        record_ids=[record for record, _ in grouped],
        pictures=pictures,
        texts=[[row["text"] for row in group] for _, group in grouped],
        tokens=[tokenizer([row["text"] for row in group]) for _, group in grouped],
        cut_captions=tokenizer.too_long(row["text"] for row in ordered),
    )


def steps_per_epoch(examples: Examples, *, batch_size: int) -> int:
    """Whole batches only: a contrastive loss over fewer pairs is another loss."""
    return len(examples) // batch_size


def batches(
    examples: Examples, *, batch_size: int, seed: int, epoch: int, first: int = 0, rank: int = 0, processes: int = 1
) -> Iterator[Batch]:
    """The batches of an epoch from number `first` on: of each, the share of process `rank`, in the batch's order."""
    order = np.random.default_rng([seed, epoch]).permutation(len(examples))
    share = batch_size // processes
    for number in range(first, steps_per_epoch(examples, batch_size=batch_size)):
        start = number * batch_size + rank * share
        yield _batch(examples, order[start : start + share], seed=seed, epoch=epoch)


def validation_batches(examples: Examples, *, batch_size: int) -> Iterator[Batch]:
    """All pictures once, always in the same mixed order with the same captions; the last batch may be smaller."""
    order = np.random.default_rng(0).permutation(len(examples))
    for start in range(0, len(order), batch_size):
        yield _batch(examples, order[start : start + batch_size], seed=0, epoch=0)


def caption_of(record_id: str, *, captions: int, seed: int, epoch: int) -> int:
    """Which of a picture's captions an epoch shows: one after the other, from a start that the seed and record give."""
    digest = hashlib.blake2b(f"{seed}/{record_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + epoch) % captions


def _batch(examples: Examples, chosen: NDArray[np.int64], *, seed: int, epoch: int) -> Batch:
    record_ids, tokens = [], []
    for index in chosen:
        record, captions = examples.record_ids[index], examples.tokens[index]
        record_ids.append(record)
        tokens.append(captions[caption_of(record, captions=len(captions), seed=seed, epoch=epoch)])
    return Batch(record_ids, pixels.stack([examples.pictures[index] for index in chosen]), torch.stack(tokens))


class _Stored(Sequence[NDArray[np.uint8]]):
    """Pictures that are read and resized when they are asked for."""

    def __init__(self, places: Sequence[Mapping[str, Any]], open_picture: Open, size_px: int) -> None:
        self._places, self._open, self._size_px = places, open_picture, size_px

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return pixels.resize(self._open(self._places[index]), size_px=self._size_px)
