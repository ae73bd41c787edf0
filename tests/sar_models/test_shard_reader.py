"""Reading images from shards by offset."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sar_models import shards
from sar_models.shards import ShardReader
from tasks.download import encode
from tasks.download.shards import ShardWriter

IMAGES = [np.random.default_rng(i).integers(0, 256, (9 + i, 8, 1), dtype=np.uint8) for i in range(12)]


@pytest.fixture
def places(tmp_path: Path) -> list[dict[str, Any]]:
    rows = []
    with ShardWriter(tmp_path / "made" / "shards", shard_bytes=2000) as writer:
        for number, image in enumerate(IMAGES):
            place = writer.add(f"made/{number:02}.png", encode.image(image)[0])
            rows.append({"record_id": f"made/{number:02}.png", "source": "made", "shard": place.shard,
                         "offset": place.offset, "length": place.length, "low": [0.0], "high": [255.0],
                         "channels": None})  # fmt: skip
    assert len({row["shard"] for row in rows}) > 3
    return rows


def test_pictures_come_back(tmp_path: Path, places: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "OPEN_SHARDS", 2)  # so that shards are closed and opened again
    with ShardReader(tmp_path) as reader:
        for _ in range(2):
            for place, image in zip(places, IMAGES, strict=True):
                assert reader.read(place) == encode.image(image)[0]
                np.testing.assert_array_equal(reader.picture(place), image)


def test_threads_and_other_processes_may_use_it(tmp_path: Path, places: list[dict[str, Any]]) -> None:
    with ShardReader(tmp_path) as reader:
        reader.read(places[0])
        copy = pickle.loads(pickle.dumps(reader))
        with ThreadPoolExecutor(4) as pool:
            both = list(pool.map(copy.picture, places * 5))
        copy.close()
    for shown, image in zip(both, IMAGES * 5, strict=True):
        np.testing.assert_array_equal(shown, image)


def test_the_radiometry_of_the_row_is_used(tmp_path: Path, places: list[dict[str, Any]]) -> None:
    with ShardReader(tmp_path) as reader:
        shown = reader.picture(places[0] | {"low": [100.0], "high": [101.0]})
    np.testing.assert_array_equal(shown, np.where(IMAGES[0] >= 101, 255, 0))


def test_errors_name_shard_or_record(tmp_path: Path, places: list[dict[str, Any]]) -> None:
    with ShardReader(tmp_path) as reader:
        with pytest.raises(ValueError, match=r"gone\.tar does not exist: run `dvc checkout`"):
            reader.read(places[0] | {"shard": "gone.tar"})
        with pytest.raises(ValueError, match="ends before byte"):
            reader.read(places[0] | {"length": 10**6})
        with pytest.raises(ValueError, match=r"made/00\.png: cannot decode"):
            reader.picture(places[0] | {"length": 40})
