"""Pascal VOC XML: one file an image, boxes, and optional lists of the images of each split.

Format: Everingham et al., "The Pascal Visual Object Classes Challenge 2007 Development Kit": coordinates count from 1
and both edges belong to the object, so `xmin=1 xmax=10` becomes x=0, w=10. The `filename` inside is not trusted (it
is often another name, or the .xml itself): an annotation belongs to the image with the same stem.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item
from tasks.download.formats.boxes import Outside, class_of, image_size, inside
from tasks.download.formats.files import Files, Split, Unannotated, join


@dataclass(frozen=True)
class Folder:
    """One folder of images with its folder of annotations."""

    images: str = "JPEGImages"
    annotations: str = "Annotations"
    split: Split | None = None  # where the folder is the split


@dataclass(frozen=True)
class Options:
    """`reader` of a VOC source. Objects marked `difficult` or `truncated` are objects and are kept."""

    folders: tuple[Folder, ...] = (Folder(),)
    sets: dict[str, Split] = field(default_factory=dict)  # list file, such as ImageSets/Main/test.txt → our split
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
    listed = _splits(files, options)
    annotations: dict[str, str] = {}  # image path → its XML
    splits: dict[str, Split | None] = {}  # of every image
    for folder in options.folders:
        images = _by_stem(files, folder.images)
        splits |= {path: folder.split or listed.get(PurePosixPath(path).stem) for path in images.values()}
        for xml in (path for path in files.below(folder.annotations) if path.endswith(".xml")):
            stem = _stem(xml, folder.annotations)
            path = images.get(stem, join(folder.images, f"{stem}.*"))  # the latter is then reported as missing
            annotations[path] = xml
    for path in files.settle(annotations, splits, unannotated=options.unannotated):
        boxes = _boxes(files, annotations[path], path, source, options.outside) if path in annotations else ()
        yield Item(path, source.modality, boxes=boxes, split=splits[path])


def _splits(files: Files, options: Options) -> dict[str, Split]:
    if options.sets and any(folder.split for folder in options.folders):
        raise ValueError(f"{files.source}: reader gives the split by sets and by folders; keep one of them")
    splits: dict[str, Split] = {}
    for list_file, split in options.sets.items():
        for line in files.text(list_file).split("\n"):
            name = line.split()[0] if line.split() else ""  # class-wise lists carry 1 or -1 behind the name
            if name and splits.setdefault(name, split) != split:
                raise ValueError(f"{files.source}: {list_file} puts {name} into {split}, another list elsewhere")
    return splits


def _by_stem(files: Files, folder: str) -> dict[str, str]:
    images: dict[str, str] = {}
    for path in files.images(folder):
        stem = _stem(path, folder)
        if stem in images:
            raise ValueError(f"{files.source}: {images[stem]} and {path} have the same stem; which one is annotated?")
        images[stem] = path
    return images


def _stem(path: str, folder: str) -> str:
    return PurePosixPath(path).relative_to(folder).with_suffix("").as_posix()


def _boxes(files: Files, xml: str, path: str, source: Source, outside: Outside) -> tuple[Box, ...]:
    where = f"{source.name}: {xml}"
    try:
        annotation = ET.parse(files.local(xml)).getroot()
        stated = (int(_number(annotation, "size/width", "0")), int(_number(annotation, "size/height", "0")))
        width, height = image_size(files.local(path), stated=stated, where=where)
        boxes = []
        for element in annotation.findall("object"):
            name = class_of(source, (element.findtext("name") or "").strip(), where=where)
            if not name:
                continue
            left, top, right, bottom = (_number(element, f"bndbox/{edge}") for edge in ("xmin", "ymin", "xmax", "ymax"))
            box = Box(name, left - 1, top - 1, right - left + 1, bottom - top + 1)
            cut = inside(box, width, height, outside=outside, where=where) if width and height else box
            if cut is not None:
                boxes.append(cut)
    except (ET.ParseError, _NotANumber) as error:
        raise ValueError(f"{where} is not Pascal VOC: {error}") from error
    return tuple(boxes)


class _NotANumber(Exception):
    pass


def _number(element: ET.Element, path: str, default: str | None = None) -> float:
    text = element.findtext(path) or default
    try:
        return float(text or "")
    except ValueError as error:
        hint = "; rotated boxes (rbndbox, robndbox) are not read" if path.startswith("bndbox") else ""
        raise _NotANumber(f"{path} is {text!r}{hint}") from error
