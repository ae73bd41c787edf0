"""Each layout is read by the tool that it is made for."""

import argparse
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from validate_world import SHIP, Shot, World, scene

from tasks import paths, records
from tasks.export.export import LAYOUTS, SUMS, export
from tasks.validate.stage import validate_text

DEEP = scene(1).astype(np.uint16) * 257
TURNED = SHIP | {"x": 20.0, "y": 10.0, "w": 16.0, "h": 4.0, "angle_deg": 90.0}


def build(world: World) -> World:
    two = ["One ship is there.", "A ship, and no more than one ship."]
    world.source("ships", [
        Shot("a.png", split="train", boxes=[SHIP], label=None, captions=two, route="a2c"),
        Shot("b.png", split="train", boxes=[SHIP, TURNED], label=None, captions=["Two ships are there."], route="a2c"),
        Shot("w.png", split="val", boxes=[SHIP], label=None, captions=["One ship is there."], route="a2c"),
        Shot("c.png", split="test", boxes=[], label=None, captions=["This is a SAR image."], route="a2c"),
    ])  # fmt: skip
    world.source("chips", [
        Shot("deep.png", pixels=DEEP, record={"high": [65535.0]}, split="train"),
        Shot("v.png", split="val"), Shot("t.v2.png", split="test"),
    ])  # fmt: skip
    validate_text("sar", params=world.params)
    return world


@pytest.fixture
def text(world: World) -> World:
    return build(world)


def captions(*splits: str) -> set[tuple[str, str]]:
    rows = [
        row
        for split in splits or ("train", "val", "test")
        for row in records.read(paths.text("sar") / f"{split}.parquet")
    ]
    return {(row["record_id"], row["text"]) for row in rows}


def test_hugging_face_loads_the_folder(text: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    export("sar", out, layout="huggingface")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "validation", "test"}
    rows = [row for split in loaded.values() for row in split]
    assert {(row["record_id"], caption) for row in rows for caption in row["captions"]} == captions()
    by_id = {row["record_id"]: row for row in rows}
    assert np.array_equal(np.asarray(by_id["chips/deep.png"]["image"]), scene(1))
    assert by_id["ships/a.png"]["image"].size == (48, 48)
    assert by_id["ships/a.png"]["routes"] == ["a2c", "a2c"]
    assert by_id["ships/a.png"]["licence"] == "CC0-1.0"


def test_questions_go_where_the_layout_has_a_place(text: World, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = paths.text("sar")
    rows = [row for row in records.read(folder / "train.parquet") if row["record_id"] == "ships/b.png"]
    asked = {"question_id": "ships/b.png#q0", "question": "How many ships are there?", "answer": "2",
             "family": "count", "answer_type": "number", "subject": "ship", "rule": "count@1",
             "claims": []}  # fmt: skip
    records.write(folder / "train_questions.parquet", [rows[0] | asked], schema=records.QUESTION_TEXT)
    (folder / "train_llava.json").write_text('[{"id": "ships/b.png"}]\n')
    assert export("sar", tmp_path / "hub", layout="huggingface").questions == 1
    stored = pq.read_table(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet").to_pylist()
    assert {row["record_id"]: row["questions"] for row in stored if row["questions"]} == {
        "ships/b.png": [{"question": "How many ships are there?", "answer": "2", "family": "count"}]
    }
    assert export("sar", tmp_path / "llava", layout="llava").questions == 1
    assert (tmp_path / "llava" / "train.json").read_bytes() == (folder / "train_llava.json").read_bytes()


def test_the_card_of_the_hub_names_its_files_and_known_values(text: World, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    export("sar", tmp_path / "out", layout="huggingface")
    data = DatasetCard.load(tmp_path / "out" / "README.md").data.to_dict()
    assert (data["license"], data["license_name"], data["size_categories"]) == ("other", "by-source", ["n<1K"])
    (config,) = data["configs"]
    assert [item["split"] for item in config["data_files"]] == ["train", "validation", "test"]
    export("sar", tmp_path / "coco", layout="coco")
    assert "configs" not in yaml.safe_load((tmp_path / "coco" / "README.md").read_text().split("---\n")[1])


def test_open_clip_train_reads_the_tars(text: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip
    from open_clip_train import data as reader

    from tasks.export import webdataset

    monkeypatch.setattr(webdataset, "SAMPLES", 2)
    out = tmp_path / "out"
    summary = export("sar", out, layout="webdataset")
    assert (summary.images, summary.captions, summary.shown) == (7, 8, 1)
    assert sorted(path.name for path in (out / "train").iterdir()) == ["000000.tar", "000001.tar", "sizes.json"]
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    transform = open_clip.image_transform(32, is_train=False)
    shared = {"train_num_samples": None, "val_num_samples": None, "train_data_upsampling_factors": None,
              "dataset_resampled": False, "batch_size": 1, "workers": 0, "world_size": 1, "seed": 0}  # fmt: skip
    found = {}
    for split in ("train", "test"):
        tars = str(out / split / ("{000000..000001}.tar" if split == "train" else "000000.tar"))
        arguments = argparse.Namespace(train_data=tars, val_data=tars, **shared)
        data = reader.get_wds_dataset(arguments, transform, is_train=split == "train", tokenizer=tokenizer)
        found[split] = []
        for image, tokens in data.dataloader:
            assert image.shape[1:] == (3, 32, 32)
            found[split] += [tokenizer.decode(row.tolist()) for row in tokens]
        if split == "train":
            assert data.dataloader.num_samples == 4
    assert len(found["train"]) == 4
    assert sum("ships" in caption for caption in found["train"]) == 1
    assert sorted(caption.split("<end_of_text>")[0] for caption in found["test"]) == [
        "<start_of_text>a sar image of a t - 7 2 tank . ", "<start_of_text>this is a sar image . ",
    ]  # fmt: skip


def test_pycocotools_reads_captions_and_boxes(text: World, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    out = tmp_path / "out"
    export("sar", out, layout="coco")
    read = COCO(str(out / "annotations" / "captions_train.json"))
    told = {(read.imgs[row["image_id"]]["record_id"], row["caption"]) for row in read.anns.values()}
    assert told == captions("train")
    for image in read.imgs.values():
        assert (out / image["file_name"]).is_file()
    boxes = COCO(str(out / "annotations" / "instances_train.json"))
    assert {image["record_id"] for image in boxes.imgs.values()} == {"ships/a.png", "ships/b.png"}
    (turned,) = [row for row in boxes.anns.values() if "rotated_bbox" in row]
    assert turned["bbox"] == pytest.approx([26, 4, 4, 16])
    assert turned["rotated_bbox"] == [28, 12, 16, 4, 90]
    assert boxes.loadCats(turned["category_id"])[0]["name"] == "ship"
    (empty,) = COCO(str(out / "annotations" / "instances_test.json")).imgs.values()  # searched, nothing found
    assert empty["record_id"] == "ships/c.png"
    assert {image["record_id"] for image in COCO(str(out / "annotations" / "instances_val.json")).imgs.values()} == {
        "ships/w.png"
    }


def test_llava_conversations(text: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export("sar", out, layout="llava")
    rows = json.loads((out / "train_captions.json").read_text())
    assert {(row["id"].rsplit("#", 1)[0], row["conversations"][1]["value"]) for row in rows} <= captions()
    assert len(rows) == 4
    for row in rows:
        asked, answered = row["conversations"]
        assert asked["from"] == "human"
        assert asked["value"].startswith("<image>\n")
        assert "SAR image" in asked["value"]
        assert answered["from"] == "gpt"
        assert (out / row["image"]).is_file()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_data_give_equal_bytes_and_sums(layout: str, make_world: Callable[[str], World], tmp_path: Path) -> None:
    found = []
    for folder in ("one", "two"):
        build(make_world(folder))
        out = tmp_path / f"out_{folder}"
        export("sar", out, layout=layout)
        found.append({path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert found[0] == found[1]
    listed = dict(reversed(line.split("  ", 1)) for line in found[0].pop(SUMS).decode().splitlines())
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in found[0].items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mlcroissant_accepts_the_description(layout: str, text: World, tmp_path: Path) -> None:
    import mlcroissant

    out = tmp_path / "out"
    export("sar", out, layout=layout)
    dataset = mlcroissant.Dataset(jsonld=out / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    if layout == "openclip":
        rows = list(dataset.records("train"))
        assert {row["train/caption"].decode() for row in rows} == {text for _, text in captions("train")}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_interrupted_export_goes_on(
    layout: str, text: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.export.bundle import Bundle

    whole, out = tmp_path / "whole", tmp_path / "out"
    export("sar", whole, layout=layout)
    put, left = Bundle.put, [2]

    def stop(self: Bundle, *arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        put(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Bundle, "put", stop)
        with pytest.raises(KeyboardInterrupt):
            export("sar", out, layout=layout)
    assert not (out / SUMS).exists()
    with pytest.raises(ValueError, match="not an empty folder"):
        export("sar", out, layout="coco" if layout != "coco" else "llava")
    made = {path: path.stat().st_mtime_ns for path in out.rglob("*.*") if path.is_file() and path.name[0] != "."}
    assert made
    export("sar", out, layout=layout)
    assert (out / SUMS).read_bytes() == (whole / SUMS).read_bytes()
    assert all(path.stat().st_mtime_ns == then for path, then in made.items())
    with pytest.raises(ValueError, match="not an empty folder"):
        export("sar", out, layout=layout)


def test_an_unknown_layout_is_a_clear_error(text: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there are openclip, webdataset, huggingface, coco, llava"):
        export("sar", tmp_path / "out", layout="tfrecord")
