"""Label images as arrays of whole numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from sar_models.images import PIXEL_LIMIT
from tasks.download.formats.files import BROKEN, size_px


def label_array(path: Path, *, band: int | None, where: str) -> npt.NDArray[Any]:
    """(H, W) values of a PNG, BMP or TIFF of whole numbers (8, 16 or 32 bits, also signed; palettes as their indices).

    `band` chooses one of several, counted from 0. Raises `ValueError` for an unreadable, oversized, lossy or
    floating-point file, and for several bands without a choice.
    """
    size = size_px(path)
    if size is None:
        raise ValueError(
            f"{where}: {path.name} cannot be read as an image; fetch it again, or leave it out of the subset"
        )
    if size[0] * size[1] > PIXEL_LIMIT:
        raise ValueError(f"{where}: {path.name} has {size[0]}×{size[1]} px, more than {PIXEL_LIMIT}; refused")
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(
            f"{where}: {path.name} is a JPEG, whose compression changes label values; use PNG, BMP or TIFF"
        )
    try:
        if path.suffix.lower() in (".tif", ".tiff"):
            values = tifffile.imread(path)
            values = values if values.ndim < 3 or values.shape[:2] == size[::-1] else np.moveaxis(values, 0, -1)
        else:
            with Image.open(path) as image:
                values = np.asarray(image)
    except BROKEN as error:
        raise ValueError(f"{where}: {path.name} cannot be decoded: {error}") from error
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    if values.dtype.kind not in "ui":
        raise ValueError(f"{where}: {path.name} holds {values.dtype} values; labels must be whole numbers")
    bands = values[..., np.newaxis] if values.ndim == 2 else values
    if band is None and bands.shape[2] > 1:
        raise ValueError(f"{where}: {path.name} has {bands.shape[2]} bands; say which one holds the labels")
    if not 0 <= (band or 0) < bands.shape[2]:
        raise ValueError(f"{where}: {path.name} has {bands.shape[2]} bands, so there is no band {band}")
    return np.asarray(bands[..., band or 0])
