"""Records → questions with true answers, balanced over a whole source: the rows of `questions.parquet`.

What can be asked of each image is told by ask_objects.py, ask_layout.py and ask_cover.py; balance.py chooses;
wording.py words. Equal records, settings and data files give equal rows; the order of the records decides nothing.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks import records
from tasks.narrate import ask_cover, ask_objects, balance, wording
from tasks.narrate.asking import Ask, Question, claims_of
from tasks.params import Narrate

_IMAGES = 10_000  # whose questions are worded at a time: bounds the memory


def askable(record: Mapping[str, Any], scope: ask_objects.Scope, *, seed: int) -> list[Ask]:
    """Every question that may be asked of a row of `records.parquet`, with its true answer, each question once.

    Raises `ValueError` naming a class without an entry in `nouns.yaml`.
    """
    if not record["width_px"] or not record["height_px"]:
        return []  # the image cannot be decoded; validate puts it into quarantine
    draw = _draw(record["record_id"], seed)
    found = ask_objects.asks(record, scope, draw=draw) + ask_cover.asks(record, scope, draw=draw)
    return list({ask.question: ask for ask in reversed(found)}.values())


def _draw(record_id: str, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed}/q/{record_id}".encode(), digest_size=8).digest())


Piles = dict[Question, dict[str, "array[int]"]]  # question → answer → the images that may be asked it, by number


class Image(NamedTuple):
    """What the choice and the wording need to know of an image."""

    record_id: str
    modality: str


def collect(rows: Iterable[Mapping[str, Any]], *, exhaustive: Collection[str], seed: int) -> tuple[list[Image], Piles]:
    """The images `rows`, and what may be asked of them. Raises `ValueError` naming a class without an entry in
    `nouns.yaml`."""
    scope = ask_objects.scope(frozenset(exhaustive))
    images: list[Image] = []
    piles: Piles = {}
    for number, row in enumerate(rows):
        images.append(Image(row["record_id"], row["modality"]))
        for question, answer in askable(row, scope, seed=seed):
            by_answer = piles.get(question)
            if by_answer is None:
                by_answer = piles[question] = {}
            numbers = by_answer.get(answer)
            if numbers is None:
                numbers = by_answer[answer] = array("i")
            numbers.append(number)
    return images, piles


def merge(into: Piles, piles: Piles, *, first: int) -> None:
    """Add the piles of later images, which are numbered from `first` on among all."""
    for question, by_answer in piles.items():
        known = into.setdefault(question, {})
        for answer, numbers in by_answer.items():
            moved = array("i", (np.frombuffer(numbers, np.int32) + np.int32(first)).tobytes())
            if answer in known:
                known[answer].extend(moved)
            else:
                known[answer] = moved


def ask(images: Sequence[Image], piles: Piles, *, params: Narrate) -> Iterator[pa.Table]:
    """The questions of all images of one source, as tables `records.QUESTIONS` of as many images each.

    At most `params.questions_per_image` an image, sorted as the images are.
    """
    draws = [_draw(image.record_id, params.seed) for image in images]
    turn = np.empty(len(draws), np.int32)  # of each image, when it is drawn
    turn[np.argsort(np.array(draws, np.uint64), kind="stable")] = np.arange(len(draws), dtype=np.int32)
    questions = sorted(piles)
    families = {name: number for number, name in enumerate(sorted({wording.family(each.key) for each in questions}))}
    drawn = [
        balance.Pile(
            families[wording.family(each.key)],
            wording.number_of_wordings(each.key),
            {answer: _by_turn(numbers, turn) for answer, numbers in piles[each].items()},
        )
        for each in questions
    ]
    chosen = balance.choose(drawn, draws=draws, at_most=params.questions_per_image)
    chosen.sort()
    for start in range(0, len(images), _IMAGES):
        low, high = (bisect_left(chosen, (number,)) for number in (start, start + _IMAGES))
        if low < high:
            yield _table(chosen[low:high], questions, images)


def _by_turn(numbers: "array[int]", turn: npt.NDArray[np.int32]) -> "array[int]":
    found = np.frombuffer(numbers, np.int32)
    return array("i", found[np.argsort(turn[found])].tobytes())


def _table(chosen: Sequence[balance.Chosen], questions: Sequence[Question], images: Sequence[Image]) -> pa.Table:
    """Columns are built apart, what is equal of many rows once: there are ten times as many questions as images."""
    meanings: dict[tuple[int, str], int] = {}
    columns: dict[str, list[Any]] = {name: [] for name in ("record_id", "question_id", "question")}
    meant, last, number = array("l"), -1, 0
    for image, pile, answer, wording_number in chosen:
        number = number + 1 if image == last else 0
        last = image
        record_id, modality = images[image]
        texts = wording.wordings(questions[pile], modality)
        columns["record_id"].append(record_id)
        columns["question_id"].append(f"{record_id}#q{number}")
        columns["question"].append(texts[wording_number])
        meant.append(meanings.setdefault((pile, answer), len(meanings)))
    distinct = pa.Table.from_pylist([_meaning(questions[pile], answer) for pile, answer in meanings], schema=_MEANING)
    told = distinct.take(pa.array(meant, pa.int64()))
    arrays = columns | {name: told[name] for name in _MEANING.names}
    return pa.table([pa.array(arrays[name], pa.string()) if name in columns else arrays[name]
                     for name in records.QUESTIONS.names], schema=records.QUESTIONS)  # fmt: skip


_MEANING = pa.schema(
    [field for field in records.QUESTIONS if field.name not in ("record_id", "question_id", "question")]
)


def _meaning(question: Question, answer: str) -> dict[str, Any]:
    key = wording.questions().keys[question.key]
    return {
        "answer": answer,
        "family": wording.family(question.key),
        "answer_type": key.answer,
        "subject": question.subject,
        "rule": f"{question.key}@{key.version}",
        "claims": [claim._asdict() for claim in claims_of(question, answer)],
    }
