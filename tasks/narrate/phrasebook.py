"""`phrases.yaml`: rules, templates, verbs, and how a template is filled.

`[shows|displays]` in a template stands for either word. `{slot}` is filled by a fragment, `{Slot}` likewise with a
capital letter, `{slot.verb}` by the verb in the number of the fragment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from random import Random
from typing import NamedTuple, TypeVar

from tasks import strict
from tasks.narrate import words
from tasks.narrate.words import Claim

T = TypeVar("T")
SLOT = re.compile(r"\{([A-Za-z_]+)(?:\.([a-z]+))?\}")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
SUFFIXES = "?*+%~"


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
class Phrasebook:
    """`phrases.yaml`"""

    version: int
    plans: dict[str, tuple[str, ...]]
    rules: dict[str, Rule]
    verbs: dict[str, tuple[str, ...]]
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
        for key, templates in self.sentences.items():
            for template in templates:
                for _, verb in SLOT.findall(template):
                    if verb and len(self.verbs.get(verb, ())) != 2:
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
def phrasebook() -> Phrasebook:
    """Rules and templates. Raises `ValueError` naming the entry of `phrases.yaml` that does not fit."""
    return strict.load(Phrasebook, words.FOLDER / "phrases.yaml")


@cache
def templates(key: str) -> tuple[tuple[tuple[Piece, ...], ...], ...]:
    """The templates of a key, each with all wordings that its choices give."""
    return tuple(tuple(map(_pieces, variants(template))) for template in phrasebook().sentences[key])


def variants(template: str) -> list[str]:
    """Every wording of a template: `[shows|displays] {objects}` has two."""
    texts = CHOICE.split(template)
    return [
        "".join(chosen)
        for chosen in product(*([text] if n % 2 == 0 else text.split("|") for n, text in enumerate(texts)))
    ]


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
    pieces: Sequence[Piece], slots: Mapping[str, Fragment], others: Mapping[str, Fragment]
) -> tuple[str, list[Claim]]:
    """Likewise, of a template in pieces; what `slots` does not fill, `others` does."""
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
        if verb:
            word = phrasebook().verbs[verb][fragment.first_plural if verb == "there" else fragment.plural]
            text.append(word[0].upper() + word[1:] if capital else word)
        else:
            word = fragment.text
            text.append(fragment.start or word[:1].upper() + word[1:] if capital else word)
            claims += fragment.claims
    return "".join(text), claims


class Dice(Random):
    """Draws the wording of one caption after the other, and keeps to a name within each."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.names: dict[str, int] = {}  # class → which of its names this caption uses

    def name(self, what: str, options: int) -> int:
        """Which of `options` names `what` has in this caption."""
        found = self.names.get(what)
        if found is None:
            found = self.names[what] = int(self.random() * options)
        return found


def pick(options: Sequence[T], rng: Random) -> T:
    return options[int(rng.random() * len(options))]
