"""A folder of bare images: every image, and nothing annotated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.download import catalog
from tasks.download.formats import Item, images


@pytest.fixture
def source() -> catalog.Source:
    return replace(catalog.load("sim_bare"), reader={})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("train/b_VV.png", "train/a_VH.png", "test/c_VV.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), 9, np.uint8)).save(tmp_path / name)
    (tmp_path / "train" / "readme.txt").write_text("no image")
    return tmp_path


def test_every_image_in_sorted_order_and_nothing_known_of_it(root: Path, source: catalog.Source) -> None:
    paths = ["test/c_VV.png", "train/a_VH.png", "train/b_VV.png"]
    assert list(images.read(root, source)) == [Item(path, "sar") for path in paths]


def test_the_path_may_tell_split_and_polarization(root: Path, source: catalog.Source) -> None:
    pattern = r"(?P<split>train|test)/\w_(?P<polarization>V[VH])\.png"
    items = list(images.read(root, replace(source, reader={"image": pattern})))
    assert [(item.split, item.polarization) for item in items] == [("test", "VV"), ("train", "VH"), ("train", "VV")]


def test_no_image_at_all_is_an_error(tmp_path: Path, source: catalog.Source) -> None:
    with pytest.raises(ValueError, match="no image path"):
        list(images.read(tmp_path, source))
    with pytest.raises(ValueError, match="not a regular expression"):
        list(images.read(tmp_path, replace(source, reader={"image": "("})))
