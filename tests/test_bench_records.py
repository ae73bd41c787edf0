"""Records for benchmarks have the box statistics of SSDD, and are records."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.records import MASK_SHARE, draw
from benchmarks.reference import PATH, measure
from tasks import records

KNOWN = json.loads(PATH.read_text(encoding="utf-8"))


def test_the_table_is_of_all_of_ssdd() -> None:
    assert (KNOWN["images"], KNOWN["boxes"]) == (1160, 2586)
    assert sum(KNOWN["boxes_per_image"].values()) == 1160
    assert sum(int(count) * images for count, images in KNOWN["boxes_per_image"].items()) == 2586


def test_measure_counts_by_hand() -> None:
    file = {
        "images": [{"id": 1, "width": 100, "height": 50}, {"id": 2, "width": 100, "height": 50}],
        "annotations": [{"image_id": 1, "bbox": [0, 0, 40, 10]}, {"image_id": 1, "bbox": [40, 20, 20, 20]}],
    }
    found = measure([file])
    assert found["boxes_per_image"] == {"0": 1, "2": 1}
    assert found["quantiles"]["box_size_px"][0] == found["quantiles"]["box_size_px"][-1] == 20
    assert (found["quantiles"]["box_aspect"][0], found["quantiles"]["box_aspect"][-1]) == (1, 4)
    assert (found["quantiles"]["center_x"][0], found["quantiles"]["center_y"][-1]) == (0.2, 0.6)


def test_drawn_records_have_the_statistics() -> None:
    rows = list(draw(4000, 7))
    assert list(islice(draw(10_000, 7), 100)) == rows[:100]
    assert next(draw(1, 8)) != rows[0]
    masks = [row for row in rows if row["regions"] is not None]
    assert len(masks) / len(rows) == pytest.approx(MASK_SHARE, abs=0.015)
    counts = [len(row["boxes"]) for row in rows if row["boxes"] is not None]
    assert np.mean(counts) == pytest.approx(2586 / 1160, abs=0.2)
    boxes = [(box, row) for row in rows for box in row["boxes"] or ()]
    for box, row in boxes:
        assert box["x"] >= 0 <= box["y"]
        assert box["x"] + box["w"] <= row["width_px"] + 1e-6
        assert box["y"] + box["h"] <= row["height_px"] + 1e-6
    sizes = np.percentile([(box["w"] * box["h"]) ** 0.5 for box, _ in boxes], KNOWN["percent"][1:-1])
    assert np.allclose(sizes, KNOWN["quantiles"]["box_size_px"][1:-1], rtol=0.08)
    for row in masks:
        assert sum(region["fraction"] for region in row["regions"]) == pytest.approx(1)


def test_they_are_records(tmp_path: Path) -> None:
    records.write(tmp_path / "records.parquet", draw(200, 1), schema=records.RECORDS)
    assert records.read_table(tmp_path / "records.parquet").schema.equals(records.RECORDS)
    assert isinstance(records.RECORDS, pa.Schema)
