"""Large images cut into squares whose annotation stays true."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.download.catalog import Patches
from tasks.download.clip import Window
from tasks.download.formats import Box
from tasks.download.patches import Reason, cut, cut_boxes, valid_share, windows


@settings(deadline=None, max_examples=50)
@given(st.integers(8, 300), st.integers(8, 300), st.integers(8, 64), st.integers(1, 64))
def test_windows_lie_inside_and_cover_all_but_a_narrow_strip(width: int, height: int, size: int, stride: int) -> None:
    patches = Patches(size, min(stride, size))
    covered = np.zeros((height, width), dtype=bool)
    found = windows(width=width, height=height, patches=patches)
    assert len(set(found)) == len(found)
    for window in found:
        assert window.w == min(size, width)
        assert window.h == min(size, height)
        assert window.x >= 0
        assert window.y >= 0
        assert window.x + window.w <= width
        assert window.y + window.h <= height
        covered[window.y : window.y + window.h, window.x : window.x + window.w] = True
    assert (~covered.any(axis=0)).sum() < patches.stride_px / 2
    assert (~covered.any(axis=1)).sum() < patches.stride_px / 2


def test_wide_rest_is_shifted_inside_and_narrow_rest_left_out() -> None:
    assert [w.x for w in windows(width=900, height=256, patches=Patches(256, 256))] == [0, 256, 512, 644]
    assert [w.x for w in windows(width=800, height=256, patches=Patches(256, 256))] == [0, 256, 512]
    assert windows(width=100, height=90, patches=Patches(256, 128)) == [Window(0, 0, 100, 90)]


def test_boxes_and_mask_move_with_their_square() -> None:
    stored = np.arange(1, 65 * 64 + 1, dtype=np.uint16).reshape(64, 65, 1)
    mask = (stored[..., 0] % 7 + 1).astype(np.uint8)
    left_out: Counter[Reason] = Counter()
    boxes = (Box("ship", 40, 4, 8, 6), Box("ship", 2, 40, 10, 10, 20.0))
    found = list(cut(stored, boxes=boxes, mask=mask, patches=Patches(32, 32), left_out=left_out))
    assert [(p.window.x, p.window.y) for p in found] == [(0, 0), (32, 0), (0, 32), (32, 32)]
    for patch in found:
        y, x = patch.window.y, patch.window.x
        np.testing.assert_array_equal(patch.stored, stored[y : y + 32, x : x + 32])
        np.testing.assert_array_equal(patch.mask, mask[y : y + 32, x : x + 32])
    assert [p.boxes for p in found] == [(), (Box("ship", 8, 4, 8, 6),), (Box("ship", 2, 8, 10, 10, 20.0),), ()]
    assert not left_out


def test_without_boxes_there_are_none_afterwards() -> None:
    patch = next(cut(np.ones((40, 40, 1)), boxes=None, mask=None, patches=Patches(32, 32), left_out=Counter()))
    assert patch.boxes is None
    assert patch.mask is None


def test_square_that_shows_a_scrap_of_an_object_is_left_out() -> None:
    stored = np.ones((32, 64, 1), dtype=np.uint8)
    left_out: Counter[Reason] = Counter()
    box = Box("ship", 24, 4, 11, 6)  # 8 px in the left square, 3 px in the right one
    found = list(cut(stored, boxes=(box,), mask=None, patches=Patches(32, 32), left_out=left_out))
    assert [p.boxes for p in found] == [(Box("ship", 24, 4, 8, 6),)]
    assert left_out == {"cut_object": 1}


def test_sliver_thinner_than_a_pixel_does_not_matter() -> None:
    assert cut_boxes((Box("ship", 24, 4, 8.9, 6),), Window(32, 0, 32, 32), min_box_area=0.5) == ()
    assert cut_boxes((Box("ship", 24, 4, 9.1, 6),), Window(32, 0, 32, 32), min_box_area=0.5) is None


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(3, 30), st.floats(3, 30)), max_size=6),
    st.floats(0.1, 1.0),
)
def test_what_a_square_shows_is_counted(spots: list[tuple[float, float, float, float]], least: float) -> None:
    """In each square that is kept, every object of which more than a sliver is visible has its box."""
    boxes = tuple(Box("ship", *spot) for spot in spots)
    for window in windows(width=128, height=128, patches=Patches(48, 40)):
        kept = cut_boxes(boxes, window, min_box_area=least)
        visible = 0
        for box in boxes:
            w = min(box.x + box.w, window.x + window.w) - max(box.x, window.x)
            h = min(box.y + box.h, window.y + window.h) - max(box.y, window.y)
            visible += w >= 1 and h >= 1
        if kept is not None:
            assert len(kept) >= visible
            assert all(part.w * part.h > 0 for part in kept)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_valid_share_counts_pixels_with_a_value_in_any_band(kind: type) -> None:
    stored = np.zeros((10, 10, 2), dtype=kind)
    stored[:3, :, 0] = 1
    stored[2:5, :, 1] = 2
    assert valid_share(stored) == pytest.approx(0.5)
    if kind is np.float32:
        stored[0] = np.nan
        stored[1, :, 0] = np.nan
        assert valid_share(stored) == pytest.approx(0.3)


def test_invalid_and_unlabelled_squares_are_left_out() -> None:
    stored = np.ones((32, 128, 1), dtype=np.float32)
    stored[:, :8] = 0  # a quarter of the first square
    stored[:, 32:64] = np.nan
    mask = np.ones((32, 128), dtype=np.uint8)
    mask[:, 64:96] = 0
    left_out: Counter[Reason] = Counter()
    found = list(cut(stored, boxes=None, mask=mask, patches=Patches(32, 32), left_out=left_out))
    assert [p.window.x for p in found] == [96]
    assert left_out == {"invalid": 2, "unlabelled": 1}
    assert len(list(cut(stored, boxes=None, mask=mask, patches=Patches(32, 32, min_valid=0.7), left_out=left_out))) == 2
