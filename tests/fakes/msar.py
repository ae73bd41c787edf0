"""MSAR-1.0: `JPEGImages`, `Annotations`; 256×256 px, some bridges 2048×2048."""

from pathlib import Path

import numpy as np
from fakes.annotations import bndbox, write_voc
from fakes.drawing import save, speckle


def draw(root: Path) -> None:
    """Three images: a ship and an oil tank past the edge, an aircraft, and a bridge of 1,800 px."""
    _image(root, "01", 256, [bndbox("ship", 1, 1, 10, 20), bndbox("oil tank", 241, 241, 270, 270)])
    _image(root, "02", 256, [bndbox("aircraft", 100, 100, 130, 140)])
    _image(root, "03", 2048, [bndbox("桥梁", 101, 901, 1900, 1000)])


def _image(root: Path, stem: str, size_px: int, objects: list[str]) -> None:
    tile = speckle(64, 64, seed=int(stem))
    grey = np.tile(tile, (size_px // 64, size_px // 64))
    save(root / "JPEGImages" / f"{stem}.jpg", grey[..., np.newaxis].repeat(3, axis=2))
    write_voc(root / "Annotations" / f"{stem}.xml", objects, width=size_px, height=size_px)
