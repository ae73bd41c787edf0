"""The regions of a mask → what can be said of the land cover, free of language.

fraction    of the labelled pixels, which the text calls the mapped area
dominant    the class with the largest share: at least 45 %, 10 points ahead of the next (to the checker: at least 40 %)
fills       a cell or an outer third of the grid of which the class covers more than half
patches     connected regions of at least 0.1 % of the image
shore, patchwork, crosses, part as docs/captions.md defines them; the thresholds here keep inside those of the checker.
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
WATER = "water"  # the class whose edge is a shore
SHORE_LEAST, SHORE_WHOLE = 0.15, 0.85
PATCH_CLASSES, PATCH_LEAST, PATCH_MOST, PATCHES = 4, 0.07, 0.35, 10


class Cover(NamedTuple):
    """One class of a land-cover map."""

    name: str
    fraction: float
    fills: tuple[str, ...]
    patches: int
    adjacent: tuple[str, ...]
    crosses: tuple[str, ...]


class Part(NamedTuple):
    """The share that a narrower class has of the area of a wider one."""

    name: str
    whole: str
    fraction: float


class Land(NamedTuple):
    """What holds of the map as a whole."""

    dominant: str | None = None
    shore: bool = False
    patchwork: bool = False
    parts: tuple[Part, ...] = ()


def land(regions: Sequence[Mapping[str, Any]], *, boxed: Collection[str]) -> tuple[tuple[Cover, ...], Land]:
    """The classes of the map, largest first, and what holds of it as a whole.

    Nothing dominates a map with a cell in which no pixel is labelled. Some classes have a share but are not named:
    silent ones, those of which there are boxes too, as "one building" and "buildings cover a third" would contradict
    each other, and those that are wider than another one of the map.
    """
    if not regions:
        return (), Land()
    wider = {kind for region in regions for kind in words.kinds(region["class"])[1:]}
    named = [
        region
        for region in regions
        if region["fraction"] >= PRESENT
        and not words.noun(region["class"]).silent
        and region["class"] not in wider
        and not any(kind in boxed for kind in words.kinds(region["class"]))
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
            crosses=tuple(region["crosses"] or ()) if words.noun(region["class"]).lines else (),
        )
        for region in named
    ]
    found.sort(key=lambda cover: (-cover.fraction, cover.name))
    structure = Land(
        _dominant(found, regions, mapped), _shore(named), _patchwork(named, regions), _parts(named, regions)
    )
    return tuple(found), structure


def _fills(grid: Sequence[float], mapped: Sequence[bool]) -> tuple[str, ...]:
    places = [place for place, cells in THIRDS.items() if all(mapped[cell] and grid[cell] >= FILLS for cell in cells)]
    taken = {cell for place in places for cell in THIRDS[place]}
    return (*places, *(CELLS[cell] for cell in range(9) if cell not in taken and grid[cell] >= FILLS))


def _dominant(found: Sequence[Cover], regions: Sequence[Mapping[str, Any]], mapped: Sequence[bool]) -> str | None:
    if not found or not all(mapped):
        return None
    first, second = sorted((0.0, *(region["fraction"] for region in regions)), reverse=True)[:2]
    top = found[0]
    return top.name if top.fraction == first >= TOP and first - second >= TOP_LEAD else None


def _shore(named: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one body of water meets land; what is flooded is neither."""
    wet = [region for region in named if words.noun(words.kinds(region["class"])[-1]).wet]
    if len(wet) != 1 or WATER not in words.kinds(wet[0]["class"]):
        return False
    water = wet[0]
    dry = {region["class"]: region["fraction"] for region in named if region is not water}
    return bool(
        not water["crosses"]  # a river has banks
        and water["fraction"] >= SHORE_LEAST
        and sum(dry.values()) >= SHORE_LEAST
        and water["largest_fraction"] >= SHORE_WHOLE * water["fraction"]
        and any(name in dry for name in water["adjacent"])
    )


def _patchwork(named: Sequence[Mapping[str, Any]], regions: Sequence[Mapping[str, Any]]) -> bool:
    large = [region for region in named if region["fraction"] >= PATCH_LEAST]
    return (
        len(large) >= PATCH_CLASSES
        and max(region["fraction"] for region in regions) <= PATCH_MOST
        and sum(region["components"] for region in large) >= PATCHES
    )


def _parts(named: Sequence[Mapping[str, Any]], regions: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    """Of each class whose parent has others on the map too: destroyed buildings among all buildings."""
    found = []
    for region in named:
        parent = words.noun(region["class"]).parent
        if parent is None:
            continue
        whole = [other["fraction"] for other in regions if parent in words.kinds(other["class"])]
        if len(whole) > 1:
            found.append(Part(region["class"], parent, region["fraction"] / sum(whole)))
    return tuple(sorted(found, key=lambda part: (-part.fraction, part.name)))
