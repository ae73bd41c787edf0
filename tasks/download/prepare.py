"""One item of a source → what is stored of it: image bytes, mask, a row of records and one of features an image."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from sar_models.images import decode, picture
from tasks.download import clip, encode, georeference, patches
from tasks.download.catalog import Radiometry, Source
from tasks.download.features import features
from tasks.download.formats import Box, Item, Question, mask_classes
from tasks.download.georeference import Georeference
from tasks.download.patches import Patch, Reason
from tasks.download.regions import labelled_fraction, regions

_AS_STORED = Radiometry("optical")  # 8 bits, shown as they are


@dataclass(frozen=True)
class Entry:
    """One image as it will be stored. `record` lacks its place in a shard."""

    member: str  # name in the shard
    data: bytes
    mask: bytes | None  # PNG
    record: dict[str, Any]
    features: dict[str, Any]
    questions: tuple[Question, ...] | None = None  # of the source


@dataclass(frozen=True)
class Prepared:
    """All images that one item gave, in the order of their record ids."""

    entries: list[Entry]
    cut: bool
    left_out: Counter[Reason] = field(default_factory=Counter)


def prepare(source: Source, item: Item, *, raw: Path) -> Prepared:
    """Decode, cut where the source says so, measure and describe one item.

    An image that cannot be decoded is stored all the same, with width 0 and the reason in its features, so that
    validate can report it. Whatever else does not fit is a `ValueError` that names the file.
    """
    where = f"{source.name}: {item.path}"
    file = raw / item.path
    if not file.is_file():
        raise ValueError(f"{where} is annotated, but the source holds no such image")
    data = file.read_bytes()
    try:
        stored = decode(data)
    except ValueError as error:
        return Prepared([_unreadable(source, item, data=data, error=str(error))], cut=False)
    place = georeference.read(data, where=where)
    height, width = stored.shape[:2]
    boxes = None if item.boxes is None else clip.to_image(item.boxes, width=width, height=height, where=where)
    mask = None if item.mask is None else _mask(source, item, height=height, width=width)
    if source.patches is None or max(height, width) <= source.patches.size_px:
        whole = Patch(clip.Window(0, 0, width, height), stored, boxes, mask)
        return Prepared([_entry(source, item, whole, original=data, georeferenced=place, where=where)], cut=False)
    if item.captions is not None or item.questions is not None or item.label is not None:
        raise ValueError(
            f"{where} is {width} × {height} px and would be cut, but its captions, questions or label speak of the "
            f"whole image: remove `patches` from sources/{source.name}.yaml"
        )
    left_out: Counter[Reason] = Counter()
    entries = [
        _entry(source, item, patch, original=None, georeferenced=place, where=where)
        for patch in patches.cut(stored, boxes=boxes, mask=mask, patches=source.patches, left_out=left_out)
    ]
    return Prepared(sorted(entries, key=lambda entry: str(entry.record["record_id"])), cut=True, left_out=left_out)


def group(source: Source, item: Item) -> str:
    """What must not be divided between splits, below the source's space; all patches of an image share it.

    Raises `ValueError` where the path does not match the declared pattern: a guess could leak between splits.
    """
    name = item.group
    if name is None and source.grouping.pattern:
        match = re.search(source.grouping.pattern, item.path)
        if match is None or match["group"] is None:
            raise ValueError(
                f"{source.name}: {item.path} does not match grouping.pattern {source.grouping.pattern!r}: "
                f"correct it in sources/{source.name}.yaml"
            )
        name = match["group"]
    return f"{source.grouping.space or source.name}/{name or item.pair_id or item.path}"


def annotation_sha256(
    item: Item, *, boxes: Sequence[Box] | None, mask: npt.NDArray[np.uint8] | None, classes: Sequence[str]
) -> str:
    """Digest of the annotation alone (boxes, mask and what its values mean, label, captions, questions, split), as
    sorted JSON."""
    canonical: dict[str, Any] = {
        "boxes": None if boxes is None else [list(_box(box).values()) for box in boxes],
        "mask": None
        if mask is None
        else {"classes": list(classes), "shape": mask.shape, "sha256": hashlib.sha256(mask.tobytes()).hexdigest()},
        "label": item.label,
        "captions": item.captions,
        "split": item.split,
    }
    if item.questions is not None:  # a key that only its sources have: no other record changes
        canonical["questions"] = [astuple(question) for question in item.questions]
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _entry(
    source: Source,
    item: Item,
    patch: Patch,
    *,
    original: bytes | None,
    georeferenced: Georeference | None,
    where: str,
) -> Entry:
    """`original`: the bytes of an image that is not cut, to be stored unchanged."""
    if original is not None:
        data, suffix, place = original, PurePosixPath(item.path).suffix, ""
    else:
        data, suffix = encode.image(patch.stored)
        place = f"#{patch.window.x},{patch.window.y},{patch.window.w},{patch.window.h}"
    record_id = f"{source.name}/{item.path}{place}"
    record = _record(source, item, record_id=record_id, data=data)
    height, width, bands = patch.stored.shape
    classes = mask_classes(source)
    record |= {
        "width_px": width,
        "height_px": height,
        "bands": bands,
        "bit_depth": patch.stored.dtype.itemsize * 8,
        "pair_id": item.pair_id and f"{item.pair_id}{place}",
        "annotation_sha256": annotation_sha256(item, boxes=patch.boxes, mask=patch.mask, classes=classes),
        "boxes": None if patch.boxes is None else [_box(box) for box in patch.boxes],
        "regions": None if patch.mask is None else regions(patch.mask, classes=classes),
        "labelled_fraction": None if patch.mask is None else labelled_fraction(patch.mask),
    }
    if georeferenced is not None:
        record |= {"crs": georeferenced.crs, "bounds": georeferenced.bounds(patch.window)}
        spacing = georeferenced.spacing_m()
        if spacing is not None and record["pixel_spacing_x_m"] is None and record["pixel_spacing_y_m"] is None:
            record["pixel_spacing_x_m"], record["pixel_spacing_y_m"] = spacing
    try:
        shown = picture(patch.stored, low=record["low"], high=record["high"], channels=record["channels"])
    except ValueError as error:
        raise ValueError(f"{where}: {error}: correct radiometry in sources/{source.name}.yaml") from error
    if item.modality != source.modality and source.partner is None and patch.stored.dtype != np.uint8:
        raise ValueError(
            f"{where}: the {item.modality} image of a pair has more than 8 bits a sample: say in `partner` of "
            f"sources/{source.name}.yaml how it is shown, as radiometry does for the first"
        )
    return Entry(
        _member(f"{source.name}/{item.path}", place=place, suffix=suffix),
        data,
        None if patch.mask is None else encode.mask(patch.mask),
        record,
        {"record_id": record_id, "error": None, **features(shown)},
        item.questions,
    )


def _unreadable(source: Source, item: Item, *, data: bytes, error: str) -> Entry:
    record_id = f"{source.name}/{item.path}"
    record = _record(source, item, record_id=record_id, data=data)
    record |= {
        "width_px": 0,
        "height_px": 0,
        "bands": 0,
        "bit_depth": 0,
        "pair_id": item.pair_id,
        "annotation_sha256": annotation_sha256(item, boxes=item.boxes, mask=None, classes=()),
        "boxes": None if item.boxes is None else [_box(box) for box in item.boxes],
        "regions": None,  # a mask without its image cannot be checked against it
        "labelled_fraction": None,
    }
    member = _member(record_id, place="", suffix=PurePosixPath(item.path).suffix)
    return Entry(member, data, None, record, {"record_id": record_id, "error": error}, item.questions)


def _record(source: Source, item: Item, *, record_id: str, data: bytes) -> dict[str, Any]:
    own = item.modality == source.modality  # else the second image of a pair, from another sensor
    shown = source.radiometry if own else (source.partner or _AS_STORED)
    spacing = item.pixel_spacing_m
    return {
        "record_id": record_id,
        "source": source.name,
        "sha256": hashlib.sha256(data).hexdigest(),
        "modality": item.modality,
        "channels": list(shown.bands) or None,
        "low": list(shown.low),
        "high": list(shown.high),
        "group": group(source, item),
        "crs": None,
        "bounds": None,
        "sensor": source.sensor if own else None,
        "band": source.band if own else None,
        "polarization": (item.polarization or source.polarization) if own else None,
        "pixel_spacing_x_m": source.pixel_spacing_x_m if spacing is None else spacing,
        "pixel_spacing_y_m": source.pixel_spacing_y_m if spacing is None else spacing,
        "resolution_m": source.resolution_m if own else None,
        "split": item.split,
        "label": item.label,
        "captions": None if item.captions is None else list(item.captions),
    }


def _box(box: Box) -> dict[str, Any]:
    values = {key: None if value is None else float(value) for key, value in asdict(box).items() if key != "name"}
    for key, full_deg in (("angle_deg", 180.0), ("heading_deg", 360.0)):
        turned = values[key]
        values[key] = None if turned is None else turned % full_deg
    return {"class": box.name, **values}


def _mask(source: Source, item: Item, *, height: int, width: int) -> npt.NDArray[np.uint8]:
    assert item.mask is not None
    mask, classes = item.mask(), len(mask_classes(source))
    where = f"{source.name}: {item.path}"
    if mask.shape != (height, width):
        raise ValueError(f"{where} has {width} × {height} px, its mask {mask.shape[1]} × {mask.shape[0]}")
    if int(mask.max()) > classes:
        raise ValueError(f"{where}: mask value {mask.max()} stands for none of the {classes} classes")
    return np.ascontiguousarray(mask)


def _member(path: str, *, place: str, suffix: str) -> str:
    """Name in the shard. WebDataset takes all up to the first dot of the last part as the sample's key, so that other
    dots are escaped; of a cut image, also the one before its old suffix, which keeps `a.jpg` and `a.png` apart."""
    parent, _, name = path.rpartition("/")
    stem = name if place else name.removesuffix(suffix)
    return f"{parent}/{stem.replace('%', '%25').replace('.', '%2E')}{place}{suffix}"
