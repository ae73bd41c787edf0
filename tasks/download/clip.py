"""Boxes cut at the edge of an image or of a patch, rotated ones by their true outline."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from tasks.download.formats import Box

Point = tuple[float, float]

_TOUCHES_PX = 1e-6  # corners computed from an angle may miss the edge that they lie on by rounding


@dataclass(frozen=True)
class Window:
    """A rectangle of whole pixels in an image."""

    x: int
    y: int
    w: int
    h: int


def corners(box: Box) -> list[Point]:
    """The four corners of `box` in px, turned clockwise in the image by `angle_deg` around its centre."""
    turn = math.radians(box.angle_deg or 0.0)
    cosine, sine = math.cos(turn), math.sin(turn)
    centre_x, centre_y = box.x + box.w / 2, box.y + box.h / 2
    halves = [(-box.w / 2, -box.h / 2), (box.w / 2, -box.h / 2), (box.w / 2, box.h / 2), (-box.w / 2, box.h / 2)]
    return [(centre_x + dx * cosine - dy * sine, centre_y + dx * sine + dy * cosine) for dx, dy in halves]


def cut(box: Box, window: Window) -> tuple[Box | None, float]:
    """What is left of `box` inside `window`, in the window's coordinates, and which share of its area that is.

    A rotated box that lies wholly inside stays as it is; one that crosses the edge becomes the upright rectangle
    around its remaining outline, for what remains is no rotated rectangle. What the source states of the object (its
    heading, length and width) is true of any part of it and stays. `None` where no area is left.
    """
    if box.angle_deg is None:
        left, top = max(box.x, window.x), max(box.y, window.y)
        right, bottom = min(box.x + box.w, window.x + window.w), min(box.y + box.h, window.y + window.h)
        if not (right > left and bottom > top):
            return None, 0.0
        part = replace(box, x=left - window.x, y=top - window.y, w=right - left, h=bottom - top)
        return part, part.w * part.h / (box.w * box.h)
    outline = [(x - window.x, y - window.y) for x, y in corners(box)]
    if all(_inside(point, window) for point in outline) and box.w > 0 and box.h > 0:
        return replace(box, x=box.x - window.x, y=box.y - window.y), 1.0
    rest = _clip(outline, width=window.w, height=window.h)
    remaining = area(rest)
    if not remaining > 0:
        return None, 0.0
    xs, ys = [x for x, _ in rest], [y for _, y in rest]
    left, top = min(xs), min(ys)
    upright = replace(box, x=left, y=top, w=max(xs) - left, h=max(ys) - top, angle_deg=None)
    return upright, remaining / (box.w * box.h)


def to_image(boxes: Iterable[Box], *, width: int, height: int, where: str) -> tuple[Box, ...]:
    """`boxes` cut to their image of `width` × `height` px.

    Raises `ValueError` naming `where` for a box without area inside: such a box belongs to another image.
    """
    whole = Window(0, 0, width, height)
    kept = []
    for box in boxes:
        part, _ = cut(box, whole)
        if part is None:
            raise ValueError(
                f"{where}: {box.name} box x={box.x:g} y={box.y:g} w={box.w:g} h={box.h:g} has no area inside the "
                f"{width} × {height} px image: check that the annotation belongs to this edition of the image"
            )
        kept.append(part)
    return tuple(kept)


def area(polygon: list[Point]) -> float:
    """Area of a simple polygon in px² (shoelace formula)."""
    turned = polygon[1:] + polygon[:1]
    return abs(math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, turned, strict=True))) / 2


def _inside(point: Point, window: Window) -> bool:
    x, y = point
    return -_TOUCHES_PX <= x <= window.w + _TOUCHES_PX and -_TOUCHES_PX <= y <= window.h + _TOUCHES_PX


def _clip(polygon: list[Point], *, width: float, height: float) -> list[Point]:
    """Sutherland and Hodgman, Communications of the ACM 17 (1974): cut by one edge of the window after the other."""
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        rest: list[Point] = []
        for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            depth_start, depth_end = sign * (start[axis] - limit), sign * (end[axis] - limit)
            if depth_start >= 0:
                rest.append(start)
            if (depth_start > 0 > depth_end) or (depth_start < 0 < depth_end):
                along = depth_start / (depth_start - depth_end)
                crossing = [start[i] + along * (end[i] - start[i]) for i in (0, 1)]
                crossing[axis] = limit
                rest.append((crossing[0], crossing[1]))
        polygon = rest
    return polygon
