"""What validate wants to know of a picture's pixels, computed once, in integers, so that every machine agrees."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.download.landmarks import landmarks

THUMBNAIL_PX = 16
_CONTRAST = 48.0  # grey levels of a thumbnail per standard deviation; 2.7 of them on each side fit


def features(picture: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """The columns of FEATURES (less `record_id` and `error`) for a picture (H, W, 1) or (H, W, 3).

    Statistics are over all values of all bands, in the display range 0..1: mean, standard deviation, percentiles
    (linear between values, as numpy), the shares that are black and white. The descriptors are made from the mean of
    the bands, so that grey stored as one band or as three gives the same.
    """
    counts = np.bincount(picture.ravel(), minlength=256)
    levels = np.arange(256)
    number, total, squares = int(counts.sum()), int(counts @ levels), int(counts @ levels**2)
    grey = _grey(picture)
    bands = _cells(grey, THUMBNAIL_PX)
    return {
        "mean": total / number / 255,
        "std": math.sqrt(number * squares - total * total) / number / 255,
        **{f"p{percent:02}": _percentile(counts, percent) / 255 for percent in (1, 50, 99)},
        "zero_fraction": int(counts[0]) / number,
        "saturated_fraction": int(counts[255]) / number,
        "dhash": _dhash(bands),
        "thumbnail": _thumbnail(bands),
        "landmarks": landmarks(grey),
    }


def _percentile(counts: npt.NDArray[np.int64], percent: int) -> float:
    cumulated = np.cumsum(counts)
    rank = percent * (int(cumulated[-1]) - 1)
    below, above = (int(np.searchsorted(cumulated, i, side="right")) for i in (rank // 100, -(-rank // 100)))
    return below + (above - below) * (rank % 100) / 100


def _grey(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
    """(H, W): three times the mean of the bands, a whole number."""
    bands = [picture[..., band].astype(np.int32) for band in range(picture.shape[2])]
    return sum(bands[1:], start=bands[0]) * (3 // len(bands))


def _cells(values: npt.NDArray[Any], cells: int) -> npt.NDArray[np.int64]:
    """`cells` times the sums of (N, M) over `cells` equal parts of the first axis; a divided row counts in parts."""
    whole, part = np.divmod(np.arange(cells + 1) * len(values), cells)
    inside = np.stack([values[begin:end].sum(axis=0, dtype=np.int64) for begin, end in pairwise(whole)])
    before: npt.NDArray[np.int64] = part[:, np.newaxis] * values[np.minimum(whole, len(values) - 1)]
    return cells * inside + before[1:] - before[:-1]


def _dhash(bands: npt.NDArray[np.int64]) -> str:
    """Difference hash: is a cell of 8×9 brighter than its left neighbour? 64 bits, row by row, as 16 hex digits."""
    cells = _cells((bands[0::2] + bands[1::2]).T, 9).T
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes().hex()


def _thumbnail(bands: npt.NDArray[np.int64]) -> bytes:
    """16×16 area means, standardised: 128 is their mean, `_CONTRAST` levels one standard deviation; flat is 128."""
    cells = _cells(bands.T, THUMBNAIL_PX).T
    deviations = (cells * cells.size - int(cells.sum())).astype(np.float64)  # times 256: whole numbers
    spread = math.sqrt(math.fsum((deviations * deviations).ravel()) / cells.size)
    if spread == 0:
        return bytes([128]) * cells.size
    return np.clip(np.rint(128 + deviations * (_CONTRAST / spread)), 0, 255).astype(np.uint8).tobytes()
