"""Geometry of the small line charts; the template draws it as SVG, so that text and colours follow the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 10, 26  # margins around the plot


@dataclass(frozen=True)
class Point:
    """A value with its interval, where there is one."""

    place: float  # on the x axis
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """A series as it is drawn, in units of the drawing."""

    name: str
    path: str  # of SVG
    dots: tuple[tuple[float, float], ...]
    whiskers: tuple[tuple[float, float, float], ...]  # x, y of the low end, y of the high end


@dataclass(frozen=True)
class Chart:
    """A chart: what to say of it, and what to draw."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    ring: tuple[float, float] | None  # around one point that matters


def chart(
    title: str, series: Mapping[str, Sequence[Point]], *, unit: str, labels: Mapping[float, str],
    ring: tuple[float, float] | None = None,
) -> Chart:  # fmt: skip
    """`series` are name → points, `labels` place on the x axis → words; the y axis begins at zero, or below it."""
    points = [point for line in series.values() for point in line]
    assert points, "a chart of nothing"
    right, left = max(point.place for point in points), min(point.place for point in points)
    top = max(max(point.value, point.high or point.value) for point in points)
    bottom = min(0.0, *(min(point.value, point.value if point.low is None else point.low) for point in points))
    step = _step(top - bottom)
    bottom, top = step * (bottom // step), step * -(-top // step) or step

    def x(place: float) -> float:
        share = (place - left) / (right - left) if right > left else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    lines = [
        Line(
            name,
            "M" + " L".join(f"{x(point.place)} {y(point.value)}" for point in line),
            tuple((x(point.place), y(point.value)) for point in line),
            tuple(
                (x(point.place), y(point.low), y(point.high))
                for point in line
                if point.low is not None and point.high is not None
            ),
        )
        for name, line in series.items()
    ]
    return Chart(
        title,
        unit,
        tuple(lines),
        tuple((x(place), text) for place, text in labels.items()),
        tuple((y(value), f"{value:g}") for value in _ticks(bottom, top, step)),
        None if ring is None else (x(ring[0]), y(ring[1])),
    )


def _step(span: float) -> float:
    """A round step that gives two to five ticks over `span`."""
    if span <= 0:
        return 1.0
    size = 10.0 ** (len(f"{int(span)}") - 1 if span >= 1 else -next(n for n in range(1, 30) if span * 10**n >= 1))
    return next(size * factor for factor in (0.2, 0.5, 1, 2, 5) if span / (size * factor) <= 5)


def _ticks(bottom: float, top: float, step: float) -> list[float]:
    return [bottom + number * step for number in range(round((top - bottom) / step) + 1)]
