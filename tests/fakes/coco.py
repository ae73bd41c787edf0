"""HRSID's layout: `JPEGImages/*.jpg`, `annotations/{train,test}2017.json`, category id 1, polygons."""

import json
from pathlib import Path
from typing import Any

from fakes.drawing import save, speckle

NAMES = {"train": ("P0001_0_40_0_60.jpg", "P0002_0_40_0_60.jpg"), "test": ("P0003_0_40_0_60.jpg",)}
READER = {
    "annotations": [
        {"file": "annotations/test2017.json", "images": "JPEGImages", "split": "test"},
        {"file": "annotations/train2017.json", "images": "JPEGImages", "split": "train"},
    ]
}


def draw(root: Path) -> None:
    """Three images of 60×40 px: one ship each in the first and the last, none in the second."""
    number = 0
    for split, names in NAMES.items():
        images, annotations = [], []
        for name in names:
            save(root / "JPEGImages" / name, speckle(60, 40, seed=number))
            images.append({"id": number, "file_name": name, "width": 60, "height": 40})
            if number != 1:
                annotations.append(ship(number, image_id=number))
            number += 1
        write(root, split, {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "ship"}]})


def ship(number: int, *, image_id: int, **changes: Any) -> dict[str, Any]:
    """An annotation: a box at (10, 5) of 20×8 px."""
    polygon = [10.0, 5.0, 30.0, 6.0, 28.0, 13.0, 11.0, 12.0]
    entry = {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, "area": 100.0}
    return entry | {"bbox": [10.0, 5.0, 20.0, 8.0], "segmentation": [polygon]} | changes


def path(root: Path, split: str) -> Path:
    return root / "annotations" / f"{split}2017.json"


def write(root: Path, split: str, content: dict[str, Any]) -> None:
    path(root, split).parent.mkdir(exist_ok=True)
    path(root, split).write_text(json.dumps(content))


def edit(root: Path, split: str, **changes: Any) -> None:
    """Replace top-level entries of an annotation file."""
    write(root, split, json.loads(path(root, split).read_text()) | changes)
