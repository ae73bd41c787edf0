"""HRSID: `HRSID_JPG/{JPEGImages,annotations}`, names of scene and window, category 1, polygons."""

from pathlib import Path

from fakes.annotations import write_coco
from fakes.drawing import save, speckle

IMAGES = {
    "train2017": {"P0094_0_800_3000_3800.jpg": [(1, 10, 5, 20, 8)], "P0001_0_800_7200_8000.jpg": [(1, 2, 2, 4, 9)]},
    "test2017": {"P0094_600_1400_3000_3800.jpg": [(1, 55, 30, 20, 8)], "P0119_2400_3200_6000_6800.jpg": []},
}


def draw(root: Path) -> None:
    """Four images of 64×48 px: scene P0094 in both splits, a box past the edge, and last an image with nothing."""
    for split, images in IMAGES.items():
        for number, name in enumerate(images):
            save(root / "HRSID_JPG" / "JPEGImages" / name, speckle(64, 48, seed=number))
        file = root / "HRSID_JPG" / "annotations" / f"{split}.json"
        write_coco(file, images, categories={1: "ship"}, width=64, height=48)
