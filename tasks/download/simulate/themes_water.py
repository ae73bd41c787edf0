"""Places on the water: open sea, coast, harbour, river."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tasks.download.simulate import shapes
from tasks.download.simulate.canvas import Canvas, Point
from tasks.download.simulate.scene import BARELAND, CROPLAND, GRASS, PAVEMENT, ROAD, TREE, WATER, Thing

SHIP_SORTS = {  # shares; length range and beam as a share of the length, m
    "cargo": (0.4, (55, 100), 0.17),
    "tanker": (0.2, (60, 100), 0.18),
    "fishing": (0.2, (24, 40), 0.26),
    "ferry": (0.2, (40, 75), 0.22),
}


def ship(c: Canvas, x: float, y: float, angle: float, *, moving: bool, longest: float = 100, colour: str = "") -> Thing:
    """A ship of a random sort."""
    name = c.pick(tuple(SHIP_SORTS), [share for share, _, _ in SHIP_SORTS.values()])
    _, (low, high), beam = SHIP_SORTS[name]
    length = min(c.uniform(low, high), longest)
    colour = colour or c.pick(("white", "red", "grey", "black", "blue"), (0.35, 0.22, 0.18, 0.15, 0.1))
    return Thing("ship", x, y, length, max(length * beam, 6.5), angle % 360, 6 + length * 0.06, colour, name, moving)


def sail(c: Canvas, count: int, *, heading: float | None = None) -> None:
    """Put up to `count` ships on open water: free, in a line, or at anchor side by side."""
    colour = c.pick(("white", "red", "grey")) if c.chance(0.3) else ""
    if heading is None and count >= 3 and c.chance(0.3):
        angle = c.uniform(0, 360)
        centre, step = (c.n / 2 + c.uniform(-30, 30), c.n / 2 + c.uniform(-30, 30)), c.uniform(44, 60)
        across = angle + 90 if c.chance(0.6) else angle
        longest = step - 12 if across == angle else 70
        for index in range(count):
            at = shapes.put([((index - (count - 1) / 2) * step, c.uniform(-4, 4))], *centre, across)[0]
            c.place(ship(c, at[0], at[1], angle, moving=across == angle, longest=longest, colour=colour), gap=6)
        return
    placed = 0
    for _ in range(count * (10 if heading is None else 40)):  # a river is narrow
        if placed == count:
            break
        angle = c.uniform(0, 360) if heading is None else heading + c.pick((0, 180)) + c.uniform(-6, 6)
        x, y = c.uniform(20, c.n - 20), c.uniform(20, c.n - 20)
        longest = 100 if heading is None else 70
        placed += c.place(ship(c, x, y, angle, moving=c.chance(0.6), longest=longest, colour=colour), gap=6)


def sea(c: Canvas) -> None:
    """Open sea, sometimes with an island."""
    c.flood(WATER)
    if c.chance(0.3):
        x, y = c.grid()
        centre, radius = (c.uniform(-0.3, 0.3), c.uniform(-0.3, 0.3)), c.uniform(0.12, 0.25)
        inside = radius * radius - (x - centre[0]) ** 2 - (y - centre[1]) ** 2 + 0.012 * c.noise(5)
        c.fill(inside > 0, BARELAND)
        c.fill(inside > 0.012, TREE if c.chance(0.6) else GRASS)
    sail(c, c.pick(range(9), (0.1, 0.22, 0.17, 0.14, 0.12, 0.1, 0.07, 0.05, 0.03)))


def coast(c: Canvas) -> None:
    """A natural shore with a beach, green behind it, ships off it."""
    x, y = c.grid()
    turn = c.uniform(0, 2 * math.pi)
    shore = x * round(math.cos(turn), 6) + y * round(math.sin(turn), 6) + 0.05 * c.noise(5) - c.uniform(-0.12, 0.2)
    c.fill(shore < 0, WATER)
    c.fill(shore >= 0, BARELAND)
    beach = c.uniform(0.03, 0.08)
    c.fill(shore > beach, GRASS)
    c.fill((shore > beach + 0.02) & (c.noise(7) > c.uniform(-0.6, 0.6)), TREE)
    if c.chance(0.4):
        angle = math.degrees(turn)
        for _ in range(c.integer(6, 18)):
            c.building(c.uniform(0, c.n), c.uniform(0, c.n), c.uniform(14, 24), c.uniform(10, 15), angle)
    sail(c, c.pick(range(7), (0.1, 0.26, 0.22, 0.17, 0.12, 0.08, 0.05)))


def harbor(c: Canvas) -> None:
    """A quay with piers, ships moored along them, cranes and warehouses ashore."""
    c.flood(WATER)
    angle = c.pick((0, 90, 180, 270)) + c.uniform(-25, 25)  # from the land towards the water
    shore = c.uniform(-75, -25)  # of the quay edge from the centre, along `angle`
    middle = c.n / 2

    def at(along: float, across: float) -> Point:
        point = shapes.put([(along, across)], middle, middle, angle)[0]
        return float(point[0]), float(point[1])

    quay = c.uniform(38, 60)
    c.area(c.strip(at(shore - 300, 0), at(shore, 0), 700), GRASS)
    c.area(c.strip(at(shore - quay, 0), at(shore, 0), 700), PAVEMENT)
    c.road([at(shore - quay - 12, -400), at(shore - quay - 12, 400)], verge=0)
    c.things.append(Thing("quay", *at(shore - quay / 2, 0), quay, 700, angle, 2.0))
    piers = c.integer(1, 3)
    spacing = c.uniform(68, 84)
    colour = c.pick(("white", "red", "grey")) if c.chance(0.25) else ""
    for index in range(piers):
        across = (index - (piers - 1) / 2) * spacing + c.uniform(-6, 6)
        reach, width = c.uniform(70, 105), c.uniform(12, 18)
        c.area(c.strip(at(shore - 2, across), at(shore + reach, across), width), PAVEMENT)
        c.things.append(Thing("quay", *at(shore + reach / 2, across), reach, width, angle, 2.0))
        for side in (-1, 1):
            if c.chance(0.6):
                moored = ship(c, 0, 0, angle + c.pick((0, 180)), moving=False, longest=reach * 0.9, colour=colour)
                x, y = at(shore + 6 + moored.length / 2 + c.uniform(0, 6),
                          across + side * (width / 2 + moored.width / 2 + 2.5))  # fmt: skip
                c.place(replace(moored, x=x, y=y, moored=True), gap=1.5)
        if c.chance(0.6):
            c.place(Thing("crane", *at(shore + reach * 0.5, across), 8, 6, angle, 20), gap=0)
    _harbor_box(c, [at(shore - quay, -400), at(shore - quay, 400)])
    for index in range(-3, 4):
        if c.chance(0.7):
            c.building(*at(shore - quay * 0.62, index * 46 + c.uniform(-4, 4)), c.uniform(26, 38), c.uniform(16, 22),
                       angle + 90, height_m=c.uniform(6, 10), colours=("grey", "blue", "white", "red"))  # fmt: skip
    for _ in range(c.integer(0, 8)):
        c.building(*at(shore - quay - c.uniform(30, 110), c.uniform(-140, 140)), c.uniform(14, 22), c.uniform(10, 14),
                   angle)  # fmt: skip
    if c.chance(0.4):
        for _ in range(c.integer(1, 3)):
            c.place(ship(c, *at(c.uniform(20, 120), c.uniform(-120, 120)), c.uniform(0, 360), moving=True), gap=6)
    c.traffic(c.integer(0, 3))


def _harbor_box(c: Canvas, inland: list[Point]) -> None:
    """One upright harbor box around all the pavement (quay and piers) that the image shows."""
    assert inland
    rows, columns = np.nonzero(np.asarray(c.cover)[c.margin : -c.margin, c.margin : -c.margin] == PAVEMENT)
    x0, x1 = int(columns.min()) + c.margin, int(columns.max()) + 1 + c.margin
    y0, y1 = int(rows.min()) + c.margin, int(rows.max()) + 1 + c.margin
    c.things.append(Thing("harbor", (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, 0.0, 2.0, "grey"))


def river(c: Canvas) -> None:
    """A river through green or tilled land with one or two bridges, sometimes barges."""
    wild = c.noise(6)
    c.fill(wild > c.uniform(-0.2, 0.8), TREE)
    if c.chance(0.5):
        c.crops = [c.pick(("green", "light green", "yellow", "brown"))]
        c.tint.paste(1, (0, 0, c.n, c.n))
        c.fill(wild < -0.5, CROPLAND)
    angle = c.uniform(0, 180)
    half, bend, phase = c.uniform(22, 40), c.uniform(4, 22), c.uniform(0, 6.28)
    x, y = c.grid()
    cosine, sine = round(math.cos(math.radians(angle)), 6), round(math.sin(math.radians(angle)), 6)
    along, across = (x * cosine + y * sine) * c.n, (-x * sine + y * cosine) * c.n
    steps = np.arange(-c.n, c.n + 1)
    wave = np.round(bend * np.sin(steps / 55.0 + phase), 4).astype(np.float32)
    off = np.abs(across - wave[np.clip(along + c.n, 0, 2 * c.n).astype(np.intp)])
    c.fill(off < half + 7, GRASS)
    c.fill(off < half, WATER)
    places = (0.0,) if c.chance(0.65) else (-0.27, 0.27)
    for share in places:
        _bridge(c, share * c.n + c.uniform(-18, 18), wave, angle=angle, half=half)
    for _ in range(c.integer(0, 14)):
        c.building(c.uniform(0, c.n), c.uniform(0, c.n), c.uniform(13, 22), c.uniform(9, 14), angle)
    if c.chance(0.8):
        sail(c, c.integer(1, 3), heading=angle)
    c.traffic(c.integer(0, 3))


def _bridge(c: Canvas, along: float, wave: "np.typing.NDArray[np.float32]", *, angle: float, half: float) -> None:
    """A road across the river at `along`, carried by a bridge between the banks."""
    offset = float(wave[int(min(max(along + c.n, 0), 2 * c.n))])
    middle = c.n / 2
    skew = c.uniform(-12, 12)
    centre = shapes.put([(along, offset)], middle, middle, angle)[0]
    span, width = 2 * half / math.cos(math.radians(skew)) + 14, c.uniform(10, 15)
    heading = angle + 90 + skew
    stations = [(along, 0.0) for along in (-400.0, -span / 2 + 2, span / 2 - 2, 400.0)]
    ends = shapes.put(stations, float(centre[0]), float(centre[1]), heading)
    points: list[Point] = [(float(px), float(py)) for px, py in ends]
    c.road(points[:2])
    c.road(points[2:])
    deck = Thing("bridge", float(centre[0]), float(centre[1]), span, width, heading % 180, c.uniform(6, 10), "grey")
    c.area(deck.outline()[0], ROAD)
    c.put(deck)
    c.block(shapes.rectangle(deck.x, deck.y, span + 10, width + 40, heading))


THEMES: dict[str, Callable[[Canvas], None]] = {"sea": sea, "coast": coast, "harbor": harbor, "river": river}
