"""Pictures with questions and answers in memory, and how they are laid out for training."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sar_models import pixels
from sar_models.data import MEMORY_BYTES, Batch, Open, pictures
from sar_models.gpt import IGNORED, PADDING
from sar_models.words import Words

Turns = Sequence[tuple[str, str]]  # questions and answers about one picture


@dataclass(frozen=True)
class Laid:
    """The turns of one picture one behind the other, int64 (T,) each."""

    tokens: torch.Tensor
    labels: torch.Tensor  # the token that follows, in answers; else `IGNORED`
    turns: torch.Tensor  # number of the turn


@dataclass(frozen=True)
class Conversations:
    """Pictures with their turns, sorted by record."""

    record_ids: Sequence[str]
    pictures: Sequence[
        NDArray[Any]
    ]  # uint8 (1 or 3, S, S), or what a frozen tower made of them, float32 (cells, channels)
    laid: Sequence[Laid]
    pad: int

    def __len__(self) -> int:
        return len(self.record_ids)

    @property
    def questions(self) -> int:
        """Number of turns."""
        return sum(int(each.turns[-1]) + 1 for each in self.laid)

    def batch(self, chosen: NDArray[np.int64], *, seed: int, epoch: int, pinned: bool = False) -> Batch:
        """Each picture with all of its turns, padded to the longest: `tokens`, `labels` and `turns`."""
        rows = [self.laid[index] for index in chosen]
        text = {
            name: torch.nn.utils.rnn.pad_sequence(
                [getattr(row, name) for row in rows], batch_first=True, padding_value=filler
            )
            for name, filler in (("tokens", self.pad), ("labels", IGNORED), ("turns", PADDING))
        }
        images = stacked([self.pictures[index] for index in chosen], pinned=pinned)
        return Batch([self.record_ids[index] for index in chosen], images, text)


def conversations(
    turns: Mapping[str, Turns], places: Mapping[str, Mapping[str, Any]], *,
    open_picture: Open, words: Words, image_size_px: int, longest: int, threads: int, cache: Path | None = None,
) -> Conversations:  # fmt: skip
    """The turns of each record, with the picture at the record's place, each read once by `open_picture`; into the
    folder `cache`, where one is given.

    Raises `ValueError` when a question with its answer has more than `longest` tokens, or a record has no place.
    """
    record_ids = sorted(turns)
    if lost := [record for record in record_ids if record not in places]:
        raise ValueError(f"{lost[0]} has questions, but its image is not known ({len(lost)} such records)")
    return Conversations(
        record_ids=record_ids,
        pictures=pictures(
            [places[record] for record in record_ids],
            open_picture=open_picture, size_px=image_size_px, threads=threads, cache=cache,
        ),
        laid=[laid(turns[record], words=words, longest=longest, record_id=record) for record in record_ids],
        pad=words.pad,
    )  # fmt: skip


def laid(turns: Turns, *, words: Words, longest: int, record_id: str) -> Laid:
    """Turns as tokens; a turn is learned from the last token of its question, which is followed by the answer, to the
    last of its answer, which is followed by the stop token."""
    tokens: list[int] = []
    labels: list[int] = []
    numbers: list[int] = []
    for number, (question, answer) in enumerate(turns):
        asked, said = words.question(question), words.answer(answer)
        if len(asked) + len(said) > longest:
            raise ValueError(
                f"{record_id}: '{question} {answer}' has {len(asked) + len(said)} tokens; the language model takes "
                f"{longest} beside the image"
            )
        tokens += asked + said
        labels += [IGNORED] * (len(asked) - 1) + said + [words.stop]
        numbers += [number] * (len(asked) + len(said))
    return Laid(*(torch.tensor(each, dtype=torch.int64) for each in (tokens, labels, numbers)))


def looked_at(of: Conversations, tower: Callable[[torch.Tensor], torch.Tensor], *, batch_size: int) -> Conversations:
    """The same with what a frozen tower makes of the pictures in their place, so that each is looked at once and not
    once an epoch; as they are where that is too much for the memory.

    `tower` takes uint8 (N, 1 or 3, S, S) and gives (N, cells, channels).
    """
    if not len(of):
        return of
    first = tower(pixels.stack([of.pictures[0]]))
    if len(of) * first.numel() * first.element_size() > MEMORY_BYTES:
        return of
    seen: list[NDArray[Any]] = []
    for start in range(0, len(of), batch_size):
        chosen = range(start, min(start + batch_size, len(of)))
        seen += list(tower(pixels.stack([of.pictures[index] for index in chosen])).float().cpu().numpy())
    return dataclasses.replace(of, pictures=seen)


def stacked(images: Sequence[NDArray[Any]], *, pinned: bool = False) -> torch.Tensor:
    """Pictures as one uint8 batch (N, 1 or 3, S, S), what a tower made of them as float32 (N, cells, channels)."""
    return pixels.stack(images, pinned=pinned) if images[0].dtype == np.uint8 else torch.from_numpy(np.stack(images))
