"""COCO: the two files and the folder of HRSID, and what real COCO files do wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import coco as fake
from fakes.describe import source
from PIL import Image

from tasks.download.digests import of_file
from tasks.download.formats import Box, Item
from tasks.download.formats.coco import read
from tasks.download.listing import present

SHIP = Box("ship", 10.0, 5.0, 20.0, 8.0)


def items(root: Path, *, classes: dict[str, str] | None = None, reader: dict[str, Any] | None = None, **facts: Any) -> (
    list[Item]
):  # fmt: skip
    described = source("coco", classes=classes or {"ship": "ship"}, reader=fake.READER | (reader or {}), **facts)
    return list(read(root, described))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.draw(tmp_path)
    return tmp_path


def test_boxes_splits_and_an_image_with_nothing_on_it(root: Path) -> None:
    assert items(root) == [
        Item("JPEGImages/P0001_0_40_0_60.jpg", "sar", boxes=(SHIP,), split="train"),
        Item("JPEGImages/P0002_0_40_0_60.jpg", "sar", boxes=(), split="train"),
        Item("JPEGImages/P0003_0_40_0_60.jpg", "sar", boxes=(SHIP,), split="test"),
    ]


def test_reading_is_lazy(root: Path) -> None:
    walk = read(root, source("coco", classes={"ship": "ship"}, reader=fake.READER))
    assert isinstance(walk, Iterator)
    first = next(walk)
    (root / "JPEGImages/P0003_0_40_0_60.jpg").write_bytes(b"")  # an empty file has no header, and no size to compare
    assert [first.path, *(item.path for item in walk)][-1].endswith("P0003_0_40_0_60.jpg")


@pytest.mark.parametrize("number", [0, 1])
def test_category_by_id_where_the_name_is_not_a_class(root: Path, number: int) -> None:
    for split in ("train", "test"):
        content = json.loads(fake.path(root, split).read_text())
        entries = [entry | {"category_id": number} for entry in content["annotations"]]
        fake.edit(root, split, annotations=entries, categories=[{"id": number, "name": "boat"}])
    assert items(root, classes={str(number): "ship"})[0].boxes == (SHIP,)


def test_names_win_over_ids_in_the_whole_file(root: Path) -> None:
    # By name "1" is category 0; a look-up that mixed both would take category 1, named "2", for a ship as well.
    annotations = [fake.ship(0, image_id=0, category_id=0), fake.ship(1, image_id=1)]
    fake.edit(root, "train", annotations=annotations, categories=[{"id": 0, "name": "1"}, {"id": 1, "name": "2"}])
    with pytest.raises(ValueError, match="class '2' is not in classes"):
        items(root, classes={"1": "ship"})


def test_unknown_class_is_an_error_and_an_empty_name_leaves_it_out(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"category 1, 'ship': class '1' is not in classes of sources/fake.yaml \(1x\)"
    ):
        items(root, classes={"1x": "ship"})
    assert {item.boxes for item in items(root, classes={"ship": ""})} == {()}


def test_category_that_the_file_does_not_list(root: Path) -> None:
    fake.edit(root, "test", annotations=[fake.ship(2, image_id=2, category_id=9)])
    with pytest.raises(ValueError, match="annotation 2 has category 9"):
        items(root)


@pytest.mark.parametrize("nothing", [{}, {"bbox": None}, {"bbox": []}])
def test_box_from_polygons_where_there_is_none(root: Path, nothing: dict[str, Any]) -> None:
    entry = fake.ship(2, image_id=2, segmentation=[[3.0, 4.0, 9.0, 4.0, 9.0, 6.5], [30.0, 1.0, 31.0, 2.0, 30.0, 2.0]])
    del entry["bbox"]
    fake.edit(root, "test", annotations=[entry | nothing])
    assert items(root)[2].boxes == (Box("ship", 3.0, 1.0, 28.0, 5.5),)


def test_neither_box_nor_polygon(root: Path) -> None:
    fake.edit(root, "test", annotations=[fake.ship(2, image_id=2, bbox=None, segmentation={"counts": "x", "size": []})])
    with pytest.raises(ValueError, match="annotation 2 has neither a bbox nor polygons"):
        items(root)


def test_a_crowd_must_be_settled(root: Path) -> None:
    fake.edit(root, "test", annotations=[fake.ship(2, image_id=2, iscrowd=1)])
    with pytest.raises(ValueError, match=r"annotation 2 is a crowd.*reader\.crowd"):
        items(root)
    assert items(root, reader={"crowd": "box"})[2].boxes == (SHIP,)
    assert items(root, reader={"crowd": "drop"})[2].boxes == ()


def test_boxes_are_cut_at_the_edge_and_empty_ones_must_be_settled(root: Path) -> None:
    over, beyond = fake.ship(2, image_id=2, bbox=[-4.0, 30.0, 10.0, 20.0]), fake.ship(3, image_id=2, bbox=[60, 0, 5, 5])
    fake.edit(root, "test", annotations=[over, beyond])
    with pytest.raises(ValueError, match=r"annotation 3 of .*P0003.* has no area inside its 60×40 px"):
        items(root)
    assert items(root, reader={"outside": "drop"})[2].boxes == (Box("ship", 0.0, 30.0, 6.0, 10.0),)


def test_boxes_of_another_edition_of_the_image(root: Path) -> None:
    Image.new("L", (30, 20)).save(root / "JPEGImages/P0001_0_40_0_60.jpg")
    with pytest.raises(ValueError, match=r"given for 60×40 px, but P0001_0_40_0_60.jpg has 30×20"):
        items(root)


def test_missing_images_are_counted(root: Path) -> None:
    (root / "JPEGImages/P0001_0_40_0_60.jpg").unlink()
    (root / "JPEGImages/P0003_0_40_0_60.jpg").unlink()
    with pytest.raises(
        ValueError, match=r"2 annotated images, the first JPEGImages/P0001.*missing.*declare the subset"
    ):
        items(root)


def test_only_the_declared_subset_counts(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any
) -> None:
    files = {path: "0" * 64 for path in present(root) if "P0001" not in path}
    (root / "JPEGImages/P0001_0_40_0_60.jpg").unlink()
    (root / "README.md").write_text("lies in the mirror, belongs to nothing")
    assert [item.path for item in items(root, files=files)] == [
        "JPEGImages/P0002_0_40_0_60.jpg",
        "JPEGImages/P0003_0_40_0_60.jpg",
    ]
    project = tmp_path_factory.mktemp("project")
    (project / "sources").mkdir()
    (project / "sources/fake.sha256").write_text("".join(f"{digest}  {path}\n" for path, digest in files.items()))
    monkeypatch.setenv("DVC_ROOT", str(project))
    assert (
        len(items(root, files_list="fake.sha256", files_list_sha256=of_file(project / "sources/fake.sha256").sha256))
        == 2
    )


def test_an_image_on_disk_outside_the_subset_is_not_taken(root: Path) -> None:
    files = {path: "0" * 64 for path in present(root) if "P0001" not in path}
    assert len(items(root, files=files)) == 2


def test_a_declared_file_that_is_missing(root: Path) -> None:
    files = dict.fromkeys([*present(root), "JPEGImages/gone.jpg"], "0" * 64)
    with pytest.raises(ValueError, match=r"1 declared file, the first JPEGImages/gone.jpg, missing"):
        items(root, files=files)


def test_an_image_without_annotation_must_be_settled(root: Path) -> None:
    only_train = {"annotations": [fake.READER["annotations"][1]]}
    with pytest.raises(ValueError, match=r"1 image, the first JPEGImages/P0003.*without annotation"):
        items(root, reader=only_train)
    assert len(items(root, reader=only_train | {"unannotated": "skip"})) == 2
    last = items(root, reader=only_train | {"unannotated": "empty"})[2]
    assert (last.boxes, last.split) == ((), None)


def test_an_image_named_twice(root: Path) -> None:
    image = {"id": 7, "file_name": "P0003_0_40_0_60.jpg", "width": 60, "height": 40}
    fake.edit(root, "test", images=[image, image | {"id": 8}])
    with pytest.raises(ValueError, match=r"P0003_0_40_0_60.jpg or id 8 stands there twice"):
        items(root)
    fake.edit(root, "test", images=[image | {"file_name": "P0001_0_40_0_60.jpg"}], annotations=[])
    with pytest.raises(ValueError, match=r"P0001_0_40_0_60.jpg is named in .*test2017.json and again in .*train2017"):
        items(root)


def test_an_annotation_of_no_image(root: Path) -> None:
    fake.edit(root, "test", annotations=[fake.ship(2, image_id=77)])
    with pytest.raises(ValueError, match="annotation 2 belongs to no image"):
        items(root)


@pytest.mark.parametrize("name", ["../outside.jpg", "/etc/passwd", "a\\..\\b.jpg"])
def test_a_path_that_leaves_the_folder_is_refused(root: Path, name: str) -> None:
    image = {"id": 2, "file_name": name, "width": 60, "height": 40}
    fake.edit(root, "test", images=[image])
    every = dict.fromkeys(present(root), "0" * 64)  # as a subset, where a missing image would be passed over
    with pytest.raises(ValueError, match=r"refused .*(climbs out|absolute|backslash)"):
        items(root, files=every)


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.jpg"
    image = root / "JPEGImages/P0003_0_40_0_60.jpg"
    outside.write_bytes(image.read_bytes())
    image.unlink()
    image.symlink_to(outside)
    with pytest.raises(ValueError, match=r"P0003.* links out of the source's folder; refused"):
        items(root)


@pytest.mark.parametrize("text", ["{", "[]", '{"images": []}', '{"images": [{"id": 1}], "categories": []}'])
def test_what_is_no_coco_names_the_file(root: Path, text: str) -> None:
    fake.path(root, "test").write_text(text)
    with pytest.raises(ValueError, match=r"fake: annotations/test2017.json is not COCO JSON"):
        items(root)


def test_annotation_file_that_is_not_there(root: Path) -> None:
    fake.path(root, "test").unlink()
    with pytest.raises(ValueError, match=r"there is no file annotations/test2017.json"):
        items(root)


def test_unknown_option_names_the_nearest(root: Path) -> None:
    with pytest.raises(ValueError, match="unknown key 'crowds'; did you mean 'crowd'"):
        items(root, reader={"crowds": "drop"})
    wrong = {"annotations": [{"file": "annotations/test2017.json", "split": "valid"}]}
    with pytest.raises(ValueError, match=r"split is 'valid'; choose one of train, val, test"):
        items(root, reader=wrong)
