"""OpenSARShip: a folder a Sentinel-1 scene with chips of single ships, and what their AIS messages say in `Ship.xml`.

Layout: Huang et al., "OpenSARShip: A Dataset Dedicated to Sentinel-1 Ship Interpretation", IEEE JSTARS 11(1), 2018. A
chip's name carries the ship's center in the scene, which is how its entry is found. The type is AIS's number (Rec.
ITU-R M.1371-5, table 53) as a key of `classes`: the number itself, or its first digit for a whole ten, such as "7x".
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, patterns
from tasks.download.formats.boxes import class_of
from tasks.download.formats.files import Files, counted, size_px

_NOT_AVAILABLE_DEG = 511.0  # AIS: no heading


@dataclass(frozen=True)
class Options:
    """`reader` of OpenSARShip. Paths of tags count from a `ship` element; a tag that no ship has is an error."""

    image: str  # regular expression on the whole path with the groups x and y; polarization where the name tells it
    ships: str  # path with the groups of `image` filled in, such as {scene}/Ship.xml
    type: str = "AISShipInformation/Ship_Type"
    length: str = "AISShipInformation/Length"  # m; empty: not read. Nothing or 0 in it: not known
    width: str = "AISShipInformation/Width"  # likewise
    heading: str = "AISShipInformation/Heading"  # degrees clockwise from north; nothing or 511 in it: not known
    unlisted: str = "refuse"  # a chip without entry: refuse, or skip (leave it out)

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image", needs=("x", "y"))
        patterns.check_template(self.ships, self.image, key="ships")
        if self.unlisted not in ("refuse", "skip"):
            raise ValueError(f"unlisted is {self.unlisted!r}; choose one of refuse, skip")


def read(root: Path, source: Source) -> Iterator[Item]:
    """Chips with their ship, sorted by path. The box is the whole chip, for its outline is not published.

    Raises `ValueError` for a missing or malformed Ship.xml, two entries with one center, a chip without entry (unless
    the options settle it), an unknown type, a number that is none, and a tag that no ship of the source has.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    chips = [(path, groups, options.ships.format(**groups)) for path, groups in patterns.found(files, options.image)]
    ships = {path: _ships(files, path) for path in sorted({path for _, _, path in chips})}
    _check_tags([ship for scene in ships.values() for ship in scene.values()], options, source)
    bare = [path for path, groups, xml in chips if _center(groups) not in ships[xml]]
    if bare and options.unlisted == "refuse":
        raise ValueError(
            f"{source.name}: {counted(bare, 'chip')} without an entry of that center in Ship.xml; complete the "
            "download, or set reader.unlisted to skip"
        )
    for path, groups, xml in chips:
        ship = ships[xml].get(_center(groups))
        if ship is not None:
            where = f"{source.name}: {xml}: ship at x={groups['x']} y={groups['y']}"
            box = _box(ship, options, source, size=size_px(files.local(path)), where=where)
            yield Item(path, source.modality, boxes=box, polarization=groups.get("polarization", "").upper() or None)


def _center(groups: dict[str, str]) -> tuple[int, int]:
    return int(groups["x"]), int(groups["y"])


def _ships(files: Files, path: str) -> dict[tuple[int, int], ET.Element]:
    where = f"{files.source}: {path}"
    if path not in files:
        raise ValueError(f"{where} is missing, which says what its scene's chips show; see `reader.ships`")
    try:
        elements = ET.parse(files.local(path)).getroot().findall("ship")
    except ET.ParseError as error:
        raise ValueError(f"{where} is not XML: {error}") from error
    found: dict[tuple[int, int], ET.Element] = {}
    for element in elements:
        x, y = (_number(element, f"SARShipInformation/Center_{axis}", where=where) for axis in "xy")
        if x is None or y is None:
            raise ValueError(f"{where}: a ship has no SARShipInformation/Center_x and Center_y")
        if (int(x), int(y)) in found:
            raise ValueError(f"{where}: two ships have the center x={x:g} y={y:g}; which one does the chip show?")
        found[int(x), int(y)] = element
    return found


def _check_tags(ships: list[ET.Element], options: Options, source: Source) -> None:
    for key in ("type", "length", "width", "heading"):
        tag = getattr(options, key)
        if tag and ships and all(ship.find(tag) is None for ship in ships):
            there = sorted({f"{part.tag}/{leaf.tag}" for ship in ships for part in ship for leaf in part})
            raise ValueError(
                f"{source.name}: no ship has the tag {tag} of reader.{key}; there are {', '.join(there)}; name the "
                "right one in the source's description" + ("" if key == "type" else ', or "" to leave it out')
            )


def _box(
    ship: ET.Element, options: Options, source: Source, *, size: tuple[int, int] | None, where: str
) -> tuple[Box, ...] | None:
    name = class_of(source, _type_key(ship, options, source), where=where)
    if not name or size is None:  # a chip that cannot be read is reported by decoding
        return None
    heading_deg = _number(ship, options.heading, where=where)
    if heading_deg == _NOT_AVAILABLE_DEG:
        heading_deg = None
    length_m, width_m = (_number(ship, tag, where=where) or None for tag in (options.length, options.width))
    box = Box(name, 0.0, 0.0, float(size[0]), float(size[1]), None, heading_deg, length_m, width_m)
    return (box,)


def _type_key(ship: ET.Element, options: Options, source: Source) -> str:
    """The number as `classes` has it: itself, or else its whole ten."""
    number = (ship.findtext(options.type) or "").strip()
    ten = f"{number[:1]}x" if len(number) == 2 else number
    return ten if number not in source.classes and ten in source.classes else number


def _number(ship: ET.Element, tag: str, *, where: str) -> float | None:
    text = (ship.findtext(tag) or "").strip() if tag else ""
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ValueError(f"{where}: {tag} is {text!r}, no number") from error
