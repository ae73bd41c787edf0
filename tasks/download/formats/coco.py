"""COCO JSON: boxes of several annotation files, each with its images folder and split.

Format: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014 (`images`, `annotations`, `categories`;
`bbox` = x, y, width, height in px from the top left corner). Polygons are kept as their boxes.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item
from tasks.download.formats.boxes import Outside, class_of, image_size, inside
from tasks.download.formats.files import Files, Split, Unannotated, join


@dataclass(frozen=True)
class Annotations:
    """One annotation file."""

    file: str
    images: str = "."  # folder that `file_name` is relative to
    else_images: str | None = None  # where another edition of the source keeps these images
    split: Split | None = None


@dataclass(frozen=True)
class Options:
    """`reader` of a COCO source."""

    annotations: tuple[Annotations, ...]
    crowd: Literal["refuse", "box", "drop"] = "refuse"  # `iscrowd`: one box around an uncounted number of objects
    outside: Outside = "refuse"
    unannotated: Unannotated = "refuse"


@dataclass(frozen=True)
class _Image:
    file: str  # the annotation file that names it
    split: Split | None
    size: tuple[int, int]  # as stated, 0 where not
    boxes: list[tuple[int, Box]]  # annotation id, box


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with their boxes, sorted by path; an image that is listed without annotation has none in it.

    Raises `ValueError` for an unknown category, an image named twice or not present, a crowd or an empty box that
    the options do not settle, and for boxes that were drawn on another size of the image.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    images: dict[str, _Image] = {}
    for part in options.annotations:
        for path, image in _read_file(files, part, source, crowd=options.crowd).items():
            if path in images:
                raise ValueError(f"{source.name}: {path} is named in {images[path].file} and again in {image.file}")
            images[path] = image
    folders = {files.edition(part.images, part.else_images) for part in options.annotations}
    present = {path for folder in folders for path in files.images(folder)}
    for path in files.settle(images, present, unannotated=options.unannotated):
        if path in images:
            yield Item(path, source.modality, boxes=_boxes(files, path, images[path], options.outside),
                       split=images[path].split)  # fmt: skip
        else:
            yield Item(path, source.modality, boxes=())


def _boxes(files: Files, path: str, image: _Image, outside: Outside) -> tuple[Box, ...]:
    width, height = image_size(files.local(path), stated=image.size, where=f"{image.file}: {path}")
    kept = []
    for number, box in image.boxes:
        where = f"{image.file}: annotation {number} of {path}"
        cut = inside(box, width, height, outside=outside, where=where) if width and height else box
        if cut is not None:
            kept.append(cut)
    return tuple(kept)


def _read_file(files: Files, part: Annotations, source: Source, *, crowd: str) -> dict[str, _Image]:
    where = f"{source.name}: {part.file}"
    folder = files.edition(part.images, part.else_images)
    try:
        content = json.loads(files.text(part.file))
        categories = {entry["id"]: str(entry.get("name") or "") for entry in content["categories"]}
        images: dict[int, tuple[str, _Image]] = {}
        seen: set[str] = set()
        for entry in content["images"]:
            path = join(folder, entry["file_name"])
            if path in seen or entry["id"] in images:
                raise ValueError(f"{where}: file_name {entry['file_name']} or id {entry['id']} stands there twice")
            seen.add(path)
            size = (int(entry.get("width") or 0), int(entry.get("height") or 0))
            images[entry["id"]] = (path, _Image(where, part.split, size, []))
        keys = _category_keys(categories, source)
        for entry in sorted(content["annotations"], key=lambda entry: entry["id"]):
            if entry["image_id"] not in images:
                raise ValueError(
                    f"{where}: annotation {entry['id']} belongs to no image (image_id {entry['image_id']})"
                )
            name = _class(entry, categories, keys, source, where=where)
            if name and _counts(entry, crowd, where=where):
                images[entry["image_id"]][1].boxes.append((entry["id"], Box(name, *_bbox(entry, where=where))))
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{where} is not COCO JSON: {type(error).__name__} {error}") from error
    return dict(images.values())


def _category_keys(categories: Mapping[int, str], source: Source) -> dict[int, str]:
    """What `classes` is asked for: the category names where it holds any of them, else the ids."""
    by_name = any(name in source.classes for name in categories.values())
    return {number: name if by_name else str(number) for number, name in categories.items()}


def _class(
    entry: Mapping[str, Any], categories: Mapping[int, str], keys: Mapping[int, str], source: Source, *, where: str
) -> str:
    number = entry["category_id"]
    if number not in keys:
        raise ValueError(f"{where}: annotation {entry['id']} has category {number}, which `categories` does not list")
    where = f"{where}: annotation {entry['id']} of category {number}, '{categories[number]}'"
    return class_of(source, keys[number], where=where)


def _counts(entry: Mapping[str, Any], crowd: str, *, where: str) -> bool:
    if entry.get("iscrowd") and crowd == "refuse":
        raise ValueError(
            f"{where}: annotation {entry['id']} is a crowd, so its objects are not counted; "
            "set reader.crowd to box (one object) or drop"
        )
    return not (entry.get("iscrowd") and crowd == "drop")


def _bbox(entry: Mapping[str, Any], *, where: str) -> tuple[float, float, float, float]:
    if entry.get("bbox"):
        x, y, w, h = (float(value) for value in entry["bbox"])
        return x, y, w, h
    polygons = entry.get("segmentation")
    if not isinstance(polygons, list) or not polygons:
        raise ValueError(f"{where}: annotation {entry['id']} has neither a bbox nor polygons to take it from")
    xs = [float(x) for polygon in polygons for x in polygon[0::2]]
    ys = [float(y) for polygon in polygons for y in polygon[1::2]]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
