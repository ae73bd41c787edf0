"""Which images of different splits may show the same pixels? Landmarks of the whole collection against each other.

Three sieves, each much finer than the one before, none of which compares every image with every other:

1. Landmarks that are nearly alike (`hashing`).
2. Two landmarks of a pair of images whose distance and direction follow from the same turn and scale (as in the
   generalised Hough transform: D. H. Ballard, Pattern Recognition 13, 1981).
3. All landmarks of both images, against every turn, scale and shift that two of them define (RANSAC: M. A. Fischler,
   R. C. Bolles, CACM 24, 1981, without the chance).

What comes out are candidates; `registration` looks at the pixels.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.download.landmarks import LANDMARK, STEPS, turned_back
from tasks.validate import hashing

MAX_BITS_OF_PAIR = 28  # of 128 that may differ between landmarks of two images that are suspected already
MIN_DISTANCE_PX = 12.0  # between two landmarks that are to tell a scale
PLACE_PX = 24  # landmarks in one square of this side count once: a strong echo has several that fit together
MIN_PLACES = 3  # whose landmarks follow one turn, scale and shift
_NEIGHBOURS = 6  # later matches of the same pair of images that one is compared with
_SEEDS = 40  # matches of a pair of images, the best, that define turns, scales and shifts
THREADS = 2
PART = 2_000  # images whose matches are looked at together


@dataclass(frozen=True)
class Collection:
    """Landmarks of images in a fixed order; those of image `i` are `landmarks[first[i]:first[i + 1]]`."""

    landmarks: npt.NDArray[np.void]  # LANDMARK
    first: npt.NDArray[np.int64]  # (images + 1,)
    ranks: npt.NDArray[np.int8]  # (images,): a pair is of interest where these differ; the higher stays

    @staticmethod
    def of(landmarks: Sequence[bytes], *, ranks: Sequence[int]) -> "Collection":
        """From the `landmarks` column of features.parquet."""
        lengths = np.array([len(of) for of in landmarks], dtype=np.int64) // LANDMARK.itemsize
        whole = np.frombuffer(b"".join(landmarks), dtype=LANDMARK)
        return Collection(whole, np.concatenate([[0], np.cumsum(lengths)]), np.array(ranks, dtype=np.int8))


@dataclass(frozen=True)
class Placement:
    """Where an image lies in another: there = scale · turn(x, y) + (shift_x_px, shift_y_px), in px from the corner."""

    turn: int  # 1: left for right, 2: top for bottom, then 4: x for y; about the corner
    scale: float
    shift_x_px: float
    shift_y_px: float


@dataclass(frozen=True)
class Candidate:
    """Two images, by position in the collection, that may overlap."""

    copy: int  # of the lower rank
    other: int
    placement: Placement  # of the copy in the other
    places: int  # of the other whose landmarks follow it


def candidates(collection: Collection) -> list[Candidate]:
    """Pairs of images of different rank that may overlap, sorted by copy, then the most places, then other."""
    images, first = len(collection.ranks), collection.first
    image = np.repeat(np.arange(images, dtype=np.int32), np.diff(first))

    def of_part(start: int) -> list[Candidate]:
        least, end = first[[start, min(start + PART, images)]] << hashing.OTHER_BITS
        some = [matches[slice(*np.searchsorted(matches, (least, end)))] for matches in groups]
        suspects = _suspects(collection, _distinct(np.concatenate(some)), image=image)
        placed = (_place(collection, copy, other, turns) for copy, other, turns in suspects)
        return [candidate for candidate in placed if candidate is not None]

    with ThreadPoolExecutor(THREADS) as pool:  # numpy sorts and compares without holding the lock
        groups = hashing.matches(collection.landmarks, rank=collection.ranks[image], pool=pool)
        found = [candidate for part in pool.map(of_part, range(0, images, PART)) for candidate in part]
    return sorted(found, key=lambda candidate: (candidate.copy, -candidate.places, candidate.other))


def _distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sorted, each once. The hash table in `np.unique` takes some five times as long for these."""
    values = np.sort(values)
    return values[np.diff(values, prepend=-1) > 0]


def _relative() -> npt.NDArray[np.int64]:
    """(8, 8): turn of a copy's landmark, turn of the other's → the turn that takes the copy into the other."""
    unit = np.eye(2, dtype=np.int64)
    back = [turned_back(unit, turn) for turn in range(8)]  # rows: where the unit vectors go
    forth = [matrix.T for matrix in back]
    table = np.zeros((8, 8), dtype=np.int64)
    for copy in range(8):
        for other in range(8):
            whole = forth[copy] @ back[other]
            (table[copy, other],) = (turn for turn in range(8) if np.array_equal(forth[turn], whole))
    return table


_RELATIVE = _relative()


def turned(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], turn: npt.NDArray[np.int64] | int) -> tuple[
    npt.NDArray[np.float64], npt.NDArray[np.float64]
]:  # fmt: skip
    """Vectors (x, y) after `turn`."""
    turn = np.asarray(turn)
    x, y = np.where(turn & 1, -x, x), np.where(turn & 2, -y, y)
    exchange = (turn & 4).astype(bool)
    return np.where(exchange, y, x), np.where(exchange, x, y)


def _suspects(
    collection: Collection, matches: npt.NDArray[np.int64], *, image: npt.NDArray[np.int32]
) -> list[tuple[int, int, list[int]]]:
    """(copy, other, turns): images with two matches that agree in turn, scale and direction."""
    landmarks, number = collection.landmarks, len(collection.ranks)
    ours, theirs = matches >> hashing.OTHER_BITS, matches & ((1 << hashing.OTHER_BITS) - 1)
    case = image[ours].astype(np.int64)
    case *= number
    case += image[theirs]
    case *= 8
    case += _RELATIVE[landmarks["turn"][ours], landmarks["turn"][theirs]]
    ordered = np.sort(case)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])  # most are alone by chance
    if not len(twice):
        return []
    kept = np.flatnonzero(twice[np.searchsorted(twice, case).clip(max=len(twice) - 1)] == case)
    kept = kept[np.argsort(case[kept], kind="stable")]
    case, copy, other = case[kept], landmarks[ours[kept]], landmarks[theirs[kept]]
    found = [
        case[:-step][_agree(copy[:-step], copy[step:], other[:-step], other[step:], turn=case[:-step] & 7,
                            among=case[:-step] == case[step:])]
        for step in range(1, _NEIGHBOURS + 1) if step < len(case)
    ]  # fmt: skip
    suspects: dict[tuple[int, int], list[int]] = {}
    for one in np.unique(np.concatenate(found)).tolist() if found else []:
        suspects.setdefault(divmod(one // 8, number), []).append(one % 8)
    return [(one, two, turns) for (one, two), turns in sorted(suspects.items())]


def _agree(
    copy: npt.NDArray[np.void],
    copy_two: npt.NDArray[np.void],
    other: npt.NDArray[np.void],
    other_two: npt.NDArray[np.void],
    *,
    turn: npt.NDArray[np.int64],
    among: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Positions, of those `among`, where the step from one landmark to the other is the same in both images."""
    at = np.flatnonzero(among)
    copy, copy_two, other, other_two, turn = copy[at], copy_two[at], other[at], other_two[at], turn[at]
    dx, dy = turned(_px(copy_two["x"]) - _px(copy["x"]), _px(copy_two["y"]) - _px(copy["y"]), turn)
    other_dx, other_dy = _px(other_two["x"]) - _px(other["x"]), _px(other_two["y"]) - _px(other["y"])
    length, other_length = np.hypot(dx, dy), np.hypot(other_dx, other_dy)
    scale = other_length / np.maximum(length, 1e-9)
    off = np.hypot(other_dx - scale * dx, other_dy - scale * dy)
    fits = (np.minimum(length, other_length) >= MIN_DISTANCE_PX) & (off <= 0.1 * other_length + 4)
    wanted = STEPS * np.log2(np.maximum(scale, 1e-9))
    for a, b in ((copy, other), (copy_two, other_two)):
        fits &= np.abs(b["scale"].astype(np.float64) - a["scale"] - wanted) <= 1.6
    return at[fits]


def _px(sixteenths: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    return sixteenths.astype(np.float64) / 16


def _place(collection: Collection, copy: int, other: int, turns: Sequence[int]) -> Candidate | None:
    """The turn, scale and shift that landmarks in most places follow, if they are enough."""
    first = collection.first
    ours, theirs = (collection.landmarks[first[i] : first[i + 1]] for i in (copy, other))
    unlike = hashing.words_of(ours)[:, np.newaxis] ^ hashing.words_of(theirs)
    differ = np.bitwise_count(unlike).sum(axis=2, dtype=np.int16)
    relative = _RELATIVE[ours["turn"][:, np.newaxis], theirs["turn"]]
    best: tuple[int, Placement] | None = None
    for turn in turns:
        a, b = np.nonzero((differ <= MAX_BITS_OF_PAIR) & (relative == turn))
        order = np.argsort(differ[a, b], kind="stable")[: 4 * _SEEDS]
        found = _best_placement(ours[a[order]], theirs[b[order]], turn=turn)
        if found is not None and (best is None or found[0] > best[0]):
            best = found
    if best is None or best[0] < MIN_PLACES:
        return None
    return Candidate(copy, other, best[1], best[0])


def _best_placement(
    ours: npt.NDArray[np.void], theirs: npt.NDArray[np.void], *, turn: int
) -> tuple[int, Placement] | None:
    """Of all placements that two of these matches define, the one that most follow: in how many places, and which."""
    x, y = turned(_px(ours["x"]), _px(ours["y"]), turn)
    to_x, to_y = _px(theirs["x"]), _px(theirs["y"])
    allowed = 0.8 * 2 ** (theirs["scale"] / STEPS) + 1.5
    steps = theirs["scale"].astype(np.float64) - ours["scale"]
    one, two = np.triu_indices(min(len(x), _SEEDS), 1)
    dx, dy, to_dx, to_dy = (values[two] - values[one] for values in (x, y, to_x, to_y))
    length, to_length = np.sqrt(dx**2 + dy**2), np.sqrt(to_dx**2 + to_dy**2)
    scale = to_length / np.maximum(length, 1e-9)
    off = np.sqrt((scale * dx - to_dx) ** 2 + (scale * dy - to_dy) ** 2) / 2  # of either from where both put it
    wanted = STEPS * np.log2(np.maximum(scale, 1e-9))
    agree = (np.minimum(length, to_length) >= MIN_DISTANCE_PX) & (off <= np.minimum(allowed[one], allowed[two]))
    agree &= np.maximum(abs(steps[one] - wanted), abs(steps[two] - wanted)) <= 2
    one, two, scale = one[agree], two[agree], scale[agree]
    if not len(one):
        return None
    shift_x = (to_x[one] + to_x[two] - scale * (x[one] + x[two])) / 2
    shift_y = (to_y[one] + to_y[two] - scale * (y[one] + y[two])) / 2
    by = scale[:, np.newaxis]
    off_x, off_y = by * x + shift_x[:, np.newaxis] - to_x, by * y + shift_y[:, np.newaxis] - to_y
    follow = (off_x**2 + off_y**2 <= allowed**2) & (np.abs(steps - STEPS * np.log2(by)) <= 2)
    chosen = follow[int(np.argmax(follow.sum(axis=1)))]
    x, y, to_x, to_y, weight = x[chosen], y[chosen], to_x[chosen], to_y[chosen], allowed[chosen] ** -2.0
    places = {(int(at_x // PLACE_PX), int(at_y // PLACE_PX)) for at_x, at_y in zip(to_x, to_y, strict=True)}
    if len(places) < 2:
        return None
    middle = [float(weight @ values / weight.sum()) for values in (x, y, to_x, to_y)]
    dx, dy = x - middle[0], y - middle[1]
    slope = weight @ (dx * (to_x - middle[2]) + dy * (to_y - middle[3])) / (weight @ (dx**2 + dy**2))
    if slope <= 0:
        return None
    fitted = float(slope)
    return len(places), Placement(turn, fitted, middle[2] - fitted * middle[0], middle[3] - fitted * middle[1])
