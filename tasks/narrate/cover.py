"""The regions of a mask → what can be said of the land cover. Part of facts.py, kept apart because it is no geometry.

fraction    of the labelled pixels, which the text calls the mapped area
dominant    the class with the largest share: at least 45 %, 10 points ahead of the next (to the checker: at least 40 %)
fills       a cell or an outer third of the grid of which the class covers more than half
patches     connected regions of at least 0.1 % of the image
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from tasks.narrate import words

THIRDS = {
    "left third": (0, 3, 6),
    "right third": (2, 5, 8),
    "upper third": (0, 1, 2),
    "lower third": (6, 7, 8),
}
CELLS = (
    "upper left", "upper center", "upper right",
    "middle left", "center", "middle right",
    "lower left", "lower center", "lower right",
)  # fmt: skip
FILLS = 0.6  # of the place, where the words mean more than half
TOP, TOP_LEAD = 0.45, 0.10  # of the mapped area
PRESENT = 0.005  # land cover below this share is not mentioned


class Cover(NamedTuple):
    """One class of a land-cover map."""

    name: str
    fraction: float
    fills: tuple[str, ...]
    patches: int
    adjacent: tuple[str, ...]


def covers(regions: Sequence[Mapping[str, Any]], *, boxed: Collection[str]) -> tuple[tuple[Cover, ...], str | None]:
    """The classes of the map, largest first, and the one that dominates it, if one does.

    Nothing dominates a map with a cell in which no pixel is labelled. Silent classes have a share but are not named,
    and so have those in `boxed`: "one building" and "buildings cover a third" would contradict each other.
    """
    named = [
        region
        for region in regions
        if region["fraction"] >= PRESENT and not words.noun(region["class"]).silent and region["class"] not in boxed
    ]
    names = {region["class"] for region in named}
    mapped = [sum(region["grid"][cell] or 0.0 for region in regions) > 0 for cell in range(9)]
    found = [
        Cover(
            name=region["class"],
            fraction=region["fraction"],
            fills=_fills(region["grid"], mapped),
            patches=region["components"],
            adjacent=tuple(name for name in region["adjacent"] if name in names),
        )
        for region in named
    ]
    found.sort(key=lambda cover: (-cover.fraction, cover.name))
    shares = sorted((region["fraction"] for region in regions), reverse=True)
    top = found[0] if found else None
    dominates = top and all(mapped) and top.fraction == shares[0] and top.fraction >= TOP
    return tuple(found), top.name if top and dominates and top.fraction - (*shares, 0.0)[1] >= TOP_LEAD else None


def _fills(grid: Sequence[float], mapped: Sequence[bool]) -> tuple[str, ...]:
    places = [place for place, cells in THIRDS.items() if all(mapped[cell] and grid[cell] >= FILLS for cell in cells)]
    taken = {cell for place in places for cell in THIRDS[place]}
    return (*places, *(CELLS[cell] for cell in range(9) if cell not in taken and grid[cell] >= FILLS))
