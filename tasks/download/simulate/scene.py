"""The description of a simulated place: what lies where. Radar, optical twin, annotations and captions follow it."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from tasks.download.simulate import shapes
from tasks.download.simulate.geometry import PIXEL_SPACING_M

COVER = {"bareland": 1, "grass": 2, "pavement": 3, "road": 4, "tree": 5, "water": 6, "cropland": 7, "building": 8}
BARELAND, GRASS, PAVEMENT, ROAD, TREE, WATER, CROPLAND, BUILDING = range(1, 9)  # OpenEarthMap's ids
OBJECTS = ("aircraft", "bridge", "harbor", "ship", "storage_tank", "vehicle")  # kinds that are annotated
THEMES = {
    "ships": ("sea", "coast", "harbor", "river"),
    "aircraft": ("airport",),
    "landcover": ("residential", "industrial", "farmland", "forest", "lake", "bareland", "river"),
    "pairs": ("sea", "coast", "harbor", "river", "airport", "tank_farm", "residential", "industrial", "farmland",
              "forest", "lake", "bareland"),
    "bare": ("sea", "coast", "harbor", "river", "airport", "tank_farm", "residential", "industrial", "farmland",
             "forest", "lake", "bareland"),
    "optical": ("sea", "coast", "harbor", "river", "airport", "tank_farm", "residential", "industrial", "farmland",
                "forest", "lake", "bareland"),
}  # fmt: skip


@dataclass(frozen=True)
class Thing:
    """Something that stands on the ground. Coordinates are canvas px: image px plus the scene's margin."""

    kind: str  # one of OBJECTS, or building, crane or quay, which have no box
    x: float  # centre
    y: float
    length: float  # along `angle_deg`, px
    width: float
    angle_deg: float  # of the bow, nose or long side, clockwise from +x
    height_m: float
    colour: str = ""  # name in colours.yaml
    look: str = ""  # type of an aircraft, sort of a ship or roof
    moving: bool = False  # a ship with a wake
    moored: bool = False  # a ship beside a pier

    def outline(self) -> list[shapes.Polygon]:
        """What the thing covers on the ground, without layover and shadow."""
        if self.kind == "ship":
            return [shapes.hull(self.x, self.y, self.length, self.width, self.angle_deg)]
        if self.kind == "storage_tank":
            return [shapes.disc(self.x, self.y, self.length / 2)]
        if self.kind == "aircraft":
            frame = shapes.airframes()[self.look]
            body = shapes.fuselage(frame, self.x, self.y, self.angle_deg)
            return [body, *shapes.wings(frame, self.x, self.y, self.angle_deg)]
        return [shapes.rectangle(self.x, self.y, self.length, self.width, self.angle_deg)]

    def wake(self) -> shapes.Polygon:
        """The broken water behind a moving ship."""
        half, stern, end = self.width / 2, -self.length * 0.45, -self.length * 1.25
        return shapes.put(((stern, -0.24 * half), (end, -half), (end, half), (stern, 0.24 * half)),
                          self.x, self.y, self.angle_deg)  # fmt: skip


@dataclass(frozen=True)
class Palette:
    """Colour names of a scene, keys of colours.yaml."""

    water: str
    grass: str
    bareland: str
    tree: str


@dataclass(frozen=True)
class Scene:
    """A place. `cover`, `tint` and `relief` are (N, N) with N = size_px + 2 margin_px."""

    number: int
    theme: str
    seed: int
    size_px: int
    margin_px: int
    cover: npt.NDArray[np.uint8]  # id of COVER
    tint: npt.NDArray[np.uint8]  # 0 plain, else which crop grows there
    relief: npt.NDArray[np.float32]  # smooth, mean 0, about unit deviation: moisture and brightness follow it
    crops: tuple[str, ...]  # colour names by tint, from 1
    things: tuple[Thing, ...]
    palette: Palette

    def annotated(self) -> list[Thing]:
        """The things that have a box, in the order in which they were placed."""
        return [thing for thing in self.things if thing.kind in OBJECTS]

    def random(self, purpose: str) -> np.random.Generator:
        """A random stream of its own for each purpose, so that one renderer does not shift another."""
        return generator(self.seed, self.number, purpose)

    def crop(self, canvas: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cut the margin off a canvas array."""
        return canvas[self.margin_px : self.margin_px + self.size_px, self.margin_px : self.margin_px + self.size_px]

    def mask(self) -> npt.NDArray[np.uint8]:
        """Land cover ids of the image, 0 where an annotated thing other than a bridge or harbor hides the ground."""
        from PIL import Image, ImageDraw

        canvas = Image.fromarray(self.cover)
        draw = ImageDraw.Draw(canvas)
        for thing in self.annotated():
            for polygon in thing.outline() if thing.kind not in ("bridge", "harbor") else ():
                draw.polygon(polygon.ravel().tolist(), fill=0)
        return np.ascontiguousarray(self.crop(np.asarray(canvas)))


def generator(seed: int, number: int, purpose: str) -> np.random.Generator:
    """The random stream for one purpose in one scene."""
    return np.random.default_rng([seed, number, int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:4], "big")])


def theme_of(number: int, *, world: str, seed: int) -> str:
    """The theme of scene `number`: the first of its own order of all themes that `world` knows.

    Two worlds that both know a scene's first theme therefore show the same place under the same number.
    """
    order = generator(seed, number, "theme").permutation(len(THEMES["optical"]))
    names: list[str] = [THEMES["optical"][index] for index in order.tolist()]
    return next(name for name in names if name in THEMES[world])


def margin_px(size_px: int) -> int:
    """Border around the image, at least 7 px, that keeps side lobes from wrapping around and suits the FFT."""
    size = next(size for size in range(size_px + 14, 2 * size_px + 32, 2) if fft.next_fast_len(size) == size)
    return (size - size_px) // 2


def scene(number: int, *, world: str, seed: int, size_px: int) -> Scene:
    """Describe scene `number` of `world`; equal arguments give the equal scene.

    Raises:
        ValueError: `size_px` is below 192: the things of the world, up to 100 m long, would not fit.
    """
    if size_px < 192:
        raise ValueError(f"simulated scenes need size_px of at least 192 (at {PIXEL_SPACING_M:g} m), got {size_px}")
    from tasks.download.simulate import themes_land, themes_water
    from tasks.download.simulate.canvas import Canvas

    theme = theme_of(number, world=world, seed=seed)
    canvas = Canvas(generator(seed, number, "scene"), size_px=size_px, margin_px=margin_px(size_px))
    {**themes_water.THEMES, **themes_land.THEMES}[theme](canvas)
    return Scene(number=number, theme=theme, seed=seed, size_px=size_px, margin_px=canvas.margin,
                 cover=np.array(canvas.cover), tint=np.array(canvas.tint), relief=canvas.relief,
                 crops=tuple(canvas.crops), things=tuple(canvas.things), palette=canvas.palette)  # fmt: skip
