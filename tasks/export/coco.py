"""COCO: loose images, `annotations/captions_<split>.json`, and `instances_<split>.json` of the images that have boxes.

`pycocotools.coco.COCO` reads both. Boxes are upright, as COCO has them: around the outline of a rotated box, whose own
shape stands beside in `rotated_bbox` (centre x, centre y, width, height in px, degrees clockwise).
"""

from collections.abc import Mapping
from typing import Any

from tasks import paths, records
from tasks.download import clip
from tasks.download.formats import Box
from tasks.export.bundle import Bundle, Row
from tasks.validate.write import SPLITS, filepath


def write(bundle: Bundle) -> None:
    """Write images and annotations; numbers of images and categories are the same in all files."""
    images = bundle.images()
    bundle.bar.expect(len(images))
    bundle.loose_images(images)
    boxes = _boxes(bundle)
    numbers = {record_id: number for number, record_id in enumerate(sorted(row["record_id"] for row in images), 1)}
    names = sorted({box["class"] for own in boxes.values() for box in own})
    categories = {name: number for number, name in enumerate(names, 1)}
    for split in SPLITS:
        rows = bundle.captions(split)
        pictured = {row["record_id"]: row for row in rows}
        captions = [
            {"id": number, "image_id": numbers[row["record_id"]], "caption": row["text"], "route": row["route"],
             "caption_id": row["caption_id"]}
            for number, row in enumerate(rows, 1)
        ]  # fmt: skip
        bundle.put_json(
            f"annotations/captions_{split}.json", _head(bundle, pictured, numbers) | {"annotations": captions}
        )
        if boxed := {record_id: row for record_id, row in pictured.items() if record_id in boxes}:
            instances = [
                _instance(box, image_id=numbers[record_id], category_id=categories[box["class"]])
                for record_id in sorted(boxed)
                for box in boxes[record_id]
            ]
            numbered = [{"id": number} | instance for number, instance in enumerate(instances, 1)]
            named = [{"id": number, "name": name} for name, number in categories.items()]
            head = _head(bundle, boxed, numbers)
            bundle.put_json(
                f"annotations/instances_{split}.json", head | {"annotations": numbered, "categories": named}
            )


def _head(bundle: Bundle, images: Mapping[str, Row], numbers: Mapping[str, int]) -> dict[str, Any]:
    licences = {name: number for number, name in enumerate(sorted(bundle.sources), 1)}
    return {
        "info": {"description": f"{bundle.modality} text, see README.md", "version": "1.0"},
        "licenses": [
            {"id": number, "name": bundle.sources[name].licence.strip(), "url": "", "source": name}
            for name, number in licences.items()
        ],
        "images": [
            {"id": numbers[record_id], "file_name": filepath(row), "width": row["width_px"],
             "height": row["height_px"], "license": licences[row["source"]], "record_id": record_id}
            for record_id, row in sorted(images.items())
        ],
    }  # fmt: skip


def _boxes(bundle: Bundle) -> dict[str, list[dict[str, Any]]]:
    """The boxes of every image that was searched for objects, none found included."""
    found = {}
    for name in bundle.sources:
        for row in records.read(paths.source_data(name) / "records.parquet", columns=["record_id", "boxes"]):
            if row["boxes"] is not None:
                found[row["record_id"]] = row["boxes"]
    return found


def _instance(box: Mapping[str, Any], *, image_id: int, category_id: int) -> dict[str, Any]:
    x, y, w, h = box["x"], box["y"], box["w"], box["h"]
    instance: dict[str, Any] = {"image_id": image_id, "category_id": category_id, "iscrowd": 0, "area": w * h}
    if box["angle_deg"] is None:
        return instance | {"bbox": [x, y, w, h]}
    corners = clip.corners(Box(name=box["class"], x=x, y=y, w=w, h=h, angle_deg=box["angle_deg"]))
    left, top = (min(corner[axis] for corner in corners) for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) for axis in (0, 1))
    rotated = [x + w / 2, y + h / 2, w, h, box["angle_deg"]]
    return instance | {"bbox": [left, top, right - left, bottom - top], "rotated_bbox": rotated}
