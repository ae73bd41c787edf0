"""What is exported, `open_clip_train` reads as it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from validate_world import Shot, World, png, scene

from tasks import paths, records
from tasks.export.export import export
from tasks.validate.stage import validate_text


@pytest.fixture
def text(world: World) -> World:
    deep = scene(1).astype(np.uint16) * 257
    colour = np.dstack([scene(2), scene(3), scene(4)])
    world.source("mixed", [
        Shot("plain.png", split="train"),
        Shot("dir/deep.png", pixels=deep, record={"high": [65535.0]}, split="train"),
        Shot("stretched.png", pixels=scene(5), record={"low": [50.0], "high": [100.0]}, split="train"),
        Shot("scene.jpg#0,16,48,48", pixels=scene(6), split="train"),
        Shot("colour, \"red\".png", pixels=colour, split="train"),
        Shot("two", pixels=colour[..., :2], data=tiff(colour[..., :2]), split="train"),
        Shot("t.png", split="test"),
    ])  # fmt: skip
    validate_text("sar", params=world.params)
    return world


def tiff(pixels: Any) -> bytes:
    from sar_models.tiff import write

    return write(pixels)


def shown(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_open_clip_reads_every_pair(text: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import open_clip
    from open_clip_train.data import CsvDataset

    out = tmp_path / "out"
    summary = export("sar", out, layout="openclip")
    assert (summary.images, summary.captions, summary.shown) == (7, 7, 3)
    assert "3 images that plain readers do not show" in str(summary)
    monkeypatch.chdir(out)
    transform = open_clip.image_transform(32, is_train=False)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    counts = {}
    for split in ("train", "val", "test"):
        data = CsvDataset(f"{split}.csv", transform, "filepath", "caption", sep=",", tokenizer=tokenizer)
        counts[split] = len(data)
        for image, tokens in (data[n] for n in range(len(data))):
            assert image.shape == (3, 32, 32)
            assert tokens.shape == (77,)
            assert (tokens > 0).sum() > 5
    assert counts["train"] + counts["val"] == 6
    assert counts["test"] == 1


def test_stored_bytes_stay_and_the_rest_is_shown_by_its_radiometry(text: World, tmp_path: Path) -> None:
    export("sar", tmp_path / "out", layout="openclip")
    folder = tmp_path / "out" / "Image" / "mixed"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == [
        'colour, "red".png', "dir/deep.png.png", "plain.png", "scene.jpg_0_16_48_48.png", "stretched.png.png",
        "t.png", "two.png",
    ]  # fmt: skip
    assert (folder / "scene.jpg_0_16_48_48.png").read_bytes() == png(scene(6))
    assert np.array_equal(shown(folder / "dir/deep.png.png")[..., 0], scene(1))
    expected = np.clip((scene(5).astype(float) - 50) / 50 * 255, 0, 255)
    assert np.abs(shown(folder / "stretched.png.png")[..., 0] - expected).max() <= 0.5
    assert np.array_equal(shown(folder / "two.png")[..., :2], np.dstack([scene(2), scene(3)]))


def test_nothing_is_overwritten(text: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="not an empty folder"):
        export("sar", out, layout="openclip")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_changed_bytes_are_refused_and_the_export_goes_on_once_they_are_mended(text: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()  # a folder that the user already had
    (row,) = records.read(paths.text("sar") / "test.parquet")
    shard = paths.source_data("mixed") / "shards" / row["shard"]
    sound = shard.read_bytes()
    data = bytearray(sound)
    data[row["offset"] + row["length"] // 2] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"mixed/t.png: .* holds other bytes"):
        export("sar", out, layout="openclip")
    made = {path: path.stat().st_mtime_ns for path in (out / "Image").rglob("*.png")}
    assert made
    assert not (out / "SHA256SUMS").exists()
    with pytest.raises(ValueError, match=r"mixed/t.png: .* holds other bytes"):
        export("sar", out, layout="openclip")
    shard.write_bytes(sound)
    assert export("sar", out, layout="openclip").images == 7
    assert (out / "SHA256SUMS").exists()
    assert all(path.stat().st_mtime_ns == then for path, then in made.items())


@pytest.mark.parametrize("name", ["mine.txt", "Image/mixed/mine.png", ".mine.part"])
def test_strangers_are_refused_on_resume_too_and_stay(
    text: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("tasks.export.export.describe.write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export("sar", out, layout="openclip")
    (out / name).write_text("mine")
    for _ in range(2):
        with pytest.raises(ValueError, match=rf"1 files that are no part of the export, such as {name}: move them"):
            export("sar", out, layout="openclip")
        assert (out / name).read_text() == "mine"
        assert not (out / "SHA256SUMS").exists()
    (out / name).unlink()
    export("sar", out, layout="openclip")
    listed = {line.split("  ", 1)[1] for line in (out / "SHA256SUMS").read_text().splitlines()}
    assert listed == {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and path.name != "SHA256SUMS"
    }


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_missing_data_set_is_a_clear_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist: run `dvc repro validate@sar`"):
        export("sar", tmp_path / "out", layout="openclip")
