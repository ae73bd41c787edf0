"""Captions and questions that the source gives: kept word for word, with nothing claimed on their behalf."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tasks import records
from tasks.params import Narrate

RULE = "given@1"
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def captions(record: Mapping[str, Any]) -> list[str]:
    """The source's own captions in their order. Repeated and empty ones stay: to refuse them is validate's part."""
    return list(record["captions"] or ())


class Stated(NamedTuple):
    """A question of the source, its answer in our form."""

    record_id: str
    question: str
    answer: str
    family: str


def stated(folder: Path) -> set[Stated]:
    """All questions that the source in `folder` gives; none where it has none."""
    return set(_stated(folder))


def questions(folder: Path, *, params: Narrate) -> pa.Table | None:
    """Those of `folder` as `records.QUESTIONS`, at most `params.questions_per_image` an image, each family in turn and
    within it by a hash of seed and question; sorted by image. `None` where the source gives none."""
    found = _stated(folder)
    if not found:
        return None
    rows = []
    for record_id, of in groupby(found, key=lambda each: each.record_id):
        for number, each in enumerate(_chosen(set(of), params)):
            rows.append(
                {"record_id": record_id, "question_id": f"{record_id}#q{number}", "question": each.question,
                 "answer": each.answer, "family": each.family, "answer_type": answer_type(each.answer),
                 "subject": "image", "rule": RULE, "claims": []}
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=records.QUESTIONS)


def answer_type(answer: str) -> str:
    """What an answer in our form is: `yes/no`, `number` or `other`."""
    if answer in ("yes", "no"):
        return "yes/no"
    return "number" if re.fullmatch(r"\d+", answer) else "other"


def normal(answer: str) -> str:
    """`answer` in the form that all have: lower case, no article, digits without commas, single spaces."""
    text = " ".join(_THOUSANDS.sub("", answer).lower().split()).rstrip(".")
    return re.sub(r"^(?:an?|the) (?=.)", "", text)


def _stated(folder: Path) -> Sequence[Stated]:
    path = folder / "given_questions.parquet"
    if not path.is_file():
        return []
    return [
        Stated(row["record_id"], row["question"], normal(row["answer"]), row["family"]) for row in records.read(path)
    ]


def _chosen(of: Iterable[Stated], params: Narrate) -> list[Stated]:
    def draw(each: Stated) -> bytes:
        return blake2b("\0".join((str(params.seed), *each)).encode(), digest_size=8).digest()

    turns: list[tuple[int, bytes, Stated]] = []
    by_family = sorted(of, key=lambda each: (each.family, draw(each), each))
    for _, family in groupby(by_family, key=lambda each: each.family):
        turns += [(turn, draw(each), each) for turn, each in enumerate(family)]
    return [each for _, _, each in sorted(turns)[: params.questions_per_image]]
