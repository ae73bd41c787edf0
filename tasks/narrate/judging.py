"""What all judges of claims share: the raw annotation of a class, numbers as claims write them, what a judge says."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tasks.narrate import words
from tasks.narrate.words import Claim

Box = Mapping[str, Any]
Region = Mapping[str, Any]
Record = Mapping[str, Any]


class Problem(NamedTuple):
    """What speaks against a claim."""

    text: str  # a sentence
    settled: bool  # the annotation contradicts the claim; else it only cannot support it


Judge = Callable[[Claim, Record, frozenset[str]], Problem | None]


def contradicted(text: str) -> Problem:
    return Problem(text, True)


def undecided(text: str) -> Problem:
    return Problem(text, False)


def boxes_of(name: str, record: Record) -> list[Box]:
    return [box for box in record["boxes"] or () if name in words.kinds(box["class"])]


def regions_of(name: str, record: Record) -> list[Region]:
    return [
        region for region in record["regions"] or () if name in words.kinds(region["class"]) and region["fraction"] > 0
    ]


def is_label(name: str, record: Record) -> bool:
    return record["label"] is not None and name in words.kinds(record["label"])


def may_be_more(name: str, record: Record, exhaustive: frozenset[str]) -> bool:
    """Whether the image may hold objects of the class beyond those annotated as such.

    True where the source does not mark each of them, or marks here something of a wider class only: of an `aircraft`,
    who knows that it is no `a330`?
    """
    if (record["boxes"] is None and not record["regions"]) or not words.can_deny(name, exhaustive):
        return True
    wider = words.kinds(name)[1:]
    marked = {row["class"] for row in (*(record["boxes"] or ()), *(record["regions"] or ()))} | {record["label"]}
    return any(kind in marked for kind in wider)


def lacking(name: str, record: Record, exhaustive: frozenset[str], *, text: str) -> Problem:
    """The claim needs boxes of the class and there are none: false where the class is surely absent."""
    here = regions_of(name, record) or is_label(name, record)
    return Problem(text, not here and not may_be_more(name, record, exhaustive))


def bounds(text: str) -> tuple[float, float]:
    """Least and greatest of `3`, `3..9`, `10..`."""
    low, dots, high = text.partition("..")
    return float(low), (float(high) if high else math.inf) if dots else float(low)


def count_bounds(value: str) -> tuple[float, float]:
    """Likewise of a count, which may also be `some` (two or more) or `any` (one or more)."""
    return {"some": (2.0, math.inf), "any": (1.0, math.inf)}.get(value) or bounds(value)


def says_how_many(who: str, number: int, total: int, *, text: str, more: bool) -> Problem | None:
    """Whether `number` of `total` objects are what `who` says: `all`, `most`, `some` or a number.

    `more`: the image may hold further objects, so that too few of them contradict nothing.
    """
    if who == "all":
        return None if number == total else contradicted(text)
    if who == "most":
        return None if 2 * number > total else Problem(text, not more)
    low, high = (1.0, math.inf) if who in ("some", "any") else bounds(who)
    if low <= number <= high and not (high == 0 and more):
        return None
    return Problem(text, number > high or not more)
