"""Boxes at the edge, rotated ones by their outline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.download import clip
from tasks.download.clip import Window
from tasks.download.formats import Box

SIZE = st.floats(2, 60)
PLACE = st.floats(-40, 100)


def raster_share(box: Box, window: Window) -> float:
    """The share of `box` inside `window` by brute force: a grid of points in the box's own axes."""
    u, v = np.meshgrid((np.arange(400) + 0.5) / 400 - 0.5, (np.arange(400) + 0.5) / 400 - 0.5)
    turn = np.radians(box.angle_deg or 0.0)
    dx, dy = u * box.w, v * box.h
    x = box.x + box.w / 2 + dx * np.cos(turn) - dy * np.sin(turn)
    y = box.y + box.h / 2 + dx * np.sin(turn) + dy * np.cos(turn)
    inside = (x >= window.x) & (x < window.x + window.w) & (y >= window.y) & (y < window.y + window.h)
    return float(inside.mean())


@settings(deadline=None, max_examples=50)
@given(PLACE, PLACE, SIZE, SIZE, st.none() | st.floats(0, 180))
def test_share_and_box_agree_with_a_raster(x: float, y: float, w: float, h: float, angle: float | None) -> None:
    box, window = Box("ship", x, y, w, h, angle), Window(10, 20, 50, 40)
    part, share = clip.cut(box, window)
    assert share == pytest.approx(raster_share(box, window), abs=0.01)
    if part is not None:
        assert part.name == "ship"
        for corner_x, corner_y in clip.corners(part):
            assert -1e-5 <= corner_x <= window.w + 1e-5
            assert -1e-5 <= corner_y <= window.h + 1e-5


def test_rotated_box_inside_stays_rotated_and_moves() -> None:
    part, share = clip.cut(Box("ship", 30, 30, 20, 6, 30.0), Window(10, 20, 50, 40))
    assert part == Box("ship", 20, 10, 20, 6, 30.0)
    assert share == 1.0


def test_rotated_box_over_the_edge_becomes_the_upright_box_of_what_is_left() -> None:
    # A square of side 10√2 on its corner around (10, 25): its left corner is (0, 25), the window begins at x = 10.
    side = 10 * 2**0.5
    box = Box("ship", 10 - side / 2, 25 - side / 2, side, side, 45.0)
    part, share = clip.cut(box, Window(10, 0, 50, 50))
    assert share == pytest.approx(0.5)
    assert part is not None
    assert part.angle_deg is None
    assert (part.x, part.y, part.w, part.h) == pytest.approx((0, 15, 10, 20))


def test_angle_turns_clockwise_in_the_image() -> None:
    x, y = clip.corners(Box("ship", 0, 0, 10, 2, 90.0))[0]  # top left goes to top right
    assert (x, y) == pytest.approx((6, -4))


def test_boxes_past_the_edge_of_the_image_are_clipped() -> None:
    boxes = clip.to_image([Box("ship", -3, 5, 10, 4), Box("ship", 90, 90, 30, 30)], width=100, height=100, where="a")
    assert boxes == (Box("ship", 0, 5, 7, 4), Box("ship", 90, 90, 10, 10))


@pytest.mark.parametrize(
    "box",
    [
        Box("ship", 100, 5, 10, 4),
        Box("ship", 5, 5, 0, 4),
        Box("ship", 5, 5, 3, -4),
        Box("ship", float("nan"), 5, 3, 4),
        Box("ship", 5, 5, 0, 4, 30.0),
        Box("ship", 130, 5, 10, 4, 30.0),
    ],
)
def test_box_without_area_in_the_image_is_an_error_with_the_file(box: Box) -> None:
    with pytest.raises(ValueError, match=r"s: a/b\.png: ship box .*no area inside the 100 × 80 px image"):
        clip.to_image([box], width=100, height=80, where="s: a/b.png")


def test_what_the_source_states_of_an_object_stays_when_its_box_is_cut() -> None:
    window = Window(0, 0, 20, 20)
    for box in (
        Box("tug", 2, 2, 6, 4, None, 45.0, 30.0, 9.0),  # inside
        Box("tug", 15, 2, 10, 4, None, 45.0, 30.0, 9.0),  # over the edge
        Box("tug", 5, 5, 8, 4, 30.0, 45.0, 30.0, 9.0),  # rotated
        Box("tug", 15, 5, 10, 4, 30.0, 45.0, 30.0, 9.0),  # rotated, over the edge
    ):
        part, _ = clip.cut(box, window)
        assert part is not None
        assert (part.heading_deg, part.length_m, part.width_m) == (45.0, 30.0, 9.0)
