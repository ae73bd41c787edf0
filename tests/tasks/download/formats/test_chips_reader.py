"""Chips: class and split in the path."""

from pathlib import Path
from typing import Any

import pytest
from fakes import chips as fake
from fakes.describe import source
from fakes.drawing import save, speckle

from tasks.download.formats import Item
from tasks.download.formats.chips import read


def items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    return list(read(root, source("chips", classes=classes or fake.CLASSES, reader=fake.READER | reader)))


def test_class_and_split_from_the_path(tmp_path: Path) -> None:
    fake.draw(tmp_path)
    (tmp_path / "README.md").write_text("no image")
    found = items(tmp_path)
    assert [item.path for item in found] == sorted(item.path for item in found)
    assert [(item.path, item.label, item.split) for item in found if "BRDM" in item.path] == [
        ("test/BRDM_2/hb03333.jpeg", "brdm2", "test"),
        ("train/BRDM_2/hb03787.jpeg", "brdm2", "train"),
        ("train/BRDM_2/hb03792.jpeg", "brdm2", "train"),
    ]
    assert len(found) == 9
    assert {(item.boxes, item.mask, item.captions) for item in found} == {(None, None, None)}


def test_without_a_split_in_the_pattern_there_is_none(tmp_path: Path) -> None:
    save(tmp_path / "images/A220/001.jpg", speckle(8, 8, seed=1))
    found = items(tmp_path, classes={"A220": "a220"}, image=r"images/(?P<class>[^/]+)/\d+\.jpg")
    assert [(item.label, item.split) for item in found] == [("a220", None)]


def test_unknown_class_is_an_error_and_an_empty_name_leaves_it_out(tmp_path: Path) -> None:
    fake.draw(tmp_path)
    with pytest.raises(ValueError, match=r"test/BRDM_2/hb03333.jpeg: class 'BRDM_2' is not in classes"):
        items(tmp_path, classes={"2S1": "2s1"})
    left = items(tmp_path, classes=fake.CLASSES | {"BRDM_2": ""})
    assert {item.label for item in left} == {"2s1", "zsu234"}


def test_splits_are_named_not_guessed(tmp_path: Path) -> None:
    fake.draw(tmp_path)
    with pytest.raises(ValueError, match=r"split 'test' is not in reader.splits \(train\)"):
        items(tmp_path, splits={"train": "train"})
    assert {item.split for item in items(tmp_path, splits={"train": "train", "test": "val"})} == {"train", "val"}


def test_a_pattern_without_the_class(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"image needs a named group \(\?P<class>…\)"):
        items(tmp_path, image=r"(?P<split>train)/.*")
