"""One row of `records.parquet` → what can be said of it, free of language.

What the words mean. truth.py holds the same definitions, computed another way; the thresholds below keep inside them,
so that no borderline case is ever stated.
place         where the center of an object's box lies in the 3×3 grid, a half, or an outer third
most          more than half
row           at least three centers near one line (farthest off it: 12 % of the row's length), with no gap above
              1.6 times the mean gap, and the row at least twice as long as its largest object
cluster       at least two centers, no two of them farther apart than a third of the image diagonal
scattered     at least four centers that span more than half of the width and of the height
near          the gap between the boxes is at most 12 % of the image diagonal
length        the longer side of the box, where that is the object's own: a rotated box, or an upright one at least
              twice as long as wide (the diagonal, upper bound of an inclined object's length, is at most 12 % more)
diameter      the mean side of a box that is nearly square
Objects cut by the image's edge have no size, and objects wider or higher than 60 % of the image no place.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from math import cos, hypot, radians, sin
from typing import Any, NamedTuple

from tasks.narrate import words
from tasks.narrate.cover import Cover, covers

GRID = (
    ("upper left", "upper center", "upper right"),
    ("middle left", "center", "middle right"),
    ("lower left", "lower center", "lower right"),
)
PLACE_MARGIN = 0.005  # of the image's side: nearer to a border than this, no place is stated
ROW_SPREAD, ROW_LENGTH, ROW_GAP = 0.05, 2.5, 1.5
CLUSTER_DIAMETER = 0.3
SCATTER_SPAN = 0.55
NEAR, NOT_NEAR = 0.08, 0.16  # of the image diagonal; between them, nothing is said
LONG_ASPECT, ROUND_ASPECT = 2.5, 1.2
MAX_PAIRS = 2_000  # of objects and landmarks that are compared


class Spot(NamedTuple):
    """A box as the facts need it: center and size in px, upright hull, size in metres where known."""

    x: float
    y: float
    left: float
    top: float
    right: float
    bottom: float
    size_m: float | None


class Objects(NamedTuple):
    """All objects of one class."""

    name: str
    number: int
    within: tuple[str, ...]  # places that hold all of them
    mostly: tuple[str, ...]  # places that hold most of them
    cells: tuple[tuple[str, int], ...]  # cell → objects in it, all of them, where few
    arrangement: str | None
    size_m: tuple[float, float] | None  # least and greatest length or diameter


class Near(NamedTuple):
    """`number` of the `total` objects of a class lie near a landmark."""

    subject: str
    number: int
    total: int
    landmark: str
    landmarks: int


class Facts(NamedTuple):
    """What can be said of an image."""

    modality: str
    sensor: str | None
    band: str | None
    polarization: str | None
    resolution_m: float | None
    objects: tuple[Objects, ...]  # by class, most numerous first, without classes that are wider than another one here
    groups: tuple[Objects, ...]  # by widest class, most numerous first: types of aircraft become aircraft
    near: tuple[Near, ...]
    covers: tuple[Cover, ...]  # largest first
    dominant: str | None  # the cover that dominates
    absent: tuple[str, ...]  # classes of which it may be said that there is none
    complete: frozenset[str]  # classes present of which every instance is annotated
    label: str | None


def facts(record: Mapping[str, Any], *, exhaustive: Collection[str]) -> Facts:
    """The facts of a row of `records.parquet`; `exhaustive` as its source states it.

    Raises `ValueError` naming the class that has no entry in `nouns.yaml`.
    """
    width_px, height_px = record["width_px"], record["height_px"]
    by_class: dict[str, list[Spot]] = {}
    for box in record["boxes"] or ():
        name = box["class"]
        if not words.noun(name).silent:
            by_class.setdefault(name, []).append(_spot(box, record, measure=words.noun(name).measure))
    by_group: dict[str, list[Spot]] = {}
    for name, spots in by_class.items():
        by_group.setdefault(words.kinds(name)[-1], []).extend(spots)
    wider = {kind for name in by_class for kind in words.kinds(name)[1:]}  # counted with the classes below them
    by_name = {
        name: _objects(name, spots, width_px, height_px) for name, spots in by_class.items() if name not in wider
    }
    groups = [by_name.get(name) or _objects(name, spots, width_px, height_px) for name, spots in by_group.items()]
    map_covers, dominant = covers(record["regions"] or (), boxed=wider | by_class.keys())
    annotated = frozenset(exhaustive)
    return Facts(
        modality=record["modality"],
        sensor=record["sensor"],
        band=record["band"],
        polarization=record["polarization"],
        resolution_m=record["resolution_m"],
        objects=tuple(sorted(by_name.values(), key=_salience)),
        groups=tuple(sorted(groups, key=_salience)),
        near=_near(by_group, width_px, height_px) if len(by_group) > 1 else (),
        covers=map_covers,
        dominant=dominant,
        absent=_absent(record, annotated),
        complete=frozenset(name for name in (*by_class, *by_group) if words.can_deny(name, annotated)),
        label=record["label"],
    )


def _salience(group: Objects) -> tuple[int, str]:
    return (-group.number, group.name)


def _absent(record: Mapping[str, Any], exhaustive: frozenset[str]) -> tuple[str, ...]:
    """Widest classes that may be denied. Never land cover: part of a map may be unlabelled."""
    if record["boxes"] is None:
        return ()
    found = {kind for box in record["boxes"] for kind in words.kinds(box["class"])}
    mapped = (region["class"] for region in record["regions"] or () if region["fraction"] > 0)
    found.update(kind for name in mapped for kind in words.kinds(name))
    if record["label"] is not None:
        found.update(words.kinds(record["label"]))
    things = (name for name in exhaustive if not words.noun(name).silent and not words.noun(name).cover)
    denied = {words.kinds(name)[-1] for name in things}
    return tuple(sorted(name for name in denied if name not in found and words.can_deny(name, exhaustive)))


def _spot(box: Mapping[str, Any], record: Mapping[str, Any], *, measure: str | None) -> Spot:
    w, h = box["w"], box["h"]
    x, y = box["x"] + w / 2, box["y"] + h / 2
    angle_deg = box["angle_deg"]
    half_w, half_h = w / 2, h / 2
    if angle_deg:
        c, s = abs(cos(radians(angle_deg))), abs(sin(radians(angle_deg)))
        half_w, half_h = half_w * c + half_h * s, half_w * s + half_h * c
    spot = Spot(x, y, x - half_w, y - half_h, x + half_w, y + half_h, None)
    if measure is None or record["pixel_spacing_x_m"] is None or record["pixel_spacing_y_m"] is None:
        return spot
    cut = spot.left < 1 or spot.top < 1 or spot.right > record["width_px"] - 1 or spot.bottom > record["height_px"] - 1
    return spot if cut else spot._replace(size_m=_size_m(box, record, measure))


def _size_m(box: Mapping[str, Any], record: Mapping[str, Any], measure: str) -> float | None:
    dx_m, dy_m, angle_deg = record["pixel_spacing_x_m"], record["pixel_spacing_y_m"], box["angle_deg"]
    c, s = (cos(radians(angle_deg)), sin(radians(angle_deg))) if angle_deg else (1.0, 0.0)
    sides_m = hypot(box["w"] * c * dx_m, box["w"] * s * dy_m), hypot(box["h"] * s * dx_m, box["h"] * c * dy_m)
    short_m, long_m = min(sides_m), max(sides_m)
    if short_m <= 0:
        return None
    if measure == "diameter":
        return (short_m + long_m) / 2 if long_m <= ROUND_ASPECT * short_m else None
    return long_m if angle_deg is not None or long_m >= LONG_ASPECT * short_m else None


def _objects(name: str, spots: Sequence[Spot], width_px: int, height_px: int) -> Objects:
    sizes_m = [spot.size_m for spot in spots if spot.size_m is not None]
    within, mostly, cells = _places(spots, width_px, height_px)
    return Objects(
        name=name,
        number=len(spots),
        within=within,
        mostly=mostly,
        cells=cells,
        arrangement=_arrangement(spots, width_px, height_px) if len(spots) > 1 else None,
        size_m=(min(sizes_m), max(sizes_m)) if len(sizes_m) == len(spots) else None,
    )


def _places(
    spots: Sequence[Spot], width_px: int, height_px: int
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[tuple[str, int], ...]]:
    """Places that hold all, places that hold most, and the count in each cell where all are clear of the borders."""
    count, clear = len(spots), True
    cells: dict[str, int] = {}
    left = right = upper = lower = 0
    for spot in spots:
        u, v = spot.x / width_px, spot.y / height_px
        if (
            not (0 <= u < 1 and 0 <= v < 1)
            or spot.right - spot.left > 0.6 * width_px
            or spot.bottom - spot.top > 0.6 * height_px
        ):
            return (), (), ()
        near_border = min(abs(u - 1 / 3), abs(u - 2 / 3), abs(v - 1 / 3), abs(v - 2 / 3)) < PLACE_MARGIN
        if near_border:
            clear = False
        else:
            cell = GRID[int(v * 3)][int(u * 3)]
            cells[cell] = cells.get(cell, 0) + 1
        left += u < 0.5 - PLACE_MARGIN
        right += u > 0.5 + PLACE_MARGIN
        upper += v < 0.5 - PLACE_MARGIN
        lower += v > 0.5 + PLACE_MARGIN
    halves = {"left half": left, "right half": right, "upper half": upper, "lower half": lower}
    places = {**cells, **halves}
    inner = tuple(place for place in cells if cells[place] == count)  # a cell says more than the halves around it
    within = inner or tuple(place for place, inside in halves.items() if inside == count)
    mostly = tuple(place for place, inside in places.items() if 0.6 * count <= inside < count) if count > 2 else ()
    return within, mostly, tuple(sorted(cells.items(), key=_most_first)) if clear and len(cells) <= 4 else ()


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return (-item[1], item[0])


def _arrangement(spots: Sequence[Spot], width_px: int, height_px: int) -> str | None:
    xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
    span_x, span_y = max(xs) - min(xs), max(ys) - min(ys)
    if len(spots) >= 3 and _is_row(spots, xs, ys):
        return "row"
    if hypot(span_x, span_y) <= CLUSTER_DIAMETER * hypot(width_px, height_px):
        return "cluster"
    if len(spots) >= 4 and span_x > SCATTER_SPAN * width_px and span_y > SCATTER_SPAN * height_px:
        return "scattered"
    return None


def _is_row(spots: Sequence[Spot], xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Principal axis of the centers: little spread across it, even gaps along it."""
    count = len(spots)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    sxx = sum((x - mean_x) ** 2 for x in xs)
    syy = sum((y - mean_y) ** 2 for y in ys)
    sxy = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    # The eigenvector of the larger eigenvalue of the scatter matrix, in the form that does not cancel.
    half_difference = (sxx - syy) / 2
    root = hypot(half_difference, sxy)
    axis_x, axis_y = (half_difference + root, sxy) if half_difference >= 0 else (sxy, root - half_difference)
    norm = hypot(axis_x, axis_y)
    if norm == 0:
        return False
    axis_x, axis_y = axis_x / norm, axis_y / norm
    along = sorted((x - mean_x) * axis_x + (y - mean_y) * axis_y for x, y in zip(xs, ys, strict=True))
    across = max(abs((y - mean_y) * axis_x - (x - mean_x) * axis_y) for x, y in zip(xs, ys, strict=True))
    length = along[-1] - along[0]
    largest = max(max(spot.right - spot.left, spot.bottom - spot.top) for spot in spots)
    gap = max(after - before for before, after in pairwise(along))
    return across <= ROW_SPREAD * length and length >= ROW_LENGTH * largest and gap <= ROW_GAP * length / (count - 1)


def _near(by_group: Mapping[str, Sequence[Spot]], width_px: int, height_px: int) -> tuple[Near, ...]:
    diagonal = hypot(width_px, height_px)
    found = []
    for subject in sorted(by_group):
        if words.noun(subject).landmark:
            continue
        for landmark in sorted(by_group):
            spots, marks = by_group[subject], by_group[landmark]
            if not words.noun(landmark).landmark or len(spots) * len(marks) > MAX_PAIRS:
                continue
            gaps = [min(_gap(spot, mark) for mark in marks) for spot in spots]
            count = sum(gap <= NEAR * diagonal for gap in gaps)
            if count and count == sum(gap <= NOT_NEAR * diagonal for gap in gaps):
                found.append(Near(subject, count, len(spots), landmark, len(marks)))
    return tuple(found)


def _gap(a: Spot, b: Spot) -> float:
    return hypot(max(a.left - b.right, b.left - a.right, 0.0), max(a.top - b.bottom, b.top - a.bottom, 0.0))
