"""The drawing board of a scene: land cover, things, and which ground is taken."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tasks.download.simulate import shapes
from tasks.download.simulate.geometry import layover_px, shadow_px, sun_shadow_px
from tasks.download.simulate.scene import BARELAND, BUILDING, GRASS, PAVEMENT, ROAD, TREE, WATER, Palette, Thing

T = TypeVar("T")
Point = tuple[float, float]
GROUND = {  # where a thing may stand
    "ship": (WATER,),
    "aircraft": (PAVEMENT,),
    "vehicle": (ROAD, PAVEMENT),
    "storage_tank": (PAVEMENT, BARELAND, GRASS),
    "building": (GRASS, BARELAND, PAVEMENT, TREE),
    "crane": (PAVEMENT,),
}


class Canvas:
    """Draws one scene. Ground that a thing, its layover or its shadows touch is `taken` for later things."""

    def __init__(self, rng: np.random.Generator, *, size_px: int, margin_px: int) -> None:
        self.rng = rng
        self.size, self.margin = size_px, margin_px
        self.n = size_px + 2 * margin_px
        self.cover = Image.new("L", (self.n, self.n), GRASS)
        self.tint = Image.new("L", (self.n, self.n), 0)
        self.taken = Image.new("L", (self.n, self.n), 0)
        self._cover_draw, self._tint_draw = ImageDraw.Draw(self.cover), ImageDraw.Draw(self.tint)
        self._taken_draw = ImageDraw.Draw(self.taken)
        self.things: list[Thing] = []
        self.roads: list[tuple[Point, Point, float]] = []  # from, to, width
        self.crops: list[str] = []
        self.relief = self.noise(6)
        self.palette = Palette(
            water=self.pick(("blue", "dark blue", "green"), (0.45, 0.35, 0.2)),
            grass=self.pick(("green", "light green", "yellow"), (0.5, 0.35, 0.15)),
            bareland=self.pick(("brown", "yellow", "grey"), (0.6, 0.25, 0.15)),
            tree="dark green",
        )

    # chance

    def uniform(self, low: float, high: float) -> float:
        return round(float(self.rng.uniform(low, high)), 6)

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        if weights is None:
            return options[int(self.rng.integers(len(options)))]
        draw, index = self.rng.random() * math.fsum(weights), 0
        while draw >= weights[index] and index < len(options) - 1:
            draw, index = draw - weights[index], index + 1
        return options[index]

    def noise(self, cells: int) -> npt.NDArray[np.float32]:
        """A smooth random field, mean 0 and about unit deviation, with `cells` bumps along a side."""
        coarse = Image.fromarray(self.rng.standard_normal((cells + 2, cells + 2), dtype=np.float32) * np.float32(1.3))
        return np.asarray(coarse.resize((self.n, self.n), Image.Resampling.BICUBIC))

    # ground

    def fill(self, where: npt.NDArray[np.bool_], cover: int) -> None:
        """Give `cover` to a region (N, N)."""
        self.cover.paste(cover, mask=Image.fromarray(where.view(np.uint8) * np.uint8(255)))

    def flood(self, cover: int) -> None:
        """Give `cover` to everything."""
        self.cover.paste(cover, (0, 0, self.n, self.n))

    def area(self, polygon: shapes.Polygon, cover: int, *, tint: int = 0) -> None:
        """Give `cover` to a polygon."""
        flat = polygon.ravel().tolist()
        self._cover_draw.polygon(flat, fill=cover)
        self._tint_draw.polygon(flat, fill=tint)

    def road(self, points: Sequence[Point], *, width: float = 10, verge: float = 10) -> None:
        """Draw a road with a treeless verge; vehicles may later stand on it."""
        for cover, across in ((GRASS, width + 2 * verge), (ROAD, width)):
            if across > width or cover == ROAD:
                for start, end in itertools.pairwise(points):
                    self.area(self.strip(start, end, across), cover)
        self.roads += [(start, end, width) for start, end in itertools.pairwise(points)]

    def strip(self, start: Point, end: Point, width: float) -> shapes.Polygon:
        """A straight band from `start` to `end`, a little longer than both."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        return shapes.rectangle((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, math.hypot(dx, dy) + 1, width,
                                math.degrees(math.atan2(dy, dx)))  # fmt: skip

    def grid(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Canvas coordinates x, y as (1, N) and (N, 1), from −0.5 to 0.5."""
        line = (np.arange(self.n, dtype=np.float32) + np.float32(0.5)) / np.float32(self.n) - np.float32(0.5)
        return line[None, :], line[:, None]

    # things

    def place(self, thing: Thing, *, gap: float = 3.0, edge: float = 2.0) -> bool:
        """Put `thing` down if all of it lies inside the image, on ground that suits it, and the ground is free."""
        low, high = self.margin + edge, self.margin + self.size - edge
        half_l, half_w = thing.length / 2, thing.width / 2
        probe = shapes.put([(u * (half_l + gap), v * (half_w + gap)) for u in _STEPS for v in (-1.0, -0.35, 0.35, 1.0)],
                           thing.x, thing.y, thing.angle_deg)  # fmt: skip
        body = shapes.rectangle(thing.x, thing.y, thing.length, thing.width, thing.angle_deg)
        if thing.kind != "building" and (body.min() < low or body.max() > high):
            return False
        cover, taken = self.cover.load(), self.taken.load()
        assert cover is not None
        assert taken is not None
        for x, y in probe.tolist():
            column, row = int(x), int(y)
            if 0 <= column < self.n and 0 <= row < self.n:
                if cover[column, row] not in GROUND[thing.kind] or taken[column, row]:
                    return False
            elif thing.kind != "building":
                return False
        if thing.moving:  # a wake needs open water behind the ship
            behind = shapes.put([(-thing.length * share, 0.0) for share in (0.7, 0.9, 1.1, 1.3)],
                                thing.x, thing.y, thing.angle_deg).astype(int).tolist()  # fmt: skip
            free = all(
                0 <= x < self.n and 0 <= y < self.n and cover[x, y] == WATER and not taken[x, y] for x, y in behind
            )
            thing = replace(thing, moving=free)
        self.put(thing)
        return True

    def put(self, thing: Thing) -> None:
        """Put `thing` down without asking, and take its ground."""
        self.things.append(thing)
        footprint = shapes.rectangle(thing.x, thing.y, thing.length, thing.width, thing.angle_deg)
        if thing.kind == "building":
            self.area(footprint, BUILDING)
        if thing.moving:
            self._taken_draw.polygon(thing.wake().ravel().tolist(), fill=1)
        reach = {"building": thing.height_m, "storage_tank": thing.height_m}.get(thing.kind, 0.0)
        for dx, dy in ((-layover_px(reach), 0.0), (shadow_px(reach), 0.0), sun_shadow_px(reach)):
            self._taken_draw.polygon(shapes.sweep(footprint, dx, dy).ravel().tolist(), fill=1)

    def block(self, polygon: shapes.Polygon) -> None:
        """Keep later things off a polygon."""
        self._taken_draw.polygon(polygon.ravel().tolist(), fill=1)

    def building(self, x: float, y: float, length: float, width: float, angle: float, *, height_m: float | None = None,
                 colours: Sequence[str] = ("red", "grey", "white", "brown"), gap: float = 2.0) -> bool:  # fmt: skip
        """Try to build a house or hall."""
        height = self.uniform(5, 12) if height_m is None else height_m
        look = "gable" if width < 16 else "flat"
        return self.place(Thing("building", x, y, length, width, angle, height, self.pick(colours), look), gap=gap)

    def traffic(self, count: int) -> int:
        """Put up to `count` cars and lorries on the roads; says how many found room."""
        before = len(self.things)
        for _ in range(count * 6):
            if len(self.things) - before >= count or not self.roads:
                break
            (x0, y0), (x1, y1), width = self.pick(self.roads)
            share, side = self.uniform(0.02, 0.98), self.pick((-1, 1))
            angle = math.degrees(math.atan2(y1 - y0, x1 - x0))
            across = shapes.put([(0.0, side * width / 4)], x0 + share * (x1 - x0), y0 + share * (y1 - y0), angle)[0]
            self.place(self.vehicle(float(across[0]), float(across[1]), angle + (180 if side < 0 else 0)), gap=1.0)
        return len(self.things) - before

    def vehicle(self, x: float, y: float, angle: float) -> Thing:
        """A car, or sometimes a lorry or bus."""
        lorry = self.chance(0.3)
        length, width = (self.uniform(9, 12), 2.8) if lorry else (self.uniform(4.4, 5.2), 2.0)
        colour = self.pick(("white", "red", "black", "blue", "grey"), (0.4, 0.2, 0.15, 0.15, 0.1))
        return Thing("vehicle", x, y, length, width, angle % 360, 3.2 if lorry else 1.6, colour,
                     "lorry" if lorry else "car")  # fmt: skip


_STEPS = tuple(round(-1 + index / 5, 6) for index in range(11))
