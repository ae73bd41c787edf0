"""BRIGHT: an optical image before a disaster, a radar image after it, and a map of the damage."""

from pathlib import Path

import numpy as np
from fakes import geotiff
from fakes.drawing import speckle

PAIRS = ("bata-explosion_00000000", "bata-explosion_00000001", "turkey-earthquake_00000007")
WITHHELD = "ukraine-conflict_00000003"
WEST, NORTH, STEP_M = 620_000.0, 210_000.0, 0.5


def draw(root: Path) -> None:
    """Three pairs of 40×30 px and one radar image of a country whose optical images are withheld, all georeferenced.

    In the first, an intact building covers 60 px, a destroyed one 30 px; the others hold none.
    """
    damage = np.zeros((30, 40), dtype=np.uint8)
    damage[5:11, 5:15] = 1
    damage[20:25, 30:36] = 3
    for number, name in enumerate((*PAIRS, WITHHELD)):
        values = damage if number == 0 else np.zeros_like(damage)
        radar = speckle(40, 30, seed=number)
        images = {f"post-event/{name}_post_disaster.tif": radar, f"target/{name}_building_damage.tif": values}
        if name != WITHHELD:
            images[f"pre-event/{name}_pre_disaster.tif"] = np.stack([radar, radar // 2, radar // 3], axis=2)
        for path, pixels in images.items():
            geotiff.north_up(root / path, pixels, west=WEST + 100 * number, north=NORTH, step=STEP_M)
