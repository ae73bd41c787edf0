"""Where the pixels of a GeoTIFF lie: coordinate system, bounds of whole images and of patches, pixel spacing."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import geotiff
from fakes.describe import source
from fakes.drawing import save, speckle
from fakes.geotiff import FOOT, METRE, UTM_50N

from tasks import records
from tasks.download.build import build
from tasks.download.clip import Window
from tasks.download.formats import Item
from tasks.download.georeference import Georeference, read

WEST, NORTH = 500_000.0, 4_000_000.0
TIE = (0, 0, 0, WEST, NORTH, 0)
GEOGRAPHIC = {1024: 2, 1025: 1, 2048: 4326}
WHOLE = Window(0, 0, 60, 40)
NORTH_UP = [0.5, 0, 0, WEST, 0, -0.25, 0, NORTH, 0, 0, 0, 0, 0, 0, 0, 1]


def place(folder: Path, **tags: Any) -> Georeference | None:
    geotiff.write(folder / "a.tif", np.zeros((40, 60), dtype=np.uint16), **tags)
    return read((folder / "a.tif").read_bytes(), where="a.tif")


def known(folder: Path, **tags: Any) -> Georeference:
    found = place(folder, **tags)
    assert found is not None
    return found


def test_scale_and_tie_point(tmp_path: Path) -> None:
    found = known(tmp_path, keys=UTM_50N, scale=(0.5, 0.25, 0), tiepoints=TIE)
    assert found.crs == "EPSG:32650"
    assert found.bounds(WHOLE) == [WEST, NORTH - 10.0, WEST + 30.0, NORTH]
    assert found.bounds(Window(8, 4, 16, 12)) == [WEST + 4.0, NORTH - 4.0, WEST + 12.0, NORTH - 1.0]
    assert found.spacing_m() == (0.5, 0.25)


def test_tie_point_in_the_middle_of_the_image(tmp_path: Path) -> None:
    found = known(tmp_path, keys=UTM_50N, scale=(2, 2, 0), tiepoints=(10, 20, 0, WEST, NORTH, 0))
    assert found.bounds(WHOLE) == [WEST - 20, NORTH - 40, WEST + 100, NORTH + 40]


def test_matrix_with_north_up(tmp_path: Path) -> None:
    found = known(tmp_path, keys=UTM_50N, matrix=NORTH_UP)
    assert found == known(tmp_path, keys=UTM_50N, scale=(0.5, 0.25, 0), tiepoints=TIE)


@pytest.mark.parametrize("tags", [{"scale": (2, 4, 0), "tiepoints": TIE}, {"matrix": [2, 0, 0, WEST, 0, -4, 0, NORTH]}])
def test_coordinates_of_pixel_centers_are_moved_to_corners(tmp_path: Path, tags: dict[str, Any]) -> None:
    if "matrix" in tags:
        tags["matrix"] = [*tags["matrix"], 0, 0, 0, 0, 0, 0, 0, 1]
    found = known(tmp_path, keys=UTM_50N | {1025: 2}, **tags)
    assert found.bounds(WHOLE) == [WEST - 1, NORTH + 2 - 160, WEST - 1 + 120, NORTH + 2]


@pytest.mark.parametrize(
    "tags",
    [
        {"matrix": [0.4, 0.3, 0, WEST, 0.3, -0.4, 0, NORTH, 0, 0, 0, 0, 0, 0, 0, 1]},  # rotated
        {"matrix": [0.5, 0, 0, WEST, 0, 0.5, 0, NORTH, 0, 0, 0, 0, 0, 0, 0, 1]},  # south up
        {"matrix": [-0.5, 0, 0, WEST, 0, -0.5, 0, NORTH, 0, 0, 0, 0, 0, 0, 0, 1]},  # east at the left
        {"scale": (0.5, -0.5, 0), "tiepoints": TIE},
        {"scale": (0.5, 0.5, 0), "tiepoints": TIE * 2},  # control points
        {"tiepoints": TIE},
        {},
    ],
)
def test_images_without_north_up_have_a_coordinate_system_alone(tmp_path: Path, tags: dict[str, Any]) -> None:
    found = known(tmp_path, keys=UTM_50N, **tags)
    assert (found.crs, found.bounds(WHOLE), found.spacing_m()) == ("EPSG:32650", None, None)


@pytest.mark.parametrize(
    "keys",
    [
        None,
        {1024: 1, 3072: 32767},  # a system of its own, without a code
        {1024: 3, 2048: 4326},  # geocentric
        {1024: 1, 2048: 4326},  # projected, but no projected system is named
    ],
)
def test_no_coordinate_system_no_georeference(tmp_path: Path, keys: dict[int, int] | None) -> None:
    assert place(tmp_path, keys=keys, scale=(1, 1, 0), tiepoints=TIE) is None


def test_other_images_have_none(tmp_path: Path) -> None:
    save(tmp_path / "a.png", speckle(8, 8, seed=1))
    assert read((tmp_path / "a.png").read_bytes(), where="a.png") is None


@pytest.mark.parametrize(
    ("keys", "metric"),
    [
        ({1024: 1, 3072: 32733}, True),  # UTM is in metres by definition
        ({1024: 1, 3072: 2154, 3076: METRE}, True),
        ({1024: 1, 3072: 2154}, False),  # another system's unit is not told
        ({1024: 1, 3072: 2263, 3076: FOOT}, False),
        ({1024: 1, 3072: 32650, 3076: FOOT}, False),
        ({1024: 1, 3072: 3857, 3076: METRE}, False),  # Web Mercator: true metres at the equator alone
        (GEOGRAPHIC, False),
    ],
)
def test_pixel_spacing_only_where_units_are_metres_on_the_ground(
    tmp_path: Path, keys: dict[int, int], metric: bool
) -> None:
    found = known(tmp_path, keys=keys, scale=(0.5, 0.25, 0), tiepoints=(0, 0, 0, 30, 50, 0))
    assert found.bounds(WHOLE) == [30, 40, 60, 50]
    assert found.spacing_m() == ((0.5, 0.25) if metric else None)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"scale": (0.5, 0.5, 0)}, "ModelPixelScale needs three values and a ModelTiepoint"),
        ({"scale": (0.5, 0.5), "tiepoints": TIE}, "ModelPixelScale needs three values"),
        ({"matrix": NORTH_UP[:12]}, "ModelTransformation needs 16 values"),
    ],
)
def test_tags_that_contradict_the_standard(tmp_path: Path, tags: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"a.tif: {said}"):
        place(tmp_path, keys=UTM_50N, **tags)


def test_a_damaged_directory_of_keys(tmp_path: Path) -> None:
    geotiff.write(tmp_path / "a.tif", np.zeros((40, 60), np.uint8), keys=UTM_50N, scale=(1, 1, 0), tiepoints=TIE)
    data = (tmp_path / "a.tif").read_bytes()
    directory = np.array([1, 1, 0, len(UTM_50N)], dtype="<u2").tobytes()
    assert data.count(directory) == 1
    with pytest.raises(ValueError, match="its GeoKeyDirectory is damaged"):
        read(data.replace(directory, np.array([1, 1, 0, 9], dtype="<u2").tobytes()), where="a.tif")


# In records


def rows(folder: Path, pixels: np.ndarray, *, tags: dict[str, Any], **facts: Any) -> dict[str, dict[str, Any]]:
    described = source("index_masks", radiometry={"unit": "db", "low": [-30], "high": [0], "bands": [0]}, **facts)
    geotiff.write(folder / "raw" / "a.tif", pixels, **tags)
    (folder / "fake.yaml").write_text("title: a fake\n")
    build(
        described, description=folder / "fake.yaml", raw=folder / "raw", out=folder / "out",
        read=lambda root, source: iter([Item("a.tif", "sar")]),
    )  # fmt: skip
    return {row["record_id"]: row for row in records.read(folder / "out" / "records.parquet")}


PIXELS = {
    "uint16": np.arange(1, 2401, dtype=np.uint16).reshape(40, 60),
    "float32": -np.arange(1, 2401, dtype=np.float32).reshape(40, 60) / 100,
    "two bands": -np.arange(1, 4801, dtype=np.float32).reshape(40, 60, 2) / 200,
}


@pytest.mark.parametrize("kind", PIXELS)
def test_a_patch_has_the_bounds_of_its_window(tmp_path: Path, kind: str) -> None:
    tags = {"keys": UTM_50N, "scale": (0.5, 0.25, 0), "tiepoints": TIE}
    found = rows(tmp_path, PIXELS[kind], tags=tags, patches={"size_px": 20, "stride_px": 20})
    assert {row["crs"] for row in found.values()} == {"EPSG:32650"}
    assert {record_id.partition("#")[2]: row["bounds"] for record_id, row in found.items()} == {
        f"{x},{y},20,20": [WEST + x / 2, NORTH - (y + 20) / 4, WEST + (x + 20) / 2, NORTH - y / 4]
        for x in (0, 20, 40)
        for y in (0, 20)
    }
    assert {(row["pixel_spacing_x_m"], row["pixel_spacing_y_m"]) for row in found.values()} == {(0.5, 0.25)}


def test_a_rotated_image_keeps_its_coordinate_system_in_the_record(tmp_path: Path) -> None:
    turned = {"keys": UTM_50N, "matrix": [0.4, 0.3, 0, WEST, 0.3, -0.4, 0, NORTH, 0, 0, 0, 0, 0, 0, 0, 1]}
    (row,) = rows(tmp_path, PIXELS["float32"], tags=turned).values()
    assert (row["crs"], row["bounds"], row["pixel_spacing_x_m"]) == ("EPSG:32650", None, None)


def test_the_pixel_spacing_of_the_source_is_kept(tmp_path: Path) -> None:
    tags = {"keys": UTM_50N, "scale": (0.5, 0.25, 0), "tiepoints": TIE}
    (row,) = rows(tmp_path, PIXELS["uint16"], tags=tags, pixel_spacing_x_m=3.0, pixel_spacing_y_m=3.0).values()
    assert (row["pixel_spacing_x_m"], row["pixel_spacing_y_m"]) == (3.0, 3.0)
    assert row["bounds"] == [WEST, NORTH - 10.0, WEST + 30.0, NORTH]
