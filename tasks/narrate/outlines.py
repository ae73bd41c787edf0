"""The raw geometry of boxes as the judges see it: points are complex numbers, x + iy in px, y downwards.

Shares nothing with facts.py, so that a mistake there is not made here again.
"""

import cmath
import math
from collections.abc import Sequence

from tasks.narrate.judging import Box

SLENDER = 1.5  # length by width, from which on a rotated box has an axis


def center(box: Box) -> complex:
    return complex(box["x"] + box["w"] / 2, box["y"] + box["h"] / 2)


def corners(box: Box) -> list[complex]:
    """The four corners, going round."""
    turn = cmath.rect(1, math.radians(box["angle_deg"] or 0))
    halves = complex(box["w"], box["h"]) / 2
    return [center(box) + corner * turn for corner in (halves, halves.conjugate(), -halves, -halves.conjugate())]


def hull(box: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the upright rectangle around the box."""
    points = corners(box)
    xs, ys = [point.real for point in points], [point.imag for point in points]
    return min(xs), min(ys), max(xs), max(ys)


def apart(a: Box, b: Box) -> float:
    """Between the upright hulls in px, 0 where they touch."""
    (left, top, right, bottom), (left_b, top_b, right_b, bottom_b) = hull(a), hull(b)
    return math.dist((0, 0), (max(0, left_b - right, left - right_b), max(0, top_b - bottom, top - bottom_b)))


def long_side(box: Box) -> complex | None:
    """Direction of the long side, length 1, of a rotated box that is slender enough to have one, else `None`."""
    if box["angle_deg"] is None:
        return None
    one, two, three, _ = corners(box)
    sides = sorted((two - one, three - two), key=abs)
    if abs(sides[0]) * SLENDER > abs(sides[1]) * (1 + 1e-9) or not abs(sides[1]):
        return None
    return sides[1] / abs(sides[1])


def between_deg(a: complex, b: complex) -> float:
    """Angle between two lines, 0..90 degrees: squared, a direction and its opposite are the same."""
    return abs(math.degrees(cmath.phase((a * b.conjugate()) ** 2))) / 2


def nearest_px(centers: Sequence[complex]) -> list[float]:
    """The distances of all centers, from left to right, to the nearest other one; infinite for a single one."""
    ordered = sorted(centers, key=lambda point: point.real)
    found = []
    for index, own in enumerate(ordered):
        best = math.inf
        for step in (1, -1):
            other = index + step
            while 0 <= other < len(ordered) and abs(ordered[other].real - own.real) < best:
                best = min(best, abs(ordered[other] - own))
                other += step
        found.append(best)
    return found
