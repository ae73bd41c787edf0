"""SAR-AIRcraft-1.0, SADD and SIVED as their descriptions in sources/ read them."""

from pathlib import Path

import pytest
from fakes import sadd, sar_aircraft, sived
from fakes.annotations import bndbox, write_voc
from layout_project import Project, class_boxes, make

from tasks.download.digests import of_file


def test_sar_aircraft_types_splits_and_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sar_aircraft", sar_aircraft.draw)
    assert "<filename>0000001.xml</filename>" in (project.placed / "Annotations/0000001.xml").read_text()
    project.pin()
    rows = {path.rpartition("/")[2]: row for path, row in project.download().items()}
    assert {name: row["split"] for name, row in rows.items()} == {
        "0000001.jpg": "train", "0000002.jpg": "train", "0000003.jpg": "val", "0000004.jpg": "test"
    }  # fmt: skip
    assert class_boxes(rows["0000001.jpg"]) == [("a220", 0, 0, 10, 20), ("a320_a321", 29, 4, 21, 21)]
    assert class_boxes(rows["0000003.jpg"])[0] == ("a330", 50, 30, 14, 17)
    found = {box["class"] for row in rows.values() for box in row["boxes"]}
    assert found == set(project.source().exhaustive)


def test_a_type_that_the_table_lacks_names_the_line_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sar_aircraft", sar_aircraft.draw)
    write_voc(project.placed / "Annotations/0000004.xml", [bndbox("A350", 1, 1, 9, 9)], width=64, height=48)
    with pytest.raises(ValueError, match=r"0000004\.xml: class 'A350' is not in classes of sources/sar_aircraft\.yaml"):
        project.items()


def test_sadd_empty_images_count_as_annotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sadd", sadd.draw)
    project.pin()
    rows = {path.rpartition("/")[2]: row for path, row in project.download().items()}
    assert class_boxes(rows["img1.jpg"]) == [("aircraft", 84, 42, 56, 28), ("aircraft", 182, 84, 42, 56)]
    assert rows["img2.jpg"]["boxes"] == rows["img3.jpg"]["boxes"] == []
    assert rows["img1.jpg"]["polarization"] == "HH"


@pytest.fixture
def vehicles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """SIVED packed, and unpacked at `placed`'s neighbour `unpacked`."""
    project = make(tmp_path, monkeypatch, "sived", lambda placed: sived.draw(placed.with_name("unpacked")))
    sived.pack(project.placed.with_name("unpacked"), project.placed)
    project.describe(sha256=of_file(project.placed).sha256)
    return project


def test_sived_corners_become_rotated_boxes(vehicles: Project) -> None:
    rows = vehicles.download()
    assert {path: row["split"] for path, row in rows.items()} == {
        "ImageSets/images/test/MSTAR_3.jpg": "test",
        "ImageSets/images/train/FARAD_1.jpg": "train",
        "ImageSets/images/valid/MiniSAR_2.jpg": "val",
    }
    first, second = rows["ImageSets/images/train/FARAD_1.jpg"]["boxes"]
    for box, (cx, cy, w, h, angle) in ((first, (30, 20, 12, 6, 30)), (second, (10, 36, 10, 4, 135))):
        assert box["class"] == "vehicle"
        assert (box["x"] + box["w"] / 2, box["y"] + box["h"] / 2) == pytest.approx((cx, cy), abs=1e-3)
        assert (box["w"], box["h"]) == pytest.approx((w, h), abs=1e-3)
        assert box["angle_deg"] == pytest.approx(angle, abs=0.01)
    (crossing,) = rows["ImageSets/images/valid/MiniSAR_2.jpg"]["boxes"]
    assert crossing["angle_deg"] is None  # what is left of it inside is no rotated rectangle
    assert crossing["x"] + crossing["w"] == 64
    assert rows["ImageSets/images/test/MSTAR_3.jpg"]["boxes"] == []


def test_sived_xml_says_the_same_as_its_corners(vehicles: Project) -> None:
    unpacked = vehicles.placed.with_name("unpacked")
    by_corners = Project(vehicles.folder, "sived", unpacked).items()
    assert "<filename>FARAD_1.xml</filename>" in (unpacked / "Annotations/FARAD_1.xml").read_text()
    folders = [{"images": f"ImageSets/images/{split}", "annotations": "Annotations"} for split in ("train",)]
    for split in ("valid", "test"):
        (unpacked / f"ImageSets/images/{split}").rename(unpacked / f"ImageSets/images/train/{split}")
    for path in list((unpacked / "ImageSets/images/train").rglob("*/*.jpg")):
        path.rename(unpacked / "ImageSets/images/train" / path.name)
    vehicles.describe(format="voc", reader={"folders": folders, "box": "rbndbox"})
    by_angles = Project(vehicles.folder, "sived", unpacked).items()
    corners = {item.path.rpartition("/")[2]: item.boxes or () for item in by_corners}
    assert len(by_angles) == len(corners) == 3
    for item in by_angles:
        boxes = item.boxes or ()
        others = corners[item.path.rpartition("/")[2]]
        assert len(boxes) == len(others)
        for one, other in zip(boxes, others, strict=True):
            assert (one.x, one.y, one.w, one.h) == pytest.approx((other.x, other.y, other.w, other.h), abs=1e-3)
            assert (one.angle_deg is None) == (other.angle_deg is None)
            if one.angle_deg is not None and other.angle_deg is not None:
                assert one.angle_deg == pytest.approx(other.angle_deg, abs=0.01)


def test_sived_images_in_one_folder_are_found_too(vehicles: Project) -> None:
    unpacked = Project(vehicles.folder, "sived", vehicles.placed.with_name("unpacked"))
    (unpacked.placed / "JPEGImages").mkdir()
    for path in list((unpacked.placed / "ImageSets/images").rglob("*.jpg")):
        path.rename(unpacked.placed / "JPEGImages" / path.name)
    assert {item.path: item.split for item in unpacked.items()} == {
        "JPEGImages/FARAD_1.jpg": "train", "JPEGImages/MSTAR_3.jpg": "test", "JPEGImages/MiniSAR_2.jpg": "val"
    }  # fmt: skip
    (unpacked.placed / "ImageSets/labelTxt/test/MSTAR_3.txt").unlink()
    with pytest.raises(ValueError, match=r"1 image, the first JPEGImages/MSTAR_3\.jpg, without annotation"):
        unpacked.items()
