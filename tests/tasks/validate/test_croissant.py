"""The description of the validated data set, as MLCommons' own reader takes it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from validate_world import SHIP, Shot, World

from tasks import paths, records
from tasks.validate.stage import validate_text

PLACED = {"crs": "EPSG:4326", "bounds": [10.0, 50.0, 11.0, 51.0]}


def described() -> dict[str, Any]:
    return dict(json.loads((paths.text("sar") / "croissant.json").read_text(encoding="utf-8")))


def build(world: World, *, texts: tuple[str, ...] = ("One ship is there.", "A ship.  ", "Tank.")) -> None:
    world.source("ships", [
        Shot("a.png", boxes=[SHIP], label=None, captions=texts, route="a2c", split="train"),
        Shot("v.png", boxes=[SHIP], label=None, captions=["One ship is there."], route="a2c", split="val"),
    ], sensor="Sentinel-1", band="C", polarization="VV+VH", resolution_m=10.0)  # fmt: skip
    validate_text("sar", params=world.lenient())


def test_mlcroissant_reads_the_records(world: World) -> None:
    import mlcroissant

    build(world)
    dataset = mlcroissant.Dataset(jsonld=paths.text("sar") / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    read = [
        (row["train/caption_id"].decode(), row["train/text"].decode(), row["train/width_px"])
        for row in dataset.records("train")
    ]
    rows = records.read(paths.text("sar") / "train.parquet")
    assert read == [(row["caption_id"], row["text"], row["width_px"]) for row in rows] != []
    (source,) = dataset.records("sources")
    assert (source["sources/name"], source["sources/spatialResolution"]) == ("ships", "10 m")


def test_it_says_what_geocroissant_asks_for(world: World) -> None:
    build(world)
    found = described()
    assert found["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/geo/1.0"]
    assert found["geocr:spatialResolution"] == {"@type": "sc:QuantitativeValue", "value": 10.0, "unitText": "m"}
    assert found["geocr:bandConfiguration"]["geocr:bandNameList"] == ["C-band VV", "C-band VH"]
    assert "geocr:coordinateReferenceSystem" not in found  # no image is georeferenced
    assert found["datePublished"] == world.params.validate.released
    world.source("ships", [Shot("a.png", boxes=[SHIP], label=None, captions=["One ship is there."], record=PLACED),
                           Shot("b.png", boxes=[SHIP], label=None, captions=["One ship is there."],
                                record=PLACED | {"bounds": [12.0, 49.0, 13.0, 50.0]})])  # fmt: skip
    validate_text("sar", params=world.lenient())
    found = described()
    assert found["geocr:coordinateReferenceSystem"] == "EPSG:4326"
    assert found["spatialCoverage"]["geo"]["box"] == "49.0 10.0 51.0 13.0"
    assert "geocr:spatialResolution" not in found


def test_the_version_names_the_content(make_world: Callable[[str], World]) -> None:
    versions = []
    for folder, texts in (
        ("one", ("One ship is there.",)),
        ("two", ("One ship is there.",)),
        ("three", ("A ship is seen.",)),
    ):
        build(make_world(folder), texts=texts)
        versions.append(described()["version"])
    assert versions[0] == versions[1] != versions[2]
    assert versions[0].startswith("1.0.0+")


def test_a_day_that_is_none_is_a_clear_error(world: World) -> None:
    import dataclasses

    with pytest.raises(ValueError, match=r"released is '23.11.2026'; write a day as \"2026-01-31\""):
        dataclasses.replace(world.params.validate, released="23.11.2026")
