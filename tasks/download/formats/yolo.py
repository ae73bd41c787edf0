"""YOLO text: one file an image, a line an object: class number, center and size as shares of the image.

Format: Redmon's Darknet, `scripts/voc_label.py`. An empty file says that nothing is there. What an image without file
says differs from publisher to publisher: `reader.unannotated` declares it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, by_stem
from tasks.download.formats.boxes import Outside, class_of, inside
from tasks.download.formats.by_stem import Folder
from tasks.download.formats.files import Files, Split, Unannotated, size_px

_CLASS_LIST = "classes.txt"  # labelling tools put the class names there, beside the annotations


@dataclass(frozen=True)
class Options:
    """`reader` of a YOLO source. The keys of `classes` are the class numbers."""

    folders: tuple[Folder, ...] = (Folder("images", "labels"),)
    sets: dict[str, Split] = field(default_factory=dict)  # list file, such as test.txt → our split
    outside: Outside = "refuse"
    unannotated: Unannotated = "refuse"  # an image without text file; `empty`: nothing is there


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their boxes, sorted by path; boxes that run past the edge are cut there.

    An image whose header cannot be read has no size to count shares of: it comes without boxes, and decoding reports
    it. Raises `ValueError` naming file and line for what is no YOLO text and for an unknown class number, and for an
    image or annotation without its other half.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    matched = by_stem.match(files, options.folders, sets=options.sets, suffix=".txt", left_out=(_CLASS_LIST,))
    for path in files.settle(matched.annotations, matched.splits, unannotated=options.unannotated):
        text = matched.annotations.get(path)
        boxes = () if text is None else _boxes(files, text, path, source, options.outside)
        yield Item(path, source.modality, boxes=boxes, split=matched.splits[path])


def _boxes(files: Files, text: str, path: str, source: Source, outside: Outside) -> tuple[Box, ...] | None:
    size = size_px(files.local(path))
    if size is None:
        return None
    width, height = size
    boxes = []
    for number, line in enumerate(files.text(text).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{source.name}: {text} line {number}"
        name, cx, cy, w, h = _parse(line, where=where)
        ours = class_of(source, name, where=where)
        box = Box(ours, (cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height)
        cut = inside(box, width, height, outside=outside, where=where) if ours else None
        if cut is not None:
            boxes.append(cut)
    return tuple(boxes)


def _parse(line: str, *, where: str) -> tuple[str, float, float, float, float]:
    parts = line.split()
    try:
        name, cx, cy, w, h = str(int(parts[0])), *(float(part) for part in parts[1:])
    except ValueError as error:
        raise ValueError(
            f"{where} is not YOLO text: expected a class number and four shares of the image, got {line.strip()!r}"
        ) from error
    if max(cx, cy, w, h) > 2:
        raise ValueError(f"{where}: {line.strip()!r} holds pixels, where shares of the image (0 to 1) are expected")
    return name, cx, cy, w, h
