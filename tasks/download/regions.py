"""Index mask → one row a class: how much, where, in how many pieces, beside what (see REGION in tasks/records.py)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

SMALLEST_COMPONENT = 0.001  # of the image; smaller pieces are not counted
SMALLEST_BORDER = 0.02  # of a class's border; classes that share less do not count as adjacent
WIDEST_CROSSING = 0.25  # of the side across it, on average; what is wider is no band
LONGEST_EDGE = 0.5  # of an edge along it; what covers more of it lies along that edge, like the sea along a coast

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.bool_)


def regions(mask: npt.NDArray[np.uint8], *, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of REGION for the classes present in `mask` (H, W; 0 unlabelled, k the k-th of `classes`), in class order.

    The border of a class is every side that one of its pixels shares with a pixel of another class or with an
    unlabelled one; the edge of the image is no border.
    """
    pixels = np.bincount(mask.ravel(), minlength=len(classes) + 1)
    assert len(pixels) == len(classes) + 1, f"mask value {len(pixels) - 1} stands for no class"
    labelled = int(pixels[1:].sum())
    shares = _grid(mask, values=len(pixels))
    border = _borders(mask, values=len(pixels))
    rows = []
    for value, name in enumerate(classes, start=1):
        if not pixels[value]:
            continue
        pieces, crosses = _pieces(mask == value)
        sides = border[value] / max(border[value].sum(), 1)
        touched = [other for other in range(1, len(pixels)) if sides[other] >= SMALLEST_BORDER]
        rows.append(
            {
                "class": name,
                "fraction": int(pixels[value]) / labelled,
                "grid": [float(cell[value]) for cell in shares],
                "components": int(np.count_nonzero(pieces >= SMALLEST_COMPONENT * mask.size)),
                "largest_fraction": int(pieces.max()) / labelled,
                "adjacent": sorted(classes[other - 1] for other in touched),
                "crosses": crosses,
            }
        )
    return rows


def labelled_fraction(mask: npt.NDArray[np.uint8]) -> float:
    """Share of the pixels of `mask` (H, W) that it labels, 0..1."""
    return int(np.count_nonzero(mask)) / mask.size


def _pieces(present: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Pixels of each 8-connected piece, and which ways one of them crosses the image.

    Only the rectangle that holds the class is searched.
    """
    rows, columns = np.flatnonzero(present.any(axis=1)), np.flatnonzero(present.any(axis=0))
    place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    numbered, count = ndimage.label(present[place], structure=_EIGHT_NEIGHBOURS)
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)
    ways = []
    if any(part == side for part, side in zip(numbered.shape, present.shape, strict=True)):
        whole = np.zeros(present.shape, dtype=numbered.dtype)
        whole[place] = numbered
        ways = [way for way, turned in (("left-right", whole), ("top-bottom", whole.T)) if _is_crossed(turned, sizes)]
    return sizes[1:], ways


def _is_crossed(numbered: npt.NDArray[np.integer], sizes: npt.NDArray[np.int64]) -> bool:
    """Whether one of the numbered pieces (H, W) is a band from the first to the last column."""
    both = np.intersect1d(numbered[:, 0], numbered[:, -1])
    for piece in both[both > 0].tolist():
        is_band = SMALLEST_COMPONENT <= sizes[piece] / numbered.size <= WIDEST_CROSSING  # area / width: mean height
        if is_band and max(np.mean(numbered[edge] == piece) for edge in (0, -1)) <= LONGEST_EDGE:
            return True
    return False


def _grid(mask: npt.NDArray[np.uint8], *, values: int) -> list[npt.NDArray[np.float64]]:
    """Of each cell of a 3×3 grid, row by row: the share of each value among its labelled pixels (0 where none is)."""
    edges_y, edges_x = ([length * third // 3 for third in range(4)] for length in mask.shape)
    shares = []
    for row in range(3):
        for column in range(3):
            cell = mask[edges_y[row] : edges_y[row + 1], edges_x[column] : edges_x[column + 1]]
            counts = np.bincount(cell.ravel(), minlength=values).astype(np.float64)
            counts[0] = 0
            shares.append(counts / max(counts.sum(), 1.0))
    return shares


def _borders(mask: npt.NDArray[np.uint8], *, values: int) -> npt.NDArray[np.int64]:
    """(values, values): sides between pixels of one value and of another, both ways."""
    sides = np.zeros((values, values), dtype=np.int64)
    for here, there in ((mask[:, :-1], mask[:, 1:]), (mask[:-1], mask[1:])):
        differs = here != there
        pairs = here[differs].astype(np.int64) * values + there[differs]
        sides += np.bincount(pairs, minlength=values * values).reshape(values, values)
    return sides + sides.T
