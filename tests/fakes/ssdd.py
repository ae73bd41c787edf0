"""SSDD's official release: `BBox_SSDD/coco_style/{images,annotations}` for train and test, category 0."""

from pathlib import Path

from fakes.annotations import write_coco
from fakes.drawing import save, speckle

IMAGES = {
    "train": {
        "000001.jpg": [(0, 10, 5, 20, 8)],
        "000002.jpg": [(0, 0, 0, 12, 9), (0, 50, 40, 30, 20)],
    },  # past the corner
    "test": {"000009.jpg": [(0, 30, 10, 6, 20)]},
}


def draw(root: Path) -> None:
    """Three images of 64×48 px, one of them with a box past the edge; voc_style is there as well and must not count."""
    base = root / "BBox_SSDD"
    for split, images in IMAGES.items():
        for name in images:
            pixels = speckle(64, 48, seed=int(name[:6]))
            save(base / "coco_style" / "images" / split / name, pixels)
            save(base / "voc_style" / f"JPEGImages_{split}" / name, pixels)
        file = base / "coco_style" / "annotations" / f"{split}.json"
        write_coco(file, images, categories={0: "ship"}, width=64, height=48)
