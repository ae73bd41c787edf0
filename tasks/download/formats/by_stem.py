"""Annotation files that belong to the image of the same stem: what VOC, YOLO and DOTA layouts share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from tasks.download.formats.files import Files, Split, is_image, join


@dataclass(frozen=True)
class Folder:
    """One folder of images with its folder of annotations."""

    images: str = "JPEGImages"
    annotations: str = "Annotations"
    split: Split | None = None  # where the folder is the split
    else_images: str | None = None  # where another edition of the source keeps these images


class Matched(NamedTuple):
    """Images and what belongs to them."""

    annotations: dict[str, str]  # image path → its annotation file
    splits: dict[str, Split | None]  # of every image


def match(
    files: Files, folders: Sequence[Folder], *, sets: Mapping[str, Split], suffix: str, left_out: Sequence[str] = ()
) -> Matched:
    """Annotation files (of the ending `suffix`, less those named in `left_out`) and images of `folders`, by stem.

    A list of `sets` names images with or without ending, one a line. It may name images that are not present
    (published subsets keep the full lists); an image in no list has no split. Raises `ValueError` for an image in two
    splits and for two images of one stem.
    """
    listed = _listed(files, folders, sets)
    annotations: dict[str, str] = {}
    splits: dict[str, Split | None] = {}
    for folder in folders:
        place = files.edition(folder.images, folder.else_images)
        images = _by_stem(files, place)
        found = [path for path in files.below(folder.annotations) if path.endswith(suffix)]
        found = [path for path in found if PurePosixPath(path).name not in left_out]
        stems = {_stem(path, folder.annotations): path for path in found}
        for stem, path in images.items():
            if place == folder.else_images and stem not in stems:  # one folder of images for all annotations
                splits.setdefault(path, None)
            else:
                splits[path] = folder.split or listed.get(PurePosixPath(stem).name)
        for stem, path in stems.items():
            image = images.get(stem, join(place, f"{stem}.*"))  # the latter is then reported as missing
            annotations[image] = path
    return Matched(annotations, splits)


def _listed(files: Files, folders: Sequence[Folder], sets: Mapping[str, Split]) -> dict[str, Split]:
    if sets and any(folder.split for folder in folders):
        raise ValueError(f"{files.source}: reader gives the split by sets and by folders; keep one of them")
    splits: dict[str, Split] = {}
    for list_file, split in sets.items():
        for line in files.text(list_file).split("\n"):
            name = PurePosixPath(line.split()[0]).name if line.split() else ""  # class-wise lists carry 1 or -1 behind
            name = name[: name.rfind(".")] if is_image(name) else name
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
