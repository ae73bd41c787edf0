"""SAR and optical images of the same place, matched by what their paths have in common.

Both patterns name the same groups, and images with equal groups are a pair: in QXS-SAROPT the number of two files
(`(?P<stem>\\d+)`), in SEN1-2 season, scene and patch. A scene description may come with them: boxes and masks.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, patterns
from tasks.download.formats.boxes import class_of
from tasks.download.formats.files import Files, Split, counted, join
from tasks.download.formats.index_masks import index_mask, value_table

_BESIDE = ("split", "polarization")  # groups that tell something else than which pair it is


@dataclass(frozen=True)
class Options:
    """`reader` of a source of pairs."""

    sar: str  # regular expression on the whole path, such as sar_256_oc_0\\.2/(?P<stem>\\d+)\\.png
    optical: str  # the same with the same groups, such as opt_256_oc_0\\.2/(?P<stem>\\d+)\\.png
    boxes: str | None = None  # JSON lines {"pair": …, "boxes": [{class, x, y, w, h, angle_deg}]}, px, one a pair
    masks: str | None = None  # folder of index masks <pair>.png
    ignore: tuple[int, ...] = (0,)  # values of the masks that mean "not labelled"
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        groups = []
        for key, pattern in (("sar", self.sar), ("optical", self.optical)):
            patterns.check(pattern, key=key)
            groups.append([name for name in re.compile(pattern).groupindex if name not in _BESIDE])
        if not groups[0] or set(groups[0]) != set(groups[1]):
            raise ValueError("sar and optical need the same named groups, such as (?P<stem>…): they tell the pair")


def read(root: Path, source: Source) -> Iterator[Item]:
    """The SAR and then the optical image of each pair, sorted by the SAR image's path, with one `pair_id`.

    Boxes and masks describe the place, so both images carry them. Raises `ValueError` for an image without its
    partner, two images for one half of a pair, or a description that does not fit the pairs.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    order = [name for name in re.compile(options.sar).groupindex if name not in _BESIDE]
    sar = _by_pair(files, options.sar, order)
    optical = _by_pair(files, options.optical, order)
    _same(
        files, set(sar), set(optical), "SAR image without its optical partner", "optical image without its SAR partner"
    )
    boxes = _read_boxes(files, options.boxes, source) if options.boxes is not None else None
    if boxes is not None:
        _same(files, set(sar), set(boxes), "pair without a line of boxes", "line of boxes without its pair")
    table = value_table(source, ignore=options.ignore) if options.masks is not None else {}
    for pair, (sar_path, groups) in sar.items():
        optical_path, _ = optical[pair]
        split = patterns.split(groups, options.splits, where=f"{source.name}: {sar_path}")
        for path, modality in ((sar_path, "sar"), (optical_path, "optical")):
            yield Item(
                path,
                "sar" if modality == "sar" else "optical",
                boxes=boxes[pair] if boxes is not None else None,
                mask=_mask_of(files, options, pair, table),
                split=split,
                pair_id=pair,
                polarization=groups.get("polarization") if modality == "sar" else None,
            )


def _by_pair(files: Files, pattern: str, order: list[str]) -> dict[str, tuple[str, dict[str, str]]]:
    images: dict[str, tuple[str, dict[str, str]]] = {}
    for path, groups in patterns.found(files, pattern):
        pair = "_".join(groups[name] for name in order)
        if pair in images:
            raise ValueError(f"{files.source}: {images[pair][0]} and {path} are both the pair '{pair}'")
        images[pair] = (path, groups)
    return images


def _same(files: Files, left: set[str], right: set[str], only_left: str, only_right: str) -> None:
    for rest, what in ((left - right, only_left), (right - left, only_right)):
        if rest:
            raise ValueError(
                f"{files.source}: {counted(sorted(rest), what)} found; complete the download or see `reader`"
            )


def _read_boxes(files: Files, path: str, source: Source) -> dict[str, tuple[Box, ...]]:
    boxes: dict[str, tuple[Box, ...]] = {}
    for number, line in enumerate(files.text(path).split("\n"), start=1):
        where = f"{source.name}: {path}:{number}"
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            pair = str(entry["pair"])
            if pair in boxes:
                raise ValueError(f"{where}: pair '{pair}' stands there twice")
            found = (_box(box, source, where=where) for box in entry["boxes"])
            boxes[pair] = tuple(box for box in found if box.name)
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{where} is no line of boxes: {type(error).__name__} {error}") from error
    return boxes


def _box(entry: dict[str, Any], source: Source, *, where: str) -> Box:
    angle = entry.get("angle_deg")
    x, y, w, h = (float(entry[key]) for key in ("x", "y", "w", "h"))
    if w <= 0 or h <= 0:
        raise ValueError(f"{where}: box of w={w:g} h={h:g} has no area")
    return Box(class_of(source, entry["class"], where=where), x, y, w, h, None if angle is None else float(angle))


def _mask_of(
    files: Files, options: Options, pair: str, table: dict[int, int]
) -> Callable[[], npt.NDArray[np.uint8]] | None:
    if options.masks is None:
        return None
    path = join(options.masks, f"{pair}.png")
    if path not in files:
        raise ValueError(f"{files.source}: the mask {path} of pair '{pair}' is missing; see `reader.masks`")
    return partial(index_mask, files.local(path), table=table, band=None, where=f"{files.source}: {path}")
