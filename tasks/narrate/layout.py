"""How the objects of one class lie: places, arrangement, density, common axis. Spots → words' meanings, no language.

What each means in numbers stands in docs/captions.md. The thresholds here keep inside those of truth.py, so that no
borderline case is ever stated; truth.py computes them another way.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import atan2, cos, degrees, hypot, radians, sin, sqrt
from statistics import fmean, median, pstdev

from tasks.narrate.spots import Spot

GRID = (
    ("upper left", "upper center", "upper right"),
    ("middle left", "center", "middle right"),
    ("lower left", "lower center", "lower right"),
)
THIRDS = {
    "left third": tuple(row[0] for row in GRID),
    "right third": tuple(row[2] for row in GRID),
    "upper third": GRID[0],
    "lower third": GRID[2],
}
PLACE_MARGIN = 0.005  # of the image's side: nearer to a border than this, no place is stated
ROW_SPREAD, ROW_LENGTH, ROW_GAP = 0.05, 2.5, 1.5
ROW_GAP_OF_THREE = 1.3  # times the mean gap: at 1.5 one gap is three times the other, two and one rather than three
CLUSTER_DIAMETER = 0.3
SCATTER_SPAN = 0.55
AXES = ("horizontal", "falling", "vertical", "rising")
AXIS_OFF_DEG = 15.0
ALIGNED_DEG = 12.0
SIDE_BY_SIDE = 12  # objects at most
ACROSS = 1.6  # times the displacement along the axis
SIDE_GAP = 1.0  # of the greater width
EVEN_VARIATION, EVEN_DISTANCE = 0.25, 1.35
DENSE_LEAST, DENSE_DISTANCE = 15, 0.04  # of the image diagonal
SPARSE_MOST, SPARSE_DISTANCE = 6, 0.25
MAX_CROWD = 250  # objects of which all distances are computed


def places(
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
    held = {**cells, **halves}
    inner = tuple(place for place in cells if cells[place] == count)  # a cell says more than the halves around it
    within = inner or (
        *(third for third, three in THIRDS.items() if sum(cells.get(cell, 0) for cell in three) == count),
        *(place for place, inside in halves.items() if inside == count),
    )
    mostly = tuple(place for place, inside in held.items() if 0.6 * count <= inside < count) if count > 2 else ()
    return within, mostly, tuple(sorted(cells.items(), key=_most_first)) if clear and len(cells) <= 4 else ()


def _most_first(item: tuple[str, int]) -> tuple[int, str]:
    return (-item[1], item[0])


def axes(spots: Sequence[Spot]) -> tuple[str | None, bool]:
    """The common axis by name, and whether all axes point the same way."""
    angles = [spot.axis_deg for spot in spots if spot.axis_deg is not None]
    if len(angles) < len(spots):
        return None, False
    named = {round(angle / 45) % 4 for angle in angles}
    close = all(abs(angle - 45 * round(angle / 45)) <= AXIS_OFF_DEG for angle in angles)
    around = sorted(angles)
    widest_gap = max(180 + around[0] - around[-1], *(after - before for before, after in pairwise(around)), 0)
    aligned = len(angles) > 1 and 180 - widest_gap <= ALIGNED_DEG
    return AXES[named.pop()] if close and len(named) == 1 else None, aligned


def arrangements(spots: Sequence[Spot], width_px: int, height_px: int, *, aligned: bool, dense: bool) -> list[str]:
    """What may be said of how two or more objects are arranged; no two of the words contradict each other."""
    xs, ys = [spot.x for spot in spots], [spot.y for spot in spots]
    span_x, span_y = max(xs) - min(xs), max(ys) - min(ys)
    found = []
    row_deg = _row_deg(spots, xs, ys) if len(spots) >= 3 else None
    if row_deg is not None:
        found.append("row")
        if all(spot.axis_deg is not None and _turned(spot.axis_deg, row_deg) <= ALIGNED_DEG for spot in spots):
            found.append("convoy")
    elif hypot(span_x, span_y) <= CLUSTER_DIAMETER * hypot(width_px, height_px):
        found.append("cluster")
    elif not dense:
        if len(spots) >= 4 and span_x > SCATTER_SPAN * width_px and span_y > SCATTER_SPAN * height_px:
            found.append("scattered")
        if len(spots) >= 5 and _is_even(spots, width_px * height_px):
            found.append("even")
    if aligned and len(spots) <= SIDE_BY_SIDE and _are_side_by_side(spots):
        found.append("side_by_side")
    return found


def density(spots: Sequence[Spot], width_px: int, height_px: int) -> str | None:
    """`dense`, `sparse` or neither."""
    diagonal = hypot(width_px, height_px)
    if 2 <= len(spots) <= SPARSE_MOST:
        return "sparse" if min(_nearest(spots)) >= SPARSE_DISTANCE * diagonal else None
    if DENSE_LEAST <= len(spots) <= MAX_CROWD:
        return "dense" if median(_nearest(spots)) <= DENSE_DISTANCE * diagonal else None
    return None


def _nearest(spots: Sequence[Spot]) -> list[float]:
    """Distance from each center to the nearest other one."""
    centers = [complex(spot.x, spot.y) for spot in spots]
    return [min([abs(b - a) for b in centers[:index] + centers[index + 1 :]]) for index, a in enumerate(centers)]


def _turned(one_deg: float, other_deg: float) -> float:
    """The angle between two axes, 0..90."""
    between = abs(one_deg - other_deg) % 180
    return min(between, 180 - between)


def _is_even(spots: Sequence[Spot], area_px2: int) -> bool:
    if len(spots) > MAX_CROWD:
        return False
    distances = _nearest(spots)
    mean = fmean(distances)
    least = EVEN_DISTANCE * 0.5 * sqrt(area_px2 / len(spots))
    return mean >= least and pstdev(distances) <= EVEN_VARIATION * mean


def _are_side_by_side(spots: Sequence[Spot]) -> bool:
    """Whether the chain of neighbours across the common axis joins all of them."""
    first_deg = spots[0].axis_deg
    assert first_deg is not None
    mean_deg = first_deg + fmean(((spot.axis_deg or 0) - first_deg + 90) % 180 - 90 for spot in spots)
    c, s = cos(radians(mean_deg)), sin(radians(mean_deg))
    joined, rest = [spots[0]], list(spots[1:])
    for one in joined:
        for other in list(rest):
            dx, dy = other.x - one.x, other.y - one.y
            along, across = abs(dx * c + dy * s), abs(dy * c - dx * s)
            gap = across - (one.breadth_px + other.breadth_px) / 2
            if across > ACROSS * along and gap <= SIDE_GAP * max(one.breadth_px, other.breadth_px):
                joined.append(other)
                rest.remove(other)
    return not rest


def _row_deg(spots: Sequence[Spot], xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Direction of the row that the centers form: little spread across it, even gaps along it; else `None`."""
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
        return None
    axis_x, axis_y = axis_x / norm, axis_y / norm
    along = sorted((x - mean_x) * axis_x + (y - mean_y) * axis_y for x, y in zip(xs, ys, strict=True))
    across = max(abs((y - mean_y) * axis_x - (x - mean_x) * axis_y) for x, y in zip(xs, ys, strict=True))
    length = along[-1] - along[0]
    largest = max(max(spot.right - spot.left, spot.bottom - spot.top) for spot in spots)
    gap = max(after - before for before, after in pairwise(along))
    widest = (ROW_GAP if count > 3 else ROW_GAP_OF_THREE) * length / (count - 1)
    is_row = across <= ROW_SPREAD * length and length >= ROW_LENGTH * largest and gap <= widest
    return degrees(atan2(axis_y, axis_x)) % 180 if is_row else None
