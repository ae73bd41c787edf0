"""Is it true of where the objects lie? From the centers and corners of raw boxes."""

import cmath
import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from tasks.narrate import words
from tasks.narrate.judging import (
    Box,
    Judge,
    Problem,
    Record,
    boxes_of,
    contradicted,
    lacking,
    may_be_more,
    says_how_many,
    undecided,
)
from tasks.narrate.outlines import apart, between_deg, center, hull, long_side, nearest_px
from tasks.narrate.words import Claim

ROW_OFF_LINE = 0.12  # of the row's length
ROW_GAP = 1.6  # times the mean gap
CLUSTER_APART = 1 / 3  # of the image diagonal
NEAR_GAP = 0.12  # of the image diagonal
AXES_DEG = {"horizontal": 0, "falling": 45, "vertical": 90, "rising": 135}  # clockwise from the image's right
AXIS_OFF_DEG, ALIGNED_DEG = 22.5, 20.0
SIDE_BY_SIDE_MOST, SIDE_BY_SIDE_GAP = 12, 1.5  # boxes; times the greater of the two widths
EVEN_LEAST, EVEN_VARIATION, EVEN_SPACING = 5, 0.35, 1.2
DENSE_LEAST, DENSE_GAP = 15, 0.05  # of the image diagonal
SPARSE_MOST, SPARSE_GAP = 6, 0.20


def _diagonal(record: Record) -> float:
    return abs(complex(record["width_px"], record["height_px"]))


def _is_in(place: str, record: Record) -> Callable[[Box], bool]:
    """The test whether a box's center lies in `place`: an interval of columns and one of rows."""
    columns, rows = (0.0, 1.0), (0.0, 1.0)
    third = 1 / 3
    words_of_place = place.split()
    if place.endswith(" half") or place.endswith(" third"):
        size = 0.5 if place.endswith(" half") else third
        side = words_of_place[0]
        if side in ("left", "right"):
            columns = (0.0, size) if side == "left" else (1 - size, 1.0)
        else:
            rows = (0.0, size) if side == "upper" else (1 - size, 1.0)
    else:
        across = {"left": (0.0, third), "right": (1 - third, 1.0)}
        down = {"upper": (0.0, third), "lower": (1 - third, 1.0)}
        columns = across.get(words_of_place[-1], (third, 1 - third))
        rows = down.get(words_of_place[0], (third, 1 - third))

    def inside(box: Box) -> bool:
        point = center(box)
        x, y = point.real / record["width_px"], point.imag / record["height_px"]
        return bool(columns[0] <= x < columns[1] and rows[0] <= y < rows[1])

    return inside


def _place(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    who, _, place = claim.value.partition("@")
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text places {name}, which has no boxes")
    number = len(list(filter(_is_in(place, record), boxes)))
    more = may_be_more(name, record, exhaustive)
    if who == "0":
        if number:
            return contradicted(f"{number} of {name} lie in the {place}, where the text denies them")
        return undecided(f"the source does not annotate every {name}") if more else None
    text = f"the text says {who} of {name} in the {place}, the annotation {number} of {len(boxes)}"
    return says_how_many(who, number, len(boxes), text=text, more=more)


def _compass(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if record["bounds"] is None:
        return undecided(f"the text says where {claim.subject} lies by compass, but the image is not georeferenced")
    who, _, direction = claim.value.partition("@")
    place = words.lexicon().compass[direction].place
    return _place(claim._replace(value=f"{who}@{place}"), record, exhaustive)


def _near(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    who, _, landmark = claim.value.partition(" ")
    boxes, marks = boxes_of(claim.subject, record), boxes_of(landmark, record)
    if not boxes or not marks:
        text = f"the text says that {claim.subject} is near {landmark}; the annotation lacks boxes of one of them"
        return lacking(landmark if boxes else claim.subject, record, exhaustive, text=text)
    limit = NEAR_GAP * _diagonal(record)
    number = sum(any(mark is not box and apart(box, mark) <= limit for mark in marks) for box in boxes)
    more = any(may_be_more(name, record, exhaustive) for name in (claim.subject, landmark))
    text = f"the text says {who} of {claim.subject} near {landmark}, the annotation {number} of {len(boxes)}"
    return says_how_many(who, number, len(boxes), text=text, more=more)


def _side_of(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    who, side, landmark = claim.value.split(" ")
    boxes, marks = boxes_of(claim.subject, record), boxes_of(landmark, record)
    if not boxes or not marks:
        text = f"the text relates {claim.subject} to {landmark}; the annotation lacks boxes of one of them"
        return lacking(landmark if boxes else claim.subject, record, exhaustive, text=text)
    if len(marks) > 1:
        return undecided(f"the text relates {claim.subject} to one {landmark}, the annotation has {len(marks)}")
    left, top, right, bottom = hull(marks[0])
    number = 0
    for box in boxes:
        own_left, own_top, own_right, own_bottom = hull(box)
        beyond = {"left": left - own_right, "right": own_left - right, "above": top - own_bottom,
                  "below": own_top - bottom}  # fmt: skip
        number += beyond[side] >= 0
    more = may_be_more(claim.subject, record, exhaustive)
    text = f"the text says {who} of {claim.subject} {side} of {landmark}, the annotation {number} of {len(boxes)}"
    return says_how_many(who, number, len(boxes), text=text, more=more)


def _axis(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text gives an axis of {name}, which has no boxes")
    wanted = cmath.rect(1, math.radians(AXES_DEG[claim.value]))
    off_deg = [None if (side := long_side(box)) is None else between_deg(side, wanted) for box in boxes]
    if any(off is not None and off > AXIS_OFF_DEG + 1e-6 for off in off_deg):
        return contradicted(f"the text says that {name} is oriented {claim.value}, a box is not")
    return undecided(f"the boxes of {name} do not show the axis of each") if None in off_deg else None


def _aligned(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text says that {name} are parallel, which have no boxes")
    axes = [long_side(box) for box in boxes]
    if _within(ALIGNED_DEG, [axis for axis in axes if axis is not None]):
        return None if None not in axes and len(axes) > 1 else undecided(f"the boxes of {name} do not show each axis")
    return contradicted(f"the text says that {name} are parallel, their boxes are not")


def _within(limit_deg: float, axes: Sequence[complex]) -> bool:
    """Whether all lines lie within `limit_deg` (well below 45) of one another: as turns from the first, -90..90."""
    turns_deg = [math.degrees(cmath.phase((axis * axes[0].conjugate()) ** 2)) / 2 for axis in axes]
    return not turns_deg or max(turns_deg) - min(turns_deg) <= limit_deg + 1e-6


def _arrangement(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text says that {name} form a {claim.value}: no boxes")
    if claim.value in ("side_by_side", "convoy") and any(box["angle_deg"] is None for box in boxes):
        return undecided(f"the boxes of {name} do not show each axis, so not whether they lie in {claim.value}")
    if _ARRANGEMENTS[claim.value](boxes, [center(box) for box in boxes], record):
        return None
    return contradicted(f"the boxes of {name} do not form what the text calls {claim.value}")


def _is_row(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    """Against the line through the two centers that are farthest apart."""
    if len(boxes) < 3:
        return False
    length, first, last = _farthest(centers)
    largest = max(max(right - left, bottom - top) for left, top, right, bottom in map(hull, boxes))
    if length < 2 * largest or length == 0:
        return False
    turned = [(point - first) / ((last - first) / length) for point in centers]
    along = sorted(point.real for point in turned)
    largest_gap = max(after - before for before, after in pairwise(along))
    off_line = max(abs(point.imag) for point in turned)
    return off_line <= ROW_OFF_LINE * length and largest_gap <= ROW_GAP * length / (len(boxes) - 1)


def _farthest(centers: Sequence[complex]) -> tuple[float, complex, complex]:
    return max(((abs(b - a), a, b) for a in centers for b in centers), key=lambda pair: pair[0])


def _is_cluster(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    limit = CLUSTER_APART * _diagonal(record)
    xs, ys = [point.real for point in centers], [point.imag for point in centers]
    if max(xs) - min(xs) > limit or max(ys) - min(ys) > limit:
        return False
    return len(boxes) >= 2 and _farthest(centers)[0] <= limit


def _is_scattered(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    xs, ys = [point.real for point in centers], [point.imag for point in centers]
    return (
        len(boxes) >= 4 and max(xs) - min(xs) > record["width_px"] / 2 and max(ys) - min(ys) > record["height_px"] / 2
    )


def _is_side_by_side(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    if not 2 <= len(boxes) <= SIDE_BY_SIDE_MOST:
        return False
    axes = [axis for box in boxes if (axis := long_side(box)) is not None]
    return (
        len(axes) == len(boxes)
        and _within(ALIGNED_DEG, axes)
        and all(
            any(_abreast(boxes[i], boxes[j], (axes[i], axes[j])) for j in range(len(boxes)) if j != i)
            for i in range(len(boxes))
        )
    )


def _abreast(a: Box, b: Box, axes: Sequence[complex]) -> bool:
    """Whether `b` lies beside `a`, seen along the axis of either."""
    widths = min(a["w"], a["h"]), min(b["w"], b["h"])
    for axis in axes:
        turned = (center(b) - center(a)) * axis.conjugate()  # along + i·across
        along, across = abs(turned.real), abs(turned.imag)
        if across > along and across - sum(widths) / 2 <= SIDE_BY_SIDE_GAP * max(widths):
            return True
    return False


def _is_convoy(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    if not _is_row(boxes, centers, record):
        return False
    _, first, last = _farthest(centers)
    axes = [long_side(box) for box in boxes]
    return all(axis is not None and between_deg(axis, last - first) <= ALIGNED_DEG + 1e-6 for axis in axes)


def _is_even(boxes: Sequence[Box], centers: Sequence[complex], record: Record) -> bool:
    if len(centers) < EVEN_LEAST:
        return False
    gaps_px = nearest_px(centers)
    mean_px = statistics.fmean(gaps_px)
    if mean_px < EVEN_SPACING * 0.5 * math.sqrt(record["width_px"] * record["height_px"] / len(centers)):
        return False
    return statistics.pstdev(gaps_px, mean_px) <= EVEN_VARIATION * mean_px


_ARRANGEMENTS: dict[str, Callable[[Sequence[Box], Sequence[complex], Record], bool]] = {
    "row": _is_row,
    "cluster": _is_cluster,
    "scattered": _is_scattered,
    "side_by_side": _is_side_by_side,
    "convoy": _is_convoy,
    "even": _is_even,
}


def _density(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    name = claim.subject
    boxes = boxes_of(name, record)
    if not boxes:
        return lacking(name, record, exhaustive, text=f"the text says that {name} are {claim.value}, without boxes")
    centers = [center(box) for box in boxes]
    if claim.value == "dense":
        true = len(boxes) >= DENSE_LEAST and statistics.median(nearest_px(centers)) <= DENSE_GAP * _diagonal(record)
    else:
        true = 2 <= len(boxes) <= SPARSE_MOST and min(nearest_px(centers)) >= SPARSE_GAP * _diagonal(record)
    return None if true else contradicted(f"the {len(boxes)} boxes of {name} do not lie {claim.value}")


JUDGES: dict[str, Judge] = {
    "place": _place,
    "compass": _compass,
    "near": _near,
    "side_of": _side_of,
    "axis": _axis,
    "aligned": _aligned,
    "arrangement": _arrangement,
    "density": _density,
}
