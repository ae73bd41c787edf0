"""Lossless files for what was cut out of a larger image, and for masks: equal arrays, equal bytes."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from sar_models import tiff

_PNG_LEVEL = 3  # fixed, for each level gives other bytes; as small as level 6 within 1 %, in under half its time


def image(stored: npt.NDArray[Any]) -> tuple[bytes, str]:
    """`stored` (H, W, C) in its own sample type, and the suffix of its format.

    PNG for 8-bit grey or colour and 16-bit grey, TIFF for float32 and for other numbers of bands.
    """
    bands = stored.shape[2]
    if (stored.dtype == np.uint8 and bands in (1, 3)) or (stored.dtype == np.uint16 and bands == 1):
        return _png(stored[..., 0] if bands == 1 else stored), ".png"
    return tiff.write(stored), ".tif"


def mask(labels: npt.NDArray[np.uint8]) -> bytes:
    """An index mask (H, W) as 8-bit grey PNG whose grey values are the indices."""
    return _png(labels)


def _png(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, "PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()
