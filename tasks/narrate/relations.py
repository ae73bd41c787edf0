"""Objects and landmarks: near them, or on one side of the only one. Spots → relations, no language.

near     the gap between the boxes is at most 12 % of the image diagonal
side_of  the hull of the objects lies wholly on one side of the hull of the only landmark of its class
The thresholds here keep inside those of truth.py.
"""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import NamedTuple

from tasks.narrate import words
from tasks.narrate.spots import Spot

NEAR, NOT_NEAR = 0.08, 0.16  # of the image diagonal; between them, nothing is said
CLEAR = 0.02  # of the image's side, between the hulls
MAX_PAIRS = 2_000  # of objects and landmarks that are compared


class Near(NamedTuple):
    """`number` of the `total` objects of a class lie near a landmark."""

    subject: str
    number: int
    total: int
    landmark: str
    landmarks: int


class Side(NamedTuple):
    """All `total` objects of a class lie on one side of the only `landmark`."""

    subject: str
    total: int
    side: str
    landmark: str


def relations(
    by_group: Mapping[str, Sequence[Spot]], width_px: int, height_px: int
) -> tuple[tuple[Near, ...], tuple[Side, ...]]:
    """Between the groups of an image, sorted by subject and landmark."""
    diagonal = hypot(width_px, height_px)
    near, sides = [], []
    for subject in sorted(by_group):
        for landmark in sorted(by_group):
            spots, marks = by_group[subject], by_group[landmark]
            if landmark == subject or not words.noun(landmark).landmark or len(spots) * len(marks) > MAX_PAIRS:
                continue
            if len(marks) == 1:
                side = _side(spots, marks[0], width_px, height_px)
                sides += [Side(subject, len(spots), side, landmark)] if side else []
            if words.noun(subject).landmark:
                continue
            gaps = [min(_gap(spot, mark) for mark in marks) for spot in spots]
            count = sum(gap <= NEAR * diagonal for gap in gaps)
            if count and count == sum(gap <= NOT_NEAR * diagonal for gap in gaps):
                near.append(Near(subject, count, len(spots), landmark, len(marks)))
    return tuple(near), tuple(sides)


def _side(spots: Sequence[Spot], mark: Spot, width_px: int, height_px: int) -> str | None:
    clear_x, clear_y = CLEAR * width_px, CLEAR * height_px
    if max(spot.right for spot in spots) <= mark.left - clear_x:
        return "left"
    if min(spot.left for spot in spots) >= mark.right + clear_x:
        return "right"
    if max(spot.bottom for spot in spots) <= mark.top - clear_y:
        return "above"
    if min(spot.top for spot in spots) >= mark.bottom + clear_y:
        return "below"
    return None


def _gap(a: Spot, b: Spot) -> float:
    return hypot(max(a.left - b.right, b.left - a.right, 0.0), max(a.top - b.bottom, b.top - a.bottom, 0.0))
