"""The optical twin of a scene: the same ground in colour, lit by the sun, seen from straight above."""

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from tasks.download.simulate import shapes, speckle
from tasks.download.simulate.geometry import sun_shadow_px
from tasks.download.simulate.scene import COVER, TREE, WATER, Scene, Thing

Colour = tuple[int, int, int]
SHADE = 0.45  # what is left of the light in a shadow: the sky's
TREE_HEIGHT_M = 6.0


@functools.cache
def colours() -> dict[str, dict[str, Colour]]:
    """The table `colours.yaml`: kind → colour name → sRGB."""
    table = yaml.safe_load(Path(__file__).with_name("colours.yaml").read_text(encoding="utf-8"))
    return {kind: {name: (rgb[0], rgb[1], rgb[2]) for name, rgb in names.items()} for kind, names in table.items()}


def render(scene: Scene) -> npt.NDArray[np.uint8]:
    """The colour image (size_px, size_px, 3) of `scene`, pixel for pixel the place that `radar.render` shows."""
    picture = Image.fromarray(_ground(scene))
    pen = ImageDraw.Draw(picture)
    rng = scene.random("optical")
    for thing in scene.things:
        if thing.moving:
            _wake(pen, thing)
    for thing in scene.things:
        if thing.kind in ("bridge", "harbor", "quay"):
            continue
        _PAINTERS[thing.kind](pen, thing, rng)
    for thing in scene.things:
        if thing.kind == "bridge":
            _bridge(pen, thing)
    low, high = scene.margin_px, scene.margin_px + scene.size_px
    return np.asarray(picture.filter(ImageFilter.BoxBlur(0.5)).crop((low, low, high, high)))


def _ground(scene: Scene) -> npt.NDArray[np.uint8]:
    """Land cover in colour with its texture and all shadows (N, N, 3)."""
    table, palette, size = colours(), scene.palette, scene.cover.shape[0]
    base = np.zeros((9, 16, 3), np.float32)
    for name, shade in (("water", palette.water), ("grass", palette.grass), ("bareland", palette.bareland),
                        ("tree", palette.tree), ("pavement", "grey"), ("road", "grey")):  # fmt: skip
        base[COVER[name]] = table[name][shade]
    for tint, crop in enumerate(scene.crops, start=1):
        base[COVER["cropland"], tint] = table["crop"][crop]
    grain = np.full(9, 0.04, np.float32)  # contrast of the fine texture, and of the relief
    grain[TREE], grain[WATER], grain[COVER["road"]], grain[COVER["pavement"]] = 0.17, 0.035, 0.02, 0.02
    cover = scene.cover.astype(np.intp)
    rng = scene.random("ground colour")
    light = speckle.correlated(rng, size, length_px=2.2) * np.take(grain, cover)
    light += scene.relief * (np.take(grain, cover) * np.float32(0.9))
    light += np.float32(1)
    light *= np.where(_shadows(scene), np.float32(SHADE), np.float32(1))
    colour = np.take(base.reshape(-1, 3), cover * 16 + scene.tint, axis=0)
    colour *= light[..., None]
    return np.clip(colour, 0, 255).astype(np.uint8)


def _shadows(scene: Scene) -> npt.NDArray[np.bool_]:
    size = scene.cover.shape[0]
    layer = Image.new("L", (size, size), 0)
    trees = scene.cover == TREE
    if trees.any():
        crowns = Image.fromarray(trees.view(np.uint8) * np.uint8(255))
        dx, dy = sun_shadow_px(TREE_HEIGHT_M)
        for share in (0.5, 1.0):
            layer = ImageChops.lighter(layer, _moved(crowns, round(dx * share), round(dy * share)))
        layer.paste(0, mask=crowns)
    pen = ImageDraw.Draw(layer)
    for thing in scene.things:
        height = {"ship": 4.0, "aircraft": 4.5, "harbor": 0.0, "quay": 0.0}.get(thing.kind, thing.height_m)
        if height:
            for polygon in thing.outline():
                pen.polygon(shapes.sweep(polygon, *sun_shadow_px(height)).ravel().tolist(), fill=255)
    return np.asarray(layer) > 0


def _moved(layer: Image.Image, dx: int, dy: int) -> Image.Image:
    moved = Image.new("L", layer.size, 0)
    moved.paste(layer, (dx, dy))
    return moved


def _polygon(pen: ImageDraw.ImageDraw, polygon: shapes.Polygon, colour: Colour, *, light: float = 1.0) -> None:
    pen.polygon(polygon.ravel().tolist(), fill=tuple(min(255, round(value * light)) for value in colour))


def _local(thing: Thing, *boxes: tuple[float, float, float, float]) -> list[shapes.Polygon]:
    """Rectangles given as (along, across, length, width) in shares of the thing's length and width."""
    return [
        shapes.put([(u, v) for u, v in (
            ((along - long / 2) * thing.length, (across - wide / 2) * thing.width),
            ((along + long / 2) * thing.length, (across - wide / 2) * thing.width),
            ((along + long / 2) * thing.length, (across + wide / 2) * thing.width),
            ((along - long / 2) * thing.length, (across + wide / 2) * thing.width))],
            thing.x, thing.y, thing.angle_deg)
        for along, across, long, wide in boxes
    ]  # fmt: skip


def _building(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    colour = colours()["roof"][thing.colour]
    _polygon(pen, thing.outline()[0], colour)
    if thing.look == "gable":  # the half that is turned from the sun is darker
        halves = _local(thing, (0, -0.25, 1, 0.5), (0, 0.25, 1, 0.5))
        lit = 0 if 0 < (thing.angle_deg - 60) % 360 < 180 else 1
        _polygon(pen, halves[1 - lit], colour, light=0.78)
    else:
        for _ in range(3):  # plant on a flat roof
            along, across = (float(value) for value in rng.uniform(-0.35, 0.35, 2))
            _polygon(pen, _local(thing, (along, across, 0.08, 0.1))[0], colour, light=0.75)


def _ship(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    table = colours()
    hull = thing.outline()[0]
    _polygon(pen, hull, table["ship"][thing.colour])
    inner = shapes.hull(thing.x, thing.y, thing.length * 0.9, thing.width * 0.62, thing.angle_deg)
    _polygon(pen, inner, table["deck"][thing.colour])
    if thing.look == "cargo":
        names = sorted(table["containers"])
        for index in range(max(2, int(thing.length / 14))):
            along = -0.2 + index * 0.52 / max(2, int(thing.length / 14))
            for side in (-0.2, 0.2):
                shade = table["containers"][names[int(rng.integers(len(names)))]]
                _polygon(pen, _local(thing, (along + 0.04, side, 8 / thing.length, 0.36))[0], shade)
    if thing.look == "tanker":
        _polygon(pen, _local(thing, (0.05, 0, 0.6, 0.08))[0], (120, 116, 110))
    house = {"ferry": (0.0, 0.62, 0.6), "fishing": (0.18, 0.2, 0.6)}.get(thing.look, (-0.36, 0.12, 0.8))
    _polygon(pen, _local(thing, (house[0], 0, house[1], house[2]))[0], (240, 240, 238))


def _wake(pen: ImageDraw.ImageDraw, thing: Thing) -> None:
    wake = thing.wake()
    _polygon(pen, wake, (142, 172, 190))
    axis = (wake + wake[::-1]) / 2
    _polygon(pen, (wake + axis) / 2, (216, 228, 232))


def _aircraft(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    frame = shapes.airframes()[thing.look]
    colour = colours()["aircraft"][thing.colour]
    body, *wings = thing.outline()
    for wing in wings:
        _polygon(pen, wing, colour, light=0.9)
    for side in (-1, 1):
        for across in frame.engines_at_m:
            slope = np.tan(np.radians(frame.sweep_deg))
            along = (-frame.length_m * 0.26 if frame.rear_engines
                     else 0.10 * frame.length_m + frame.chord_m / 2 - slope * across + 0.5)  # fmt: skip
            engine = shapes.put([(along - 2, side * across - 1), (along + 2, side * across - 1),
                                 (along + 2, side * across + 1), (along - 2, side * across + 1)],
                                thing.x, thing.y, thing.angle_deg)  # fmt: skip
            _polygon(pen, engine, (150, 152, 156))
    _polygon(pen, body, colour)
    _polygon(pen, _local(thing, (-0.44, 0, 0.1, 0.025))[0], (60, 90, 160))  # the fin


def _tank(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    colour = colours()["storage_tank"][thing.colour]
    _polygon(pen, thing.outline()[0], colour, light=0.82)
    _polygon(pen, shapes.disc(thing.x, thing.y, thing.length * 0.43), colour)
    _polygon(pen, shapes.disc(thing.x - 0.12 * thing.length, thing.y - 0.2 * thing.length, 2), colour, light=0.7)


def _vehicle(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    colour = colours()["vehicle"][thing.colour]
    _polygon(pen, thing.outline()[0], colour)
    _polygon(pen, _local(thing, (0.2, 0, 0.16, 0.8))[0], colour, light=0.55)


def _crane(pen: ImageDraw.ImageDraw, thing: Thing, rng: np.random.Generator) -> None:
    for part in _local(thing, (0, 0, 1, 0.3), (0.2, 0, 0.15, 2.6)):
        _polygon(pen, part, (206, 150, 52))


def _bridge(pen: ImageDraw.ImageDraw, thing: Thing) -> None:
    for part, colour in zip(_local(thing, (0, 0, 1, 1), (0, 0, 1, 0.72), (0, 0, 1, 0.05)),
                            ((196, 194, 190), (116, 116, 118), (214, 214, 210)), strict=True):  # fmt: skip
        _polygon(pen, part, colour)


_PAINTERS = {"building": _building, "ship": _ship, "aircraft": _aircraft, "storage_tank": _tank, "vehicle": _vehicle,
             "crane": _crane}  # fmt: skip
