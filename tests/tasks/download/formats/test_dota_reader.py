"""DOTA text: corners become the least rectangle around them."""

import math
from pathlib import Path
from typing import Any

import pytest
from fakes import sived as fake
from fakes.describe import source
from hypothesis import given
from hypothesis import strategies as st

from tasks.download import clip
from tasks.download.formats import Box, Item
from tasks.download.formats.dota import least_rectangle, read

READER = {"folders": [{"images": "ImageSets/images/train", "annotations": "ImageSets/labelTxt/train"}]}
TEXT = "ImageSets/labelTxt/train/FARAD_1.txt"


def items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    return list(read(root, source("dota", classes=classes or {"vehicle": "vehicle"}, reader=READER | reader)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.draw(tmp_path)
    return tmp_path


SIDE = st.floats(1, 60)


@given(st.floats(-50, 50), st.floats(-50, 50), SIDE, SIDE, st.floats(0, 179.9), st.permutations(range(4)))
def test_a_rectangle_is_found_again_whatever_the_order_of_its_corners(
    x: float, y: float, long: float, share: float, angle: float, order: list[int]
) -> None:
    w, h = long, long * min(0.95, share / 60)
    box = Box("vehicle", x, y, w, h, angle)
    outline = clip.corners(box)
    found = least_rectangle("vehicle", [outline[place] for place in order])
    assert (found.w, found.h) == pytest.approx((w, h), abs=1e-6)
    assert (found.x + found.w / 2, found.y + found.h / 2) == pytest.approx((x + w / 2, y + h / 2), abs=1e-6)
    assert found.angle_deg is not None
    assert 0 <= found.angle_deg < 180
    turned = abs(found.angle_deg - angle) % 180
    assert min(turned, 180 - turned) * math.radians(1) * w == pytest.approx(0, abs=1e-4)


COORDINATE = st.floats(0, 100)


@given(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=4, max_size=4))
def test_any_four_points_lie_inside_and_no_turned_rectangle_is_smaller(points: list[tuple[float, float]]) -> None:
    found = least_rectangle("vehicle", points)
    assert found.angle_deg is not None
    assert found.w >= found.h
    center = found.x + found.w / 2, found.y + found.h / 2
    for turn_deg in [found.angle_deg, *range(0, 180, 3)]:
        turn = math.radians(turn_deg)
        along = [(x - center[0]) * math.cos(turn) + (y - center[1]) * math.sin(turn) for x, y in points]
        across = [(y - center[1]) * math.cos(turn) - (x - center[0]) * math.sin(turn) for x, y in points]
        if turn_deg == found.angle_deg:
            assert max(map(abs, along)) <= found.w / 2 + 1e-6
            assert max(map(abs, across)) <= found.h / 2 + 1e-6
        area = (max(along) - min(along)) * (max(across) - min(across))
        assert area >= found.w * found.h - 1e-6


def test_corners_that_all_agree_make_a_box_without_area(root: Path) -> None:
    (root / TEXT).write_text("5 5 5 5 5 5 5 5 vehicle 0\n")
    with pytest.raises(ValueError, match=r"FARAD_1\.txt line 1: box .* has no area inside"):
        items(root)
    assert items(root, outside="drop")[0].boxes == ()


def test_headers_are_passed_over_and_difficult_ones_kept(root: Path) -> None:
    (root / TEXT).write_text("imagesource:x\ngsd:0.1\n1 1 9 1 9 5 1 5 vehicle 1\n")
    assert items(root)[0].boxes == (Box("vehicle", 1, 1, 8, 4, 0.0),)


def test_an_unknown_class_names_line_and_table(root: Path) -> None:
    (root / TEXT).write_text("1 1 9 1 9 5 1 5 large-vehicle 0\n")
    with pytest.raises(ValueError, match=r"FARAD_1\.txt line 1: class 'large-vehicle' is not in classes of sources/fa"):
        items(root)
    assert items(root, classes={"large-vehicle": ""})[0].boxes == ()


@pytest.mark.parametrize("line", ["1 1 9 1 9 5 1 vehicle 0", "1 1 9 1 9 5 1 5", "1 1 9 1 9 5 1 5 large vehicle 0 0"])
def test_what_is_no_dota_names_the_line(root: Path, line: str) -> None:
    (root / TEXT).write_text(f"gsd:null\n{line}\n")
    with pytest.raises(ValueError, match=r"fake: ImageSets/labelTxt/train/FARAD_1\.txt line 2 is not DOTA text"):
        items(root)


def test_an_image_that_cannot_be_read_still_comes_with_its_boxes(root: Path) -> None:
    (root / "ImageSets/images/train/FARAD_1.jpg").write_bytes(b"no JPEG")
    assert len(items(root)[0].boxes or ()) == 2
