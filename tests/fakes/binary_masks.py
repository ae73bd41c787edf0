"""HRSID masks (`images/*.jpg`, `masks/*.png`, ships in green) and flood maps (tiles by polarization, R above 0)."""

from pathlib import Path

import numpy as np
from fakes.drawing import save, speckle

SHIPS = {"image": r"images/(?P<stem>.+)\.jpg", "mask": "masks/{stem}.png", "give": "boxes", "band": 1, "above": 127}
FLOOD = {
    "image": r"(?P<area>EMSR\d+_AOI\d+)/POST_S1/(?P<polarization>VV|VH)_post/(?P<stem>\d+_\d+)\.png",
    "mask": "{area}/Labels/{stem}.png",
    "give": "region",
    "band": 0,
}


def draw_ships(root: Path) -> None:
    """Two images of 60×40 px. The first has three ships: one of two parts that touch by a corner, one of two px."""
    mask = np.zeros((40, 60, 3), dtype=np.uint8)
    mask[5:9, 10:20, 1] = 255
    mask[9:12, 20:24, 1] = 255  # touches the one above by a corner
    mask[30:33, 2:9, 1] = 255
    mask[20, 50:52, 1] = 255
    save(root / "masks" / "P0001_1.png", mask)
    save(root / "masks" / "P0002_2.png", np.zeros_like(mask))
    for number, stem in enumerate(("P0001_1", "P0002_2")):
        save(root / "images" / f"{stem}.jpg", speckle(60, 40, seed=number)[..., np.newaxis].repeat(3, axis=2))


def draw_flood(root: Path) -> None:
    """One tile of 20×20 px in two polarizations, its upper quarter flooded; PNG as RGBA."""
    label = np.zeros((20, 20, 4), dtype=np.uint8)
    label[..., 3] = 255
    label[:5, :, :3] = 255
    save(root / "EMSR763_AOI01" / "Labels" / "552_333.png", label)
    for number, band in enumerate(("VV", "VH")):
        grey = speckle(20, 20, seed=number)
        pixels = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=2)
        save(root / "EMSR763_AOI01" / "POST_S1" / f"{band}_post" / "552_333.png", pixels)
