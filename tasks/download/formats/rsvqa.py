"""Questions about images as RSVQA has them: three JSON files a split, whose entries name each other by number.

Format: DataSpecification.md of github.com/syvlo/RSVQA; Lobry et al., "RSVQA: Visual Question Answering for Remote
Sensing Data", IEEE TGRS 58, 2020. `<prefix>_images.json`, `<prefix>_questions.json` and `<prefix>_answers.json` each
hold one list; the image with the id 7 is the file `7.tif`. The files of a split list the entries of the other splits
too, as `{"id": 7, "active": false}` with nothing else, up to the last one that is its own.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Item, Question
from tasks.download.formats.files import Files, Split, Unannotated, join

BOUNDS = (0, 10, 100, 1000)  # of the ranges that numbers are answered in, as RSVQA's own VocabEncoder.py has them
_NUMBER = re.compile(r"(\d+)(m2|)")


@dataclass(frozen=True)
class Options:
    """`reader` of a source in RSVQA's layout."""

    splits: dict[str, Split]  # prefix of its three files → our split
    families: dict[str, str]  # type of a question → our family (docs/questions.md)
    images: str = "."  # folder of the images
    suffix: str = ".tif"
    ranges: tuple[str, ...] = ()  # types whose answers are put into RSVQA's ranges, such as "between 0 and 10"
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their questions in the order of their ids, sorted by path; what is not active is left out.

    Raises `ValueError` for JSON of another form, ids that stand twice or name what is not there, an entry that belongs
    to another one than the one which names it, several answers to a question, a type without a family, an image in two
    splits, an image without questions (unless the options settle it) or one that is missing (unless a subset is
    declared).
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    asked: dict[str, tuple[tuple[Question, ...], Split]] = {}
    for prefix, split in options.splits.items():
        for number, questions in _split(files, options, prefix):
            path = join(options.images, f"{number}{options.suffix}")
            if path in asked:
                raise ValueError(
                    f"{source.name}: image {number} is active in {prefix}_images.json and in another split"
                )
            asked[path] = questions, split
    for path in files.settle(asked, files.images(options.images), unannotated=options.unannotated):
        found, of = asked.get(path, ((), None))
        yield Item(path, source.modality, questions=found, split=of)


def _split(files: Files, options: Options, prefix: str) -> Iterator[tuple[int, tuple[Question, ...]]]:
    images, questions, answers = (_entries(files, f"{prefix}_{kind}.json", kind)
                                  for kind in ("images", "questions", "answers"))  # fmt: skip
    for number, image in sorted(images.items()):
        found = []
        where = f"{files.source}: image {number} of {prefix}_images.json"
        for asks in sorted(_value(image, "questions_ids", where)):
            where = f"{files.source}: question {asks} of {prefix}_questions.json"
            question = _named(questions, asks, where)
            if question is None:
                continue
            _same(question, "img_id", number, where)
            said = {_answer(answers, said, asks, where) for said in _value(question, "answers_ids", where)} - {None}
            if len(said) > 1:
                raise ValueError(f"{where} has {len(said)} answers that differ")
            for answer in said:
                found.append(_question(question, str(answer), options, where))
        yield number, tuple(found)


def _entries(files: Files, path: str, kind: str) -> dict[int, Any]:
    """The active entries by id, and None for each of the others."""
    where = f"{files.source}: {path}"
    found: dict[int, Any] = {}
    try:
        entries = json.loads(files.text(path))[kind]
        for entry in entries:
            if entry["id"] in found:
                raise ValueError(f"{where}: id {entry['id']} stands there twice")
            found[entry["id"]] = entry if entry["active"] else None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{where} is not as RSVQA has it: {type(error).__name__} {error}") from error
    return {number: entry for number, entry in found.items() if entry is not None} if kind == "images" else found


def _named(entries: Mapping[int, Any], number: int, where: str) -> Any:
    if number not in entries:
        raise ValueError(f"{where} is named, but not there: the files do not belong together; get them again")
    return entries[number]


def _answer(answers: Mapping[int, Any], number: int, asks: int, where: str) -> str | None:
    answer = _named(answers, number, f"{where}: answer {number}")
    if answer is None:
        return None
    _same(answer, "question_id", asks, f"{where}: answer {number}")
    return str(_value(answer, "answer", where))


def _same(entry: Mapping[str, Any], key: str, number: int, where: str) -> None:
    if (other := _value(entry, key, where)) != number:
        raise ValueError(f"{where} says {key} {other}, but {number} names it: the files do not belong together")


def _value(entry: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in entry:
        raise ValueError(f"{where} has no '{key}'")
    return entry[key]


def _question(entry: Mapping[str, Any], answer: str, options: Options, where: str) -> Question:
    kind = _value(entry, "type", where)
    if kind not in options.families:
        raise ValueError(
            f"{where}: type '{kind}' is not in reader.families ({', '.join(options.families)}); add it there"
        )
    text = " ".join(str(_value(entry, "question", where)).split())
    return Question(text, in_ranges(answer) if kind in options.ranges else answer, options.families[kind])


def in_ranges(answer: str) -> str:
    """`7` as `between 0 and 10`, `1,250` as `more than 1000`, likewise `7m2`; 0 and what is no number as it is."""
    number = _NUMBER.fullmatch(answer.replace(",", "").strip().lower())
    if number is None or int(number[1]) == 0:
        return answer
    value, unit = int(number[1]), number[2]
    for low, high in pairwise(BOUNDS):
        if value <= high:
            return f"between {low}{unit} and {high}{unit}"
    return f"more than {BOUNDS[-1]}{unit}"
