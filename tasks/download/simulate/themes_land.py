"""Places on land: airport, tank farm, houses, halls, fields, forest, lake, open ground."""

import math
from collections.abc import Callable

from tasks.download.simulate import shapes
from tasks.download.simulate.canvas import Canvas, Point
from tasks.download.simulate.scene import BARELAND, CROPLAND, GRASS, PAVEMENT, TREE, WATER, Thing

COMMON_TYPES = ("a220", "a320_a321", "a330", "arj21", "boeing737", "boeing787", "other_aircraft")


def _frame(c: Canvas, angle: float) -> Callable[[float, float], Point]:
    """Coordinates along and across `angle` from the middle of the scene, as canvas coordinates."""

    def at(along: float, across: float) -> Point:
        point = shapes.put([(along, across)], c.n / 2, c.n / 2, angle)[0]
        return float(point[0]), float(point[1])

    return at


def aircraft(c: Canvas, x: float, y: float, angle: float, look: str) -> Thing:
    """An aircraft of type `look`."""
    frame = shapes.airframes()[look]
    colour = c.pick(("white", "grey", "blue"), (0.75, 0.15, 0.1))
    return Thing("aircraft", x, y, frame.length_m, frame.span_m, angle % 360, frame.tail_height_m, colour, look)


def airport(c: Canvas) -> None:
    """An apron with parked aircraft in rows or scattered; terminal, taxiway or runway beside it."""
    c.fill(c.noise(5) > c.uniform(0.6, 1.6), BARELAND)
    angle = c.pick((0, 90)) + c.uniform(-30, 30)
    at = _frame(c, angle)
    depth = c.uniform(120, 190)
    top = c.uniform(-115, -60)  # of the apron, across
    c.area(c.strip(at(-400, top + depth / 2), at(400, top + depth / 2), depth), PAVEMENT)
    if c.chance(0.6):  # the runway, beyond a strip of grass
        runway = top + depth + c.uniform(28, 45)
        c.area(c.strip(at(-400, runway + 15), at(400, runway + 15), 30), PAVEMENT)
        taxi = c.uniform(-90, 90)
        c.area(c.strip(at(taxi, top + depth - 4), at(taxi, runway + 4), 18), PAVEMENT)
    if c.chance(0.6):
        for index in range(-2, 3):
            if c.chance(0.65):
                c.building(*at(index * 66, top - 16), c.uniform(44, 62), c.uniform(20, 26), angle,
                           height_m=c.uniform(8, 14), colours=("white", "grey", "blue"))  # fmt: skip
    count = c.pick(range(9), (0.06, 0.16, 0.18, 0.16, 0.14, 0.12, 0.08, 0.06, 0.04))
    looks = [c.pick(COMMON_TYPES) for _ in range(1 if c.chance(0.45) else 3)]
    if c.chance(0.55):
        _park_in_rows(c, at, count, looks=looks, nose=angle - 90 + c.pick((0, 180)), top=top, depth=depth)
    else:
        left = count
        for _ in range(count * 12):
            if left:
                there = at(c.uniform(-140, 140), c.uniform(top + 20, top + depth - 20))
                left -= c.place(aircraft(c, *there, c.uniform(0, 360), c.pick(looks)), gap=1.5)


def _park_in_rows(c: Canvas, at: Callable[[float, float], Point], count: int, *, looks: list[str], nose: float,
                  top: float, depth: float) -> None:  # fmt: skip
    """Aircraft side by side, noses alike, one row or two."""
    along, across, first = -110 + c.uniform(0, 30), top + 36.0, True
    for _ in range(4 * count):
        if not count:
            return
        look = c.pick(looks)
        span = shapes.airframes()[look].span_m
        if along + span > 125:
            if not first or depth < 130:
                return
            along, across, first = -110 + c.uniform(0, 30), top + depth - 36, False
        count -= c.place(aircraft(c, *at(along + span / 2, across), nose, look), gap=1.0)
        along += span + 7


def tank_farm(c: Canvas) -> None:
    """Storage tanks in a grid on a bunded yard, with a road and some sheds."""
    c.fill(c.noise(5) > c.uniform(0, 1.2), BARELAND)
    c.fill(c.noise(7) > c.uniform(0.7, 1.5), TREE)
    angle = c.uniform(-40, 40)
    at = _frame(c, angle)
    radius, pitch = c.uniform(10, 18), c.uniform(14, 26)
    pitch += 2 * radius
    columns, rows = c.integer(1, 4), c.integer(1, 3)
    shift = (c.uniform(-30, 30), c.uniform(-30, 30))
    c.area(shapes.rectangle(*at(*shift), columns * pitch + 16, rows * pitch + 16, angle), c.pick((PAVEMENT, BARELAND)))
    road = shift[1] + rows * pitch / 2 + 18
    c.road([at(-400, road), at(400, road)], verge=2)
    if c.chance(0.5):
        side = shift[0] - columns * pitch / 2 - 18
        c.road([at(side, -400), at(side, 400)], verge=2)
    colour = c.pick(("white", "grey", "white"))
    height = c.uniform(8, 13)
    for column in range(columns):
        for row in range(rows):
            if c.chance(0.88) or column == row == 0:
                there = at(shift[0] + (column - (columns - 1) / 2) * pitch, shift[1] + (row - (rows - 1) / 2) * pitch)
                c.place(Thing("storage_tank", *there, 2 * radius, 2 * radius, 0.0, height, colour), gap=1.0)
    for _ in range(c.integer(0, 6)):
        c.building(*at(c.uniform(-120, 120), c.uniform(-120, 120)), c.uniform(16, 30), c.uniform(12, 18), angle,
                   colours=("grey", "blue", "white"))  # fmt: skip
    c.traffic(c.integer(0, 4))


def residential(c: Canvas) -> None:
    """Houses along a grid of streets, gardens with trees, cars."""
    c.fill(c.noise(22) > c.uniform(0.7, 1.4), TREE)
    angle = c.uniform(-45, 45)
    at = _frame(c, angle)
    dense = c.chance(0.5)
    block, cross = (c.uniform(62, 76), c.uniform(95, 150)) if dense else (c.uniform(80, 120), c.uniform(130, 220))
    start, side = c.uniform(-40, 0), c.uniform(-60, 0)
    streets = [start + index * block for index in range(-3, 4)]
    for street in streets:
        c.road([at(-400, street), at(400, street)], verge=3)
    for index in range(-2, 3):
        c.road([at(side + index * cross, -400), at(side + index * cross, 400)], verge=2)
    colours = c.pick((("red",), ("grey",), ("red", "brown"), ("white", "grey"), ("blue", "white")))
    step, share = (c.uniform(24, 28), 0.88) if dense else (c.uniform(34, 46), 0.6)
    for street in streets:
        for side_of_street in (-1, 1):
            along = -190.0
            while along < 190:
                if c.chance(share):
                    there = at(along, street + side_of_street * c.uniform(19, 21))
                    if -12 < there[0] < c.n + 12 and -12 < there[1] < c.n + 12:
                        c.building(*there, c.uniform(13, 18), c.uniform(10, 13), angle, colours=colours,
                                   height_m=c.uniform(5, 8), gap=1.0)  # fmt: skip
                along += step
    c.traffic(c.pick(range(9), (0.15, 0.1, 0.12, 0.13, 0.13, 0.12, 0.1, 0.08, 0.07)))


def industrial(c: Canvas) -> None:
    """Large halls and a car park."""
    c.fill(c.noise(8) > c.uniform(0.7, 1.6), TREE)
    angle = c.uniform(-40, 40)
    at = _frame(c, angle)
    street = c.uniform(-20, 20)
    c.road([at(-400, street), at(400, street)], width=12, verge=4)
    side = c.pick((-1, 1))
    lot = (c.uniform(-60, 60), street + side * 62)
    length, width = c.uniform(90, 140), c.uniform(54, 78)
    c.area(shapes.rectangle(*at(*lot), length, width, angle), PAVEMENT)
    for row in range(int((width - 14) // 15)):
        for stall in range(int((length - 12) // 9)):
            if c.chance(0.28):
                there = at(lot[0] - length / 2 + 9 + stall * 9, lot[1] - width / 2 + 11 + row * 15)
                c.place(c.vehicle(*there, angle + 90), gap=0.5)
    halls = c.integer(2, 4)
    for index in range(halls):
        c.building(*at((index - (halls - 1) / 2) * 86, street - side * 62), c.uniform(46, 68), c.uniform(30, 52), angle,
                   height_m=c.uniform(8, 14), colours=("grey", "blue", "white", "red"))  # fmt: skip
    for _ in range(c.integer(0, 3)):
        c.building(*at(c.uniform(-140, 140), street + side * 120), c.uniform(24, 44), c.uniform(16, 30), angle)


def farmland(c: Canvas) -> None:
    """A patchwork of fields with tracks, a farm and some trees."""
    angle = c.uniform(0, 90)
    at = _frame(c, angle)
    c.crops = [c.pick(("green", "light green", "yellow", "brown")) for _ in range(c.integer(2, 4))]
    wide, tall = c.uniform(46, 120), c.uniform(40, 80)
    for column in range(-5, 6):
        shift = c.uniform(-tall / 2, tall / 2)
        for row in range(-6, 7):
            centre = at(column * wide, row * tall + shift)
            if abs(centre[0] - c.n / 2) < c.n / 2 + wide and abs(centre[1] - c.n / 2) < c.n / 2 + wide:
                cover = CROPLAND if c.chance(0.92) else c.pick((GRASS, BARELAND))
                c.area(shapes.rectangle(*centre, wide - 2, tall - 2, angle), cover, tint=c.integer(1, len(c.crops)))
    if c.chance(0.3):
        c.area(shapes.disc(c.uniform(40, c.n - 40), c.uniform(40, c.n - 40), c.uniform(14, 30)), WATER)
    if c.chance(0.7):
        c.road([at(-400, c.uniform(-60, 60)), at(400, c.uniform(-60, 60))], width=8, verge=4)
    if c.chance(0.4):
        c.fill(c.noise(5) > c.uniform(1.2, 1.7), TREE)
    if c.chance(0.5):
        yard = (c.uniform(-80, 80), c.uniform(-80, 80))
        c.area(shapes.rectangle(*at(*yard), 70, 60, angle), GRASS)
        for _ in range(c.integer(2, 5)):
            c.building(*at(yard[0] + c.uniform(-24, 24), yard[1] + c.uniform(-20, 20)), c.uniform(14, 24),
                       c.uniform(10, 15), angle, gap=1.0)  # fmt: skip
    c.traffic(c.integer(0, 1))


def forest(c: Canvas) -> None:
    """Forest with clearings, sometimes a road through it."""
    c.fill(c.noise(4) > c.uniform(-1.4, -0.5), TREE)
    if c.chance(0.3):
        c.fill(c.noise(5) > 1.3, BARELAND)
    if c.chance(0.6):
        bend = (c.uniform(0, c.n), c.uniform(0.3, 0.7) * c.n)
        ends = ((-20.0, c.uniform(0, c.n)), (c.n + 20.0, c.uniform(0, c.n)))
        flip = c.chance(0.5)
        points = [ends[0], bend, ends[1]]
        c.road([(y, x) for x, y in points] if flip else points, verge=6)
        c.traffic(c.integer(0, 2))
    for _ in range(c.integer(0, 4)):
        c.building(c.uniform(0, c.n), c.uniform(0, c.n), c.uniform(13, 20), c.uniform(10, 14), c.uniform(0, 180))


def lake(c: Canvas) -> None:
    """A lake in grass or bare land, trees at its shore."""
    if c.chance(0.35):
        c.flood(BARELAND)
    x, y = c.grid()
    stretch = c.uniform(0.5, 1.0)
    centre, radius = (c.uniform(-0.15, 0.15), c.uniform(-0.15, 0.15)), c.uniform(0.2, 0.36)
    inside = radius * radius - (x - centre[0]) ** 2 - (y - centre[1]) ** 2 / stretch + 0.025 * c.noise(4)
    c.fill(c.noise(7) > c.uniform(0.1, 1.1), TREE)
    c.fill(inside > -0.012, GRASS)
    c.fill(inside > 0, WATER)
    if c.chance(0.4):
        c.road([(-20.0, 22.0), (c.n + 20.0, c.uniform(16, 40))], verge=4)
        c.traffic(c.integer(0, 2))
    for _ in range(c.integer(0, 8)):
        c.building(c.uniform(0, c.n), c.uniform(0, c.n), c.uniform(13, 20), c.uniform(10, 14), c.uniform(0, 180))


def bareland(c: Canvas) -> None:
    """Open bare ground with scrub, sometimes a road and a few sheds."""
    c.flood(BARELAND)
    c.fill(c.noise(6) > c.uniform(0.7, 1.8), GRASS)
    if c.chance(0.4):
        c.fill(c.noise(16) > 1.9, TREE)
    if c.chance(0.6):
        angle = c.uniform(0, 180)
        at = _frame(c, angle)
        off = c.uniform(-70, 70)
        c.road([at(-400, off), at(400, off)], verge=0)
        c.traffic(c.integer(0, 3))
    for _ in range(c.integer(0, 4)):
        c.building(
            c.uniform(0, c.n), c.uniform(0, c.n), c.uniform(16, 36), c.uniform(12, 20), math.floor(c.uniform(0, 90))
        )


THEMES: dict[str, Callable[[Canvas], None]] = {
    "airport": airport, "tank_farm": tank_farm, "residential": residential, "industrial": industrial,
    "farmland": farmland, "forest": forest, "lake": lake, "bareland": bareland,
}  # fmt: skip
