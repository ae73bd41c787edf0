"""The vocabulary that writer and reader share: data files as typed tables, and what a claim is. No geometry here."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from tasks import strict

FOLDER = Path(__file__).parent


class Claim(NamedTuple):
    """One thing that a sentence says. docs/captions.md lists the kinds and how their values are written."""

    kind: str
    subject: str  # our class name, or `image`
    value: str


@dataclass(frozen=True)
class Noun:
    """What one class is called."""

    singular: str
    plural: str
    article: Literal["a", "an"] | None = None  # where the first letter misleads
    parent: str | None = None  # the wider class: every t72 is a military_tank, every military_tank a vehicle
    cover: str | None = None  # an area of it in a land-cover map; without it the plural
    cover_plural: bool = False  # "trees cover", but "water covers"
    measure: Literal["length", "diameter"] | None = None  # the size that a box of this class shows
    landmark: bool = False  # does not move, so that other objects may be said to lie near it
    remainder: bool = False  # holds all of the parent that have no class of their own
    silent: bool = False  # never mentioned
    also: tuple[tuple[str, ...], ...] = ()  # [singular, plural] pairs that are read as this class
    areas: tuple[tuple[str, ...], ...] = ()  # likewise, but of an area of it: a forest is trees, not one tree
    written: tuple[str, ...] = ()  # singulars of `also` that are written too
    covers: tuple[str, ...] = ()  # plurals of `also` that are written for an area of it, like `cover`
    scenes: tuple[str, ...] = ()  # what a map is called that this class dominates, behind "a" or "an"
    lines: tuple[str, ...] = ()  # a narrow area of it that crosses the image, singulars of `also` or `areas`: a river
    wet: bool = False  # its edge towards land is a shore, or it hides one
    travels: bool = False  # may form a convoy
    edge: str | None = None  # what a row of objects beside it lies along: a quay


@dataclass(frozen=True)
class Nouns:
    """`nouns.yaml`"""

    version: int
    nouns: dict[str, Noun]

    def __post_init__(self) -> None:
        for name, noun in self.nouns.items():
            if noun.parent is not None and noun.parent not in self.nouns:
                raise ValueError(f"the parent '{noun.parent}' of '{name}' has no entry of its own")
            if any(len(pair) != 2 for pair in (*noun.also, *noun.areas)):
                raise ValueError(f"`also` and `areas` of '{name}' must hold [singular, plural] pairs")
            plurals = {pair[0]: pair[1] for pair in ((noun.singular, noun.plural), *noun.also)}
            narrow = {*plurals, *(pair[0] for pair in noun.areas)}
            for text in noun.lines:
                if text not in narrow:
                    raise ValueError(f"'{text}' of '{name}' is written, so it must stand in `areas` to be read")
            for text in noun.written:
                if text not in plurals:
                    raise ValueError(f"'{text}' of '{name}' is written, so it must stand in `also` to be read")
            for text in noun.covers:
                if text not in plurals.values():
                    raise ValueError(f"'{text}' of '{name}' is an area, so it must be a plural in `also` to be read")


@dataclass(frozen=True)
class Quantity:
    """A word for a number of objects."""

    words: str
    low: int
    high: int | None = None  # none: no upper bound
    say: tuple[int, ...] = ()  # first and last number for which it is written; empty: only read


@dataclass(frozen=True)
class Share:
    """A word for a share of the area, 0..1."""

    words: str
    low: float
    high: float
    say: tuple[float, ...] = ()  # empty: only read


@dataclass(frozen=True)
class Phrases:
    """Ways to name one place or arrangement."""

    words: tuple[str, ...]
    before: tuple[str, ...] = ()  # written in front of the class: "a row of"
    also: tuple[str, ...] = ()  # only read
    loosely: tuple[str, ...] = ()  # of a half: also written, but only of what lies in its outer third
    two: tuple[str, ...] = ()  # written of two objects in place of `words`, and out of `words` or `also`


@dataclass(frozen=True)
class Compass:
    """Ways to name a place of a georeferenced image, and which place that is."""

    place: str
    words: tuple[str, ...]
    also: tuple[str, ...] = ()  # only read


@dataclass(frozen=True)
class Lexicon:
    """`lexicon.yaml`; what each table means stands there."""

    version: int
    numbers: tuple[str, ...]
    tens: tuple[str, ...]
    digits_from: int
    quantities: tuple[Quantity, ...]
    percent_tolerance: float
    small_percent_tolerance: float
    shares: tuple[Share, ...]
    most: tuple[float, ...]
    size_tolerance: float
    percents: tuple[str, ...]
    abouts: tuple[str, ...]
    joints: tuple[str, ...]
    lengths: tuple[str, ...]
    widths: tuple[str, ...]
    diameters: tuple[str, ...]
    band_details: tuple[str, ...]
    polarization_details: tuple[str, ...]
    places: dict[str, Phrases]
    arrangements: dict[str, Phrases]
    densities: dict[str, Phrases]
    axes: dict[str, Phrases]
    aligned: tuple[str, ...]
    headings: tuple[str, ...]
    degrees: tuple[str, ...]
    sides: dict[str, Phrases]
    compass: dict[str, Compass]
    crossing_verbs: tuple[str, ...]
    crossings: dict[str, Phrases]
    shore: tuple[str, ...]
    shore_read: tuple[str, ...]
    patchwork: tuple[str, ...]
    part_of: tuple[str, ...]
    near: tuple[str, ...]
    near_read: tuple[str, ...]
    adjacent: tuple[str, ...]
    cover_verbs: tuple[str, ...]
    patches: tuple[str, ...]
    patches_read: tuple[str, ...]
    dominated_by: tuple[str, ...]
    dominates: tuple[str, ...]
    mainly: tuple[str, ...]
    most_of: tuple[str, ...]
    only: tuple[str, ...]
    single: tuple[str, ...]
    not_places: tuple[str, ...]
    openers: tuple[str, ...]
    images: dict[str, tuple[str, ...]]
    images_of_chips: dict[str, tuple[str, ...]]
    images_later: tuple[str, ...]
    images_read: dict[str, tuple[str, ...]]
    sensors: dict[str, str]  # name → its article
    bands: dict[str, str]
    polarizations: dict[str, str]
    spelled: dict[int, str] = field(default_factory=dict, init=False)  # 0..99 in words

    def __post_init__(self) -> None:
        if len(self.numbers) != 20 or len(self.tens) != 8:
            raise ValueError("numbers must be the words of 0..19, and tens those of 20, 30 … 90")
        for value in range(100):
            tens, ones = divmod(value, 10)
            words = self.numbers[value] if value < 20 else self.tens[tens - 2]
            self.spelled[value] = words if value < 20 or not ones else f"{words}-{self.numbers[ones]}"


@cache
def nouns() -> dict[str, Noun]:
    """Our classes. Raises `ValueError` naming the entry of `nouns.yaml` that does not fit."""
    return strict.load(Nouns, FOLDER / "nouns.yaml").nouns


@cache
def lexicon() -> Lexicon:
    return strict.load(Lexicon, FOLDER / "lexicon.yaml")


def noun(name: str) -> Noun:
    """The entry of a class. Raises `ValueError` saying what to add when there is none."""
    try:
        return nouns()[name]
    except KeyError:
        raise ValueError(f"no words for the class '{name}': add it to tasks/narrate/nouns.yaml") from None


@cache
def kinds(name: str) -> tuple[str, ...]:
    """The class itself and every wider class, widest last: t72, military_tank, military_vehicle, vehicle."""
    parent = noun(name).parent
    return (name, *kinds(parent)) if parent else (name,)


@cache
def can_deny(name: str, exhaustive: frozenset[str]) -> bool:
    """Whether "no <name>" follows from an annotation without one, where all of `exhaustive` is annotated.

    True where the class or a wider one is annotated exhaustively, or the rest class below it (`other_aircraft`), which
    holds every aircraft that is of no other type.
    """
    if any(kind in exhaustive for kind in kinds(name)):
        return True
    return any(nouns()[other].remainder and nouns()[other].parent == name for other in exhaustive if other in nouns())
