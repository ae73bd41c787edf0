"""Two pictures laid over each other: the same pixels, the same place on another date, or neither?

Speckle tells. It is the same in every copy of an image, however cropped and stored, and another in every acquisition,
of the same place too. First blocks of the fine texture of one picture are searched in the other, a few pixels around
where they should lie (normalised cross-correlation: J. P. Lewis, Vision Interface, 1995). Where most are found in line
with one scale and shift, at the second try if need be, the picture is moved by these, and the finest texture compared
pixel by pixel where nothing but speckle is: away from edges and strong echoes, which stay from date to date.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt

from tasks.validate.matching import Placement

SPECKLE = 0.62  # correlation of the speckle of a copy, at least; halfway between copies and other dates, see docs
IN_LINE = 0.5  # share of the blocks of a copy that lie in line
STRUCTURE, STRUCTURE_IN_LINE = 0.7, 0.7  # of the same place: correlation of the coarse blocks, share in line
MIN_SIDE_PX = 48  # of the common part, at the coarser resolution of the two
PLACE_SIDE_PX = 160  # likewise, to name the same place: two chips with a target in the middle look alike when coarse
_FINE_PX, _COARSE_PX, _SPECKLE_PX = (0.8, 3.0), (3.0, 12.0), (0.8, 2.0)  # bands: deviations of two Gaussians
_SEARCH_PX = 10  # around where a block should lie
_GRID = 5  # blocks an axis
_FIRST = [(0, 0), (0, 4), (1, 1), (1, 3), (2, 2), (3, 1), (3, 3), (4, 0), (4, 4)]  # (row, column) of blocks
_BLOCKS = _FIRST + [at for at in product(range(_GRID), repeat=2) if at not in _FIRST]
_SEEN, _SEEN_COARSE = 0.35, 0.7  # correlation of the third best of the first, at least: 0.46 and more in 850 copies
_MIN_BLOCKS = 4
_TEXTURE = 0.3  # deviation of a band that a block must have
_QUIET = 0.3  # share of the pixels, those with the least structure, that speckle is compared in
_MIN_PIXELS = 300
_EDGE_PX = 6
_WIDE_PX = 8.0  # deviation of a Gaussian from which on fewer pixels do

_Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Registration:
    """How two pictures overlap."""

    kind: Literal["copy", "same place"]
    overlap: float  # share of the copy's area that lies in the other
    correlation: float  # of the speckle, of a copy; of the coarse texture, of the same place


@dataclass(frozen=True)
class _Line:
    """Where the blocks of a picture lie in the other: x + across · (1, x, y), y + down · (1, x, y)."""

    across: npt.NDArray[np.float64]
    down: npt.NDArray[np.float64]
    share: float  # of the blocks, those in line
    correlation: float  # median over all blocks, 0 for one out of line


def register(copy: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], placement: Placement) -> Registration | None:
    """What `copy` (H, W, C), laid over `other` (H, W, C) by `placement`, turns out to be; None for another scene.

    None too where the common part is too small (`MIN_SIDE_PX`) or too empty to judge.
    """
    laid = _overlay(_grey(copy), _grey(other), placement)
    if laid is None:
        return None
    a, b, overlap = laid
    texture = _band(a, _FINE_PX)
    fine, moved = _line(texture, _band(b, _FINE_PX), block_px=(24, 48), least=_SEEN), b
    if fine is not None and fine.share < IN_LINE:  # a scale off by some per cent: in the middle all fits, outside none
        moved = _moved(b, fine)
        fine = _line(texture, _band(moved, _FINE_PX), block_px=(24, 48), least=_SEEN)
    if fine is not None and fine.share >= IN_LINE:
        speckle = _speckle(a, _moved(moved, fine))
        if speckle >= SPECKLE:
            return Registration("copy", overlap, speckle)
    if min(a.shape) < PLACE_SIDE_PX:
        return None
    coarse = _line(_band(a, _COARSE_PX), _band(b, _COARSE_PX), block_px=(48, 96), least=_SEEN_COARSE)
    if coarse is not None and coarse.share >= STRUCTURE_IN_LINE and coarse.correlation >= STRUCTURE:
        return Registration("same place", overlap, coarse.correlation)
    return None


def _grey(picture: npt.NDArray[np.uint8]) -> _Floats:
    return picture.mean(axis=2, dtype=np.float32) if picture.shape[2] > 1 else picture[..., 0].astype(np.float32)


def _overlay(copy: _Floats, other: _Floats, placement: Placement) -> tuple[_Floats, _Floats, float] | None:
    """The common part of both, turned as `other`, at the coarser resolution; and its share of the copy."""
    a, shift_x, shift_y = _turned(copy, placement)
    b, scale = other, placement.scale
    if scale <= 1:
        a = _smaller(a, scale)
    else:
        b, shift_x, shift_y = _smaller(b, 1 / scale), shift_x / scale, shift_y / scale
    left, top = round(shift_x), round(shift_y)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(b.shape[1], left + a.shape[1]), min(b.shape[0], top + a.shape[0])
    if min(x1 - x0, y1 - y0) < MIN_SIDE_PX:
        return None
    share = (x1 - x0) * (y1 - y0) / a.size
    return a[y0 - top : y1 - top, x0 - left : x1 - left], b[y0:y1, x0:x1], share


def _turned(image: _Floats, placement: Placement) -> tuple[_Floats, float, float]:
    """`image` after the turn, and the shift of its corner: a turn is about the corner, and leads out of the image."""
    turn, (height, width) = placement.turn, image.shape
    off_x, off_y = (width if turn & 1 else 0), (height if turn & 2 else 0)
    image = image[:: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]
    if turn & 4:
        image, off_x, off_y = image.T, off_y, off_x
    return (
        np.ascontiguousarray(image),
        placement.shift_x_px - placement.scale * off_x,
        placement.shift_y_px - placement.scale * off_y,
    )


def _smaller(image: _Floats, factor: float) -> _Floats:
    import cv2

    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 0.98 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.float32)


def _blur(image: _Floats, sigma: float) -> _Floats:
    """Gaussian. A wide one is taken of every fourth pixel: the same to a thousandth, in a twentieth of the time."""
    import cv2

    if sigma < _WIDE_PX:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)
    height, width = image.shape
    small = cv2.resize(image, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _band(image: _Floats, sigmas: tuple[float, float], *, around: float = 3.0) -> _Floats:
    """A band of the logarithm over its own strength (root mean square) around, cut at ±2.5."""
    log = np.log(image + 8)
    band = _blur(log, sigmas[0]) - _blur(log, sigmas[1])
    return np.clip(band / (np.sqrt(_blur(band * band, around * sigmas[1])) + 0.02), -2.5, 2.5)


def _line(a: _Floats, b: _Floats, *, block_px: tuple[int, int], least: float) -> _Line | None:
    """Search blocks of `a` in `b`, and lay a plane through their shifts.

    None where too few blocks hold any texture, or less than three of the first, spread over all, reach `least`.
    """
    import cv2

    height, width = a.shape
    side = min(int(np.clip(min(height, width) // 4, *block_px)), min(height, width) // 2)
    down_px, across_px = (np.linspace(0, length - side, _GRID).astype(int).tolist() for length in (height, width))
    found: list[tuple[float, ...]] = []
    for number, (row, column) in enumerate(_BLOCKS):
        if number == len(_FIRST) and sum(peak >= least for *_, peak in found) < min(3, len(found)):
            return None
        y, x = down_px[row], across_px[column]
        top, left = max(0, y - _SEARCH_PX), max(0, x - _SEARCH_PX)
        block = a[y : y + side, x : x + side]
        window = b[top : y + side + _SEARCH_PX, left : x + side + _SEARCH_PX]
        if min(cv2.meanStdDev(block)[1][0, 0], cv2.meanStdDev(window)[1][0, 0]) < _TEXTURE:
            continue
        likeness = np.asarray(cv2.matchTemplate(window, block, cv2.TM_CCOEFF_NORMED), dtype=np.float32)
        _, peak, _, (peak_x, peak_y) = cv2.minMaxLoc(likeness)
        dx, dy = peak_x + _between(likeness[peak_y], peak_x), peak_y + _between(likeness[:, peak_x], peak_y)
        found.append((x + side / 2, y + side / 2, left + dx - x, top + dy - y, peak))
    if len(found) < _MIN_BLOCKS:
        return None
    x, y, dx, dy, peak = np.array(found, dtype=np.float64).T
    best = np.argsort(-peak, kind="stable")[: max(_MIN_BLOCKS, len(peak) // 2)]
    near = (abs(dx - np.median(dx[best])) <= 4) & (abs(dy - np.median(dy[best])) <= 4)
    plane = np.stack([np.ones_like(x), x, y], axis=1)
    for tolerance in (2.5, 1.5):
        if near.sum() < _MIN_BLOCKS:
            return None
        weight = np.clip(peak[near], 0.01, 1)
        across, down = (
            np.linalg.lstsq(plane[near] * weight[:, np.newaxis], shift[near] * weight, rcond=None)[0]
            for shift in (dx, dy)
        )
        near = (abs(dx - plane @ across) <= tolerance) & (abs(dy - plane @ down) <= tolerance)
    return _Line(across, down, float(near.mean()), float(np.median(np.where(near, peak, 0))))


def _between(values: _Floats, at: int) -> float:
    """Where between its neighbours the top of the parabola through a peak lies, in steps from it."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, peak, after = values[at - 1 : at + 2].tolist()
    return float((before - after) / (2 * (before - 2 * peak + after))) if before + after < 2 * peak else 0.0


def _moved(b: _Floats, line: _Line) -> _Floats:
    """`b` moved so that it lies on the picture that `line` was found with."""
    import cv2

    (shift_x, xx, xy), (shift_y, yx, yy) = line.across, line.down
    affine = np.array([[1 + xx, xy, shift_x], [yx, 1 + yy, shift_y]])
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(b, affine, (b.shape[1], b.shape[0]), flags=how, borderMode=cv2.BORDER_REFLECT)
    return np.clip(moved, 0, 255).astype(np.float32)


def _speckle(a: _Floats, b: _Floats) -> float:
    """Correlation of the finest texture, in the pixels with the least structure; 0 where there are too few."""
    import cv2

    mean = (np.log(a + 8) + np.log(b + 8)) * np.float32(0.5)
    smooth = _blur(mean, 2.0)
    slope = np.asarray(np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)), np.float32)
    structure = _blur(slope + np.abs(_blur(mean, 1.5) - _blur(mean, 6.0)), 3.0)
    usable = (np.minimum(a, b) > 1) & (np.maximum(a, b) < 250)
    inside = np.zeros_like(usable)
    inside[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX] = True
    usable &= inside
    if usable.sum() * _QUIET < _MIN_PIXELS:
        return 0.0
    usable &= structure <= np.quantile(structure[usable], _QUIET)
    one, two = (_band(image, _SPECKLE_PX, around=2.5)[usable].astype(np.float64) for image in (a, b))
    if min(one.std(), two.std()) == 0:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])
