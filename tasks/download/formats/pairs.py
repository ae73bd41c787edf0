"""SAR and optical images of the same place, matched by what their paths have in common.

Both patterns name the same groups, and images with equal groups are a pair: in QXS-SAROPT the number of two files
(`(?P<stem>\\d+)`), in SEN1-2 season, scene and patch. A description of the place may come with them: boxes and masks.
In BRIGHT it is of the damage, which only the second image shows, taken after the disaster by radar.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tasks import strict
from tasks.download.catalog import Source
from tasks.download.formats import Box, Item, patterns
from tasks.download.formats.boxes import class_of
from tasks.download.formats.files import Files, Split, counted
from tasks.download.formats.index_masks import index_mask, value_table

_BESIDE = ("split", "polarization")  # groups that tell something else than which pair it is


@dataclass(frozen=True)
class Options:
    """`reader` of a source of pairs."""

    sar: str  # regular expression on the whole path, such as sar_256_oc_0\\.2/(?P<stem>\\d+)\\.png
    optical: str  # the same with the same groups, such as opt_256_oc_0\\.2/(?P<stem>\\d+)\\.png
    boxes: str | None = None  # JSON lines {"pair": …, "boxes": [{class, x, y, w, h, angle_deg}]}, px, one a pair
    masks: str | None = None  # path of the index mask with the groups of `sar` filled in, such as masks/{stem}.png
    ignore: tuple[int, ...] = (0,)  # values of the masks that mean "not labelled"
    describes: Literal["both", "sar"] = "both"  # sar: the optical image shows another day, to which they do not apply
    withheld: str | None = None  # regular expression on a pair's name: the publisher keeps back the optical image
    group: str | None = None  # what belongs together, with the groups of `sar` filled in, such as {season}_{scene}
    block: int | None = None  # pairs are numbered, and this many consecutive numbers belong together
    splits: dict[str, Split] = field(default_factory=lambda: dict(patterns.SPLITS))  # values of the group `split`

    def __post_init__(self) -> None:
        groups = []
        for key, pattern in (("sar", self.sar), ("optical", self.optical)):
            patterns.check(pattern, key=key)
            groups.append([name for name in re.compile(pattern).groupindex if name not in _BESIDE])
        if not groups[0] or set(groups[0]) != set(groups[1]):
            raise ValueError("sar and optical need the same named groups, such as (?P<stem>…): they tell the pair")
        for key, template in (("masks", self.masks), ("group", self.group)):
            if template is not None:
                patterns.check_template(template, self.sar, key=key)
        if self.withheld is not None:
            patterns.check(self.withheld, key="withheld")
        if self.block is not None and (self.block < 1 or self.group is not None or len(groups[0]) != 1):
            raise ValueError("block is a number of pairs, for pairs named by one number alone, and without group")


def read(root: Path, source: Source) -> Iterator[Item]:
    """The SAR and then the optical image of each pair, sorted by the SAR image's path, with one `pair_id`.

    Boxes and masks describe the place, so both images carry them, unless they describe what only the SAR image shows.
    Raises `ValueError` for an image without its partner (unless the publisher withholds it), two images for one half
    of a pair, or a description that does not fit the pairs.
    """
    options = strict.parse(Options, source.reader, where=f"sources/{source.name}.yaml: reader")
    files = Files.of(root, source)
    order = [name for name in re.compile(options.sar).groupindex if name not in _BESIDE]
    sar = _by_pair(files, options.sar, order)
    optical = _by_pair(files, options.optical, order)
    alone = _withheld(options, set(sar) - set(optical))
    _same(
        files,
        set(sar) - alone,
        set(optical),
        "SAR image without its optical partner",
        "optical image without its SAR partner",
    )
    boxes = _read_boxes(files, options.boxes, source) if options.boxes is not None else None
    if boxes is not None:
        _same(files, set(sar), set(boxes), "pair without a line of boxes", "line of boxes without its pair")
    table = value_table(source, ignore=options.ignore) if options.masks is not None else {}
    for pair, (sar_path, groups) in sar.items():
        where = f"{source.name}: {sar_path}"
        found = boxes[pair] if boxes is not None else None
        mask = _mask_of(files, options, groups, table, where=where)
        first = Item(
            sar_path,
            "sar",
            boxes=found,
            mask=mask,
            split=patterns.split(groups, options.splits, where=where),
            pair_id=None if pair in alone else pair,
            polarization=groups.get("polarization"),
            group=_group(options, groups, pair, where=where),
        )
        yield first
        if pair not in alone:
            described = options.describes == "both"
            yield replace(
                first,
                path=optical[pair][0],
                modality="optical",
                boxes=found if described else None,
                mask=mask if described else None,
                polarization=None,
            )


def _withheld(options: Options, without_partner: set[str]) -> set[str]:
    """The pairs whose optical image is not there, and need not be."""
    if options.withheld is None:
        return set()
    return {pair for pair in without_partner if re.fullmatch(options.withheld, pair)}


def _group(options: Options, groups: dict[str, str], pair: str, *, where: str) -> str | None:
    if options.block is not None:
        if not pair.isdecimal():
            raise ValueError(f"{where}: reader.block needs pairs named by a number, not '{pair}'")
        first = int(pair) // options.block * options.block
        return f"{first}-{first + options.block - 1}"
    return options.group.format(**groups) if options.group is not None else None


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
    files: Files, options: Options, groups: dict[str, str], table: dict[int, int], *, where: str
) -> Callable[[], npt.NDArray[np.uint8]] | None:
    if options.masks is None:
        return None
    path = options.masks.format(**groups)
    if path not in files:
        raise ValueError(f"{where}: its mask {path} is missing; complete the download or see `reader.masks`")
    return partial(index_mask, files.local(path), table=table, band=None, where=f"{files.source}: {path}")
