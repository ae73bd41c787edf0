"""Pascal VOC XML: one file an image, boxes, and optional lists of the images of each split.

Format: Everingham et al., "The Pascal Visual Object Classes Challenge 2007 Development Kit": coordinates count from 1
and both edges belong to the object, so `xmin=1 xmax=10` becomes x=0, w=10. The `filename` inside is not trusted (it
is often another name, or the .xml itself): an annotation belongs to the image with the same stem.

Rotated boxes are read where `reader.box` is `rbndbox`, as SIVED writes them: center, width, height in px from 0, and
the angle of the width in degrees.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, by_stem
from tasks.download.formats.boxes import Outside, class_of, image_size, inside
from tasks.download.formats.by_stem import Folder
from tasks.download.formats.files import Files, Split, Unannotated


@dataclass(frozen=True)
class Options:
    """`reader` of a VOC source. Objects marked `difficult` or `truncated` are objects and are kept."""

    folders: tuple[Folder, ...] = (Folder(),)
    sets: dict[str, Split] = field(default_factory=dict)  # list file, such as ImageSets/Main/test.txt → our split
    box: Literal["bndbox", "rbndbox"] = "bndbox"
    turn: Literal["clockwise", "counterclockwise"] = "clockwise"  # of the angle of an rbndbox, in the image
    encoding: str | None = None  # of XML that is not UTF-8 as XML is by default, such as gbk
    outside: Outside = "refuse"
    unannotated: Unannotated = "refuse"


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their boxes, sorted by path; boxes that run past the edge are cut there.

    A list may name images that are not present (published subsets keep the full lists), an image in no list has no
    split. Raises `ValueError` for an unknown class, an image or annotation without its other half, an image in two
    splits, unreadable XML, a box with nothing inside its image, boxes drawn on another size of the image.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    matched = by_stem.match(files, options.folders, sets=options.sets, suffix=".xml")
    for path in files.settle(matched.annotations, matched.splits, unannotated=options.unannotated):
        xml = matched.annotations.get(path)
        boxes = () if xml is None else _boxes(files, xml, path, source, options)
        yield Item(path, source.modality, boxes=boxes, split=matched.splits[path])


def _boxes(files: Files, xml: str, path: str, source: Source, options: Options) -> tuple[Box, ...]:
    where = f"{source.name}: {xml}"
    annotation = _parse(files.local(xml).read_bytes(), options.encoding, where=where)
    try:
        stated = (int(_number(annotation, "size/width", "0")), int(_number(annotation, "size/height", "0")))
        width, height = image_size(files.local(path), stated=stated, where=where)
        boxes = []
        for element in annotation.findall("object"):
            name = class_of(source, (element.findtext("name") or "").strip(), where=where)
            if not name:
                continue
            box = _upright(element, name) if options.box == "bndbox" else _rotated(element, name, turn=options.turn)
            cut = inside(box, width, height, outside=options.outside, where=where) if width and height else box
            if cut is not None:
                boxes.append(cut)
    except _NotANumber as error:
        raise ValueError(f"{where} is not Pascal VOC: {error}") from error
    return tuple(boxes)


def _parse(content: bytes, encoding: str | None, *, where: str) -> ET.Element:
    try:
        return ET.fromstring(content.decode(encoding) if encoding else content)
    except (ET.ParseError, LookupError, ValueError) as error:  # expat knows no encoding of several bytes but Unicode's
        raise ValueError(
            f"{where} is not Pascal VOC: {error}; if it is XML in another encoding, name that in reader.encoding"
        ) from error


def _upright(element: ET.Element, name: str) -> Box:
    left, top, right, bottom = (_number(element, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax"))
    return Box(name, left - 1, top - 1, right - left + 1, bottom - top + 1)


def _rotated(element: ET.Element, name: str, *, turn: str) -> Box:
    cx, cy, w, h, angle_deg = (_number(element, f"rbndbox/{part}") for part in ("cx", "cy", "w", "h", "angle"))
    return Box(name, cx - w / 2, cy - h / 2, w, h, (angle_deg if turn == "clockwise" else -angle_deg) % 180.0)


class _NotANumber(Exception):
    pass


def _number(element: ET.Element, path: str, default: str | None = None) -> float:
    text = element.findtext(path) or default
    try:
        return float(text or "")
    except ValueError as error:
        hint = "; for rotated boxes set reader.box to rbndbox" if path.startswith("bndbox") else ""
        raise _NotANumber(f"{path} is {text!r}{hint}") from error
