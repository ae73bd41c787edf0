"""SSDD, HRSID and OpenSARShip as their descriptions in sources/ read them."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import hrsid, opensarship, ssdd
from layout_project import SHIPPED, Project, class_boxes, make

from tasks.download import catalog, prepare
from tasks.download.formats import Item


def test_ssdd_category_0_is_a_ship_and_boxes_end_at_the_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "ssdd_official", ssdd.draw)
    project.pin()
    rows = project.download()
    train = "BBox_SSDD/coco_style/images/train"
    assert {path: row["split"] for path, row in rows.items()} == {
        "BBox_SSDD/coco_style/images/test/000009.jpg": "test",
        f"{train}/000001.jpg": "train",
        f"{train}/000002.jpg": "train",
    }
    assert class_boxes(rows[f"{train}/000001.jpg"]) == [("ship", 10, 5, 20, 8)]
    assert class_boxes(rows[f"{train}/000002.jpg"]) == [("ship", 0, 0, 12, 9), ("ship", 50, 40, 14, 8)]
    assert rows[f"{train}/000001.jpg"]["group"] == "ssdd/000001"  # as of the two images in the source `ssdd`


def test_hrsid_category_1_and_groups_by_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "hrsid", hrsid.draw)
    project.pin()
    rows = {path.rpartition("/")[2]: row for path, row in project.download().items()}
    assert {name: (row["split"], row["group"]) for name, row in rows.items()} == {
        "P0001_0_800_7200_8000.jpg": ("train", "hrsid/P0001"),
        "P0094_0_800_3000_3800.jpg": ("train", "hrsid/P0094"),
        "P0094_600_1400_3000_3800.jpg": ("test", "hrsid/P0094"),
        "P0119_2400_3200_6000_6800.jpg": ("test", "hrsid/P0119"),
    }
    assert class_boxes(rows["P0094_600_1400_3000_3800.jpg"]) == [("ship", 55, 30, 9, 8)]
    assert rows["P0119_2400_3200_6000_6800.jpg"]["boxes"] == []  # annotated, nothing there


def test_hrsid_name_without_a_scene_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "hrsid", hrsid.draw)
    images, file = project.placed / "HRSID_JPG/JPEGImages", project.placed / "HRSID_JPG/annotations/test2017.json"
    (images / "P0119_2400_3200_6000_6800.jpg").rename(images / "0119.jpg")
    file.write_text(file.read_text().replace("P0119_2400_3200_6000_6800.jpg", "0119.jpg"))
    project.pin()
    with pytest.raises(ValueError, match=r"0119\.jpg does not match grouping\.pattern"):
        project.download()


def test_a_category_that_the_table_lacks_names_the_line_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "ssdd_official", ssdd.draw)
    file = project.placed / "BBox_SSDD/coco_style/annotations/test.json"
    content = json.loads(file.read_text())
    content["categories"].append({"id": 7, "name": "buoy"})
    content["annotations"][0]["category_id"] = 7
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"class 'buoy' is not in classes of sources/ssdd_official\.yaml .*map it"):
        project.items()


@pytest.mark.parametrize(
    ("name", "path", "sample", "sample_path", "group"),
    [
        ("ssdd_official", "BBox_SSDD/coco_style/images/test/000002.jpg", "ssdd", "imgs/000002.jpg", "ssdd/000002"),
        ("hrsid", "HRSID_JPG/JPEGImages/P0001_0_800_7200_8000.jpg", "hrsid_sample",
         "images/P0001_1200_2000_9600_10400.jpg", "hrsid/P0001"),
    ],
)  # fmt: skip
def test_a_full_set_shares_its_groups_with_the_public_sample(
    name: str, path: str, sample: str, sample_path: str, group: str
) -> None:
    for source, image in ((name, path), (sample, sample_path)):
        described = catalog.load(source, path=SHIPPED / f"{source}.yaml")
        assert prepare.group(described, Item(image, "sar")) == group


@pytest.fixture
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return make(tmp_path, monkeypatch, "opensarship", opensarship.draw)


def test_opensarship_tells_type_size_and_heading_from_ais(ships: Project) -> None:
    ships.pin()
    rows = ships.download()
    first, second = opensarship.SCENES
    assert len(rows) == 6
    assert all("/Patch_Uint8/" in path for path in rows)
    cargo = rows[f"{first}/Patch_Uint8/Visual_Cargo_x1601_y7784_vh.tif"]
    assert (cargo["polarization"], cargo["sensor"], cargo["group"]) == ("VH", "Sentinel-1", f"opensarship/{first}")
    assert cargo["boxes"] == [
        {"class": "cargo_ship", "x": 0.0, "y": 0.0, "w": 40.0, "h": 30.0, "angle_deg": None, "heading_deg": 45.0,
         "length_m": 189.0, "width_m": 30.0}
    ]  # fmt: skip
    tug = rows[f"{first}/Patch_Uint8/Visual_Tug_x23_y8345_vv.tif"]["boxes"][0]
    assert (tug["class"], tug["length_m"], tug["width_m"], tug["heading_deg"]) == ("tug", 28.5, 9.0, None)
    other = rows[f"{second}/Patch_Uint8/Visual_Cargo_x1601_y7784_vh.tif"]  # the name of the first scene's chip again
    assert other["record_id"] != cargo["record_id"]
    assert other["group"] == f"opensarship/{second}"
    assert [other["boxes"][0][key] for key in ("class", "length_m", "width_m", "heading_deg")] == [
        "cargo_ship", None, None, None
    ]  # fmt: skip


def rewrite(ships: Project, *entries: tuple[Any, ...]) -> Path:
    path = ships.placed / opensarship.SCENES[1] / "Ship.xml"
    opensarship.write_ships(path, list(entries))
    return path


def test_a_type_that_the_table_lacks_names_the_line_to_add(ships: Project) -> None:
    rewrite(ships, ("Cargo", 1601, 7784, "21", "0", "", ""))
    with pytest.raises(ValueError, match=r"x=1601 y=7784: class '21' is not in classes of sources/opensarship\.yaml"):
        ships.items()


def test_a_chip_without_entry_must_be_settled(ships: Project) -> None:
    rewrite(ships, ("Cargo", 1, 2, "70", "100", "20", "0"))
    with pytest.raises(ValueError, match=r"2 chips, the first .*_x1601_y7784_vh\.tif, without an entry"):
        ships.items()
    options = dict(ships.source().reader)
    ships.describe(reader=options | {"unlisted": "skip"})
    assert len(ships.items()) == 4
    ships.describe(reader=options | {"unlisted": "empty"})
    with pytest.raises(ValueError, match="unlisted is 'empty'; choose one of refuse, skip"):
        ships.items()


def test_two_entries_with_one_center(ships: Project) -> None:
    entry = ("Cargo", 1601, 7784, "70", "100", "20", "0")
    rewrite(ships, entry, entry)
    with pytest.raises(ValueError, match=r"two ships have the center x=1601 y=7784"):
        ships.items()


def test_other_tags_are_listed_for_the_description(ships: Project) -> None:
    for scene in opensarship.SCENES:
        path = ships.placed / scene / "Ship.xml"
        path.write_text(path.read_text().replace("Heading>", "True_heading>"))
    with pytest.raises(ValueError, match=r"no ship has the tag AISShipInformation/Heading .*AISShipInformation/True_h"):
        ships.items()
    options = dict(ships.source().reader)
    ships.describe(reader=options | {"heading": ""})
    assert {item.boxes[0].heading_deg for item in ships.items() if item.boxes} == {None}
    ships.describe(reader=options | {"heading": "AISShipInformation/True_heading"})
    assert {item.boxes[0].heading_deg for item in ships.items() if item.boxes} == {45.0, None}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<Length>0<", "<Length>long<", "Length is 'long', no number"),
        ("</ships>", "", "is not XML"),
        ("<Center_x>1601</Center_x>", "", "no SARShipInformation/Center_x"),
    ],
)
def test_what_is_no_ship_xml_names_the_file(ships: Project, old: str, new: str, said: str) -> None:
    path = ships.placed / opensarship.SCENES[1] / "Ship.xml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"opensarship: {opensarship.SCENES[1]}/Ship\.xml.*{said}"):
        ships.items()


def test_a_scene_without_ship_xml(ships: Project) -> None:
    (ships.placed / opensarship.SCENES[0] / "Ship.xml").unlink()
    with pytest.raises(ValueError, match=rf"{opensarship.SCENES[0]}/Ship\.xml is missing"):
        ships.items()
