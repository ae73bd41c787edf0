"""`phrases.yaml` and `choices.yaml`: rules, templates, verbs and lists of words, and how a template is filled.

`[shows|displays]` in a template stands for either word, `[show]` for any of the list `show`. `{slot}` is filled by a
fragment, `{Slot}` likewise with a capital letter, `{slot.verb}` by the verb in the number of the fragment.
Words are drawn like those of people: the first of a list often, the last seldom.
"""

import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, product
from math import fsum, prod
from random import Random
from typing import NamedTuple, TypeVar

from tasks import strict
from tasks.narrate import words
from tasks.narrate.words import Claim

T = TypeVar("T")
SLOT = re.compile(r"\{([A-Za-z_]+)(?:\.([a-z_]+))?\}")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SUFFIXES = "?*+%~"
OFFSET = 1.5  # word n of a list, from 0, is drawn with a weight of 1 / (n + OFFSET): the law of Zipf and Mandelbrot


class Fragment(NamedTuple):
    """A piece of text, what it claims, and how a verb agrees with it."""

    text: str
    claims: tuple[Claim, ...] = ()
    plural: bool = False
    first_plural: bool = False  # of a list, its first item: "there are two ships and a harbor"
    start: str = ""  # the text at the start of a sentence, where that is more than a capital letter


class Piece(NamedTuple):
    """A stretch of a template: literal text, then a slot, or its verb."""

    literal: str
    slot: str
    verb: str
    capital: bool


class Templates(NamedTuple):
    """Every wording of a key of the sentence table."""

    pieces: tuple[tuple[Piece, ...], ...]
    bounds: tuple[float, ...]  # of the wordings but the last: the chance that it or an earlier one is drawn


class Part(NamedTuple):
    """One entry of a rule's `sentences`."""

    keys: tuple[str, ...]
    optional: bool
    at_most: int
    seldom: bool  # left out half of the time
    free: bool  # changes places with the other free ones


@dataclass(frozen=True)
class Rule:
    """A kind of caption."""

    version: int
    sentences: str  # keys of the sentence table, with blanks between
    context: bool = False  # may name sensor, band and polarization
    at_least: int = 1  # sentences
    at_most: int = 3


@dataclass(frozen=True)
class WordLists:
    """`choices.yaml`"""

    version: int
    verbs: dict[str, tuple[str, ...]]  # name → its form for one and for more
    choices: dict[str, tuple[str, ...]]  # name of a list → its words


@dataclass(frozen=True)
class Phrasebook:
    """`phrases.yaml`"""

    version: int
    plans: dict[str, tuple[str, ...]]
    rules: dict[str, Rule]
    sentences: dict[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        for plan, entries in self.plans.items():
            for rule in (rule for entry in entries for rule in entry.split("|")):
                if rule not in self.rules:
                    raise ValueError(f"plan '{plan}' names the rule '{rule}', which does not exist")
        for name, how in self.rules.items():
            for key in (key for part in parts(how.sentences) for key in part.keys):
                if key not in self.sentences:
                    raise ValueError(f"rule '{name}' names the sentences '{key}', which do not exist")
        lists = word_lists()
        for key, templates in self.sentences.items():
            for template in templates:
                for verb in {verb for text, _ in variants(template, lists.choices) for _, verb in SLOT.findall(text)}:
                    if verb and len(lists.verbs.get(verb, ())) != 2:
                        raise ValueError(f"'{template}' of '{key}' needs the verb '{verb}' with its two forms in verbs")


@cache
def parts(sentences: str) -> tuple[Part, ...]:
    """`a|b?` → either key, optional; `a*` up to two, `a+` up to six; `a%` optional, seldom; `~` in any order."""
    found = []
    for entry in sentences.split():
        keys = entry.rstrip(SUFFIXES)
        how = entry[len(keys) :]
        at_most = 6 if "+" in how else 2 if "*" in how else 1
        optional = any(mark in how for mark in "?*+%")
        found.append(Part(tuple(keys.split("|")), optional, at_most, "%" in how, "~" in how))
    return tuple(found)


@cache
def word_lists() -> WordLists:
    """Verbs and lists of words."""
    return strict.load(WordLists, words.FOLDER / "choices.yaml")


@cache
def phrasebook() -> Phrasebook:
    """Rules and templates. Raises `ValueError` naming the entry of `phrases.yaml` that does not fit."""
    return strict.load(Phrasebook, words.FOLDER / "phrases.yaml")


@cache
def templates(key: str, modality: str) -> Templates:
    """The wordings of a key, those for SAR images alone (under `key.sar`) included for such an image."""
    book = phrasebook()
    found = [*book.sentences[key], *book.sentences.get(f"{key}.{modality}", ())]
    weighted = [
        (_pieces(text), weight / (rank + OFFSET))
        for rank, template in enumerate(found)
        for text, weight in variants(template, word_lists().choices)
    ]
    return Templates(tuple(pieces for pieces, _ in weighted), _bounds([weight for _, weight in weighted]))


def variants(template: str, choices: Mapping[str, Sequence[str]]) -> list[tuple[str, float]]:
    """Every wording of a template with its weight, in all 1: `[shows|displays] {objects}` has two.

    Raises `ValueError` for the name of a list that `choices` lacks.
    """
    options: list[Sequence[str]] = []
    for number, text in enumerate(CHOICE.split(template)):
        either = [text] if number % 2 == 0 else text.split("|") if "|" in text else choices.get(text, ())
        if not either:
            raise ValueError(f"'{template}' in phrases.yaml: no list '{text}' in choices, and [{text}] gives no choice")
        options.append(either)
    weights = [_weights(len(either)) for either in options]
    return [
        ("".join(chosen), prod(weight)) for chosen, weight in zip(product(*options), product(*weights), strict=True)
    ]


@cache
def _weights(number: int) -> tuple[float, ...]:
    """Those of so many words, in all 1."""
    plain = [1 / (rank + OFFSET) for rank in range(number)]
    total = fsum(plain)  # unlike `sum`, the same in every version of Python
    return tuple(weight / total for weight in plain)


def _bounds(weights: Sequence[float]) -> tuple[float, ...]:
    total = fsum(weights)
    return tuple(accumulate(weight / total for weight in weights[:-1]))


@cache
def _pieces(template: str) -> tuple[Piece, ...]:
    found, end = [], 0
    for match in SLOT.finditer(template):
        slot, verb = match.group(1), match.group(2) or ""
        found.append(Piece(template[end : match.start()], slot[0].lower() + slot[1:], verb, slot[0].isupper()))
        end = match.end()
    return (*found, Piece(template[end:], "", "", False))


def say(template: str, slots: Mapping[str, Fragment]) -> tuple[str, list[Claim]]:
    """Fill `template`; the text and all that its fragments claim. Raises `ValueError` for a slot that nothing fills."""
    return fill(_pieces(template), slots, {})


def fill(
    pieces: Sequence[Piece], slots: Mapping[str, Fragment], others: Mapping[str, Fragment], *, opener: str = ""
) -> tuple[str, list[Claim]]:
    """Likewise, of a template in pieces; what `slots` does not fill, `others` does. `opener` stands in front of a
    slot, which then has no capital letter."""
    text: list[str] = []
    claims: list[Claim] = []
    for literal, slot, verb, capital in pieces:
        text.append(literal)
        if not slot:
            continue
        fragment = slots.get(slot) or others.get(slot)
        if fragment is None:
            template = "".join(f"{piece.literal}{{{piece.slot}}}" if piece.slot else piece.literal for piece in pieces)
            raise ValueError(
                f"'{template}' in phrases.yaml: unknown slot '{slot}'; there are {', '.join(sorted({*slots, *others}))}"
            )
        if opener and len(text) == 1:
            text[0], capital = opener, False
        if verb:
            word = word_lists().verbs[verb][fragment.first_plural if verb == "there" else fragment.plural]
            text.append(word[0].upper() + word[1:] if capital else word)
        else:
            word = fragment.text
            text.append(fragment.start or word[:1].upper() + word[1:] if capital else word)
            claims += fragment.claims
    return "".join(text), claims


class Dice(Random):
    """Draws the wording of one caption after the other, and keeps to a name or sign within each."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.names: dict[str, int] = {}  # class (or sign) → which of its names this caption uses

    def name(self, what: str, options: int) -> int:
        """Which of `options` names `what` has in this caption."""
        found = self.names.get(what)
        if found is None:
            found = self.names[what] = draw(range(options), self)
        return found


def pick(options: Sequence[T], rng: Random) -> T:
    """One of `options`, all alike: for what is said, not how."""
    return options[int(rng.random() * len(options))]


def draw(options: Sequence[T], rng: Random) -> T:
    """One of `options`, the first the most often: for words."""
    return options[bisect(_bounds_of(len(options)), rng.random())]


@cache
def _bounds_of(number: int) -> tuple[float, ...]:
    return _bounds(_weights(number))


def draw_wording(options: Templates, rng: Random) -> tuple[Piece, ...]:
    """One of the wordings of a key, by their weights."""
    return options.pieces[bisect(options.bounds, rng.random())]
