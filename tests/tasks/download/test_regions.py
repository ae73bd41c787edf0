"""Regions of an index mask, against brute force."""

from collections import Counter, deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tasks.download import regions as module
from tasks.download.regions import regions

CLASSES = ["bareland", "road", "water"]


def brute_pieces(mask: np.ndarray, value: int) -> list[int]:
    return [len(piece) for piece in brute_pixels(mask, value)]


def brute_pixels(mask: np.ndarray, value: int) -> list[set[tuple[int, int]]]:
    height, width = mask.shape
    seen, pieces = set(), []
    for start in zip(*np.nonzero(mask == value), strict=True):
        if start in seen:
            continue
        seen.add(start)
        queue, piece = deque([start]), set()
        while queue:
            y, x = queue.popleft()
            piece.add((int(y), int(x)))
            for near in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                if 0 <= near[0] < height and 0 <= near[1] < width and near not in seen and mask[near] == value:
                    seen.add(near)
                    queue.append(near)
        pieces.append(piece)
    return pieces


def brute_border(mask: np.ndarray, value: int) -> Counter[int]:
    height, width = mask.shape
    border: Counter[int] = Counter()
    for y in range(height):
        for x in range(width):
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if mask[y, x] == value and 0 <= ny < height and 0 <= nx < width and mask[ny, nx] != value:
                    border[int(mask[ny, nx])] += 1
    return border


def brute_crosses(mask: np.ndarray, value: int) -> list[str]:
    ways = []
    for way, turned in (("left-right", mask), ("top-bottom", mask.T)):
        height, width = turned.shape
        for piece in brute_pixels(turned, value):
            touches = {x for _, x in piece} >= {0, width - 1}
            band = len(piece) / width <= 0.25 * height and len(piece) >= 0.001 * height * width
            edges = [sum((y, x) in piece for x in range(width)) for y in (0, height - 1)]
            if touches and band and max(edges) <= 0.5 * width:
                ways.append(way)
                break
    return ways


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3)))
def test_regions_agree_with_brute_force(mask: np.ndarray) -> None:
    labelled = int((mask > 0).sum())
    found = {row["class"]: row for row in regions(mask, classes=CLASSES)}
    assert list(found) == [name for value, name in enumerate(CLASSES, 1) if (mask == value).any()]
    for value, name in enumerate(CLASSES, 1):
        if name not in found:
            continue
        row, sizes, border = found[name], brute_pieces(mask, value), brute_border(mask, value)
        assert row["fraction"] == (mask == value).sum() / labelled
        assert row["largest_fraction"] == max(sizes) / labelled
        assert row["components"] == sum(size >= 0.001 * mask.size for size in sizes)
        total = sum(border.values())
        near = [CLASSES[k - 1] for k in border if k and border[k] >= 0.02 * total]
        assert row["adjacent"] == sorted(near)
        assert row["crosses"] == brute_crosses(mask, value)
        edges = [[n * i // 3 for i in range(4)] for n in mask.shape]
        for cell in range(9):
            y, x = divmod(cell, 3)
            part = mask[edges[0][y] : edges[0][y + 1], edges[1][x] : edges[1][x + 1]]
            known = int((part > 0).sum())
            assert row["grid"][cell] == ((part == value).sum() / known if known else 0.0)


def test_fractions_sum_to_one() -> None:
    mask = np.random.default_rng(0).integers(0, 4, (50, 60), dtype=np.uint8)
    rows = regions(mask, classes=CLASSES)
    assert sum(row["fraction"] for row in rows) == pytest.approx(1.0)
    np.testing.assert_allclose(np.sum([row["grid"] for row in rows], axis=0), 1.0)


def test_small_pieces_are_not_counted_but_diagonal_ones_hang_together() -> None:
    mask = np.zeros((100, 100), dtype=np.uint8)
    mask[[0, 0, 99], [0, 99, 0]] = 1  # three single pixels, each below 0.1 % of 10,000 px
    mask[40:45, 40:45] = 1
    mask[45:50, 45:50] = 1  # touches by a corner
    mask[70:73, 70:74] = 1
    (row,) = regions(mask, classes=CLASSES)
    assert row["components"] == 2
    assert row["largest_fraction"] == 50 / 65


def test_short_contact_is_no_adjacency() -> None:
    mask = np.full((100, 100), 1, dtype=np.uint8)
    mask[:, 50:] = 2
    mask[0, 49] = 3  # 2 of its 3 sides touch class 1, 1 class 2; for class 1 it is 2 of about 101 sides
    rows = {row["class"]: row["adjacent"] for row in regions(mask, classes=CLASSES)}
    assert rows["water"] == ["bareland", "road"]
    assert rows["road"] == ["bareland"]
    assert module.SMALLEST_BORDER == 0.02


def crossing(mask: np.ndarray) -> list[str]:
    (row,) = regions(mask.astype(np.uint8), classes=CLASSES)
    found: list[str] = row["crosses"]
    return found


def test_a_narrow_band_from_edge_to_edge_crosses() -> None:
    mask = np.zeros((80, 200))
    mask[30:40] = 1
    assert crossing(mask) == ["left-right"]
    assert crossing(mask.T) == ["top-bottom"]
    mask[:, 95:100] = 1
    assert crossing(mask) == ["left-right", "top-bottom"]
    broken = mask.copy()
    broken[:, 50] = 0
    assert crossing(broken) == ["top-bottom"]


def test_a_band_may_wander_and_hang_together_by_corners() -> None:
    mask = np.zeros((100, 100))
    for x in range(100):
        top = 40 + round(20 * np.sin(x / 10))
        mask[top : top + 8, x] = 1
    assert crossing(mask) == ["left-right"]
    assert crossing(np.eye(100)) == ["left-right", "top-bottom"]


def test_what_is_no_crossing() -> None:
    wide, along, dot = np.zeros((100, 100)), np.zeros((100, 100)), np.zeros((2000, 2000))
    wide[30:56] = 1  # 26 % of the height
    assert crossing(wide) == []
    wide[55] = 0
    assert crossing(wide) == ["left-right"]
    along[:15] = 1  # a coast along the upper edge
    assert crossing(along) == []
    along[:15, :50] = 0
    along[15:30, :51] = 1  # leaves that edge for half of the way
    assert crossing(along) == ["left-right"]
    dot[1000] = 1  # a line of one pixel: 0.05 % of the image
    assert crossing(dot) == []


def test_labelled_fraction_is_of_all_pixels() -> None:
    mask = np.zeros((4, 5), dtype=np.uint8)
    assert module.labelled_fraction(mask) == 0.0
    mask[0], mask[1, 0] = 2, 1
    assert module.labelled_fraction(mask) == 6 / 20
    assert module.labelled_fraction(np.ones_like(mask)) == 1.0


def test_unlabelled_mask_has_no_regions() -> None:
    assert regions(np.zeros((5, 5), dtype=np.uint8), classes=CLASSES) == []
