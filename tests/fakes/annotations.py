"""Annotation files as the publishers of box sources write them, for the fakes of these sources."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Boxes = Sequence[tuple[int, float, float, float, float]]  # category id, x, y, w, h in px


def write_coco(
    path: Path, images: Mapping[str, Boxes], *, categories: Mapping[int, str], width: int, height: int, first: int = 1
) -> None:
    """A COCO file of `images` (file name → boxes), all of one size; polygons are the corners of the boxes."""
    entries, annotations = [], []
    for number, (name, boxes) in enumerate(images.items(), start=first):
        entries.append({"id": number, "file_name": name, "width": width, "height": height})
        for category, x, y, w, h in boxes:
            annotations.append(
                {
                    "id": first + len(annotations),
                    "image_id": number,
                    "category_id": category,
                    "iscrowd": 0,
                    "bbox": [x, y, w, h],
                    "area": w * h,
                    "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]],
                }
            )
    named = [{"id": number, "name": name, "supercategory": name} for number, name in categories.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": entries, "annotations": annotations, "categories": named}))


def write_voc(path: Path, objects: Sequence[str], *, width: int, height: int) -> None:
    """A VOC file whose `filename` holds the name of the XML itself; `objects` are what stands in each `object`."""
    entries = "".join(f"<object>{entry}</object>" for entry in objects)
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>{path.name}</filename>{size}{entries}</annotation>", encoding="utf-8")


def bndbox(name: str, left: float, top: float, right: float, bottom: float) -> str:
    """An upright VOC object; coordinates count from 1."""
    edges = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    return f"<name>{name}</name><difficult>0</difficult><bndbox>{edges}</bndbox>"
