"""OpenEarthMap-SAR, FUSAR-Map and WHU-OPT-SAR as their descriptions in sources/ read them."""

from pathlib import Path

import numpy as np
import pytest
from fakes import geotiff, land_cover
from fakes.drawing import speckle
from layout_project import make

from sar_models.shards import ShardReader
from tasks import paths
from tasks.download import catalog
from tasks.download.patches import windows

WEST, NORTH = land_cover.WEST, land_cover.NORTH


def shares(row: dict) -> dict[str, float]:
    return {region["class"]: region["fraction"] for region in row["regions"]}


def test_open_earth_map_numbers_are_classes_and_0_is_not_labelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(tmp_path, monkeypatch, "open_earth_map_sar", land_cover.draw_open_earth_map)
    project.pin()
    rows = project.download()
    assert list(rows) == [f"train/sar_images/TrainArea_{number:04}.tif" for number in (1, 2)]
    first, second = rows.values()
    assert shares(first) == {"road": 0.1, "tree": 0.45, "water": 0.45}
    assert first["labelled_fraction"] == 2 / 3
    assert {region["class"]: region["crosses"] for region in first["regions"]} == {"road": [], "tree": [], "water": []}
    assert (shares(second), second["labelled_fraction"]) == ({"building": 1.0}, 1.0)
    assert first["crs"] == "EPSG:32650"
    assert first["bounds"] == [WEST, NORTH - 20.0, WEST + 30.0, NORTH]
    assert (first["pixel_spacing_x_m"], first["pixel_spacing_y_m"]) == (0.5, 0.5)  # the file's, for the source has none
    assert (first["split"], first["group"]) == (None, "open_earth_map_sar/train/sar_images/TrainArea_0001.tif")


def test_open_earth_map_value_that_is_no_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "open_earth_map_sar", land_cover.draw_open_earth_map)
    geotiff.write(project.placed / "train/labels/TrainArea_0002.tif", np.full((40, 60), 9, dtype=np.uint8))
    project.pin()
    with pytest.raises(ValueError, match=r"TrainArea_0002\.tif: value 9 \(2400 px\) is not in classes"):
        project.download()


def test_open_earth_map_map_of_another_size_and_missing_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "open_earth_map_sar", land_cover.draw_open_earth_map)
    label = project.placed / "train/labels/TrainArea_0002.tif"
    label.unlink()
    with pytest.raises(ValueError, match=r"1 label image, the first train/labels/TrainArea_0002\.tif, missing"):
        project.items()
    geotiff.write(label, np.full((40, 59), 8, dtype=np.uint8))
    project.pin()
    with pytest.raises(ValueError, match=r"TrainArea_0002\.tif has 60 × 40 px, its mask 59 × 40"):
        project.download()


@pytest.mark.parametrize("pixels", [speckle(60, 40, seed=5).astype(np.uint16) * 4, speckle(60, 40, seed=5) / 255.0])
def test_open_earth_map_of_16_bits_and_float(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray
) -> None:
    """Stored as they are, shown by the declared radiometry, with their place."""
    project = make(tmp_path, monkeypatch, "open_earth_map_sar", land_cover.draw_open_earth_map)
    image = project.placed / "train/sar_images/TrainArea_0001.tif"
    stored = pixels.astype(np.uint16 if pixels.dtype == np.uint16 else np.float32)
    geotiff.north_up(image, stored, west=WEST, north=NORTH, step=0.25)
    high = float(np.iinfo(np.uint16).max) / 64 if stored.dtype == np.uint16 else 1.0
    project.describe(radiometry={"unit": "amplitude", "low": [0], "high": [high], "bands": [0]})
    project.pin()
    row = project.download()["train/sar_images/TrainArea_0001.tif"]
    assert (row["bit_depth"], row["error"]) == (8 * stored.dtype.itemsize, None)
    assert row["bounds"] == [WEST, NORTH - 10.0, WEST + 15.0, NORTH]
    with ShardReader(paths.source_data(project.name).parent) as shards:
        shown = shards.picture(row)[..., 0]
    assert np.abs(shown - np.clip(stored / high * 255, 0, 255)).max() <= 0.5 + 1e-4


def test_a_truncated_image_is_kept_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "open_earth_map_sar", land_cover.draw_open_earth_map)
    image = project.placed / "train/sar_images/TrainArea_0001.tif"
    image.write_bytes(image.read_bytes()[:-600])
    project.pin()
    row = project.download()["train/sar_images/TrainArea_0001.tif"]
    assert row["error"].startswith("cannot decode the image: truncated")
    assert (row["width_px"], row["regions"], row["labelled_fraction"], row["crs"]) == (0, None, None, None)


def test_fusar_colours_are_classes_and_black_is_not_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "fusar_map", land_cover.draw_fusar)
    project.pin()
    rows = project.download()
    first = rows["SAR_1024/XiaMen_02_01_03_02_SAR_097.tif"]
    assert shares(first) == {"building": 380 / 1560, "road": 400 / 1560, "vegetation": 380 / 1560, "water": 400 / 1560}
    assert first["labelled_fraction"] == 39 / 40
    assert {path: row["group"] for path, row in rows.items()} == {
        "SAR_1024/JiuJiang_01_01_01_01_SAR_001.tif": "fusar_map/JiuJiang_01",
        "SAR_1024/XiaMen_02_01_03_02_SAR_097.tif": "fusar_map/XiaMen_02",
        "SAR_1024/XiaMen_02_01_03_03_SAR_098.tif": "fusar_map/XiaMen_02",
    }
    assert first["sensor"] == "Gaofen-3"


def test_fusar_colour_that_is_no_class_is_named_with_its_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "fusar_map", land_cover.draw_fusar)
    label = np.zeros((40, 40, 3), dtype=np.uint8)
    label[:2] = (0, 0, 254)  # blue, almost
    label[3, 3] = (1, 2, 3)
    geotiff.write(project.placed / "LAB_1024/XiaMen_02_01_03_03_Label_098.tif", label)
    project.pin()
    with pytest.raises(ValueError, match=r"Label_098\.tif: colour 0,0,254 \(80 px\) is not in classes.*and 1 more"):
        project.download()


def test_whu_sheet_is_cut_into_pairs_of_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "whu_opt_sar", land_cover.draw_whu)
    project.pin()
    rows = project.download()
    patches = ["#0,0,512,512", "#512,0,512,512"]
    names = [f"{folder}/{land_cover.SHEET}.tif{patch}" for folder in ("optical", "sar") for patch in patches]
    assert list(rows) == names
    for row in rows.values():
        assert row["group"] == f"whu_opt_sar/{land_cover.SHEET}"
        assert (row["pixel_spacing_x_m"], row["crs"], row["bounds"]) == (5.0, None, None)
    for patch in patches:
        radar, optical = (rows[f"{folder}/{land_cover.SHEET}.tif{patch}"] for folder in ("sar", "optical"))
        assert radar["pair_id"] == optical["pair_id"] == f"{land_cover.SHEET}{patch}"
        assert radar["regions"] == optical["regions"]
        assert (radar["bands"], optical["bands"], optical["channels"]) == (1, 4, [0, 1, 2])
        assert (radar["sensor"], optical["sensor"]) == ("Gaofen-3", None)
    left, right = (rows[f"sar/{land_cover.SHEET}.tif{patch}"] for patch in patches)
    assert left["labelled_fraction"] == 312 / 512
    assert [region["class"] for region in right["regions"]] == ["cropland", "road", "urban"]
    assert {region["class"]: region["crosses"] for region in right["regions"]}["road"] == ["left-right"]
    assert {region["class"]: region["crosses"] for region in left["regions"]}["road"] == []  # ends at the unlabelled
    with ShardReader(paths.source_data(project.name).parent) as shards:
        assert shards.picture(rows[names[0]]).shape == (512, 512, 3)


def test_whu_sheet_of_full_size_gives_77_patches() -> None:
    described = catalog.load("whu_opt_sar")
    assert described.patches is not None
    assert len(windows(width=5556, height=3704, patches=described.patches)) == 77


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("optical", f"1 SAR image without its optical partner, the first {land_cover.SHEET}"),
        ("sar", "no image path below .* matches"),
        ("lbl", rf"its mask lbl/{land_cover.SHEET}\.tif is missing"),
    ],
)
def test_whu_sheet_with_a_part_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str, said: str) -> None:
    project = make(tmp_path, monkeypatch, "whu_opt_sar", land_cover.draw_whu)
    (project.placed / gone / f"{land_cover.SHEET}.tif").unlink()
    if gone == "optical":  # another is there, so that the pattern matches
        geotiff.write(project.placed / "optical/NH50E001001.tif", speckle(8, 8, seed=1))
        geotiff.write(project.placed / "sar/NH50E001001.tif", speckle(8, 8, seed=1))
    with pytest.raises(ValueError, match=said):
        project.items()
