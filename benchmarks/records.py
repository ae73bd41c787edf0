"""Records of any number for benchmarks, drawn with the box statistics of SSDD (`reference_boxes.json`).

The mask sources that SAR-TEXT names (OpenEarthMap-SAR 5,033, BRIGHT 4,243, FUSAR-Map 610) hold 9,886 of its 136,584
images: that share of the records has regions of a random map, all others boxes. The kinds of statistics are drawn apart
from each other, so that only each by itself is SSDD's; the class of an image's boxes is one of SARDet-100K's six.
"""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

from benchmarks.reference import PATH
from tasks import records
from tasks.download.regions import labelled_fraction, regions

SAR_TEXT_IMAGES = 136_584
MASK_SHARE = (5_033 + 4_243 + 610) / SAR_TEXT_IMAGES
BOX_CLASSES = ("aircraft", "bridge", "harbor", "ship", "storage_tank", "vehicle")
MASK_CLASSES = ("bareland", "building", "cropland", "grass", "pavement", "road", "tree", "water")
SPACINGS_M = (None, 1.0, 3.0, 10.0)
_SIDE = 32  # pixels of a random map
_GROUP = 20  # images of one scene
_EMPTY_BOX: dict[str, Any] = dict.fromkeys(field.name for field in records.BOX)


def draw(n: int, seed: int, *, source: str = "bench") -> Iterator[dict[str, Any]]:
    """`n` rows of `records.RECORDS`, one after the other; the first rows of more are the rows of fewer."""
    known = json.loads(PATH.read_text(encoding="utf-8"))
    quantiles: dict[str, list[float]] = known["quantiles"]
    counts, weights = [int(count) for count in known["boxes_per_image"]], list(known["boxes_per_image"].values())
    for number in range(n):
        dice = Random(f"{seed}:{number}")
        spacing = dice.choice(SPACINGS_M)
        width, height = (round(_quantile(quantiles[name], dice)) for name in ("image_width_px", "image_height_px"))
        row = dict.fromkeys(records.RECORDS.names) | {
            "record_id": f"{source}/{number:07}.png", "source": source, "modality": "sar", "bands": 1, "bit_depth": 8,
            "low": [0.0], "high": [255.0], "width_px": width, "height_px": height, "pixel_spacing_x_m": spacing,
            "pixel_spacing_y_m": spacing, "group": f"{source}/{number // _GROUP}",
        }  # fmt: skip
        if dice.random() < MASK_SHARE:
            yield row | _map(dice)
        else:
            (count,) = dice.choices(counts, weights)
            name = dice.choice(BOX_CLASSES)
            yield row | {"boxes": [_box(name, quantiles, dice, width=width, height=height) for _ in range(count)]}


def _box(name: str, quantiles: dict[str, list[float]], dice: Random, *, width: int, height: int) -> dict[str, Any]:
    size, aspect = _quantile(quantiles["box_size_px"], dice), _quantile(quantiles["box_aspect"], dice)
    w, h = min(size * aspect**0.5, width), min(size / aspect**0.5, height)
    x = _quantile(quantiles["center_x"], dice) * width - w / 2
    y = _quantile(quantiles["center_y"], dice) * height - h / 2
    return _EMPTY_BOX | {"class": name, "x": min(max(x, 0.0), width - w), "y": min(max(y, 0.0), height - h),
                         "w": w, "h": h}  # fmt: skip


def _map(dice: Random) -> dict[str, Any]:
    """Regions of a map of random neighbourhoods (Voronoi cells), now and then with an unlabelled one."""
    cells = dice.randint(3, 12)
    points = np.array([(dice.random() * _SIDE, dice.random() * _SIDE) for _ in range(cells)])
    values = np.array([dice.randint(1, len(MASK_CLASSES)) for _ in range(cells)], dtype=np.uint8)
    if dice.random() < 0.2:
        values[1] = 0
    rows, columns = np.mgrid[:_SIDE, :_SIDE]
    distance = (rows[..., np.newaxis] - points[:, 0]) ** 2 + (columns[..., np.newaxis] - points[:, 1]) ** 2
    mask = values[distance.argmin(axis=-1)]
    return {"regions": regions(mask, classes=MASK_CLASSES), "labelled_fraction": labelled_fraction(mask)}


def _quantile(steps: list[float], dice: Random) -> float:
    """A value drawn by its quantiles at even steps, linear between them."""
    place = dice.random() * (len(steps) - 1)
    low = int(place)
    return steps[low] + (place - low) * (steps[low + 1] - steps[low])
