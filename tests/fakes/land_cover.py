"""OpenEarthMap-SAR, FUSAR-Map and WHU-OPT-SAR: land-cover maps as numbers, as colours, and of whole map sheets."""

from pathlib import Path

import numpy as np
import tifffile
from fakes import geotiff
from fakes.drawing import speckle

SHEET = "NH49E012020"
WEST, NORTH = 500_000.0, 3_400_000.0


def draw_open_earth_map(root: Path) -> None:
    """Two images of 60×40 px, georeferenced at 0.5 m. The left third is not labelled (0), a road (4) crosses the rest
    and tree (5), water (6); the second is all building (8). Beside them, optical images and an image without map."""
    label = np.full((40, 60), 5, dtype=np.uint8)
    label[:, 40:] = 6
    label[18:22] = 4
    label[:, :20] = 0
    for number, values in enumerate((label, np.full_like(label, 8)), start=1):
        name = f"TrainArea_{number:04}.tif"
        place = root / "train" / "sar_images" / name
        geotiff.north_up(place, speckle(60, 40, seed=number), west=WEST, north=NORTH, step=0.5)
        geotiff.write(root / "train" / "labels" / name, values)
        geotiff.write(root / "train" / "rgb_images" / name, np.dstack([speckle(60, 40, seed=number)] * 3))
    geotiff.write(root / "test" / "sar_images" / "TestArea_0001.tif", speckle(60, 40, seed=3))


def draw_fusar(root: Path) -> None:
    """Three images of 40×40 px of two places. Of the first, quarters are building, vegetation, water and road, less an
    unknown upper row; the others are water."""
    blue = np.zeros((40, 40, 3), dtype=np.uint8)
    blue[..., 2] = 255
    four = np.zeros_like(blue)
    four[:20, :20, 0] = four[:20, 20:, 1] = four[20:, :20, 2] = 255
    four[20:, 20:, :2] = 255
    four[0] = 0
    names = {"XiaMen_02_01_03_02_{}_097": four, "XiaMen_02_01_03_03_{}_098": blue, "JiuJiang_01_01_01_01_{}_001": blue}
    for number, (name, label) in enumerate(names.items()):
        geotiff.write(root / "SAR_1024" / f"{name.format('SAR')}.tif", speckle(40, 40, seed=number))
        geotiff.write(root / "LAB_1024" / f"{name.format('Label')}.tif", label)
        geotiff.write(root / "OPT_1024" / f"{name.format('OPT')}.tif", np.dstack([speckle(40, 40, seed=number)] * 3))


def draw_whu(root: Path) -> None:
    """A sheet of 1100×600 px (real ones: 5556×3704): farmland (10), a road (60) from left to right, and in the right
    half a city (20); the 200 columns at the left are background. The optical image has four bands."""
    label = np.full((600, 1100), 10, dtype=np.uint8)
    label[:, 550:] = 20
    label[300:320] = 60
    label[:, :200] = 0
    radar = speckle(1100, 600, seed=1)
    optical = np.stack([radar // band for band in (1, 2, 3, 4)], axis=2)
    for folder, pixels in (("sar", radar), ("lbl", label)):
        geotiff.write(root / folder / f"{SHEET}.tif", pixels)
    (root / "optical").mkdir()
    tifffile.imwrite(root / "optical" / f"{SHEET}.tif", optical, photometric="rgb", extrasamples=["unspecified"])
