"""Outlines of things as polygons: arrays (n, 2) of x, y in px, y downwards, angles clockwise in the image."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks import strict

Polygon = npt.NDArray[np.float64]

HULL = ((-0.50, -0.36), (-0.46, -0.50), (0.26, -0.50), (0.42, -0.28), (0.50, 0.0),
        (0.42, 0.28), (0.26, 0.50), (-0.46, 0.50), (-0.50, 0.36))  # bow at +x; shares of length and width  # fmt: skip


@dataclass(frozen=True)
class Airframe:
    """Plan of an aircraft type in metres, nose towards +x; see `aircraft.yaml`."""

    length_m: float
    span_m: float
    fuselage_m: float  # diameter
    sweep_deg: float  # of the wing's leading edge
    chord_m: float  # of the wing at its root
    tail_span_m: float
    engines_at_m: tuple[float, ...]  # distance of each engine from the centre line, on each side
    rear_engines: bool  # beside the tail instead of below the wing
    tail_height_m: float


@dataclass(frozen=True)
class Airframes:
    """The table `aircraft.yaml`: our class name → airframe."""

    types: dict[str, Airframe]


@functools.cache
def airframes() -> dict[str, Airframe]:
    """Aircraft types by our class name."""
    return strict.load(Airframes, Path(__file__).with_name("aircraft.yaml")).types


def put(points: Sequence[Sequence[float]] | Polygon, x: float, y: float, angle_deg: float) -> Polygon:
    """Turn local `points` clockwise by `angle_deg` and move their origin to (`x`, `y`)."""
    cosine, sine = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    local = np.asarray(points, dtype=np.float64)
    turned = np.stack([local[:, 0] * cosine - local[:, 1] * sine, local[:, 0] * sine + local[:, 1] * cosine], axis=1)
    return np.asarray(np.round(turned + np.array([x, y]), 6))  # so that the last bit of a cosine does not matter


def rectangle(x: float, y: float, length: float, width: float, angle_deg: float) -> Polygon:
    """A rectangle with its centre at (`x`, `y`), its length along `angle_deg`."""
    half_l, half_w = length / 2, width / 2
    return put(((-half_l, -half_w), (half_l, -half_w), (half_l, half_w), (-half_l, half_w)), x, y, angle_deg)


def disc(x: float, y: float, radius: float, *, corners: int = 24) -> Polygon:
    """A circle as a polygon."""
    angles = np.arange(corners) * (2 * math.pi / corners)
    return put(np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius, x, y, 0.0)


def hull(x: float, y: float, length: float, width: float, angle_deg: float) -> Polygon:
    """A ship's outline at the waterline, bow towards `angle_deg`."""
    return put(np.asarray(HULL) * (length, width), x, y, angle_deg)


def fuselage(frame: Airframe, x: float, y: float, angle_deg: float) -> Polygon:
    """Body of an aircraft: a long hexagon with a blunt nose and a pointed tail."""
    half, r = frame.length_m / 2, frame.fuselage_m / 2
    return put(((half, 0), (half - 2.5 * r, -r), (-half + 6 * r, -r), (-half, -0.3 * r), (-half, 0.3 * r),
                (-half + 6 * r, r), (half - 2.5 * r, r)), x, y, angle_deg)  # fmt: skip


def wings(frame: Airframe, x: float, y: float, angle_deg: float) -> list[Polygon]:
    """Left wing, right wing, left and right tailplane."""
    slope = math.tan(math.radians(frame.sweep_deg))
    root = 0.10 * frame.length_m + frame.chord_m / 2
    tail = -frame.length_m / 2 + 0.13 * frame.length_m
    parts = []
    for span, front, chord in ((frame.span_m, root, frame.chord_m), (frame.tail_span_m, tail, 0.45 * frame.chord_m)):
        for side in (-1, 1):
            tip = front - slope * span / 2
            parts.append(put(((front, 0), (tip, side * span / 2), (tip - 0.3 * chord, side * span / 2),
                              (front - chord, 0)), x, y, angle_deg))  # fmt: skip
    return parts


def sweep(polygon: Polygon, dx: float, dy: float = 0.0) -> Polygon:
    """What a convex `polygon` covers while it moves by (`dx`, `dy`): the convex hull of its start and its end."""
    both = np.round(np.concatenate([polygon, polygon + np.array([dx, dy])]), 6)
    points = sorted({(float(x), float(y)) for x, y in both})

    def chain(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        kept: list[tuple[float, float]] = []
        for point in run:
            while len(kept) > 1 and (
                (kept[-1][0] - kept[-2][0]) * (point[1] - kept[-2][1])
                <= (kept[-1][1] - kept[-2][1]) * (point[0] - kept[-2][0])
            ):
                kept.pop()
            kept.append(point)
        return kept[:-1]

    return np.array(chain(points) + chain(points[::-1]))


def clip(polygon: Polygon, size: float) -> Polygon:
    """The part of `polygon` inside the square 0..`size` (Sutherland & Hodgman 1974); (0, 2) where nothing is left."""
    points = [(float(x), float(y)) for x, y in polygon]
    for axis, bound, sign in ((0, 0.0, 1), (0, size, -1), (1, 0.0, 1), (1, size, -1)):
        kept: list[tuple[float, float]] = []
        for index, point in enumerate(points):
            before = points[index - 1]
            inside, was_inside = sign * (point[axis] - bound) >= 0, sign * (before[axis] - bound) >= 0
            if inside != was_inside:
                t = (bound - before[axis]) / (point[axis] - before[axis])
                kept.append((before[0] + t * (point[0] - before[0]), before[1] + t * (point[1] - before[1])))
            if inside:
                kept.append(point)
        points = kept
    return np.round(np.array(points, dtype=np.float64).reshape(-1, 2), 6)
