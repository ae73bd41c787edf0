"""A source's items become records, features and shards: true, deterministic, all or nothing."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from sar_models.images import decode
from sar_models.shards import ShardReader
from tasks import records
from tasks.download.build import build
from tasks.download.catalog import Grouping, Patches, Radiometry, Source
from tasks.download.formats import Box, Item, Reader
from tasks.download.summary import DownloadSummary

RNG = np.random.default_rng(11)
UNSTATED = {"heading_deg": None, "length_m": None, "width_m": None}


def source(**changes: Any) -> Source:
    settings: dict[str, Any] = {
        "title": "made", "address": "file:///made", "format": "coco", "modality": "sar", "role": "both",
        "licence": "none stated", "citation": "none", "radiometry": Radiometry("amplitude"), "sensor": "Radar-1",
        "band": "X", "polarization": "HH", "resolution_m": 1.5, "pixel_spacing_x_m": 1.0, "pixel_spacing_y_m": 2.0,
        "classes": {"0": "road", "1": "water"},
    }  # fmt: skip
    made = Source(**settings | changes)
    object.__setattr__(made, "name", "made")
    return made


def reader(items: Sequence[Item]) -> Reader:
    def read(root: Path, source: Source) -> Iterator[Item]:
        yield from items

    return read


def grey(path: Path, *, size: int = 32, top: int = 255) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(1, top, (size, size), dtype=np.uint8)).save(path)
    return path.read_bytes()


def masked(values: np.ndarray) -> Callable[[], np.ndarray]:
    return lambda: values


def described(raw: Path) -> Path:
    raw.mkdir(exist_ok=True)
    (raw / "made.yaml").write_text("title: as it was\n")
    return raw


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for name in ("b/2.png", "a/1.png", "a/3.x.jpg", "large.png"):
        grey(tmp_path / "raw" / name, size=80 if name == "large.png" else 32)
    (tmp_path / "raw" / "a" / "broken.png").write_bytes(grey(tmp_path / "whole.png")[:200])
    described(tmp_path / "raw")
    return tmp_path / "raw"


MASK = RNG.integers(0, 3, (32, 32), dtype=np.uint8)
ITEMS = (
    Item("b/2.png", "sar", boxes=(Box("ship", -2, 3, 8, 5), Box("ship", 10, 10, 9, 5, 190.0)), split="test"),
    Item("a/1.png", "sar", boxes=(), mask=masked(MASK), pixel_spacing_m=0.5, polarization="VV"),
    Item("a/3.x.jpg", "sar", label="road", captions=("A road.", "It bends.")),
    Item("large.png", "sar", boxes=(Box("ship", 4, 5, 6, 7), Box("ship", 60, 5, 6, 7))),
    Item("a/broken.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK)),
)


def made(
    raw: Path, out: Path, *, items: Sequence[Item] = ITEMS, of: Source | None = None, **options: Any
) -> DownloadSummary:
    of = of or source(patches=Patches(40, 40))
    return build(of, description=raw / "made.yaml", raw=raw, out=out, read=reader(items), **options)


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {row["record_id"]: row for row in records.read(out / "records.parquet")}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_image_has_its_record(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "sources" / "made"
    summary = made(raw, out)
    found = rows(out)
    cut = [f"made/large.png#{x},{y},40,40" for x in (0, 40) for y in (0, 40)]
    assert list(found) == sorted(["made/a/1.png", "made/a/3.x.jpg", "made/a/broken.png", "made/b/2.png", *cut])
    assert sorted(path.name for path in out.iterdir()) == [
        "features.parquet",
        "records.parquet",
        "shards",
        "source.yaml",
    ]
    assert (out / "source.yaml").read_text() == "title: as it was\n"
    first = found["made/a/1.png"]
    assert (first["width_px"], first["height_px"], first["bands"], first["bit_depth"]) == (32, 32, 1, 8)
    assert (first["sensor"], first["band"], first["polarization"]) == ("Radar-1", "X", "VV")
    assert (first["pixel_spacing_x_m"], first["pixel_spacing_y_m"], first["resolution_m"]) == (0.5, 0.5, 1.5)
    assert (first["channels"], first["low"], first["high"]) == (None, [0.0], [255.0])
    assert first["boxes"] == []
    assert [region["class"] for region in first["regions"]] == ["road", "water"]
    second = found["made/b/2.png"]
    assert (second["pixel_spacing_x_m"], second["pixel_spacing_y_m"], second["split"]) == (1.0, 2.0, "test")
    assert second["boxes"] == [
        {"class": "ship", "x": 0.0, "y": 3.0, "w": 6.0, "h": 5.0, "angle_deg": None, **UNSTATED},
        {"class": "ship", "x": 10.0, "y": 10.0, "w": 9.0, "h": 5.0, "angle_deg": 10.0, **UNSTATED},
    ]
    assert second["regions"] is None
    third = found["made/a/3.x.jpg"]
    assert (third["boxes"], third["label"], third["captions"]) == (None, "road", ["A road.", "It bends."])
    assert (summary.images, summary.records, summary.patches, summary.unreadable) == (5, 8, 4, 1)
    assert (summary.boxes, summary.masks, summary.labels, summary.captions) == (5, 1, 1, 2)
    assert summary.bytes == sum(row["length"] for row in found.values())


def test_uncut_bytes_are_unchanged_and_every_place_is_right(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "sources" / "made"
    made(raw, out, shard_bytes=4000)
    assert len(list((out / "shards").iterdir())) > 2
    with ShardReader(tmp_path / "sources") as shards:
        for record_id, row in rows(out).items():
            data = shards.read(row)
            assert hashlib.sha256(data).hexdigest() == row["sha256"]
            if "#" not in record_id:
                assert data == (raw / record_id.removeprefix("made/")).read_bytes()
        masked_row = rows(out)["made/a/1.png"]
        png = shards.read(masked_row | {"offset": masked_row["mask_offset"], "length": masked_row["mask_length"]})
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), MASK)


def test_patches_hold_their_part_of_the_image_and_of_the_boxes(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "sources" / "made"
    made(raw, out)
    whole = decode((raw / "large.png").read_bytes())
    found = rows(out)
    with ShardReader(tmp_path / "sources") as shards:
        for x in (0, 40):
            for y in (0, 40):
                row = found[f"made/large.png#{x},{y},40,40"]
                np.testing.assert_array_equal(decode(shards.read(row)), whole[y : y + 40, x : x + 40])
                assert row["group"] == "made/large.png"
                assert [(box["x"], box["y"]) for box in row["boxes"]] == (
                    [(4.0 if x == 0 else 20.0, 5.0)] if y == 0 else []
                )


def test_shards_can_be_listed_and_names_are_keys_for_webdataset(raw: Path, tmp_path: Path) -> None:
    made(raw, tmp_path / "made")
    with tarfile.open(tmp_path / "made" / "shards" / "000000.tar") as tar:
        names = tar.getnames()
    assert names == [
        "made/a/1.png",
        "made/a/1.png.mask.png",
        "made/a/3%2Ex.jpg",
        "made/a/broken.png",
        "made/b/2.png",
        *(f"made/large%2Epng#{x},{y},40,40.png" for x in (0, 40) for y in (0, 40)),
    ]


def test_bytes_depend_on_neither_run_nor_threads_nor_order(raw: Path, tmp_path: Path) -> None:
    made(raw, tmp_path / "one", threads=1)
    made(raw, tmp_path / "two", threads=1)
    made(raw, tmp_path / "three", threads=4, items=ITEMS[::-1])
    made(raw, tmp_path / "three", threads=2)  # replaces what is there
    assert digests(tmp_path / "one") == digests(tmp_path / "two") == digests(tmp_path / "three")


def test_unreadable_image_is_kept_with_its_reason(raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "sources" / "made"
    made(raw, out)
    row = rows(out)["made/a/broken.png"]
    assert (row["width_px"], row["height_px"], row["bands"], row["bit_depth"]) == (0, 0, 0, 0)
    assert (row["regions"], row["mask_offset"]) == (None, None)
    assert len(row["boxes"]) == 1
    features = {f["record_id"]: f for f in records.read(out / "features.parquet")}
    assert list(features) == list(rows(out))
    assert re.match(r"cannot decode the image: \w+", features["made/a/broken.png"]["error"])
    assert features["made/a/broken.png"]["mean"] is None
    assert features["made/a/1.png"]["error"] is None
    assert len(features["made/a/1.png"]["thumbnail"]) == 256


def test_float_db_goes_through_cut_and_shard_without_loss(tmp_path: Path) -> None:
    values = RNG.normal(-15, 5, (2, 40, 72)).astype(np.float32)
    values[:, :, 64:] = np.nan
    described(tmp_path / "raw")
    tifffile.imwrite(tmp_path / "raw" / "s1.tif", values, photometric="minisblack", planarconfig="separate")
    of = source(patches=Patches(32, 32), radiometry=Radiometry("db", low=(-25.0, -32.5), high=(0.0, -7.5)))
    made(tmp_path / "raw", tmp_path / "made", items=[Item("s1.tif", "sar")], of=of)
    found = rows(tmp_path / "made")
    assert list(found) == ["made/s1.tif#0,0,32,32", "made/s1.tif#32,0,32,32"]
    row = found["made/s1.tif#32,0,32,32"]
    assert (row["bands"], row["bit_depth"], row["low"], row["high"]) == (2, 32, [-25.0, -32.5], [0.0, -7.5])
    with ShardReader(tmp_path) as shards:
        np.testing.assert_array_equal(decode(shards.read(row)), np.moveaxis(values, 0, -1)[:32, 32:64])
        shown = shards.picture(row)
    exact = (values[0, :32, 32:64].astype(np.float64) + 25) / 25 * 255
    assert np.abs(shown[..., 0] - np.clip(exact, 0, 255)).max() <= 0.5 + 1e-6


def test_pairs_share_their_group_and_the_optical_image_says_nothing_of_the_radar(tmp_path: Path) -> None:
    grey(described(tmp_path / "raw") / "sar" / "7.png")
    Image.fromarray(RNG.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "raw" / "7.png")
    items = [Item("sar/7.png", "sar", pair_id="7"), Item("7.png", "optical", pair_id="7")]
    of = source(radiometry=Radiometry("amplitude", low=(10.0,), high=(90.0,)), patches=Patches(16, 16))
    made(tmp_path / "raw", tmp_path / "made", items=items, of=of)
    found = rows(tmp_path / "made")
    radar, optical = found["made/sar/7.png#16,0,16,16"], found["made/7.png#16,0,16,16"]
    assert radar["pair_id"] == optical["pair_id"] == "7#16,0,16,16"
    assert radar["group"] == optical["group"] == "made/7"
    assert (radar["low"], optical["low"], optical["high"]) == ([10.0], [0.0], [255.0])
    assert (optical["sensor"], optical["band"], optical["polarization"]) == (None, None, None)
    assert optical["pixel_spacing_x_m"] == 1.0
    Image.fromarray(RNG.integers(0, 65535, (32, 32), dtype=np.uint16)).save(tmp_path / "raw" / "7.png")
    with pytest.raises(
        ValueError, match=r"made: 7\.png: the optical image of a pair has more than 8 bits .* `partner`"
    ):
        made(tmp_path / "raw", tmp_path / "made", items=items, of=of)


def test_second_image_of_a_pair_with_four_bands_or_16_bits_is_shown_as_declared(tmp_path: Path) -> None:
    grey(described(tmp_path / "raw") / "sar.png")
    deep = RNG.integers(0, 4000, (32, 32, 4), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "raw" / "optical.tif", deep, photometric="minisblack", planarconfig="contig")
    items = [Item("sar.png", "sar", pair_id="7"), Item("optical.tif", "optical", pair_id="7")]
    of = source(partner=Radiometry("optical", low=(0.0,), high=(4000.0,), bands=(2, 1, 0)))
    made(tmp_path / "raw", tmp_path / "made", items=items, of=of)
    row = rows(tmp_path / "made")["made/optical.tif"]
    assert (row["bands"], row["bit_depth"], row["channels"], row["high"]) == (4, 16, [2, 1, 0], [4000.0])
    with ShardReader(tmp_path) as shards:
        shown = shards.picture(row)
    assert np.abs(shown - deep[..., 2::-1] / 4000 * 255).max() <= 0.5 + 1e-6


def test_groups_follow_the_declared_pattern(raw: Path, tmp_path: Path) -> None:
    of = source(grouping=Grouping(space="world", pattern=r"(?P<group>\d)\."), patches=Patches(40, 40))
    made(raw, tmp_path / "made", items=[*ITEMS[:2], Item("a/3.x.jpg", "sar", group="own")], of=of)
    assert [row["group"] for row in rows(tmp_path / "made").values()] == ["world/1", "world/own", "world/2"]
    with pytest.raises(ValueError, match=r"a/broken\.png does not match grouping\.pattern"):
        made(raw, tmp_path / "made", of=of)


def test_annotation_digest_changes_with_the_annotation_alone(raw: Path, tmp_path: Path) -> None:
    def digest(item: Item, **changes: Any) -> str:
        made(raw, tmp_path / "made", items=[item], of=source(**changes))
        return str(next(iter(rows(tmp_path / "made").values()))["annotation_sha256"])

    base = digest(Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK)))
    assert base == digest(Item("b/2.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK)), sensor="other")
    others = [
        digest(Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4.5),), mask=masked(MASK))),
        digest(Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK[::-1].copy()))),
        digest(Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),))),
        digest(Item("a/1.png", "sar", boxes=(), mask=masked(MASK))),
        digest(Item("a/1.png", "sar", mask=masked(MASK))),
        digest(Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK), split="test")),
        digest(
            Item("a/1.png", "sar", boxes=(Box("ship", 1, 2, 3, 4),), mask=masked(MASK)),
            classes={"0": "grass", "1": "water"},
        ),
    ]
    assert len({base, *others}) == len(others) + 1


@pytest.mark.parametrize(
    ("items", "changes", "message"),
    [
        ([ITEMS[0], ITEMS[0]], {}, r"lists b/2\.png more than once"),
        ([], {}, "found no image"),
        ([Item("gone.png", "sar")], {}, r"gone\.png is annotated, but the source holds no such image"),
        ([Item("a/1.png", "sar", boxes=(Box("ship", 50, 5, 9, 9),))], {}, r"a/1\.png: ship box .* no area inside"),
        ([Item("a/1.png", "sar", mask=masked(MASK[:, :20]))], {}, r"a/1\.png has 32 × 32 px, its mask 20 × 32"),
        ([Item("a/1.png", "sar", mask=masked(MASK + 1))], {}, r"a/1\.png: mask value 3 stands for none of the 2"),
        ([Item("large.png", "sar", captions=("Sea.",))], {"patches": Patches(40, 40)}, "speak of the whole"),
        ([Item("large.png", "sar", label="ship")], {"patches": Patches(40, 40)}, "speak of the whole"),
        ([ITEMS[0]], {"radiometry": Radiometry("db", bands=(1,))}, r"the image has 1: correct radiometry"),
        ([Item("large.png", "sar", mask=masked(np.zeros((80, 80), np.uint8)))], {"patches": Patches(40, 40)},
         r"every patch was left out \(\{'unlabelled': 4\}\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_nothing_is_left_behind(
    raw: Path, tmp_path: Path, items: list[Item], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        made(raw, tmp_path / "data" / "made", items=items, of=source(**changes))
    assert not list((tmp_path / "data").glob("*") if (tmp_path / "data").exists() else [])


def test_failure_keeps_the_former_output(raw: Path, tmp_path: Path) -> None:
    made(raw, tmp_path / "made")
    before = digests(tmp_path / "made")
    with pytest.raises(ValueError, match="no such image"):
        made(raw, tmp_path / "made", items=[*ITEMS, Item("gone.png", "sar")])
    assert digests(tmp_path / "made") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_summary_tells_classes_and_what_was_left_out(raw: Path, tmp_path: Path) -> None:
    box = Box("ship", 30, 5, 14, 6)  # 10 px in the left patch, 4 in the right one
    summary = made(raw, tmp_path / "made", items=[*ITEMS[:3], Item("large.png", "sar", boxes=(box,))])
    assert summary.left_out == (("cut_object", 1),)
    assert summary.metrics()["left_out_cut_object"] == 1.0
    assert summary.metrics()["records"] == 6.0
    table = {row["class"]: row for row in summary.rows()}
    assert list(table) == ["(all)", "road", "ship", "water"]
    assert (table["ship"]["images"], table["ship"]["boxes"], table["ship"]["labelled area"]) == (2, 3, None)
    assert table["road"]["images"] == 2  # a mask and a label
    share = (MASK == 1).sum() / (MASK > 0).sum()
    assert table["road"]["labelled area"] == f"{100 * share:.1f} %"
    assert "1 cut_object" in table["(all)"]["note"]
    json.dumps(summary.rows())
