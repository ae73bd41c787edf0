"""A box as the facts need it: center, upright hull, long axis, and size in metres where it shows one.

length    the longer side of the box, where that is the object's own: a rotated box, or an upright one at least
          twice as long as wide (the diagonal, upper bound of an inclined object's length, is at most 12 % more)
diameter  the mean side of a box that is nearly square
axis      the long side of a rotated box at least 1.5 times as long as wide, clockwise from the image's right
Objects cut by the image's edge have no measured size; what the source states (AIS) holds for them too.
"""

from collections.abc import Mapping
from math import cos, hypot, radians, sin
from typing import Any, NamedTuple

LONG_ASPECT, ROUND_ASPECT = 2.5, 1.2
AXIS_ASPECT = 2.0


class Spot(NamedTuple):
    """One box; px, degrees and metres."""

    x: float
    y: float
    left: float
    top: float
    right: float
    bottom: float
    breadth_px: float  # the shorter side
    axis_deg: float | None  # 0..180
    size_m: float | None  # length or diameter as measured in the image
    length_m: float | None  # as stated by the source
    width_m: float | None
    heading_deg: float | None


def spot(box: Mapping[str, Any], record: Mapping[str, Any], *, measure: str | None) -> Spot:
    """`box` of `record`, with a size where the class shows one (`measure`)."""
    w, h, angle_deg = box["w"], box["h"], box["angle_deg"]
    x, y = box["x"] + w / 2, box["y"] + h / 2
    half_w, half_h = w / 2, h / 2
    axis_deg = None
    if angle_deg is not None:
        c, s = abs(cos(radians(angle_deg))), abs(sin(radians(angle_deg)))
        half_w, half_h = half_w * c + half_h * s, half_w * s + half_h * c
        if max(w, h) >= AXIS_ASPECT * min(w, h):
            axis_deg = (angle_deg if w >= h else angle_deg + 90) % 180
    left, top, right, bottom = x - half_w, y - half_h, x + half_w, y + half_h
    size_m = None
    if measure is not None and record["pixel_spacing_x_m"] is not None and record["pixel_spacing_y_m"] is not None:
        cut = left < 1 or top < 1 or right > record["width_px"] - 1 or bottom > record["height_px"] - 1
        size_m = None if cut else _size_m(box, record, measure)
    return Spot(
        x, y, left, top, right, bottom, min(w, h), axis_deg,
        size_m, box["length_m"], box["width_m"], box["heading_deg"],
    )  # fmt: skip


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
