"""SAR-AIRcraft-1.0: VOC with `ImageSets/Main/{train,val,test}.txt`; `filename` holds the .xml name."""

from pathlib import Path

from fakes.annotations import bndbox, write_voc
from fakes.drawing import save, speckle

IMAGES = {
    "train": {"0000001": [("A220", 1, 1, 10, 20), ("A320/321", 30, 5, 50, 25)], "0000002": [("ARJ21", 5, 5, 20, 20)]},
    "val": {"0000003": [("A330", 51, 31, 70, 47), ("Boeing737", 5, 6, 20, 22)]},  # the first past the corner
    "test": {"0000004": [("Boeing787", 3, 3, 30, 30), ("other", 40, 10, 50, 20)]},
}


def draw(root: Path) -> None:
    """Four images of 64×48 px, every type once."""
    for split, images in IMAGES.items():
        for stem, objects in images.items():
            save(root / "JPEGImages" / f"{stem}.jpg", speckle(64, 48, seed=int(stem)))
            write_voc(root / "Annotations" / f"{stem}.xml", [bndbox(*entry) for entry in objects], width=64, height=48)
        place = root / "ImageSets" / "Main" / f"{split}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"{stem}\n" for stem in images))
