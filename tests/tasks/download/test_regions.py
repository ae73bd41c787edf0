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
    height, width = mask.shape
    seen, sizes = set(), []
    for start in zip(*np.nonzero(mask == value), strict=True):
        if start in seen:
            continue
        seen.add(start)
        queue, size = deque([start]), 0
        while queue:
            y, x = queue.popleft()
            size += 1
            for near in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                if 0 <= near[0] < height and 0 <= near[1] < width and near not in seen and mask[near] == value:
                    seen.add(near)
                    queue.append(near)
        sizes.append(size)
    return sizes


def brute_border(mask: np.ndarray, value: int) -> Counter[int]:
    height, width = mask.shape
    border: Counter[int] = Counter()
    for y in range(height):
        for x in range(width):
            for ny, nx in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if mask[y, x] == value and 0 <= ny < height and 0 <= nx < width and mask[ny, nx] != value:
                    border[int(mask[ny, nx])] += 1
    return border


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


def test_unlabelled_mask_has_no_regions() -> None:
    assert regions(np.zeros((5, 5), dtype=np.uint8), classes=CLASSES) == []
