"""Landmarks: what stays of an image when it is cropped, resized, turned or stored again, for the leak guard to match.

A landmark is a spot that is brighter or darker than its surroundings, with 128 comparisons of the grey around it.
They are taken at ten scales (their pixel is 2 to 9.5 pixels of the image; half of that in images below `SMALL_PX`). Of
the strongest of a scale those are kept that are farthest from any stronger one, so that each part of the image has
some, and each crop with it. Before it is compared, the surrounding is turned and mirrored into that one of its eight
positions in which grey rises most to the right and second to the bottom, so that a mirrored image, or one turned by
90°, gives the same bits. All is sums and comparisons of whole numbers, so the same on every machine.

The parts are known: centre against surround by box filters (CenSurE: M. Agrawal, K. Konolige, M. R. Blas, ECCV 2008),
far from stronger ones (M. Brown, R. Szeliski, S. Winder, CVPR 2005), bits of short distances (BRIEF: M. Calonder et
al., ECCV 2010; FREAK: A. Alahi et al., CVPR 2012), a position of its own by the gradient (SIFT: D. G. Lowe, IJCV 60,
2004), here one of eight instead of any angle.
"""

import functools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

BITS = 128
STEPS = 4  # scales an octave
LEVELS = 10
PER_LEVEL = 13  # landmarks kept of a scale
SMALL_PX = 400  # below this (root of the area) the scales begin at one pixel instead of two
LANDMARK = np.dtype(
    [
        ("x", "<u2"),  # sixteenths of a pixel from the left edge of the image
        ("y", "<u2"),  # likewise, from its top edge
        ("scale", "u1"),  # its pixel is 2 ** (scale / STEPS) pixels of the image
        ("turn", "u1"),  # how its surrounding was turned: 1 left for right, 2 top for bottom, then 4 x for y
        ("bits", "u1", BITS // 8),
    ]
)

_RADIUS = 15  # of the compared surrounding, in pixels of the scale
_MARGIN = _RADIUS + 1  # from the edge: nearer, there is no surrounding
_APART = 3  # nothing stronger within this distance
_STRONGEST = 100  # of a scale, of which `PER_LEVEL` are kept
_BEYOND = 2**40  # squared distance of a stronger one that is not there
_NEAR, _FAR = 4.0, 9.0  # distance of two compared pixels: longer ones say the same of many landmarks
_FINE, _WIDE, _GROUND = 5, 7, 33  # sides of the box filters; the first two are applied twice
_SLOPE_AT = 6  # where the gradient of the surrounding is measured
_FLOOR = 60.0  # contrast of noise, in steps of `_logarithm`
_SEED = 20250418

_Ints = npt.NDArray[np.int32]


def landmarks(grey: npt.NDArray[np.int32]) -> bytes:
    """The landmarks of `grey` (H, W), three times the grey level 0..255: at most `LEVELS * PER_LEVEL` LANDMARKs.

    Sorted by scale, then strength. A flat image has none, nor has one below 33 px a side.
    """
    first = 0 if grey.size < SMALL_PX**2 else STEPS
    return b"".join(
        _of_level(level, scale=scale, size=grey.shape).tobytes()
        for scale, level in _levels(np.take(_logarithm(), grey), first=first)
    )


@functools.cache
def _logarithm() -> npt.NDArray[np.uint16]:
    """Three times the grey level → its logarithm: speckle multiplies, so it is then as strong in the dark."""
    levels: npt.NDArray[np.uint16] = np.rint(np.log2(1 + np.arange(766) / 24) * 11_000).astype(np.uint16)
    return levels


def _levels(image: npt.NDArray[np.uint16], *, first: int) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    """(scale, image at it), from `first` on, as long as a landmark fits."""
    import cv2

    octave = image
    for scale in range(first + LEVELS):
        if scale and scale % STEPS == 0:
            even = octave[: octave.shape[0] // 2 * 2, : octave.shape[1] // 2 * 2]
            octave = _resized(even, (even.shape[1] // 2, even.shape[0] // 2), how=cv2.INTER_AREA)
        height, width = (round(side * 2 ** (-(scale % STEPS) / STEPS)) for side in octave.shape)
        if min(height, width) <= 2 * _MARGIN:
            return
        if scale < first:
            continue
        if scale % STEPS == 0:
            yield scale, octave
        else:
            smooth = (_box(octave, 3) // 9).astype(np.uint16)
            yield scale, _resized(smooth, (width, height), how=cv2.INTER_LINEAR_EXACT)


def _resized(image: npt.NDArray[np.uint16], size: tuple[int, int], *, how: int) -> npt.NDArray[np.uint16]:
    import cv2

    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint16)


def _of_level(level: npt.NDArray[np.uint16], *, scale: int, size: tuple[int, ...]) -> npt.NDArray[np.void]:
    fine = _box(_box(level, _FINE), _FINE) // _FINE**4
    wide = _box(_box(level, _WIDE), _WIDE) // _WIDE**4
    contrast = np.abs(fine - wide)
    y, x = _peaks(contrast)
    ground = _box(contrast.astype(np.uint16), _GROUND)[y, x] / _GROUND**2
    right, down = _slopes(wide, y=y, x=x)
    steep, second = np.maximum(abs(right), abs(down)), np.minimum(abs(right), abs(down))
    sure = np.minimum(np.minimum(second, steep - second) / (steep + second + 1), 0.2)  # of its turn
    strength = contrast[y, x] / np.sqrt(ground + _FLOOR) * np.sqrt(sure)

    best = _spread(np.lexsort((x, y, -strength))[:_STRONGEST], y=y, x=x)
    y, x, right, down = y[best], x[best], right[best], down[best]
    turn = (right < 0) * 1 + (down < 0) * 2 + (abs(down) > abs(right)) * 4
    places = _pattern()[turn]
    values = fine[y[:, np.newaxis, np.newaxis] + places[..., 0], x[:, np.newaxis, np.newaxis] + places[..., 1]]

    found = np.zeros(len(best), dtype=LANDMARK)
    found["x"] = np.minimum(np.rint((x + 0.5) * (16 * size[1] / level.shape[1])), 65535)
    found["y"] = np.minimum(np.rint((y + 0.5) * (16 * size[0] / level.shape[0])), 65535)
    found["scale"], found["turn"] = scale, turn
    found["bits"] = np.packbits(values[..., 0] > values[..., 1], axis=1)
    return found


def _spread(
    order: npt.NDArray[np.int64], *, y: npt.NDArray[np.int64], x: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Of places in `order` of their strength the `PER_LEVEL` that are farthest from any stronger one, in that order."""
    y, x = y[order], x[order]
    squared = (y[:, np.newaxis] - y) ** 2 + (x[:, np.newaxis] - x) ** 2
    nearest = np.where(np.tri(len(order), k=-1, dtype=bool), squared, _BEYOND).min(axis=1, initial=_BEYOND)
    return order[np.sort(np.argsort(-nearest, kind="stable")[:PER_LEVEL])]


def _box(values: npt.NDArray[np.uint16] | _Ints, side: int) -> _Ints:
    """Sums over squares of `side` pixels; exact, for they stay below 2³¹."""
    import cv2

    return np.asarray(cv2.boxFilter(values, cv2.CV_32S, (side, side), normalize=False), dtype=np.int32)


def _peaks(contrast: _Ints) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows and columns of the pixels that no other within `_APART` exceeds."""
    import cv2

    values = contrast.astype(np.float32)  # below 2¹⁶, so exact
    highest = cv2.dilate(values, np.ones((2 * _APART + 1, 2 * _APART + 1), dtype=np.uint8))
    inside = slice(_MARGIN, -_MARGIN)
    y, x = np.nonzero((values == highest)[inside, inside] & (contrast > 0)[inside, inside])
    return y + _MARGIN, x + _MARGIN


def _slopes(wide: _Ints, *, y: npt.NDArray[np.int64], x: npt.NDArray[np.int64]) -> tuple[_Ints, _Ints]:
    """How much the grey rises to the right and to the bottom, around each place."""
    at, steps = _SLOPE_AT, (-_SLOPE_AT, 0, _SLOPE_AT)
    right = sum((wide[y + step, x + at] - wide[y + step, x - at] for step in steps), start=np.zeros(len(x), np.int32))
    down = sum((wide[y + at, x + step] - wide[y - at, x + step] for step in steps), start=np.zeros(len(x), np.int32))
    return right, down


@functools.cache
def _pattern() -> npt.NDArray[np.int64]:
    """(8, BITS, 2, 2): for each turn the two pixels of each comparison, as (row, column) from the landmark."""
    rng = np.random.default_rng(_SEED)
    pairs: list[npt.NDArray[np.int64]] = []
    while len(pairs) < BITS:
        pair = rng.integers(-_RADIUS, _RADIUS + 1, (2, 2))
        if (np.hypot(*pair.T) <= _RADIUS).all() and _NEAR <= np.hypot(*(pair[0] - pair[1])) <= _FAR:
            pairs.append(pair)
    upright = np.array(pairs)
    return np.stack([turned_back(upright, turn) for turn in range(8)])


def turned_back(vectors: npt.NDArray[np.int64], turn: int) -> npt.NDArray[np.int64]:
    """(…, 2) vectors (row, column) of a surrounding turned by `turn`, as they lie in the image."""
    exchanged = vectors[..., ::-1] if turn & 4 else vectors
    signs: npt.NDArray[np.int64] = np.array([-1 if turn & 2 else 1, -1 if turn & 1 else 1])
    return np.asarray(exchanged * signs)
