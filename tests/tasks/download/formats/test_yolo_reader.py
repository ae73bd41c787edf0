"""YOLO text: shares of the image, empty and missing files, lists of a split."""

from pathlib import Path
from typing import Any

import pytest
from fakes import sadd as fake
from fakes.describe import source
from fakes.drawing import save, speckle

from tasks.download.formats import Box, Item
from tasks.download.formats.yolo import read


def items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    options = {"unannotated": "empty"} | reader
    return list(read(root, source("yolo", classes=classes or {"0": "aircraft"}, reader=options)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.draw(tmp_path)
    return tmp_path


def test_shares_become_pixels_and_boxes_end_at_the_edge(root: Path) -> None:
    assert items(root)[0] == Item(
        "images/img1.jpg", "sar", boxes=(Box("aircraft", 84, 42, 56, 28), Box("aircraft", 182, 84, 42, 56))
    )


def test_what_an_image_without_file_means_is_declared_an_empty_file_says_it(root: Path) -> None:
    assert [item.boxes for item in items(root)][1:] == [(), ()]
    assert [item.path for item in items(root, unannotated="skip")] == ["images/img1.jpg", "images/img2.jpg"]
    with pytest.raises(ValueError, match=r"1 image, the first images/img3\.jpg, without annotation"):
        items(root, unannotated="refuse")


def test_lists_name_images_by_path_with_or_without_ending(root: Path) -> None:
    (root / "train.txt").write_text("./images/img1.jpg\n/elsewhere/data/images/img2.jpg\n")
    (root / "test.txt").write_text("img3\nimg.7\n")
    sets = {"train.txt": "train", "test.txt": "test"}
    assert [item.split for item in items(root, sets=sets)] == ["train", "train", "test"]
    (root / "test.txt").write_text("images/img1.jpg\n")
    with pytest.raises(ValueError, match=r"test\.txt puts img1 into test, another list elsewhere"):
        items(root, sets=sets)


def test_images_and_annotations_may_lie_side_by_side(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", speckle(20, 10, seed=1))
    (tmp_path / "a" / "x.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    (tmp_path / "a" / "classes.txt").write_text("aircraft\n")  # as labelling tools leave it there
    (item,) = items(tmp_path, folders=[{"images": "a", "annotations": "a", "split": "val"}])
    assert item == Item("a/x.png", "sar", boxes=(Box("aircraft", 8, 3, 4, 4),), split="val")


def test_an_unknown_class_number_names_line_and_table(root: Path) -> None:
    (root / "labels/img2.txt").write_text("0 0.5 0.5 0.1 0.1\n\n3 0.5 0.5 0.1 0.1\n")
    with pytest.raises(ValueError, match=r"labels/img2\.txt line 3: class '3' is not in classes of sources/fake\.yaml"):
        items(root)
    assert len(items(root, classes={"0": "aircraft", "3": ""})[1].boxes or ()) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 0.5 0.5 0.1", "is not YOLO text"),
        ("0 0.5 0.5 0.1 0.1 0.9", "is not YOLO text"),
        ("ship 0.5 0.5 0.1 0.1", "is not YOLO text"),
        ("0 112 60 20 20", "holds pixels"),
        ("0 1.5 0.5 0.1 0.1", "no area inside its 224×224 px"),
    ],
)
def test_what_is_no_yolo_names_the_line(root: Path, line: str, said: str) -> None:
    (root / "labels/img2.txt").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=rf"fake: labels/img2\.txt line 1.*{said}"):
        items(root)


def test_a_box_outside_can_be_dropped(root: Path) -> None:
    (root / "labels/img2.txt").write_text("0 1.5 0.5 0.1 0.1\n")
    assert items(root, outside="drop")[1].boxes == ()


def test_an_image_without_a_size_comes_without_boxes(root: Path) -> None:
    (root / "images/img1.jpg").write_bytes(b"no JPEG")
    assert items(root)[0].boxes is None


def test_an_annotation_without_image(root: Path) -> None:
    (root / "images/img1.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 annotated image, the first images/img1\.\*, missing"):
        items(root)
