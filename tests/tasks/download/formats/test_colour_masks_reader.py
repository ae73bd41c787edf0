"""Masks drawn in colours: the table, label images that hold no colours, options that cannot be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import land_cover
from fakes.describe import source
from fakes.drawing import save
from PIL import Image

from tasks.download.formats import Item
from tasks.download.formats.colour_masks import colour_mask, read

READER = {
    "image": r"SAR_1024/(?P<stem>.+)_SAR_(?P<number>\d+)\.tif",
    "label": "LAB_1024/{stem}_Label_{number}.tif",
    "ignore": ["0,0,0"],
}
CLASSES = {"255,0,0": "building", "0,255,0": "vegetation", "0,0,255": "water", "255,255,0": "road"}
TABLE = {0: 0, 0x0000FF: 4, 0xFFFF00: 2}


def items(root: Path, *, classes: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    return list(read(root, source("colour_masks", classes=classes or CLASSES, reader=READER | reader)))


def test_each_colour_is_the_place_of_its_class(tmp_path: Path) -> None:
    land_cover.draw_fusar(tmp_path)
    (item,) = (item for item in items(tmp_path) if item.path.endswith("_097.tif"))
    assert item.mask is not None
    mask = item.mask()  # building 1, road 2, vegetation 3, water 4
    assert (mask.dtype, mask.shape) == (np.uint8, (40, 40))
    np.testing.assert_array_equal(mask[0], 0)
    np.testing.assert_array_equal(mask[1:20], np.repeat([[1, 3]], 20, axis=1).repeat(19, axis=0))
    np.testing.assert_array_equal(mask[20:], np.repeat([[4, 2]], 20, axis=1).repeat(20, axis=0))


def test_two_colours_may_be_one_class(tmp_path: Path) -> None:
    land_cover.draw_fusar(tmp_path)
    found = items(tmp_path, classes=dict.fromkeys(CLASSES, "land"))
    assert all(item.mask is not None and set(np.unique(item.mask())) <= {0, 1} for item in found)


def test_palette_and_alpha(tmp_path: Path) -> None:
    blue = np.zeros((4, 4, 4), dtype=np.uint8)
    blue[..., 2:] = 255
    save(tmp_path / "alpha.png", blue)
    Image.fromarray(blue[..., :3]).quantize(4).save(tmp_path / "palette.png")
    for name in ("alpha.png", "palette.png"):
        np.testing.assert_array_equal(colour_mask(tmp_path / name, table=TABLE, where=name), 4)


@pytest.mark.parametrize(
    ("name", "pixels", "said"),
    [
        ("grey.png", np.zeros((4, 4), np.uint8), "has 1 bands of uint8, not RGB of 8 bits; for class numbers use"),
        ("lossy.jpg", np.zeros((4, 4, 3), np.uint8), "is a JPEG, whose compression changes colours"),
        ("white.png", np.full((4, 4, 3), 255, np.uint8), r"colour 255,255,255 \(16 px\) is not in classes"),
    ],
)
def test_label_images_that_do_not_fit(tmp_path: Path, name: str, pixels: np.ndarray, said: str) -> None:
    save(tmp_path / name, pixels)
    with pytest.raises(ValueError, match=said):
        colour_mask(tmp_path / name, table=TABLE, where=name)


def test_a_truncated_label_image(tmp_path: Path) -> None:
    land_cover.draw_fusar(tmp_path)
    label = tmp_path / "LAB_1024/JiuJiang_01_01_01_01_Label_001.tif"
    label.write_bytes(label.read_bytes()[:500])
    item = items(tmp_path)[0]
    assert item.mask is not None
    with pytest.raises(ValueError, match=r"Label_001\.tif: cannot decode the image: .*; fetch it again"):
        item.mask()


def test_a_missing_label_is_counted(tmp_path: Path) -> None:
    land_cover.draw_fusar(tmp_path)
    (tmp_path / "LAB_1024/XiaMen_02_01_03_02_Label_097.tif").unlink()
    with pytest.raises(
        ValueError, match=r"1 label image, the first LAB_1024/XiaMen_02_01_03_02_Label_097.tif, missing"
    ):
        items(tmp_path)


@pytest.mark.parametrize(
    ("classes", "reader", "said"),
    [
        ({"blue": "water"}, {}, "'blue' is no colour; write red,green,blue"),
        ({"0,0,256": "water"}, {}, "'0,0,256' is no colour"),
        ({"0,0,255": ""}, {}, "each with a name"),
        ({"0,0,0": "water"}, {}, "colour 0,0,0 stands in classes and in reader.ignore"),
        (CLASSES, {"ignore": ["black"]}, "reader.ignore: 'black' is no colour"),
        (CLASSES, {"label": "{place}.tif"}, r"label uses \{place\}"),
    ],
)
def test_tables_and_options_that_cannot_be(
    tmp_path: Path, classes: dict[str, str], reader: dict[str, Any], said: str
) -> None:
    land_cover.draw_fusar(tmp_path)
    with pytest.raises(ValueError, match=said):
        items(tmp_path, classes=classes, **reader)
