"""Small speckled pictures for the fakes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image


def speckle(width: int, height: int, *, seed: int) -> npt.NDArray[np.uint8]:
    """(H, W) uint8, never exactly zero."""
    return (np.random.default_rng(seed).gamma(4.0, 15.0, (height, width)).clip(1, 255)).astype(np.uint8)


def save(path: Path, pixels: npt.NDArray[np.uint8]) -> None:
    """Write `pixels` in the format that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
