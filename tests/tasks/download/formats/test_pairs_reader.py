"""Pairs: QXS-SAROPT's numbers, SEN1-2's patches, partners that are missing, the scene description."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import pairs as fake
from fakes.describe import source
from fakes.drawing import save, speckle

from tasks.download.formats import Box, Item
from tasks.download.formats.pairs import read

SCENE = {"boxes": "boxes.jsonl", "masks": "masks/{stem}.png"}


def items(root: Path, reader: dict[str, Any], classes: dict[str, str] | None = None) -> list[Item]:
    return list(read(root, source("pairs", classes=classes or fake.CLASSES, reader=reader)))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fake.draw_qxs(tmp_path)
    return tmp_path


def test_images_of_equal_number_are_a_pair(root: Path) -> None:
    assert [(item.path, item.modality, item.pair_id, item.boxes, item.mask) for item in items(root, fake.QXS)] == [
        ("sar_256_oc_0.2/10.png", "sar", "10", None, None),
        ("opt_256_oc_0.2/10.png", "optical", "10", None, None),
        ("sar_256_oc_0.2/2.png", "sar", "2", None, None),
        ("opt_256_oc_0.2/2.png", "optical", "2", None, None),
    ]


def test_the_scene_description_holds_for_both_images(root: Path) -> None:
    tenth, tenth_optical, second, second_optical = items(root, fake.QXS | SCENE)
    assert (tenth.boxes, tenth_optical.boxes) == ((), ())
    assert second.boxes == second_optical.boxes == (Box("ship", 9.0, 2.0, 4.0, 2.0, 30.0),)
    for item in (second, second_optical):
        assert item.mask is not None
        # mask_classes: land 1, ship 2 (never in a mask), water 3
        assert [np.unique(part).tolist() for part in np.split(item.mask(), 2, axis=1)] == [[1], [3]]


def test_pairs_of_season_scene_and_patch(tmp_path: Path) -> None:
    fake.draw_sen12(tmp_path)
    found = items(tmp_path, fake.SEN12)
    assert {item.pair_id for item in found} == {
        "ROIs1158_spring_10_124",
        "ROIs1158_spring_10_7",
        "ROIs1868_summer_10_7",
    }
    assert len(found) == 6


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("opt_256_oc_0.2/2.png", "1 SAR image without its optical partner, the first 2,"),
        ("sar_256_oc_0.2/10.png", "1 optical image without its SAR partner, the first 10,"),
        ("masks/2.png", r"sar_256_oc_0.2/2.png: its mask masks/2.png is missing"),
        ("boxes.jsonl", "there is no file boxes.jsonl"),
    ],
)
def test_what_is_missing(root: Path, gone: str, said: str) -> None:
    (root / gone).unlink()
    with pytest.raises(ValueError, match=said):
        items(root, fake.QXS | SCENE)


def test_two_images_for_one_half(root: Path) -> None:
    save(root / "sar_256_oc_0.2/2.tif", speckle(16, 12, seed=1))
    with pytest.raises(ValueError, match=r"sar_256_oc_0.2/2.png and sar_256_oc_0.2/2.tif are both the pair '2'"):
        items(root, fake.QXS | {"sar": r"sar_256_oc_0\.2/(?P<stem>\d+)\.\w+"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"pair": "2", "boxes": []}, "pair '2' stands there twice"),
        ({"pair": "99", "boxes": []}, "1 line of boxes without its pair, the first 99"),
        ({"boxes": []}, r"boxes.jsonl:3 is no line of boxes: KeyError 'pair'"),
        ({"pair": "3", "boxes": [{"class": "tram", "x": 0, "y": 0, "w": 1, "h": 1}]}, "class 'tram' is not in classes"),
        ({"pair": "3", "boxes": [{"class": "ship", "x": 0, "y": 0, "w": 0, "h": 1}]}, "has no area"),
    ],
)
def test_lines_of_boxes_that_do_not_fit(root: Path, line: dict[str, Any], said: str) -> None:
    with (root / "boxes.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(ValueError, match=said):
        items(root, fake.QXS | SCENE)


def test_a_pair_without_a_line_of_boxes(root: Path) -> None:
    first = (root / "boxes.jsonl").read_text().split("\n")[0]
    (root / "boxes.jsonl").write_text(first + "\n")
    with pytest.raises(ValueError, match="1 pair without a line of boxes, the first 10"):
        items(root, fake.QXS | SCENE)


def test_a_class_mapped_to_nothing_is_left_out(root: Path) -> None:
    found = items(root, fake.QXS | {"boxes": "boxes.jsonl"}, {"ship": ""})
    assert {item.boxes for item in found} == {()}


def test_polarization_is_the_sar_images_alone(root: Path) -> None:
    (root / "sar_256_oc_0.2").rename(root / "VH")
    found = items(root, fake.QXS | {"sar": r"(?P<polarization>V[VH])/(?P<stem>\d+)\.png"})
    assert [item.polarization for item in found] == ["VH", None, "VH", None]


@pytest.mark.parametrize(
    "reader",
    [{"sar": r"sar/\d+\.png", "optical": r"opt/\d+\.png"}, {"sar": r"(?P<a>\d+)\.png", "optical": r"(?P<b>\d+)\.png"}],
)
def test_patterns_that_tell_no_pair(root: Path, reader: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="need the same named groups"):
        items(root, reader)


def test_masks_that_speak_of_the_sar_image_alone(root: Path) -> None:
    found = items(root, fake.QXS | SCENE | {"describes": "sar"})
    assert [(item.modality, item.boxes is None, item.mask is None) for item in found] == [
        ("sar", False, False),
        ("optical", True, True),
        ("sar", False, False),
        ("optical", True, True),
    ]


def test_only_what_the_publisher_withholds_may_be_missing(root: Path) -> None:
    (root / "opt_256_oc_0.2/2.png").unlink()
    with pytest.raises(ValueError, match="1 SAR image without its optical partner, the first 2,"):
        items(root, fake.QXS | {"withheld": "1."})
    found = items(root, fake.QXS | {"withheld": "[2-9]"})
    assert [(item.path, item.pair_id) for item in found] == [
        ("sar_256_oc_0.2/10.png", "10"),
        ("opt_256_oc_0.2/10.png", "10"),
        ("sar_256_oc_0.2/2.png", None),
    ]


def test_groups_by_template_and_by_blocks_of_numbers(tmp_path: Path) -> None:
    fake.draw_sen12(tmp_path)
    by_template = items(tmp_path, fake.SEN12 | {"group": "{season}_{scene}"})
    assert [item.group for item in by_template] == ["ROIs1158_spring_10"] * 4 + ["ROIs1868_summer_10"] * 2
    fake.draw_qxs(tmp_path)
    by_block = {item.path: item.group for item in items(tmp_path, fake.QXS | {"block": 10})}
    assert by_block["sar_256_oc_0.2/2.png"] == by_block["opt_256_oc_0.2/2.png"] == "0-9"
    assert by_block["sar_256_oc_0.2/10.png"] == "10-19"


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        ({"block": 0}, "block is a number of pairs"),
        ({"block": 5, "group": "{stem}"}, "block is a number of pairs.* and without group"),
        ({"group": "{scene}"}, r"group uses \{scene\}"),
        ({"masks": "masks/{pair}.png"}, r"masks uses \{pair\}"),
        ({"withheld": "("}, "withheld is not a regular expression"),
        ({"describes": "optical"}, "describes"),
    ],
)
def test_options_that_cannot_be(root: Path, reader: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        items(root, fake.QXS | reader)


def test_blocks_need_numbers(root: Path) -> None:
    for folder in ("sar_256_oc_0.2", "opt_256_oc_0.2"):
        (root / folder / "2.png").rename(root / folder / "two.png")
    named = {key: pattern.replace(r"\d+", r"\w+") for key, pattern in fake.QXS.items()}
    with pytest.raises(ValueError, match=r"sar_256_oc_0\.2/two\.png: reader.block needs pairs named by a number"):
        items(root, named | {"block": 10})
