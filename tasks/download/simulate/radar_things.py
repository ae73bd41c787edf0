"""Echoes of things: what they add to the radar's picture, and what they hide.

Layover moves high parts towards the sensor (−x), shadow darkens the ground behind (+x), a wall that faces the sensor
makes a corner with the ground (double bounce) that lies at the wall's foot. Bridges over water show a line each for
single, double and triple bounce: U. Soergel, E. Cadario, A. Thiele, U. Thoennessen, "Feature extraction and
visualization of bridges over water from high-resolution InSAR data and one orthophoto", IEEE JSTARS 1, 2008.
"""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from tasks.download.simulate import shapes
from tasks.download.simulate.geometry import layover_px, shadow_px
from tasks.download.simulate.scene import Thing

if TYPE_CHECKING:
    from tasks.download.simulate.radar import Backscatter

CODE_ZERO_DB, CODES_PER_DB = 128, 4  # a layer holds decibels in quarter steps; 0 is nothing
_LEVELS = np.array([0.0, *(round(10 ** ((code - CODE_ZERO_DB) / CODES_PER_DB / 10), 9) for code in range(1, 256))],
                   dtype=np.float32)  # fmt: skip


class Echoes:
    """Layers that the things of one scene fill: shadow, surfaces in dB, point scatterers."""

    def __init__(self, size: int, rng: np.random.Generator, table: "Backscatter") -> None:
        self._rng, self._table, self._size = rng, table, size
        self._shadow, self._surface = Image.new("L", (size, size), 0), Image.new("L", (size, size), 0)
        self._shadow_pen, self._surface_pen = ImageDraw.Draw(self._shadow), ImageDraw.Draw(self._surface)
        self._points = np.zeros((size, size), np.complex64)

    def shadow_mask(self) -> npt.NDArray[np.bool_]:
        """Ground that the radar does not see (N, N)."""
        return np.asarray(self._shadow) > 0

    def surface(self) -> npt.NDArray[np.float32]:
        """Backscatter that things add (N, N), linear."""
        return np.take(_LEVELS, np.asarray(self._surface))

    def points(self) -> npt.NDArray[np.complex64]:
        """Complex amplitudes of the point scatterers (N, N)."""
        return self._points

    def draw(self, thing: Thing) -> None:
        """Add the echoes of one thing."""
        match thing.kind:
            case "building":
                self._building(thing)
            case "ship":
                self._ship(thing)
            case "aircraft":
                self._aircraft(thing)
            case "storage_tank":
                self._tank(thing)
            case "bridge":
                self._bridge(thing)
            case "vehicle":
                self._vehicle(thing)
            case "crane":
                self._crane(thing)
            case "quay":
                self._corners(thing.outline()[0], "quay")
            case "harbor":
                pass  # its pavement is land cover; its cranes, halls and ships are things of their own
            case _:
                raise AssertionError(f"no echo for a {thing.kind}")

    def _fill(self, polygon: shapes.Polygon, level_db: float) -> None:
        self._surface_pen.polygon(polygon.ravel().tolist(), fill=_code(level_db))

    def _line(self, polygon: npt.NDArray[np.float64], level_db: float, width: int = 1) -> None:
        self._surface_pen.line(polygon.ravel().tolist(), fill=_code(level_db), width=width)

    def _hide(self, polygon: shapes.Polygon, height_m: float) -> None:
        self._shadow_pen.polygon(shapes.sweep(polygon, shadow_px(height_m)).ravel().tolist(), fill=255)

    def _point(self, x: float, y: float, name: str, *, height_m: float = 0.0) -> None:
        """A point scatterer: its energy over the area of a px is its radar cross-section (a px is 1 m²)."""
        mean_db, spread_db = self._table.points_db[name]
        level = 10 ** ((mean_db + spread_db * float(self._rng.standard_normal())) / 20)
        phase = 2 * math.pi * float(self._rng.random())
        column, row = math.floor(x - layover_px(height_m)), math.floor(y)
        if 0 <= column < self._size and 0 <= row < self._size:
            self._points[row, column] += np.complex64(complex(level * math.cos(phase), level * math.sin(phase)))

    def _corners(
        self, polygon: shapes.Polygon, name: str, *, wall_db: float | None = None, height_m: float = 0.0
    ) -> None:
        """Walls that face the sensor: their layover, and the corner with the ground at their foot."""
        ends = np.roll(polygon, -1, axis=0)
        turn = _area(polygon)
        for start, end in zip(polygon, ends, strict=True):
            dx, dy = float(end[0] - start[0]), float(end[1] - start[1])
            length = math.hypot(dx, dy)
            if length < 1e-6:
                continue
            facing = -dy / length if turn > 0 else dy / length  # cosine between outward normal and the sensor
            if facing <= 0.05:
                continue
            if wall_db is not None:
                shift = (-layover_px(height_m), 0.0)
                self._fill(np.array([start, end, end + shift, start + shift]), wall_db + 3 * (facing - 1))
            off_deg = math.degrees(math.acos(min(1.0, facing)))
            level = self._table.dihedral_db[name] - self._table.dihedral_fade_db_per_deg * off_deg
            self._line(np.array([start, end]), level)

    def _building(self, thing: Thing) -> None:
        walls = thing.outline()[0]
        self._hide(walls, thing.height_m)
        self._fill(walls - (layover_px(thing.height_m), 0.0), self._table.surface_db["roof"])
        self._corners(walls, "building", wall_db=self._table.surface_db["wall"], height_m=thing.height_m)

    def _ship(self, thing: Thing) -> None:
        hull = thing.outline()[0]
        if thing.moving:
            self._shadow_pen.polygon(thing.wake().ravel().tolist(), fill=255)  # the turbulent wake damps the waves
        self._hide(hull, 3.0)
        self._fill(hull, self._table.surface_db["hull"] + 2.5 * float(self._rng.standard_normal()))
        self._corners(hull, "ship")
        bridge = {"ferry": 0.0, "fishing": 0.18}.get(thing.look, -0.36)  # where the superstructure stands, shares
        for _ in range(4 + int(thing.length / 20)):
            self._scatter(thing, (bridge - 0.08, bridge + 0.08), 0.38, "superstructure", height_m=2.0)
        masts = {"tanker": 0.08, "ferry": 0.75}.get(thing.look, 0.4)  # how far deck gear strays from the centre line
        for _ in range(int(thing.length / (5 if thing.look == "cargo" else 8))):
            self._scatter(thing, (-0.4, 0.42), masts * 0.45, "deck", height_m=1.0)

    def _scatter(self, thing: Thing, along: tuple[float, float], across: float, name: str, *, height_m: float) -> None:
        u = float(self._rng.uniform(*along)) * thing.length
        v = float(self._rng.uniform(-across, across)) * thing.width
        (x, y), *_ = shapes.put([(u, v)], thing.x, thing.y, thing.angle_deg).tolist()
        self._point(x, y, name, height_m=height_m)

    def _aircraft(self, thing: Thing) -> None:
        frame = shapes.airframes()[thing.look]
        body, *wings = thing.outline()
        self._hide(body, 5.0)
        for wing in wings[:2]:
            self._hide(wing, 3.0)
        for wing in wings:
            self._fill(wing, self._table.surface_db["wing"])
        self._fill(body, self._table.surface_db["fuselage"])
        self._corners(body, "aircraft")
        for name, u, v in airframe_points(frame):
            (x, y), *_ = shapes.put([(u, v)], thing.x, thing.y, thing.angle_deg).tolist()
            self._point(x, y, name)
        for wing in wings[:2]:  # the leading edge glints when it faces the sensor
            self._corners(wing[[0, 1, 2, 3]], "aircraft")

    def _tank(self, thing: Thing) -> None:
        base = thing.outline()[0]
        top = base - (layover_px(thing.height_m), 0.0)
        self._hide(base, thing.height_m)
        self._fill(shapes.sweep(base, -layover_px(thing.height_m)), self._table.surface_db["tank_wall"] - 4)
        self._fill(top, self._table.surface_db["tank_roof"])
        self._line(np.concatenate([top, top[:1]]), self._table.surface_db["tank_wall"] + 2)  # the rim
        self._corners(base, "tank")
        self._point(thing.x - thing.length / 2, thing.y, "tank")
        self._point(thing.x - thing.length / 2, thing.y, "tank", height_m=thing.height_m)
        self._point(thing.x + thing.length / 2, thing.y, "tank", height_m=thing.height_m)

    def _bridge(self, thing: Thing) -> None:
        deck = thing.outline()[0]
        self._hide(deck, 1.0)
        self._fill(deck - (layover_px(thing.height_m), 0.0), self._table.surface_db["deck"])
        axis = shapes.put([(-thing.length / 2, 0.0), (thing.length / 2, 0.0)], thing.x, thing.y, thing.angle_deg)
        turned = abs(
            math.sin(math.radians(thing.angle_deg))
        )  # 1: the bridge lies along azimuth, its side to the sensor
        for bounce, loss_db in ((-1, 0.0), (0, 2.0), (1, 6.0)):
            line = axis + np.array([bounce * layover_px(thing.height_m), 0.0])
            self._line(line, self._table.dihedral_db["bridge"] - loss_db - 14 * (1 - turned), width=2)
        for share in np.linspace(-0.5, 0.5, max(3, int(thing.length / 9))).tolist():  # lamps, joints, railings
            (x, y), *_ = shapes.put([(share * thing.length, 0.0)], thing.x, thing.y, thing.angle_deg).tolist()
            self._point(x, y, "railing", height_m=thing.height_m)

    def _vehicle(self, thing: Thing) -> None:
        body = thing.outline()[0]
        self._hide(body, thing.height_m)
        self._fill(body, self._table.surface_db["vehicle"])
        for share in (-0.35, 0.35):
            (x, y), *_ = shapes.put([(share * thing.length, 0.0)], thing.x, thing.y, thing.angle_deg).tolist()
            self._point(x, y, "vehicle")

    def _crane(self, thing: Thing) -> None:
        for _ in range(6):
            self._scatter(thing, (-0.5, 0.5), 0.5, "crane", height_m=float(self._rng.uniform(0, 0.5)) * thing.height_m)


def airframe_points(frame: shapes.Airframe) -> list[tuple[str, float, float]]:
    """Scattering centres of an aircraft as (name, along, across) in metres from its middle, nose at +along."""
    half, slope = frame.length_m / 2, math.tan(math.radians(frame.sweep_deg))
    root = 0.10 * frame.length_m + frame.chord_m / 2
    points = [("nose", half - 0.5, 0.0), ("cockpit", half - 3.0, 0.0), ("tail", -half + 2.5, 0.0)]
    for side in (-1, 1):
        points.append(("wing_root", root - frame.chord_m / 2, side * frame.fuselage_m / 2))
        points.append(("wing_tip", root - slope * frame.span_m / 2, side * frame.span_m / 2 * 0.98))
        points.append(("tail", -half + 2.0, side * frame.tail_span_m / 2))
        for across in frame.engines_at_m:
            along = -half + 0.24 * frame.length_m if frame.rear_engines else root - slope * across + 1.5
            points.append(("engine", along, side * across))
    steps = int(frame.length_m / 7)
    points += [("fuselage", -half + (index + 0.5) * frame.length_m / steps, 0.0) for index in range(steps)]
    return points


def _code(level_db: float) -> int:
    return min(255, max(1, round(level_db * CODES_PER_DB) + CODE_ZERO_DB))


def _area(polygon: shapes.Polygon) -> float:
    """Signed area: positive where the corners run clockwise in the image (y downwards)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
