"""Captioned pictures in memory, and the batches of an epoch.

Which picture comes when, and with which of its captions, is a function of the seed and the epoch alone: nothing has to
be stored to resume in the middle of an epoch.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sar_models import pixel_cache, pixels, token_cache
from sar_models.augment import Allowed, Draws, range_db
from sar_models.symmetry import SYMMETRIES
from sar_models.tokenizer import Tokenizer

MEMORY_BYTES = 2 * 1024**3  # resized pictures are kept in memory up to this, else read again each time
Open = Callable[[Mapping[str, Any]], NDArray[np.uint8]]


@dataclass(frozen=True)
class Batch:
    """Pictures, each with what is said of it."""

    record_ids: Sequence[str]
    images: torch.Tensor  # uint8 (N, 1 or 3, S, S), or what a frozen tower made of them, float32 (N, cells, channels)
    text: Mapping[str, torch.Tensor]  # what the objective's losses take by name, int64 (N, T)
    draws: Draws | None = None  # what is still to be done to the pictures on the device


class DataSet(Protocol):
    """Pictures that batches are drawn from."""

    def __len__(self) -> int: ...

    def batch(self, chosen: NDArray[np.int64], *, seed: int, epoch: int, pinned: bool = False) -> Batch:
        """The pictures of the rows `chosen`, with the text that `epoch` shows of them; `pinned` for a CUDA device."""
        ...


@dataclass(frozen=True)
class Examples:
    """Pictures with their captions, sorted by record."""

    record_ids: Sequence[str]
    pictures: Sequence[NDArray[np.uint8]]  # (1 or 3, S, S)
    texts: Sequence[Sequence[str]]  # captions of each picture
    tokens: NDArray[
        np.int32
    ]  # the same as numbers, (captions, T), and behind them what captions of turned pictures say
    first: NDArray[np.int64]  # row of each picture's first caption, and behind the last their number
    cut_captions: int  # those that do not fit into the context length
    allowed: Allowed | None = None  # what augmentation may do; none: there is none

    def __len__(self) -> int:
        return len(self.record_ids)

    @property
    def captions(self) -> int:
        """Number of captions."""
        return int(self.first[-1])

    def batch(self, chosen: NDArray[np.int64], *, seed: int, epoch: int, pinned: bool = False) -> Batch:
        """Each picture with one of its captions: `tokens`."""
        record_ids = [self.record_ids[index] for index in chosen]
        rows = [
            int(self.first[index]) + caption_of(record, captions=len(self.texts[index]), seed=seed, epoch=epoch)
            for index, record in zip(chosen, record_ids, strict=True)
        ]
        draws = None
        if self.allowed is not None:
            rows, draws = self.allowed.draw(record_ids, rows, seed=seed, epoch=epoch)
        images = pixels.stack([self.pictures[index] for index in chosen], pinned=pinned)
        return Batch(record_ids, images, {"tokens": torch.from_numpy(self.tokens[rows].astype(np.int64))}, draws)


def examples(
    rows: Iterable[Mapping[str, Any]], *,
    open_picture: Open, tokenizer: Tokenizer, image_size_px: int, threads: int, cache: Path | None = None,
) -> Examples:  # fmt: skip
    """Read the pictures of caption rows (`record_id`, `caption_id`, `text` and the picture's place), each once.

    `open_picture` gives the picture (H, W, 1 or 3) of a row, such as `ShardReader.picture`; it is called from several
    threads. `cache` is a folder for pictures and tokens, which the next run finds there. Rows that have `turned`, what
    the caption says under each symmetry (`None`: it would be false), and `radiometric` are augmented by them.
    """
    ordered = sorted(rows, key=lambda row: (row["record_id"], row["caption_id"]))
    grouped = [(record, list(group)) for record, group in groupby(ordered, key=lambda row: row["record_id"])]
    texts = [[row["text"] for row in group] for _, group in grouped]
    captions = [row["text"] for row in ordered]
    allowed, further = _allowed(ordered) if ordered and "turned" in ordered[0] else (None, [])
    read = token_cache.tokenised([*captions, *further], tokenizer=tokenizer, folder=cache)
    return Examples(
        record_ids=[record for record, _ in grouped],
        pictures=pictures(
            [group[0] for _, group in grouped],
            open_picture=open_picture, size_px=image_size_px, threads=threads, cache=cache,
        ),
        texts=texts,
        tokens=read.tokens,
        first=np.cumsum([0, *map(len, texts)]),
        cut_captions=int(read.cut[: len(captions)].sum()),
        allowed=allowed,
    )  # fmt: skip


def _allowed(rows: Sequence[Mapping[str, Any]]) -> tuple[Allowed, list[str]]:
    """What may be done to the picture of each row, and the texts of turned pictures that no row has."""
    number: dict[str, int] = {}
    turned = np.full((len(rows), SYMMETRIES), -1, dtype=np.int64)
    for row, of in enumerate(rows):
        for symmetry, text in enumerate(of["turned"]):
            if text == of["text"]:
                turned[row, symmetry] = row
            elif text is not None:
                turned[row, symmetry] = len(rows) + number.setdefault(text, len(number))
    radiometric = np.array([row["radiometric"] for row in rows], dtype=bool)
    return Allowed(turned, radiometric, np.array([range_db(row) for row in rows], dtype=np.float32)), list(number)


def pictures(
    places: Sequence[Mapping[str, Any]], *,
    open_picture: Open, size_px: int, threads: int, cache: Path | None = None,
) -> Sequence[NDArray[np.uint8]]:  # fmt: skip
    """The pictures (1 or 3, size_px, size_px) at `places`: out of a file in the folder `cache`; without one read now
    and kept in memory, or where too many, when asked for."""
    stored = _Stored(places, open_picture, size_px)
    if cache is not None:
        return pixel_cache.cached(places, stored, size_px=size_px, threads=threads, folder=cache)
    if len(places) * 3 * size_px**2 > MEMORY_BYTES:
        return stored
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(stored.__getitem__, range(len(stored))))


def steps_per_epoch(examples: DataSet, *, batch_size: int) -> int:
    """Whole batches only: a contrastive loss over fewer pairs is another loss."""
    return len(examples) // batch_size


def batches(
    examples: DataSet, *,
    batch_size: int, seed: int, epoch: int, first: int = 0, rank: int = 0, processes: int = 1, pinned: bool = False,
) -> Iterator[Batch]:  # fmt: skip
    """The batches of an epoch from number `first` on: of each, the share of process `rank`, in the batch's order."""
    order = np.random.default_rng([seed, epoch]).permutation(len(examples))
    share = batch_size // processes
    for number in range(first, steps_per_epoch(examples, batch_size=batch_size)):
        start = number * batch_size + rank * share
        yield examples.batch(order[start : start + share], seed=seed, epoch=epoch, pinned=pinned)


def validation_batches(examples: DataSet, *, batch_size: int) -> Iterator[Batch]:
    """All pictures once, always in the same mixed order with the same captions; the last batch may be smaller."""
    order = np.random.default_rng(0).permutation(len(examples))
    for start in range(0, len(order), batch_size):
        yield examples.batch(order[start : start + batch_size], seed=0, epoch=0)


def caption_of(record_id: str, *, captions: int, seed: int, epoch: int) -> int:
    """Which of a picture's captions an epoch shows: one after the other, from a start that the seed and record give."""
    digest = hashlib.blake2b(f"{seed}/{record_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + epoch) % captions


class _Stored(Sequence[NDArray[np.uint8]]):
    """Pictures that are read and resized when they are asked for."""

    def __init__(self, places: Sequence[Mapping[str, Any]], open_picture: Open, size_px: int) -> None:
        self._places, self._open, self._size_px = places, open_picture, size_px

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        return pixels.resize(self._open(self._places[index]), size_px=self._size_px)
