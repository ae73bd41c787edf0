"""SARDet-100K: `Annotations/{train,val,test}.json` and running numbers, in both layouts of its images."""

from pathlib import Path
from typing import Literal

from fakes.annotations import Boxes, write_coco
from fakes.drawing import save, speckle

NAMES = ("ship", "aircraft", "car", "tank", "bridge", "harbor")
TRUNCATED = "0000003.jpg"


def draw(root: Path, *, layout: Literal["flat", "split"] = "flat", first_category: int = 0) -> None:
    """Images of 64×48 px: every class in the first, nothing in the second, the third cut short in the middle.

    `flat`: JPEGImages; `split`: Images/{split}, where val has a second `0000001.jpg`.
    """
    every = [(first_category + number, 2 + 10 * number, 10, 8, 8) for number in range(len(NAMES))]
    val = "0000004.jpg" if layout == "flat" else "0000001.jpg"
    images: dict[str, dict[str, Boxes]] = {
        "train": {"0000001.jpg": every, "0000002.jpg": [], TRUNCATED: [(first_category, 1, 1, 5, 5)]},
        "val": {val: [(first_category + 3, 20, 20, 10, 10)]},
        "test": {"0000005.jpg": [(first_category + 2, 60, 40, 20, 20)]},
    }
    seed = 0
    for split, entries in images.items():
        for name in entries:
            place = root / ("JPEGImages" if layout == "flat" else f"Images/{split}") / name
            save(place, speckle(64, 48, seed=seed))
            if name == TRUNCATED:
                place.write_bytes(place.read_bytes()[:700])
            seed += 1
        file = root / "Annotations" / f"{split}.json"
        write_coco(file, entries, categories=dict(enumerate(NAMES, start=first_category)), width=64, height=48)
