"""Text back into claims, and claims held against the raw annotation."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from tasks import strict
from tasks.narrate import truth, words
from tasks.narrate.reader import read_claims
from tasks.narrate.words import Claim

_WORD = re.compile(r"\w+")
__all__ = ["Claim", "check", "colour_words", "read_claims"]


@dataclass(frozen=True)
class Colours:
    """`colours.yaml`"""

    colours: tuple[str, ...]
    not_colours: tuple[str, ...]


def check(text: str, record: Mapping[str, Any], *, exhaustive: Collection[str]) -> list[str]:
    """One sentence for each claim of `text` that the raw annotation in `record` contradicts or cannot support.

    `record` is a row of `records.parquet`, `exhaustive` as its source states it. A caption that the source itself gives
    for the image is annotation, not a claim about it: nothing is held against it.
    """
    if text in (record["captions"] or ()):
        return []
    annotated = frozenset(exhaustive)
    problems = (truth.problem(claim, record, annotated) for claim in read_claims(text))
    return [problem.text for problem in problems if problem is not None]


def colour_words(text: str) -> list[str]:
    """The words of `text` that name a colour, in order, lower-case. Names such as "Red Sea" name none."""
    patterns = _colour_patterns()
    if patterns.first_words.isdisjoint(_WORD.findall(text.casefold())):
        return []  # as of nearly all captions, and told ten times faster than by the patterns
    return [match.group().lower() for match in patterns.colours.finditer(patterns.names.sub(" ", text))]


class _Patterns(NamedTuple):
    colours: re.Pattern[str]
    names: re.Pattern[str]
    first_words: frozenset[str]  # of which every colour begins with one


@cache
def _colour_patterns() -> _Patterns:
    listed = strict.load(Colours, words.FOLDER / "colours.yaml")
    first = frozenset(_WORD.findall(colour.casefold())[0] for colour in listed.colours)
    return _Patterns(_any_of(listed.colours), _any_of(listed.not_colours), first)


def _any_of(texts: Collection[str]) -> re.Pattern[str]:
    longest_first = sorted(texts, key=lambda text: (-len(text), text))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)
