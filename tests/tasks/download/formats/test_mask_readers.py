"""Index masks and binary masks: values, classes, labels that are missing or belong to another image."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from fakes import binary_masks, index_masks
from fakes.describe import source
from fakes.drawing import save
from PIL import Image

from tasks.download.formats import Box, Item, mask_classes
from tasks.download.formats.binary_masks import read as read_binary
from tasks.download.formats.index_masks import read as read_index
from tasks.download.formats.labels import label_array


def index_items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    described = source("index_masks", classes=classes or index_masks.CLASSES, reader=index_masks.READER | reader)
    return list(read_index(root, described))


def ship_items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    described = source("binary_masks", classes=classes or {"1": "ship"}, reader=binary_masks.SHIPS | reader)
    return list(read_binary(root, described))


def flood_items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    described = source("binary_masks", classes=classes or {"1": "flood"}, reader=binary_masks.FLOOD | reader)
    return list(read_binary(root, described))


def mask_of(item: Item) -> np.ndarray:
    assert item.mask is not None
    return item.mask()


# Index masks


def test_values_become_classes_and_ignored_ones_unlabelled(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    first, second = index_items(tmp_path)
    assert (first.path, second.path) == ("S1/Ghana_2_S1Hand.tif", "S1/Spain_1_S1Hand.tif")
    assert mask_classes(source("index_masks", classes=index_masks.CLASSES)) == ["land", "water"]
    mask = mask_of(first)
    assert (mask.dtype, mask.shape) == (np.uint8, (16, 24))
    assert [np.unique(part).tolist() for part in np.split(mask, 3, axis=1)] == [[0], [1], [2]]


def test_a_mask_is_decoded_when_asked_for_and_can_be_sent_to_another_process(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    item = index_items(tmp_path)[0]
    again = pickle.loads(pickle.dumps(item))
    np.testing.assert_array_equal(mask_of(again), mask_of(item))
    (tmp_path / "Labels/Ghana_2_LabelHand.tif").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"Ghana_2_LabelHand.tif cannot be read"):
        mask_of(item)


def test_several_values_may_be_one_class(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    assert np.unique(mask_of(index_items(tmp_path, classes={"0": "land", "1": "land"})[0])).tolist() == [0, 1]


def test_a_value_that_is_neither_class_nor_ignored(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    with pytest.raises(ValueError, match=r"Labels/Ghana_2_LabelHand.tif: value -1 \(128 px\) is not in classes"):
        mask_of(index_items(tmp_path, ignore=[])[0])


def test_a_value_in_both_tables(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    with pytest.raises(ValueError, match=r"value 0 stands in classes and in reader\.ignore"):
        index_items(tmp_path, ignore=[-1, 0])


@pytest.mark.parametrize(
    ("classes", "said"), [({"water": "water"}, "label values as keys"), ({"0": "", "1": "water"}, "with names")]
)
def test_classes_that_do_not_fit_a_mask(tmp_path: Path, classes: dict[str, str], said: str) -> None:
    index_masks.draw(tmp_path)
    with pytest.raises(ValueError, match=said):
        index_items(tmp_path, classes=classes)


def test_a_missing_label_is_counted(tmp_path: Path) -> None:
    index_masks.draw(tmp_path)
    (tmp_path / "Labels/Spain_1_LabelHand.tif").unlink()
    with pytest.raises(ValueError, match=r"1 label image, the first Labels/Spain_1_LabelHand.tif, missing"):
        index_items(tmp_path)


def test_png_palette_bmp_and_a_chosen_band(tmp_path: Path) -> None:
    values = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8)
    palette = Image.fromarray(values).convert("P")
    palette.putdata(values.ravel().tolist())
    palette.putpalette([9, 9, 9, 0, 0, 0, 7, 7, 7])
    palette.save(tmp_path / "palette.png")
    save(tmp_path / "label.bmp", values)
    save(tmp_path / "bands.png", np.stack([values * 0, values, values * 0 + 9], axis=2))
    tifffile.imwrite(
        tmp_path / "planes.tif", np.stack([values * 0, values]), planarconfig="separate", photometric="minisblack"
    )
    for name, band in (("palette.png", None), ("label.bmp", None), ("bands.png", 1), ("planes.tif", 1)):
        np.testing.assert_array_equal(label_array(tmp_path / name, band=band, where=name), values, err_msg=name)
    with pytest.raises(ValueError, match=r"bands.png has 3 bands; say which"):
        label_array(tmp_path / "bands.png", band=None, where="fake")
    with pytest.raises(ValueError, match="there is no band 3"):
        label_array(tmp_path / "bands.png", band=3, where="fake")


def test_labels_that_cannot_be_labels(tmp_path: Path) -> None:
    save(tmp_path / "lossy.jpg", np.zeros((8, 8), dtype=np.uint8))
    tifffile.imwrite(tmp_path / "float.tif", np.zeros((8, 8), dtype=np.float32))
    with pytest.raises(ValueError, match="is a JPEG, whose compression changes label values"):
        label_array(tmp_path / "lossy.jpg", band=None, where="fake")
    with pytest.raises(ValueError, match="holds float32 values"):
        label_array(tmp_path / "float.tif", band=None, where="fake")


def test_split_and_polarization_from_the_path(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        save(tmp_path / split / "sar_VH/a.png", np.ones((4, 4), dtype=np.uint8))
        save(tmp_path / split / "labels/a.png", np.ones((4, 4), dtype=np.uint8))
    reader = {
        "image": r"(?P<split>\w+)/sar_(?P<polarization>V[VH])/(?P<stem>\w+)\.png",
        "label": "{split}/labels/{stem}.png",
    }
    with pytest.raises(ValueError, match=r"split 'valid' is not in reader.splits \(train, val, test\)"):
        index_items(tmp_path, **reader)
    found = index_items(tmp_path, **reader, splits={"train": "train", "valid": "val"})
    assert [(item.split, item.polarization) for item in found] == [("train", "VH"), ("val", "VH")]


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ({"image": "S1/(?P<stem>.*"}, "image is not a regular expression"),
        ({"label": "Labels/{steam}.tif"}, r"label uses \{steam\}, but the image pattern has no group"),
        ({"image": r"S9/(?P<stem>.*)\.tif"}, "no image path below .* matches"),
        ({"lable": "x"}, "unknown key 'lable'; did you mean 'label'"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, reader: dict[str, str], said: str) -> None:
    index_masks.draw(tmp_path)
    with pytest.raises(ValueError, match=said):
        index_items(tmp_path, **reader)


# Binary masks


def test_parts_become_boxes_and_parts_that_touch_by_a_corner_are_one(tmp_path: Path) -> None:
    binary_masks.draw_ships(tmp_path)
    first, second = ship_items(tmp_path)
    assert first.boxes == (Box("ship", 10, 5, 14, 7), Box("ship", 50, 20, 2, 1), Box("ship", 2, 30, 7, 3))
    assert (second.boxes, second.mask) == ((), None)


def test_small_parts_are_left_out_on_demand(tmp_path: Path) -> None:
    binary_masks.draw_ships(tmp_path)
    assert len(ship_items(tmp_path, min_area_px=2)[0].boxes or ()) == 3
    assert len(ship_items(tmp_path, min_area_px=3)[0].boxes or ()) == 2


def test_another_channel_is_another_mask(tmp_path: Path) -> None:
    binary_masks.draw_ships(tmp_path)
    assert ship_items(tmp_path, band=0)[0].boxes == ()
    with pytest.raises(ValueError, match="has 3 bands; say which one"):
        ship_items(tmp_path, band=None)


def test_a_mask_of_another_image(tmp_path: Path) -> None:
    binary_masks.draw_ships(tmp_path)
    save(tmp_path / "masks/P0002_2.png", np.zeros((40, 50, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"P0002_2.jpg has 60×40 px, its mask 50×40"):
        ship_items(tmp_path)


def test_a_missing_mask_is_counted(tmp_path: Path) -> None:
    binary_masks.draw_ships(tmp_path)
    (tmp_path / "masks/P0001_1.png").unlink()
    with pytest.raises(ValueError, match=r"1 mask image, the first masks/P0001_1.png, missing"):
        ship_items(tmp_path)


def test_region_in_each_polarization_with_and_without_a_name_for_the_rest(tmp_path: Path) -> None:
    binary_masks.draw_flood(tmp_path)
    found = flood_items(tmp_path)
    assert [(item.path, item.polarization) for item in found] == [
        ("EMSR763_AOI01/POST_S1/VH_post/552_333.png", "VH"),
        ("EMSR763_AOI01/POST_S1/VV_post/552_333.png", "VV"),
    ]
    assert found[0].boxes is None
    assert np.unique(mask_of(found[0])[:5]).tolist() == [1]
    assert np.unique(mask_of(found[0])[5:]).tolist() == [0]  # unlabelled: it is not said to be anything
    named = flood_items(tmp_path, classes={"0": "background", "1": "flood"})
    assert [np.unique(part).tolist() for part in np.split(mask_of(named[0]), [5])] == [[2], [1]]


@pytest.mark.parametrize("classes", [{"255": "ship"}, {"1": ""}, {"0": "sea", "1": "ship"}])
def test_classes_that_do_not_fit_a_binary_mask(tmp_path: Path, classes: dict[str, str]) -> None:
    binary_masks.draw_ships(tmp_path)
    with pytest.raises(ValueError, match=r'classes of a binary mask are "1"'):
        ship_items(tmp_path, classes=classes)
