"""SARDet-100K and MSAR-1.0 as their descriptions in sources/ read them."""

from functools import partial
from pathlib import Path
from typing import Literal

import pytest
from fakes import msar, sardet
from fakes.drawing import save, speckle
from layout_project import class_boxes, make


@pytest.mark.parametrize("first_category", [0, 1])
@pytest.mark.parametrize("layout", ["flat", "split"])
def test_sardet_in_both_layouts_with_categories_from_0_or_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: Literal["flat", "split"], first_category: int
) -> None:
    draw = partial(sardet.draw, layout=layout, first_category=first_category)
    project = make(tmp_path, monkeypatch, "sardet_100k", draw)
    items = {item.path: item for item in project.items()}
    train = "JPEGImages" if layout == "flat" else "Images/train"
    first = items[f"{train}/0000001.jpg"].boxes
    assert first is not None
    assert [box.name for box in first] == ["ship", "aircraft", "vehicle", "storage_tank", "bridge", "harbor"]
    assert items[f"{train}/0000002.jpg"].boxes == ()
    assert sorted(str(item.split) for item in items.values()) == ["test", "train", "train", "train", "val"]
    if layout == "split":  # two images of one name, in two folders
        assert {"Images/train/0000001.jpg", "Images/val/0000001.jpg"} <= set(items)


def test_sardet_records_groups_and_a_truncated_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sardet_100k", partial(sardet.draw, layout="split"))
    project.pin()
    rows = project.download()
    assert len(rows) == len({row["record_id"] for row in rows.values()}) == 5
    assert class_boxes(rows["Images/val/0000001.jpg"]) == [("storage_tank", 20, 20, 10, 10)]
    assert class_boxes(rows["Images/test/0000005.jpg"]) == [("vehicle", 60, 40, 4, 8)]
    # Running numbers tell no scene: each image is a group of its own, also where two have one name.
    assert {row["group"] for row in rows.values()} == {f"sardet_100k/{path}" for path in rows}
    truncated = rows[f"Images/train/{sardet.TRUNCATED}"]
    assert (truncated["width_px"], truncated["height_px"]) == (0, 0)
    assert truncated["error"].startswith("cannot decode the image")
    assert class_boxes(truncated) == [("ship", 1, 1, 5, 5)]
    assert [row["error"] for path, row in rows.items() if path != f"Images/train/{sardet.TRUNCATED}"] == [None] * 4


def test_sardet_in_both_layouts_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sardet_100k", sardet.draw)
    save(project.placed / "Images/val/0000004.jpg", speckle(64, 48, seed=1))
    with pytest.raises(ValueError, match="Images/val and JPEGImages both hold images"):
        project.items()


def test_an_image_of_no_annotation_file_is_told_in_the_flat_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path, monkeypatch, "sardet_100k", sardet.draw)
    save(project.placed / "JPEGImages/0000009.jpg", speckle(64, 48, seed=1))
    with pytest.raises(ValueError, match=r"1 image, the first JPEGImages/0000009\.jpg, without annotation"):
        project.items()


def test_msar_oil_tanks_chinese_names_and_images_that_stay_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path, monkeypatch, "msar", msar.draw)
    project.pin()
    rows = project.download()
    assert list(rows) == ["JPEGImages/01.jpg", "JPEGImages/02.jpg", "JPEGImages/03.jpg"]
    assert class_boxes(rows["JPEGImages/01.jpg"]) == [("ship", 0, 0, 10, 20), ("storage_tank", 240, 240, 16, 16)]
    assert class_boxes(rows["JPEGImages/03.jpg"]) == [("bridge", 100, 900, 1800, 100)]
    assert rows["JPEGImages/03.jpg"]["width_px"] == 2048
    assert {row["split"] for row in rows.values()} == {None}
