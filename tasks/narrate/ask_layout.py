"""How the objects of an image lie to one another, as questions with their true answers: a part of ask_objects.py.

The same margins hold here: no borderline is asked.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import hypot, sqrt
from typing import Any, NamedTuple

from tasks.narrate.asking import COMMON, NO, YES, Ask, Question, are_apart, class_answer, some

CLEAR = 0.02  # of the image's side, between what is said to lie left and right
NEARER = 1.3, 0.02  # the next class is at least so many times, and this share of the diagonal, farther away
MAX_OBJECTS = 60  # of which distances are compared
CLUSTERED, NOT_CLUSTERED = 0.30, 0.40  # of the image diagonal
SCATTERED, NOT_SCATTERED = 0.55, 0.45  # of the image's sides
NO_ROW = 0.55  # spread across by spread along: no row is so wide


class Place(NamedTuple):
    """A box: center, hull, and the box itself."""

    x: float
    y: float
    left: float
    top: float
    right: float
    bottom: float
    box: Mapping[str, Any]


_ENDS = (
    "leftmost above rightmost", "rightmost above leftmost",
    "topmost left lowest", "lowest left topmost",
)  # fmt: skip


def ends(made: list[Ask], name: str, places: Sequence[Place], width_px: int, height_px: int, draw: int) -> None:
    """Whether the leftmost lies above the rightmost, and the topmost left of the lowest."""
    across = sorted((place.x, place.y) for place in places)
    down = sorted((place.y, place.x) for place in places)
    for ends, along_px, beside_px, turn in ((across, width_px, height_px, 0), (down, height_px, width_px, 2)):
        first, last = ends[0], ends[-1]
        least_px = CLEAR / 2 * along_px
        if ends[1][0] - first[0] < least_px or last[0] - ends[-2][0] < least_px:
            continue
        if abs(first[1] - last[1]) < CLEAR * beside_px:
            continue
        question = _ENDS[turn + draw % 2]
        is_first = first[1] < last[1]
        made.append(Ask(Question("relative.ends", name, (question,)), YES if is_first != bool(draw % 2) else NO))


def arrangements(made: list[Ask], name: str, places: Sequence[Place], width_px: int, height_px: int) -> None:
    """Whether the objects of the class form a cluster, are scattered, or form a row."""
    count = len(places)
    xs, ys = [place.x for place in places], [place.y for place in places]
    span_x, span_y = max(xs) - min(xs), max(ys) - min(ys)
    diagonal = hypot(width_px, height_px)
    # The hull of the centers is at most this wide, and no less than the greater of its two spans.
    if hypot(span_x, span_y) <= CLUSTERED * diagonal:
        made.append(Ask(Question("arrangement.is", name, ("cluster",)), YES))
    elif max(span_x, span_y) >= NOT_CLUSTERED * diagonal:
        made.append(Ask(Question("arrangement.is", name, ("cluster",)), NO))
    if count >= 4:
        if span_x > SCATTERED * width_px and span_y > SCATTERED * height_px:
            made.append(Ask(Question("arrangement.is", name, ("scattered",)), YES))
        elif span_x < NOT_SCATTERED * width_px or span_y < NOT_SCATTERED * height_px:
            made.append(Ask(Question("arrangement.is", name, ("scattered",)), NO))
    is_row = _is_row(places, xs, ys)
    if is_row is not None:
        made.append(Ask(Question("arrangement.is", name, ("row",)), YES if is_row else NO))


def _is_row(places: Sequence[Place], xs: Sequence[float], ys: Sequence[float]) -> bool | None:
    """Whether the centers form a row; `None` where they nearly do."""
    count = len(places)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    sxx = sum([(x - mean_x) ** 2 for x in xs])
    syy = sum([(y - mean_y) ** 2 for y in ys])
    sxy = sum([(x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)])
    middle, root = (sxx + syy) / 2, hypot((sxx - syy) / 2, sxy)
    if middle + root <= 0:
        return None
    wide = sqrt(max(middle - root, 0.0) / (middle + root))
    if wide > NO_ROW:
        return False
    if wide > 0.2:
        return None
    axis = complex((sxx - syy) / 2 + root, sxy) if sxx >= syy else complex(sxy, root - (sxx - syy) / 2)
    axis /= abs(axis)
    turned = [(complex(x - mean_x, y - mean_y) * axis.conjugate()) for x, y in zip(xs, ys, strict=True)]
    along = sorted([point.real for point in turned])
    length = along[-1] - along[0]
    off_line = max([abs(point.imag) for point in turned])
    largest = max([max(place.right - place.left, place.bottom - place.top) for place in places])
    gap = max([after - before for before, after in pairwise(along)])
    is_even = gap <= 1.5 * length / (count - 1)
    return True if off_line <= 0.05 * length and length >= 2.5 * largest and is_even else None


def between(
    made: list[Ask], present: Mapping[str, list[Place]],
    width_px: int, height_px: int, draw: int,
) -> None:  # fmt: skip
    """On which side of the only object of another class all objects of a class lie."""
    alone = [name for name in sorted(present) if len(present[name]) == 1]
    related = [(name, mark) for mark in alone for name in sorted(present) if are_apart(name, mark)]
    for name, mark in some(related, draw, COMMON):
        places, of = present[name], present[mark][0]
        gaps = {
            "left": (of.left - max([place.right for place in places])) / width_px,
            "right": (min([place.left for place in places]) - of.right) / width_px,
            "above": (of.top - max([place.bottom for place in places])) / height_px,
            "below": (min([place.top for place in places]) - of.bottom) / height_px,
        }
        true = [side for side, gap in gaps.items() if gap >= CLEAR]
        untrue = [side for side, gap in gaps.items() if gap <= -CLEAR]
        key = "relative.one" if len(places) == 1 else "relative.all"
        for sides, answer in ((true, YES), (untrue, NO)):
            if sides:
                made.append(Ask(Question(key, name, (sides[draw // 5 % len(sides)], mark)), answer))


def nearest(
    made: list[Ask], present: Mapping[str, list[Place]], found: Mapping[str, list[Place]],
    width_px: int, height_px: int, draw: int,
) -> None:  # fmt: skip
    """The class of the object nearest to the only one of a class, where every object around is marked."""
    narrow = {}
    for name, places in found.items():
        own = [place for place in places if place.box["class"] == name]
        if own:
            narrow[name] = own
    if len(narrow) < 2 or sum(map(len, narrow.values())) > MAX_OBJECTS or not narrow.keys() <= present.keys():
        return
    diagonal = hypot(width_px, height_px)
    for mark, places in sorted(present.items()):
        if len(places) != 1 or mark not in narrow:
            continue
        of = places[0]
        others = [name for name in sorted(narrow) if name != mark]
        gaps = {name: min([_gap(of, place) for place in narrow[name]]) for name in others}
        ranked = sorted(others, key=lambda name: (gaps[name], name))
        nearest = ranked[0]
        if len(ranked) > 1:
            next_gap = gaps[ranked[1]]
            if next_gap < NEARER[0] * gaps[nearest] or next_gap < gaps[nearest] + NEARER[1] * diagonal:
                continue
            made.append(Ask(Question("nearest.which", mark), class_answer(nearest)))
            other = ranked[1 + draw % (len(ranked) - 1)]
            made.append(Ask(Question("nearest.is", mark, (other,)), NO))
        made.append(Ask(Question("nearest.is", mark, (nearest,)), YES))


def _gap(a: Place, b: Place) -> float:
    return hypot(max(a.left - b.right, b.left - a.right, 0.0), max(a.top - b.bottom, b.top - a.bottom, 0.0))
