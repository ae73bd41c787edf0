"""The box statistics of SSDD, computed once from its COCO files and kept in `reference_boxes.json`.

    SAR_TEXT_MIRROR=FOLDER python -m benchmarks.reference

The folder holds `ssdd_coco_annotations/data/SSDD/annotations/SSDD_instances_{train,val}.json`.
"""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

PATH = Path(__file__).parent / "reference_boxes.json"
SOURCE = (
    "Statistics only, of all 1,160 images of SSDD (T. Zhang et al., Remote Sensing 13(18):3690, 2021) in its COCO "
    "files, github.com/KyanChen/RSPrompter @ f4e73c359b4a070648f688856a6af437c6d1b940, data/SSDD. Written by "
    "benchmarks.reference"
)
PERCENT = list(range(0, 101, 5))


def measure(files: list[dict[str, Any]]) -> dict[str, Any]:
    """Boxes an image, and at each of `PERCENT` the quantile of image and box sizes in px, aspect (width over height),
    and center as a share of the image's sides."""
    found: dict[str, list[float]] = {
        name: [] for name in ("image_width_px", "image_height_px", "box_size_px", "box_aspect", "center_x", "center_y")
    }
    counts: Counter[int] = Counter()
    for file in files:
        images = {image["id"]: image for image in file["images"]}
        boxes = Counter(box["image_id"] for box in file["annotations"])
        counts.update(boxes[number] for number in images)
        found["image_width_px"] += [image["width"] for image in images.values()]
        found["image_height_px"] += [image["height"] for image in images.values()]
        for box in file["annotations"]:
            (x, y, w, h), image = box["bbox"], images[box["image_id"]]
            found["box_size_px"].append((w * h) ** 0.5)
            found["box_aspect"].append(w / h)
            found["center_x"].append((x + w / 2) / image["width"])
            found["center_y"].append((y + h / 2) / image["height"])
    return {
        "source": SOURCE,
        "images": counts.total(),
        "boxes": len(found["box_aspect"]),
        "boxes_per_image": {str(count): counts[count] for count in sorted(counts)},
        "percent": PERCENT,
        "quantiles": {
            name: [round(float(value), 4) for value in np.percentile(values, PERCENT)]
            for name, values in found.items()
        },
    }  # fmt: skip


def write(mirror: Path) -> None:
    """Measure the files below `mirror` and write `reference_boxes.json`."""
    folder = mirror / "ssdd_coco_annotations" / "data" / "SSDD" / "annotations"
    files = [json.loads((folder / f"SSDD_instances_{split}.json").read_text()) for split in ("train", "val")]
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in measure(files).items()]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(os.environ["SAR_TEXT_MIRROR"]))
