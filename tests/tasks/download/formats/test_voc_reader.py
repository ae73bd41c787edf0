"""Pascal VOC: coordinates from 1, lists longer than the data, names inside that are wrong."""

from pathlib import Path
from typing import Any

import pytest
from fakes import voc as fake
from fakes.describe import source
from fakes.drawing import save, speckle

from tasks.download.formats import Box, Item
from tasks.download.formats.voc import read
from tasks.download.listing import present


def items(root: Path, **reader: Any) -> list[Item]:
    return list(read(root, source("voc", classes=fake.CLASSES, reader={"sets": fake.SETS} | reader)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.draw(tmp_path)
    return tmp_path


def test_boxes_count_from_one_are_cut_at_the_edge_and_difficult_ones_kept(root: Path) -> None:
    assert items(root) == [
        Item("JPEGImages/0000001.jpg", "sar", boxes=(Box("a220", 0, 0, 10, 20),), split="train"),
        Item(
            "JPEGImages/0000002.jpg",
            "sar",
            boxes=(Box("other_aircraft", 50, 30, 10, 10), Box("boeing737", 4, 5, 3, 3)),
            split="val",
        ),
        Item("JPEGImages/0000003.jpg", "sar", boxes=(), split="test"),
    ]


def test_without_lists_there_is_no_split(root: Path) -> None:
    assert {item.split for item in items(root, sets={})} == {None}


def test_an_image_in_no_list_has_no_split(root: Path) -> None:
    (root / "ImageSets/Main/val.txt").write_text("\n")
    assert [item.split for item in items(root)] == ["train", None, "test"]


def test_an_image_in_two_lists_of_different_splits(root: Path) -> None:
    (root / "ImageSets/Main/val.txt").write_text("0000001\n")
    with pytest.raises(ValueError, match=r"val.txt puts 0000001 into val"):
        items(root)


def test_folders_as_splits_as_ssdd_has_them(tmp_path: Path) -> None:
    for split in ("train", "test"):
        fake.annotate(tmp_path / split, "0000001", [("A220", 1, 1, 2, 2)])
        (tmp_path / split / "JPEGImages").rename(tmp_path / f"JPEGImages_{split}")
        (tmp_path / split / "Annotations").rename(tmp_path / f"Annotations_{split}")
    folders = [
        {"images": f"JPEGImages_{split}", "annotations": f"Annotations_{split}", "split": split}
        for split in ("train", "test")
    ]
    read_items = items(tmp_path, folders=folders, sets={})
    assert [(item.path, item.split) for item in read_items] == [
        ("JPEGImages_test/0000001.jpg", "test"),
        ("JPEGImages_train/0000001.jpg", "train"),
    ]
    with pytest.raises(ValueError, match="by sets and by folders; keep one"):
        items(tmp_path, folders=folders)


@pytest.mark.parametrize("box", [(61, 1, 70, 10), (10, 10, 5, 20), (-9, 3, 0, 5)])
def test_a_box_with_nothing_inside_its_image_must_be_settled(root: Path, box: tuple[int, int, int, int]) -> None:
    fake.annotate(root, "0000003", [("A220", *box)])
    with pytest.raises(ValueError, match=r"Annotations/0000003.xml: box .* has no area inside its 60×40 px"):
        items(root)
    assert items(root, outside="drop")[2].boxes == ()


def test_boxes_of_another_edition_of_the_image(root: Path) -> None:
    fake.annotate(root, "0000003", [], width=120)
    with pytest.raises(ValueError, match=r"0000003.xml: boxes are given for 120×40 px, but 0000003.jpg has 60×40"):
        items(root)


def test_without_a_stated_size_the_image_tells(root: Path) -> None:
    fake.annotate(root, "0000003", [("A220", 59, 39, 80, 80)], width=0)
    assert items(root)[2].boxes == (Box("a220", 58, 38, 2, 2),)


def test_unknown_class_names_the_file(root: Path) -> None:
    fake.annotate(root, "0000003", [("A380", 1, 1, 2, 2)])
    with pytest.raises(ValueError, match=r"Annotations/0000003.xml: class 'A380' is not in classes"):
        items(root)


def test_halves_that_are_missing(root: Path) -> None:
    (root / "Annotations/0000002.xml").unlink()
    with pytest.raises(ValueError, match=r"1 image, the first JPEGImages/0000002.jpg, without annotation"):
        items(root)
    assert [item.boxes for item in items(root, unannotated="empty")][1:] == [(), ()]
    assert items(root, unannotated="empty")[1].split == "val"
    (root / "JPEGImages/0000001.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 annotated image, the first JPEGImages/0000001.\*, missing"):
        items(root, unannotated="skip")


def test_an_annotation_outside_the_declared_subset_of_images_is_not_taken(root: Path) -> None:
    files = {path: "0" * 64 for path in present(root) if path != "JPEGImages/0000001.jpg"}
    described = source("voc", classes=fake.CLASSES, reader={"sets": fake.SETS}, files=files)
    assert [item.path for item in read(root, described)] == ["JPEGImages/0000002.jpg", "JPEGImages/0000003.jpg"]


def test_two_images_of_one_stem(root: Path) -> None:
    save(root / "JPEGImages/0000002.png", speckle(60, 40, seed=1))
    with pytest.raises(ValueError, match=r"0000002.jpg and JPEGImages/0000002.png have the same stem"):
        items(root)


@pytest.mark.parametrize(
    ("object_xml", "said"),
    [
        ("<object><name>A220</name><bndbox><xmin>a</xmin></bndbox></object>", "bndbox/xmin is 'a'"),
        (
            "<object><name>A220</name><rbndbox><cx>3</cx></rbndbox></object>",
            "for rotated boxes set reader.box to rbndbox",
        ),
        ("<object>", "mismatched tag"),
    ],
)
def test_what_is_no_voc_names_the_file(root: Path, object_xml: str, said: str) -> None:
    (root / "Annotations/0000003.xml").write_text(f"<annotation>{object_xml}</annotation>")
    with pytest.raises(ValueError, match=f"fake: Annotations/0000003.xml is not Pascal VOC: .*{said}"):
        items(root)


def test_an_image_that_cannot_be_read_still_comes_with_its_boxes(root: Path) -> None:
    (root / "JPEGImages/0000001.jpg").write_bytes(b"not a JPEG")  # decoding reports it, per image
    assert items(root)[0].boxes == (Box("a220", 0, 0, 10, 20),)


def test_unknown_option_names_the_nearest(root: Path) -> None:
    with pytest.raises(ValueError, match="unknown key 'folder'; did you mean 'folders'"):
        items(root, folder="JPEGImages")


def test_rotated_boxes_turn_as_the_description_says(tmp_path: Path) -> None:
    save(tmp_path / "JPEGImages/1.jpg", speckle(60, 40, seed=1))
    rotated = "<rbndbox><cx>30</cx><cy>20</cy><w>12</w><h>6</h><angle>-30</angle></rbndbox>"
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/1.xml").write_text(
        f"<annotation><filename>1.xml</filename><object><name>A220</name>{rotated}</object></annotation>"
    )
    for turn, angle_deg in (("clockwise", 150.0), ("counterclockwise", 30.0)):
        (item,) = items(tmp_path, sets={}, box="rbndbox", turn=turn)
        assert item.boxes == (Box("a220", 24, 17, 12, 6, angle_deg),)
    with pytest.raises(ValueError, match=r"bndbox/xmin is None; for rotated boxes set reader\.box to rbndbox"):
        items(tmp_path, sets={})


def test_xml_in_another_encoding_is_read_where_it_is_named(root: Path) -> None:
    text = (root / "Annotations/0000001.xml").read_text().replace("A220", "飞机")
    for declared in ('<?xml version="1.0" encoding="gbk"?>', ""):
        (root / "Annotations/0000001.xml").write_bytes(f"{declared}{text}".encode("gbk"))
        with pytest.raises(ValueError, match=r"0000001\.xml is not Pascal VOC: .* name that in reader\.encoding"):
            items(root)
        classes = fake.CLASSES | {"飞机": "a220"}
        described = source("voc", classes=classes, reader={"sets": fake.SETS, "encoding": "gbk"})
        assert next(read(root, described)).boxes == (Box("a220", 0, 0, 10, 20),)
