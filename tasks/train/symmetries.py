"""What a caption says once its picture is turned or flipped, so that augmentation never makes it false.

Captions that our narrator wrote have their words of place turned with the picture, from the lexicon that wrote them.
Any other word of direction keeps the picture as it is: compass and heading are facts of the ground, a shadow lies where
the radar put it, and what people mean by "top" nobody knows. A caption that speaks of brightness keeps its brightness.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from sar_models.symmetry import SYMMETRIES, moved
from tasks.narrate import words

OURS = ("a2c", "sa2c", "chip")  # routes of captions that hold no words of place but the lexicon's
DIRECTION = re.compile(
    r"\b(?:left|right|top|bottom|upper|lower|higher|farther|further up|further down|upward(?!s of)|downward|above|"
    r"below|beneath|under|front|side to side|horizontal|vertical|diagonal|north|south|east|west|clockwise|"
    r"counterclockwise|anticlockwise|heading|headed|course of|degree|azimuth|range|aspect|ascending|descending|"
    r"look direction|illuminat|shadow|layover|o'clock|[a-z][- ]shaped)|°",
    re.IGNORECASE,
)
BRIGHTNESS = re.compile(
    r"\b(?:bright|dark|dim\b|dimm|black|white|gr[ae]y|pale|shin[iey]|lighter|intens|contrast|nois|speckl|smooth|rough\b|textur|"
    r"strong|weak|faint|satur)",
    re.IGNORECASE,
)
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "upper": (0, -1), "lower": (0, 1), "above": (0, -1), "below": (0, 1)}
AXES = {"horizontal": (1, 0), "vertical": (0, 1), "falling": (1, 1), "rising": (1, -1)}
CROSSINGS = {"left-right": (1, 0), "top-bottom": (0, 1)}
CELLS = {
    (-1, -1): "upper left", (0, -1): "upper center", (1, -1): "upper right",
    (-1, 0): "middle left", (0, 0): "center", (1, 0): "middle right",
    (-1, 1): "lower left", (0, 1): "lower center", (1, 1): "lower right",
}  # fmt: skip


def seen(row: Mapping[str, Any]) -> dict[str, Any]:
    """The caption row with `turned`, what it says under each symmetry (`None`: it would be false), and `radiometric`,
    whether it stays true however bright the picture is."""
    text = row["text"]
    turned = turned_texts(text, ours=row["route"] in OURS)
    return {**row, "turned": turned, "radiometric": not BRIGHTNESS.search(text)}


def turned_texts(text: str, *, ours: bool) -> list[str | None]:
    """The caption under each symmetry; `None` where it would be false, or nobody knows. `ours`: of our narrator."""
    parts = _pattern().split(text)  # every second one is a phrase of the lexicon
    if DIRECTION.search(" ".join(parts[::2]) if ours else text):
        return [text, *[None] * (SYMMETRIES - 1)]
    found: list[str | None] = []
    for symmetry in range(SYMMETRIES):
        turned = _phrases(symmetry)
        now = "".join(_like(part, turned[part.lower()]) if odd % 2 else part for odd, part in enumerate(parts))
        found.append(now if ours or now == text else None)
    return found


def turned_place(place: str, *, symmetry: int) -> str:
    """Where "upper left", "left half" or "lower third" lies in the turned picture."""
    x, y = (sum(DIRECTIONS.get(word, (0, 0))[axis] for word in place.split()) for axis in (0, 1))
    to = moved(x, y, symmetry=symmetry)
    size = place.split()[-1]
    if size in ("half", "third"):
        return f"{_named(to, ('left', 'right', 'upper', 'lower'))} {size}"
    return CELLS[int(to[0]), int(to[1])]


def turned_side(side: str, *, symmetry: int) -> str:
    """What "left", "right", "above" or "below" of a landmark is in the turned picture."""
    return _named(moved(*DIRECTIONS[side], symmetry=symmetry), ("left", "right", "above", "below"))


def turned_axis(axis: str, *, symmetry: int) -> str:
    """The axis "horizontal", "falling", "vertical" or "rising" in the turned picture."""
    x, y = moved(*AXES[axis], symmetry=symmetry)
    return next(name for name, to in AXES.items() if to in ((x, y), (-x, -y)))


def turned_crossing(crossing: str, *, symmetry: int) -> str:
    """What "left-right" or "top-bottom" is in the turned picture."""
    x, _ = moved(*CROSSINGS[crossing], symmetry=symmetry)
    return "left-right" if x else "top-bottom"


def _named(to: tuple[float, float], names: tuple[str, ...]) -> str:
    return next(name for name in names if DIRECTIONS[name] == to)


def _like(phrase: str, other: str) -> str:
    return other[0].upper() + other[1:] if phrase[0].isupper() else other


@cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_phrases(0), key=lambda text: (-len(text), text))
    return re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


@cache
def _phrases(symmetry: int) -> dict[str, str]:
    """Every way to write a place, side, axis or crossing, and the one of the same rank for where it lies then."""
    lexicon = words.lexicon()
    turned: dict[str, str] = {}
    for table, turn in (
        (lexicon.places, turned_place),
        (lexicon.sides, turned_side),
        (lexicon.axes, turned_axis),
        (lexicon.crossings, turned_crossing),
    ):
        for name, phrases in table.items():
            to = table[turn(name, symmetry=symmetry)]
            for ours, theirs in ((phrases.words, to.words), (phrases.loosely, to.loosely)):
                pairs = [(text, theirs[number % len(theirs)]) for number, text in enumerate(ours)]
                if table is lexicon.places:  # "most of the upper left": written without the preposition too
                    pairs += [(_behind(text), _behind(other)) for text, other in pairs]
                for text, other in pairs:
                    turned.setdefault(text.lower(), other)
    return turned


def _behind(text: str) -> str:
    return text.split(" ", 1)[1]
