"""Is the answer to a question true? The claims that only questions make, from raw boxes and regions.

docs/questions.md states what they mean. A claim `not_<kind>` is true where the annotation contradicts the claim of that
kind, not where it merely cannot support it. Shares no geometry with the asking side.
"""

import math
from collections import Counter

from tasks.narrate import truth, words
from tasks.narrate.judging import (
    Judge,
    Problem,
    Record,
    boxes_of,
    contradicted,
    may_be_more,
    regions_of,
    undecided,
)
from tasks.narrate.outlines import apart, center, hull
from tasks.narrate.words import Claim

LABELLED = 0.90  # of the pixels, below which no land cover is denied
TOLD_APART = 1.05  # the next class lies at least so many times farther away


def problem(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    """Why the annotation contradicts `claim` or cannot support it; `None` where it is true."""
    if claim.kind.startswith("not_"):
        positive = problem(claim._replace(kind=claim.kind.removeprefix("not_")), record, exhaustive)
        if positive is None:
            return contradicted(f"the answer denies {claim.kind.removeprefix('not_')} {claim.value} of {claim.subject}")
        return None if positive.settled else undecided(f"cannot be denied: {positive.text}")
    if claim.kind == "count" and claim.value == "0" and not _is_mapped(claim.subject, record):
        return undecided(f"{claim.subject} is denied, but part of the map is unlabelled")
    if claim.kind in _JUDGES:
        return _JUDGES[claim.kind](claim, record, exhaustive)
    return truth.problem(claim, record, exhaustive)


def _is_mapped(name: str, record: Record) -> bool:
    """Whether the map labels so much that what it lacks is not there. Objects are no matter of maps."""
    labelled = record.get("labelled_fraction")
    return words.noun(name).cover is None or labelled is None or bool(labelled >= LABELLED)


def _more(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    numbers = [len(boxes_of(name, record)) for name in (claim.subject, claim.value)]
    for name in (claim.subject, claim.value):
        if may_be_more(name, record, exhaustive) or (regions_of(name, record) and not boxes_of(name, record)):
            return undecided(f"{name} is not counted by this annotation")
    text = f"{numbers[0]} of {claim.subject} are not more than {numbers[1]} of {claim.value}"
    return None if numbers[0] > numbers[1] else contradicted(text)


def _more_than(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    return truth.problem(Claim("count", claim.subject, f"{int(claim.value) + 1}.."), record, exhaustive)


def _more_in(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if may_be_more(claim.subject, record, exhaustive):
        return undecided(f"{claim.subject} is not counted by this annotation")
    one, _, other = claim.value.partition(">")
    numbers = {}
    for half in (one, other):
        side = half.split()[0]
        middle = record["width_px"] / 2 if side in ("left", "right") else record["height_px"] / 2
        at = [center(box).real if side in ("left", "right") else center(box).imag
              for box in boxes_of(claim.subject, record)]  # fmt: skip
        numbers[half] = sum(value < middle if side in ("left", "upper") else value >= middle for value in at)
    if numbers[one] > numbers[other]:
        return None
    return contradicted(f"{claim.subject}: {numbers[one]} in the {one}, {numbers[other]} in the {other}")


def _nearest(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    marks = boxes_of(claim.subject, record)
    if len(marks) != 1:
        return undecided(f"there is not exactly one {claim.subject}")
    others = [box for box in record["boxes"] if box is not marks[0]]
    if any(may_be_more(box["class"], record, exhaustive) for box in others) or not others:
        return undecided(f"not every object around the {claim.subject} is annotated")
    ranked = sorted((apart(marks[0], box), box["class"]) for box in others)
    nearest = ranked[0][1]
    beyond = [gap for gap, name in ranked if name != nearest]
    if beyond and beyond[0] < TOLD_APART * ranked[0][0] + 1:
        return undecided(f"two classes are about as near to the {claim.subject}")
    if claim.value in words.kinds(nearest):
        return None
    return contradicted(f"nearest to the {claim.subject} is {nearest}, not {claim.value}")


def _ends(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    if may_be_more(claim.subject, record, exhaustive):
        return undecided(f"there may be other {claim.subject} than those annotated")
    one, relation, other = claim.value.split()
    points = [center(box) for box in boxes_of(claim.subject, record)]
    if len(points) < 2:
        return undecided(f"there are not two of {claim.subject}")
    ends = {
        "leftmost": min(points, key=lambda point: point.real), "rightmost": max(points, key=lambda point: point.real),
        "topmost": min(points, key=lambda point: point.imag), "lowest": max(points, key=lambda point: point.imag),
    }  # fmt: skip
    turned = 1 if relation == "left" else -1j  # "above" is "left" in an image turned by 90 degrees
    is_before = (ends[one] * turned).real < (ends[other] * turned).real
    return None if is_before else contradicted(f"the {one} {claim.subject} is not {relation} of the {other}")


def _size_above(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    boxes = boxes_of(claim.subject, record)
    if len(boxes) != 1:
        return undecided(f"there is not exactly one {claim.subject}")
    kind = {"longer": "length", "wider": "diameter"}[claim.kind]
    # The judge of sizes allows 15 %: the bound is passed where every size that it would allow is above it.
    bound_m = float(claim.value)
    measured = truth.problem(Claim(kind, claim.subject, claim.value), record, exhaustive)
    if measured is None:
        return undecided(f"the {claim.subject} is about {bound_m:.0f} m")
    if not measured.settled:
        return measured
    size_m = _size_m(kind, boxes[0], record)
    return None if size_m > bound_m else contradicted(f"the {claim.subject} is {size_m:.0f} m, not more than {bound_m}")


def _size_m(kind: str, box: Record, record: Record) -> float:
    if kind == "length" and box.get("length_m"):
        return float(box["length_m"])
    turn = math.radians(box["angle_deg"] or 0)
    dx_m, dy_m = record["pixel_spacing_x_m"], record["pixel_spacing_y_m"]
    along = math.dist((0, 0), (box["w"] * math.cos(turn) * dx_m, box["w"] * math.sin(turn) * dy_m))
    across = math.dist((0, 0), (box["h"] * math.sin(turn) * dx_m, box["h"] * math.cos(turn) * dy_m))
    return max(along, across) if kind == "length" else (along + across) / 2


def _more_share(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    low = float(claim.value) / 100
    return truth.problem(Claim("share", claim.subject, f"{low:.3f}..1.000"), record, exhaustive)


def _more_part(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    bound, _, whole = claim.value.partition(" ")
    value = f"{float(bound) / 100:.3f}..1.000 {whole}"
    return truth.problem(Claim("part", claim.subject, value), record, exhaustive)


def _most_numerous(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    numbers = Counter(box["class"] for box in record["boxes"] or ())
    if any(may_be_more(name, record, exhaustive) for name in (*numbers, claim.subject)):
        return undecided("not every object is annotated")
    own = numbers.pop(claim.subject, 0)
    if own and own > max(numbers.values(), default=0):
        return None
    return contradicted(f"{own} of {claim.subject} are not the most: {dict(numbers)}")


def _target(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    label = record["label"]
    if label is None:
        return undecided("the image is no chip of one target")
    if claim.value in words.kinds(label):
        return None
    if label in words.kinds(claim.value) or claim.value not in exhaustive:
        return undecided(f"the target is a {label}; of what kind, nobody says")
    return contradicted(f"the target is a {label}, not a {claim.value}")


def _place(claim: Claim, record: Record, exhaustive: frozenset[str]) -> Problem | None:
    """As in captions; and what is not there at all is in no place, and what is too large in none."""
    if claim.value.startswith("0@") and not boxes_of(claim.subject, record):
        return problem(Claim("count", claim.subject, "0"), record, exhaustive)
    for box in boxes_of(claim.subject, record):
        left, top, right, bottom = hull(box)
        if right - left > 0.7 * record["width_px"] or bottom - top > 0.7 * record["height_px"]:
            return undecided(f"a {claim.subject} is too large to lie in one place")
    return truth.problem(claim, record, exhaustive)


_JUDGES: dict[str, Judge] = {
    "more": _more,
    "more_than": _more_than,
    "more_in": _more_in,
    "nearest": _nearest,
    "ends": _ends,
    "longer": _size_above,
    "wider": _size_above,
    "more_share": _more_share,
    "more_part": _more_part,
    "most_numerous": _most_numerous,
    "target": _target,
    "place": _place,
}
