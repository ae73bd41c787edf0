"""GeoTIFF as the archives write it: pixels and the four tags of OGC GeoTIFF 1.1 that place them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

METRE, FOOT = 9001, 9002
UTM_50N = {1024: 1, 1025: 1, 3072: 32650, 3076: METRE}  # projected, a pixel is an area, EPSG:32650, in metres


def write(
    path: Path,
    pixels: npt.NDArray[Any],
    *,
    keys: dict[int, int] | None = None,
    scale: Sequence[float] | None = None,
    tiepoints: Sequence[float] | None = None,
    matrix: Sequence[float] | None = None,
) -> None:
    """`pixels` (H, W) or (H, W, C) with the GeoKeyDirectory `keys` and the tags that are given.

    `scale` is ModelPixelScale (x, y, z), `tiepoints` ModelTiepoint (column, row, 0, x, y, 0), `matrix` the sixteen
    values of ModelTransformation.
    """
    tags: list[tuple[int, str, int, Any, bool]] = []
    if keys is not None:
        directory = [1, 1, 0, len(keys), *(part for key, value in keys.items() for part in (key, 0, 1, value))]
        tags.append((34735, "H", len(directory), directory, True))
    for code, values in ((33550, scale), (33922, tiepoints), (34264, matrix)):
        if values is not None:
            tags.append((code, "d", len(values), list(values), True))
    path.parent.mkdir(parents=True, exist_ok=True)
    several: dict[str, Any] = {"planarconfig": "contig"} if pixels.ndim == 3 else {}
    colours = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    photometric = "rgb" if colours else "minisblack"
    tifffile.imwrite(path, pixels, photometric=photometric, metadata=None, extratags=tags, **several)


def north_up(path: Path, pixels: npt.NDArray[Any], *, west: float, north: float, step: float) -> None:
    """`pixels` with the upper left corner at `west`, `north` in UTM zone 50N, `step` metres a pixel."""
    write(path, pixels, keys=UTM_50N, scale=(step, step, 0), tiepoints=(0, 0, 0, west, north, 0))
