"""Simulated radar images and what may become of them on the way into another collection."""

import dataclasses
import io
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tasks.download.features import features
from tasks.download.simulate import radar
from tasks.download.simulate.scene import Scene, scene

Pixels = npt.NDArray[np.uint8]


class _OtherSpeckle(Scene):
    """The same place, imaged once more."""

    def random(self, purpose: str) -> np.random.Generator:
        return super().random(f"{purpose}, the second pass")


@cache
def simulated(number: int, *, world: str = "landcover", again: bool = False, size_px: int = 384) -> Pixels:
    place = scene(number, world=world, seed=11, size_px=size_px)
    if again:
        place = _OtherSpeckle(**{field.name: getattr(place, field.name) for field in dataclasses.fields(place)})
    return np.asarray(radar.render(place, looks=4, bit_depth=8), dtype=np.uint8)


def turned(pixels: Pixels, turn: int) -> Pixels:
    pixels = pixels[:: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]
    return np.ascontiguousarray(pixels.T if turn & 4 else pixels)


def resized(pixels: Pixels, scale: float) -> Pixels:
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def jpeg(pixels: Pixels, *, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def image(record_id: str, split: str, pixels: Pixels) -> dict[str, Any]:
    shown = pixels[..., np.newaxis]
    return {"record_id": record_id, "split": split, "pixels": shown, "landmarks": features(shown)["landmarks"]}
