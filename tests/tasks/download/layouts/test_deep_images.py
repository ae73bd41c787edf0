"""Every layout of masks, pairs and captions takes 16-bit images, as PNG or TIFF, shown by the declared radiometry."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from fakes import bright, caption_sets, land_cover, pairs
from layout_project import make
from PIL import Image

from sar_models.images import decode
from sar_models.shards import ShardReader
from tasks import paths

LAYOUTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "open_earth_map_sar": (land_cover.draw_open_earth_map, "train/sar_images/*.tif"),
    "fusar_map": (land_cover.draw_fusar, "SAR_1024/*.tif"),
    "whu_opt_sar": (land_cover.draw_whu, "sar/*.tif"),
    "bright": (bright.draw, "post-event/*.tif"),
    "qxs_saropt": (pairs.draw_qxs, "sar_256_oc_0.2/*.png"),
    "sen12": (pairs.draw_sen12, "ROIs*/s1_*/*.png"),
    "osdataset": (pairs.draw_osdataset, "*/sar*.png"),
    "nwpu_captions": (caption_sets.draw_nwpu, "NWPU_images/*/*.jpg"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_images_of_16_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    draw, pattern = LAYOUTS[name]
    project = make(tmp_path, monkeypatch, name, draw)
    deep: dict[str, np.ndarray] = {}
    for file in sorted(project.placed.glob(pattern)):
        stored = decode(file.read_bytes())[..., 0].astype(np.uint16) * 201
        if file.suffix == ".tif":
            tifffile.imwrite(file, stored, photometric="minisblack")
        else:  # the format is told by the bytes, not by the name
            Image.fromarray(stored).save(file, "PNG")
        deep[file.relative_to(project.placed).as_posix()] = stored
    project.describe(radiometry={"unit": "amplitude", "low": [201], "high": [51255], "bands": [0]})
    project.pin()
    rows = {path: row for path, row in project.download().items() if path.partition("#")[0] in deep}
    assert deep
    assert {path.partition("#")[0] for path in rows} == set(deep)
    with ShardReader(paths.source_data(name).parent) as shards:
        for path, row in rows.items():
            image, _, window = path.partition("#")
            x, y, w, h = map(int, window.split(",")) if window else (0, 0, row["width_px"], row["height_px"])
            stored = deep[image][y : y + h, x : x + w]
            assert (row["bit_depth"], row["error"]) == (16, None)
            np.testing.assert_array_equal(decode(shards.read(row))[..., 0], stored)
            shown = np.clip((stored.astype(float) - 201) / 51054 * 255, 0, 255)
            assert np.abs(shards.picture(row)[..., 0] - shown).max() <= 0.5 + 1e-6
