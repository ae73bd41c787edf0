"""What annotations say about a scene: boxes and outlines of the drawn bodies, in image px."""

from dataclasses import dataclass

import numpy as np

from tasks.download.simulate import shapes
from tasks.download.simulate.scene import Scene, Thing

UPRIGHT = ("harbor", "storage_tank")  # have no direction


@dataclass(frozen=True)
class Annotation:
    """One object. The body on the ground counts, without layover, shadow or wake."""

    thing: Thing
    outline: shapes.Polygon  # of its largest part that one polygon can say, clipped to the image
    bounds: tuple[float, float, float, float]  # x, y, w, h of the upright box, clipped to the image
    rotated: tuple[float, float, float, float, float | None]  # x, y, w, h, angle_deg as tasks/records.py says


def annotations(scene: Scene) -> list[Annotation]:
    """The annotated objects of `scene` in the order in which they were placed.

    Objects lie inside the image, except bridges and harbors: these are clipped, and a clipped one has no angle.
    """
    found = []
    for thing in scene.annotated():
        parts = [part - scene.margin_px for part in thing.outline()]
        clipped = [part for part in (shapes.clip(part, scene.size_px) for part in parts) if len(part)]
        assert clipped, f"scene {scene.number}: a {thing.kind} lies outside the image"
        points = np.concatenate(clipped)
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        bounds = (round(x0, 2), round(y0, 2), round(x1 - x0, 2), round(y1 - y0, 2))
        every = np.concatenate(parts)
        whole = every.min() >= 0 and every.max() <= scene.size_px
        x, y, (w, h) = thing.x - scene.margin_px, thing.y - scene.margin_px, (thing.length, thing.width)
        rotated: tuple[float, float, float, float, float | None] = (*bounds, None)
        if whole and thing.kind not in UPRIGHT:
            rotated = (
                round(x - w / 2, 2),
                round(y - h / 2, 2),
                round(w, 2),
                round(h, 2),
                round(thing.angle_deg % 180, 2),
            )
        found.append(Annotation(thing, clipped[0], bounds, rotated))
    return found
