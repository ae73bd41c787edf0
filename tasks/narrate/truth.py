"""Is a claim true? Computed from the raw boxes, regions and label of a record; shares no geometry with facts.py.

The definitions are those that facts.py states. Shared with the writer are the vocabulary (which class is which, what a
word for a share or number means) and nothing else.
"""

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tasks.narrate import words
from tasks.narrate.words import Claim

ROW_OFF_LINE = 0.12  # of the row's length
ROW_GAP = 1.6  # times the mean gap
CLUSTER_APART = 1 / 3  # of the image diagonal
NEAR_GAP = 0.12  # of the image diagonal
LONG = 2.0  # an upright box at least this many times as long as wide shows its object's length
ROUND = 1.3

Box = Mapping[str, Any]
Record = Mapping[str, Any]


def problem(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    """Why the annotation contradicts `claim` or cannot support it, as a sentence; `None` where it is true."""
    judge = _JUDGES.get(claim.kind)
    assert judge is not None, f"no judge for {claim}"
    return judge(claim, record, exhaustive)


def _boxes(name: str, record: Record) -> list[Box]:
    return [box for box in record["boxes"] or () if name in words.kinds(box["class"])]


def _regions(name: str, record: Record) -> list[Mapping[str, Any]]:
    return [
        region for region in record["regions"] or () if name in words.kinds(region["class"]) and region["fraction"] > 0
    ]


def _range(text: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    return float(low), (float(high) if high else math.inf) if dots else float(low)


def _holds(value: str, number: int) -> bool:
    """Whether `number` objects are what a count value means."""
    if value in ("some", "any"):
        return number >= (2 if value == "some" else 1)
    low, high = _range(value)
    return low <= number <= high


def _count(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    name, value = claim.subject, claim.value
    boxes, regions = _boxes(name, record), _regions(name, record)
    labelled = record["label"] is not None and name in words.kinds(record["label"])
    if value == "0":
        if boxes or regions or labelled:
            return f"the text denies {name}, which is annotated"
        if (record["boxes"] is None and not record["regions"]) or not words.can_deny(name, exhaustive):
            return f"the text denies {name}, but the source does not annotate every {name}"
        return None
    if regions and not boxes:
        if value in ("some", "any"):
            return None
        return f"the text counts {name} ({value}), but a land-cover map counts no objects"
    number = len(boxes) if boxes else int(labelled)
    return None if _holds(value, number) else f"the text says {value} of {name}, the annotation {number}"


def _only(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    if words.can_deny(claim.subject, exhaustive):
        return None
    return (
        f"the text says that there is no other {claim.subject}, but the source does not annotate every {claim.subject}"
    )


def _center(box: Box) -> complex:
    return complex(box["x"] + box["w"] / 2, box["y"] + box["h"] / 2)


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
        columns, rows = (
            across.get(words_of_place[-1], (third, 1 - third)),
            down.get(words_of_place[0], (third, 1 - third)),
        )

    def inside(box: Box) -> bool:
        center = _center(box)
        x, y = center.real / record["width_px"], center.imag / record["height_px"]
        return bool(columns[0] <= x < columns[1] and rows[0] <= y < rows[1])

    return inside


def _place(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    who, _, place = claim.value.partition("@")
    boxes = _boxes(claim.subject, record)
    if not boxes:
        return f"the text places {claim.subject}, which has no boxes"
    number = len(list(filter(_is_in(place, record), boxes)))
    if who == "0":
        if number:
            return f"{number} of {claim.subject} lie in the {place}, where the text denies them"
        return (
            None if words.can_deny(claim.subject, exhaustive) else f"the source does not annotate every {claim.subject}"
        )
    true = {"all": number == len(boxes), "most": 2 * number > len(boxes)}.get(who)
    if true is None:
        true = number >= 1 if who in ("some", "any") else _holds(who, number)
    return (
        None
        if true
        else f"the text says {who} of {claim.subject} in the {place}, the annotation {number} of {len(boxes)}"
    )


def _arrangement(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    boxes = _boxes(claim.subject, record)
    centers = [_center(box) for box in boxes]
    diagonal = abs(complex(record["width_px"], record["height_px"]))
    if claim.value == "row":
        true = len(boxes) >= 3 and _in_a_row(boxes, centers)
    elif claim.value == "cluster":
        true = len(boxes) >= 2 and all(abs(a - b) <= CLUSTER_APART * diagonal for a in centers for b in centers)
    else:
        wide = len(boxes) >= 4 and max(c.real for c in centers) - min(c.real for c in centers) > record["width_px"] / 2
        true = wide and max(c.imag for c in centers) - min(c.imag for c in centers) > record["height_px"] / 2
    return None if true else f"the boxes of {claim.subject} do not form what the text calls {claim.value}"


def _in_a_row(boxes: Sequence[Box], centers: Sequence[complex]) -> bool:
    """Against the line through the two centers that are farthest apart."""
    length, first, last = max(((abs(b - a), a, b) for a in centers for b in centers), key=lambda pair: pair[0])
    if (
        length < 2 * max(max(_hull(box)[2] - _hull(box)[0], _hull(box)[3] - _hull(box)[1]) for box in boxes)
        or length == 0
    ):
        return False
    turned = [(center - first) / ((last - first) / length) for center in centers]
    along = sorted(point.real for point in turned)
    largest_gap = max(after - before for before, after in pairwise(along))
    off_line = max(abs(point.imag) for point in turned)
    return off_line <= ROW_OFF_LINE * length and largest_gap <= ROW_GAP * length / (len(boxes) - 1)


def _corners(box: Box) -> list[complex]:
    turn = cmath.rect(1, math.radians(box["angle_deg"] or 0))
    halves = complex(box["w"], box["h"]) / 2
    return [_center(box) + corner * turn for corner in (halves, halves.conjugate(), -halves, -halves.conjugate())]


def _hull(box: Box) -> tuple[float, float, float, float]:
    corners = _corners(box)
    xs, ys = [corner.real for corner in corners], [corner.imag for corner in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _size(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    dx_m, dy_m = record["pixel_spacing_x_m"], record["pixel_spacing_y_m"]
    boxes = _boxes(claim.subject, record)
    if not boxes or not dx_m or not dy_m:
        missing = "pixel spacing" if boxes else "boxes"
        return f"the text gives a size of {claim.subject}, but the record has no {missing}"
    sizes_m = []
    for box in boxes:
        left, top, right, bottom = _hull(box)
        if left < 0.5 or top < 0.5 or right > record["width_px"] - 0.5 or bottom > record["height_px"] - 0.5:
            return f"the text gives a size of {claim.subject}, but the image's edge cuts it"
        one, two, three, _ = (complex(corner.real * dx_m, corner.imag * dy_m) for corner in _corners(box))
        short_m, long_m = sorted((abs(one - two), abs(two - three)))
        if claim.kind == "length" and box["angle_deg"] is None and long_m < LONG * short_m:
            return f"the box of a {claim.subject} is too square to tell its length"
        if claim.kind == "diameter" and long_m > ROUND * short_m:
            return f"the box of a {claim.subject} is not square, so it has no diameter"
        sizes_m.append(long_m if claim.kind == "length" else (short_m + long_m) / 2)
    low_m, high_m = _range(claim.value)
    tolerance = words.lexicon().size_tolerance
    true = abs(low_m - min(sizes_m)) <= tolerance * min(sizes_m) and abs(high_m - max(sizes_m)) <= tolerance * max(
        sizes_m
    )
    return (
        None
        if true
        else f"the text says {claim.value} m of {claim.subject}, the boxes {min(sizes_m):.0f} to {max(sizes_m):.0f} m"
    )


def _near(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    who, _, landmark = claim.value.partition(" ")
    boxes, marks = _boxes(claim.subject, record), _boxes(landmark, record)
    if not boxes or not marks:
        return f"the text says that {claim.subject} is near {landmark}; the annotation lacks boxes of one of them"
    limit = NEAR_GAP * math.dist((0, 0), (record["width_px"], record["height_px"]))
    number = sum(any(mark is not box and _apart(box, mark) <= limit for mark in marks) for box in boxes)
    true = {"all": number == len(boxes), "most": 2 * number > len(boxes), "some": number >= 1}.get(who)
    true = _holds(who, number) if true is None else true
    return (
        None
        if true
        else f"the text says {who} of {claim.subject} near {landmark}, the annotation {number} of {len(boxes)}"
    )


def _apart(a: Box, b: Box) -> float:
    """Between the upright hulls, 0 where they touch."""
    (left, top, right, bottom), (left_b, top_b, right_b, bottom_b) = _hull(a), _hull(b)
    return math.dist((0, 0), (max(0, left_b - right, left - right_b), max(0, top_b - bottom, top - bottom_b)))


def _share(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    if not record["regions"]:
        return f"the text gives a share of {claim.subject}, but the record has no land-cover map"
    share = math.fsum(region["fraction"] for region in _regions(claim.subject, record))
    low, high = _range(claim.value)
    if share > 0 and low - 1e-9 <= share <= high + 1e-9:
        return None
    return f"the text gives {claim.subject} a share of {claim.value}, the map {share:.3f}"


def _fills(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    rows, columns = [0, 1, 2], [0, 1, 2]
    for word in claim.value.split():
        rows = {"upper": [0], "lower": [2]}.get(word, rows)
        columns = {"left": [0], "right": [2]}.get(word, columns)
    if "third" not in claim.value:
        rows = rows if len(rows) == 1 else [1]
        columns = columns if len(columns) == 1 else [1]
    if claim.value.endswith("half"):
        return f"the map has no halves, of which the text says that {claim.subject} fills one"
    regions = _regions(claim.subject, record)
    shares = [sum(region["grid"][3 * row + column] or 0 for region in regions) for row in rows for column in columns]
    return None if sum(shares) > 0.5 * len(shares) else f"{claim.subject} does not fill most of the {claim.value}"


def _dominant(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    shares = {region["class"]: region["fraction"] for region in record["regions"] or ()}
    top = max(shares, key=lambda name: shares[name]) if shares else None
    if top is not None and claim.subject in words.kinds(top) and shares[top] >= 0.4:
        return None
    return f"the text says that {claim.subject} dominates, the map {top or 'does not exist'}"


def _adjacent(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    pair = {claim.subject, claim.value}
    for region in record["regions"] or ():
        if any({region["class"], other} == pair for other in region["adjacent"]):
            return None
    return f"the text says that {claim.subject} borders {claim.value}, the map does not"


def _patches(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    number = sum(region["components"] for region in _regions(claim.subject, record))
    return (
        None
        if number and _holds(claim.value, number)
        else f"{claim.subject} has {number} patches, the text {claim.value}"
    )


def _known(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    said = record[claim.kind]
    return None if said == claim.value else f"the text says {claim.kind} {claim.value}, the record {said}"


def _resolution(claim: Claim, record: Record, exhaustive: frozenset[str]) -> str | None:
    known_m = record["resolution_m"]
    if known_m is not None and math.isclose(float(claim.value), known_m, rel_tol=0.01):
        return None
    return f"the text says a resolution of {claim.value} m, the record {known_m}"


_JUDGES: dict[str, Callable[[Claim, Record, frozenset[str]], str | None]] = {
    "count": _count,
    "only": _only,
    "place": _place,
    "arrangement": _arrangement,
    "length": _size,
    "diameter": _size,
    "near": _near,
    "share": _share,
    "fills": _fills,
    "dominant": _dominant,
    "adjacent": _adjacent,
    "patches": _patches,
    "modality": _known,
    "sensor": _known,
    "band": _known,
    "polarization": _known,
    "resolution": _resolution,
}
