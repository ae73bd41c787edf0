"""The index of a folder: built once, kept, brought up to date by content; the nearest images come first."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
from PIL import Image

from sar_models import infer, model
from sar_models.reading import Reading, read
from sar_models.settings import Hardware
from tasks.models import Opened, open_model
from tasks.search import index as indexing
from tasks.search.index import PLACE, Index, best, open_index
from tasks.search.page import page

MICRO = Path(__file__).parents[2] / "sar_models" / "micro"
open_clip.add_model_config(MICRO)
QUICK = Hardware(threads=1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "clip"
    model.save(model.initial("clip", architecture="micro_clip", seed=2), place)
    return place


@pytest.fixture(scope="module")
def clip(weights: Path) -> Opened[model.Model]:
    return open_model(str(weights), kind="clip")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    (place / "b c").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("one.png", "two.jpg", "b c/<three>.png"):
        Image.fromarray(random.integers(0, 256, (20, 24), dtype=np.uint8)).save(place / name)
    return place


def built(folder: Path, clip: Opened[model.Model], place: Path | None = None, reading: Reading | None = None) -> Index:
    return open_index(folder, clip=clip, place=place, reading=reading, hardware=QUICK)


def test_the_index_holds_what_the_model_says_and_is_built_once(folder: Path, clip: Opened[model.Model]) -> None:
    first = built(folder, clip)
    assert (first.paths, first.embedded, first.failed) == (("b c/<three>.png", "one.png", "two.jpg"), 3, ())
    pictures = [read(folder / path, Reading()) for path in first.paths]
    expected = infer.embed_images(clip.model, pictures, hardware=QUICK, batch_size=3)
    np.testing.assert_allclose(first.embeddings, expected, atol=1e-6)
    before = (folder / PLACE).read_bytes()
    again = built(folder, clip)
    assert again.embedded == 0
    assert np.array_equal(again.embeddings, first.embeddings)
    assert (folder / PLACE).read_bytes() == before


def test_the_nearest_come_first(folder: Path, clip: Opened[model.Model]) -> None:
    index = built(folder, clip)
    assert best(index, index.embeddings[1], n=1) == [("one.png", pytest.approx(1, abs=1e-5))]
    scores = [score for _, score in best(index, index.embeddings[0], n=99)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    shutil.copy(folder / "two.jpg", folder / "a copy.jpg")
    both = best(built(folder, clip), index.embeddings[2], n=2)
    assert [path for path, _ in both] == ["a copy.jpg", "two.jpg"]  # equal: by path


def test_only_what_changed_is_looked_at(folder: Path, clip: Opened[model.Model]) -> None:
    built(folder, clip)
    os.utime(folder / "one.png", ns=(1, 1))  # touched
    (folder / "two.jpg").rename(folder / "moved.jpg")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "b c" / "<three>.png")
    later = built(folder, clip)
    assert (later.paths, later.embedded) == (("b c/<three>.png", "moved.jpg", "one.png"), 1)
    fresh = built(folder, clip, folder.parent / "fresh.parquet")
    assert fresh.embedded == 3
    np.testing.assert_allclose(later.embeddings, fresh.embeddings, atol=1e-6)


def test_another_model_or_reading_builds_anew(folder: Path, clip: Opened[model.Model]) -> None:
    built(folder, clip)
    other = Opened(model.initial("clip", architecture="micro_clip", seed=3), "0" * 12)
    assert built(folder, other).embedded == 3
    assert built(folder, clip).embedded == 3
    assert built(folder, clip, reading=Reading(bands=(0,))).embedded == 3
    assert built(folder, clip, reading=Reading(bands=(0,))).embedded == 0


def test_bad_files_are_listed_each_time_and_read_once(folder: Path, clip: Opened[model.Model]) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG not really")
    (folder / "empty.tif").write_bytes(b"")
    (folder / "gone.png").symlink_to(folder / "nowhere")
    first, again = built(folder, clip), built(folder, clip)
    assert [path for path, _ in first.failed] == ["broken.png", "empty.tif", "gone.png"]
    assert first.failed == again.failed
    assert "cannot decode" in first.failed[0][1]
    (folder / "gone.png").unlink()
    shutil.copy(folder / "one.png", folder / "broken.png")  # mended
    assert [path for path, _ in built(folder, clip).failed] == ["empty.tif"]
    for path in folder.rglob("*.*"):
        path.unlink() if path.suffix in (".png", ".jpg") else None
    nothing = built(folder, clip)
    assert (nothing.paths, best(nothing, np.ones(32, np.float32), n=3)) == ((), [])


def test_a_broken_off_run_loses_nothing(
    folder: Path, clip: Opened[model.Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 1)
    looked, calls = indexing._look, 0

    def stops(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return looked(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(indexing, "_look", stops)
    with pytest.raises(KeyboardInterrupt):
        built(folder, clip)
    calls = 2
    assert built(folder, clip).embedded == 2
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "b c" / "<three>.png")
    calls = 0
    with pytest.raises(KeyboardInterrupt):
        built(folder, clip)
    assert built(folder, clip).embedded == 0  # what was not reached again stayed known


def test_where_the_index_cannot_be_kept(folder: Path, clip: Opened[model.Model], tmp_path: Path) -> None:
    (folder / ".sar-text").write_text("in the way")
    with pytest.raises(ValueError, match=r"cannot be kept in .*name a file elsewhere with --index"):
        built(folder, clip)
    assert built(folder, clip, tmp_path / "new" / "index.parquet").embedded == 3
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    with pytest.raises(ValueError, match="no index of images, or damaged"):
        built(folder, clip, mine)
    assert mine.read_text() == "mine"
    with pytest.raises(ValueError, match="no index of images, or damaged"):
        built(folder, clip, tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        built(folder / "one.png", clip)
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="holds no PNG, JPEG or TIFF"):
        built(tmp_path / "bare", clip)
    assert not (tmp_path / "bare" / ".sar-text").exists()


def test_the_page_is_one_file_and_says_what_was_asked(folder: Path) -> None:
    text = page(
        "<ships>", [("b c/<three>.png", 0.5), ("one.png", -0.25)], folder=folder, version="abc", reading=Reading()
    )
    assert text.count("data:image/jpeg;base64,") == 2
    assert "&lt;ships&gt;" in text
    assert "&lt;three&gt;" in text
    assert "<three>" not in text
    assert "{{" not in text
    assert text.index("0.500") < text.index("-0.250")


def test_the_command(folder: Path, weights: Path, tmp_path: Path) -> None:
    program = f"import open_clip\nopen_clip.add_model_config({str(MICRO)!r})\nfrom flows import cli\ncli.main()\n"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *map(str, arguments), "--model", str(weights), "--threads", "1"]
        root = Path(__file__).resolve().parents[3]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    (folder / "broken.png").write_bytes(b"no")
    answer = run("search", "two ships", "--in", folder, "--n", 2, "--html", tmp_path / "page.html")
    assert answer.returncode == 3, answer.stderr
    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    assert len(lines) == 2
    assert all((folder / path).is_file() for _, path in lines)
    assert float(lines[0][0]) >= float(lines[1][0])
    assert "1 of 4 files were left out:\n  broken.png: cannot decode" in answer.stderr
    assert (tmp_path / "page.html").read_text().count("<figure>") == 2
