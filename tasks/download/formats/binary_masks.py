"""Masks of one class: given as boxes around its 8-connected parts, or as a region against the rest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, patterns
from tasks.download.formats.files import Files, Split, counted, size_px
from tasks.download.formats.index_masks import mapped, value_table
from tasks.download.formats.labels import label_array


@dataclass(frozen=True)
class Options:
    """`reader` of a source with binary masks.

    `classes` names the marked class under the key "1" and, for regions, may name the rest under "0"; without it the
    rest is unlabelled.
    """

    image: str  # regular expression on the whole path, such as images/(?P<stem>.+)\\.jpg
    mask: str  # path with the groups of `image` filled in, such as masks/{stem}.png
    give: Literal["boxes", "region"]
    band: int | None = None  # of the mask image, where it has several
    above: int = 0  # a pixel is marked where the mask is above this value
    min_area_px: int = 1  # of a part that becomes a box
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        patterns.check(self.image, key="image")
        patterns.check_template(self.mask, self.image, key="mask")


def read(root: Path, source: Source) -> Iterator[Item]:
    """Images with boxes or masks, sorted by path. Parts that touch, also by a corner, are one box.

    Raises `ValueError` for classes that do not fit, a missing mask image, or one of another size than its image.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    _check_classes(source, options.give)
    files = Files.of(root, source)
    pairs = [(path, options.mask.format(**groups), groups) for path, groups in patterns.found(files, options.image)]
    missing = [mask for _, mask, _ in pairs if mask not in files]
    if missing:
        raise ValueError(f"{source.name}: {counted(missing, 'mask image')} missing; see `reader.mask`")
    for path, mask, groups in pairs:
        marked = partial(_marked, files.local(mask), options, where=f"{source.name}: {mask}")
        boxes = give_mask = None
        if options.give == "boxes":
            boxes = _boxes(marked(), files.local(path), source.classes["1"], options.min_area_px)
        else:
            give_mask = partial(_region, marked, _region_table(source))
        split = patterns.split(groups, options.splits, where=f"{source.name}: {path}")
        yield Item(path, source.modality, boxes=boxes, mask=give_mask, split=split,
                   polarization=groups.get("polarization"))  # fmt: skip


def _check_classes(source: Source, give: str) -> None:
    allowed = {"1"} if give == "boxes" else {"0", "1"}
    if not source.classes.get("1") or set(source.classes) - allowed:
        raise ValueError(
            f'sources/{source.name}.yaml: classes of a binary mask are "1" (what is marked)'
            + (' and, if named, "0" (the rest)' if give == "region" else "; boxes have no background")
        )


def _region_table(source: Source) -> dict[int, int]:
    return value_table(source, ignore=() if "0" in source.classes else (0,))


def _marked(mask: Path, options: Options, *, where: str) -> npt.NDArray[np.bool_]:
    return np.asarray(label_array(mask, band=options.band, where=where) > options.above)


def _region(marked: "partial[npt.NDArray[np.bool_]]", table: dict[int, int]) -> npt.NDArray[np.uint8]:
    return mapped(marked().astype(np.uint8), table, where="binary mask")


def _boxes(marked: npt.NDArray[np.bool_], image: Path, name: str, min_area_px: int) -> tuple[Box, ...]:
    size = size_px(image)
    if size is not None and size != marked.shape[::-1]:
        height, width = marked.shape
        raise ValueError(
            f"{image.name} has {size[0]}×{size[1]} px, its mask {width}×{height}: they do not belong together"
        )
    parts, _ = ndimage.label(marked, structure=np.ones((3, 3), dtype=np.int8))
    areas = np.bincount(parts.ravel())
    boxes = []
    for number, place in enumerate(ndimage.find_objects(parts), start=1):
        if areas[number] >= min_area_px:
            (top, bottom), (left, right) = ((axis.start, axis.stop) for axis in place)
            boxes.append(Box(name, float(left), float(top), float(right - left), float(bottom - top)))
    return tuple(boxes)
