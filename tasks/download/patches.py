"""Large images cut into squares, with an annotation that stays true of each square."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tasks.download import clip
from tasks.download.catalog import Patches
from tasks.download.clip import Window
from tasks.download.formats import Box

Reason = Literal["invalid", "unlabelled", "cut_object"]  # why a patch is left out

_SLIVER_PX = 1.0  # what is left of a box, when thinner than a pixel, shows nothing of the object


@dataclass(frozen=True)
class Patch:
    """One square with its part of the annotation, in its own coordinates."""

    window: Window
    stored: npt.NDArray[Any]  # (h, w, C)
    boxes: tuple[Box, ...] | None
    mask: npt.NDArray[np.uint8] | None  # (h, w)


def windows(*, width: int, height: int, patches: Patches) -> list[Window]:
    """Where the squares lie, row by row. An image no larger than a square in a direction is not cut in it.

    A strip at the right or lower edge that the stride does not reach gets one more row of squares, shifted inside,
    if at least half a stride of it is not yet covered. A narrower strip is left out: its squares would repeat their
    neighbours.
    """
    across, down = _starts(width, patches), _starts(height, patches)
    size = patches.size_px
    return [Window(x, y, min(size, width), min(size, height)) for y in down for x in across]


def cut(
    stored: npt.NDArray[Any],
    *,
    boxes: tuple[Box, ...] | None,
    mask: npt.NDArray[np.uint8] | None,
    patches: Patches,
    left_out: Counter[Reason],
) -> Iterator[Patch]:
    """The squares of `stored` (H, W, C) that can be used; the others are counted in `left_out`.

    Left out is a square
    - `invalid`: with too little area that is neither exactly zero nor NaN in all bands (`min_valid`),
    - `unlabelled`: of which the mask labels no pixel, so that nothing is known of it,
    - `cut_object`: that shows a piece of an object too small for its box to be kept (`min_box_area`). Without its
      box the object would be missing from counts; with it, a scrap would count as an object.
    """
    height, width = stored.shape[:2]
    for window in windows(width=width, height=height, patches=patches):
        rows, columns = slice(window.y, window.y + window.h), slice(window.x, window.x + window.w)
        square = stored[rows, columns]
        labels = None if mask is None else mask[rows, columns]
        if valid_share(square) < patches.min_valid:
            left_out["invalid"] += 1
        elif labels is not None and not labels.any():
            left_out["unlabelled"] += 1
        else:
            parts = None if boxes is None else cut_boxes(boxes, window, min_box_area=patches.min_box_area)
            if boxes is not None and parts is None:
                left_out["cut_object"] += 1
            else:
                yield Patch(window, square, parts, labels)


def cut_boxes(boxes: tuple[Box, ...], window: Window, *, min_box_area: float) -> tuple[Box, ...] | None:
    """The boxes of which at least the share `min_box_area` lies in `window`, clipped, in its coordinates.

    `None` when the window shows a smaller piece of a box, unless that piece is thinner than a pixel.
    """
    kept = []
    for box in boxes:
        part, share = clip.cut(box, window)
        if part is None:
            continue
        if share >= min_box_area:
            kept.append(part)
        elif min(part.w, part.h) >= _SLIVER_PX:
            return None
    return tuple(kept)


def valid_share(stored: npt.NDArray[Any]) -> float:
    """Share of the pixels of (H, W, C) that hold, in at least one band, a number other than exactly zero."""
    valid = np.zeros(stored.shape[:2], dtype=np.bool_)
    for band in range(stored.shape[2]):
        values = stored[..., band]
        valid |= (values != 0) & (values == values)  # NaN differs from itself
    return int(np.count_nonzero(valid)) / valid.size


def _starts(length: int, patches: Patches) -> list[int]:
    if length <= patches.size_px:
        return [0]
    starts = list(range(0, length - patches.size_px + 1, patches.stride_px))
    uncovered = length - patches.size_px - starts[-1]
    return [*starts, length - patches.size_px] if 2 * uncovered >= patches.stride_px else starts
