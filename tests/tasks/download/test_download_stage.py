"""The stage from a description to its data folder, with real fetching, reading and simulation."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from sar_models.shards import ShardReader
from tasks import paths, records
from tasks.download.stage import download_source
from tasks.download.withdrawn import path_of
from tasks.lineage.impact import Item
from tasks.lineage.withdrawn import add

DESCRIPTION = {
    "modality": "sar", "role": "both", "licence": "CC0-1.0", "citation": "nobody", "radiometry": {"unit": "amplitude"},
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("SAR_TEXT_MIRROR", raising=False)
    (tmp_path / "root" / "sources").mkdir(parents=True)
    return tmp_path / "root"


def describe(root: Path, name: str, **facts: Any) -> None:
    (root / "params.yaml").write_text(yaml.safe_dump({"sources": {name: "sar"}}))
    (root / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(DESCRIPTION | facts))


def test_fetched_source(root: Path, tmp_path: Path) -> None:
    images, digests = {}, {}
    for name in ("T72/1.png", "T72/2.png", "BMP2/1.png"):
        images[name] = np.random.default_rng(len(images)).integers(0, 256, (24, 20), dtype=np.uint8)
        (tmp_path / "archive" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[name]).save(tmp_path / "archive" / name)
        digests[name] = hashlib.sha256((tmp_path / "archive" / name).read_bytes()).hexdigest()
    describe(
        root, "chips", title="chips", address=(tmp_path / "archive").as_uri() + "/", format="chips", files=digests,
        classes={"T72": "t72", "BMP2": "bmp2"}, reader={"image": r"(?P<class>\w+)/\d\.png"},
    )  # fmt: skip
    summary = download_source("chips")
    assert (summary.records, summary.labels, summary.unreadable) == (3, 3, 0)
    folder = paths.source_data("chips")
    rows = records.read(folder / "records.parquet")
    assert [(row["record_id"], row["label"]) for row in rows] == [
        ("chips/BMP2/1.png", "bmp2"),
        ("chips/T72/1.png", "t72"),
        ("chips/T72/2.png", "t72"),
    ]
    assert (folder / "source.yaml").read_bytes() == (root / "sources" / "chips.yaml").read_bytes()
    with ShardReader(folder.parent) as shards:
        for row in rows:
            np.testing.assert_array_equal(shards.picture(row)[..., 0], images[row["record_id"].removeprefix("chips/")])


def test_simulated_source_leaves_nothing_but_its_data(root: Path, tmp_path: Path) -> None:
    facts = yaml.safe_load((Path(__file__).parents[3] / "sources" / "sim_landcover.yaml").read_text())
    facts["simulate"] |= {"scenes": 2, "size_px": 192}
    describe(root, "sim_landcover", **facts)
    summary = download_source("sim_landcover")
    assert summary.records == summary.masks == 2
    rows = records.read(paths.source_data("sim_landcover") / "records.parquet")
    for row in rows:
        assert (row["width_px"], row["height_px"]) == (192, 192)
        assert sum(region["fraction"] for region in row["regions"]) == pytest.approx(1.0)
    assert list((tmp_path / "state").iterdir()) == []


def test_unknown_source(root: Path) -> None:
    with pytest.raises(ValueError, match="no source 'nothing'"):
        download_source("nothing")


def test_what_was_withdrawn_is_not_built(root: Path, tmp_path: Path) -> None:
    digests = {}
    for number in (1, 2):
        path = tmp_path / "archive" / "T72" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((24, 20), 9 * number, np.uint8)).save(path)
        digests[f"T72/{number}.png"] = hashlib.sha256(path.read_bytes()).hexdigest()
    describe(
        root, "chips", title="chips", address=(tmp_path / "archive").as_uri() + "/", format="chips", files=digests,
        classes={"T72": "t72"}, reader={"image": r"(?P<class>\w+)/\d\.png"},
    )  # fmt: skip
    add(Item("chips", frozenset({"chips/T72/1.png"})), reason="no consent", by="Ada")
    download_source("chips")
    rows = records.read(paths.source_data("chips") / "records.parquet")
    assert [row["record_id"] for row in rows] == ["chips/T72/2.png"]
    kept = path_of("chips").read_text()
    path_of("chips").unlink()
    with pytest.raises(ValueError, match="been deleted"):
        download_source("chips")
    path_of("chips").write_text(kept + "# changed\n")
    with pytest.raises(ValueError, match="writes both"):
        download_source("chips")
    path_of("chips").write_text(kept)
    add(Item("chips"), reason="licence revoked", by="Ada")
    with pytest.raises(ValueError, match="licence revoked"):
        download_source("chips")
