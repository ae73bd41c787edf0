"""`sar-text narrate FOLDER`: all formats in, three files out; bad files are listed; a broken-off run goes on."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import tifffile
from PIL import Image

from sar_models.reading import Reading, read
from sar_models.settings import Decoding, Hardware, Sampling
from tasks.narrate import contact_sheet, folder
from tasks.narrate.captioner import Captioner, open_captioner
from tasks.narrate.folder import Settings, narrate_folder

open_clip.add_model_config(Path(__file__).parents[2] / "sar_models" / "micro")


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Captioner:
    from sar_models import model

    place = tmp_path_factory.mktemp("two_stage")
    for kind in ("coca", "clip"):
        model.save(model.initial(kind, architecture=f"micro_{kind}", seed=2), place / kind)
    return open_captioner(str(place))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    place = tmp_path / "images"
    (place / "scene b").mkdir(parents=True)
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (40, 30), dtype=np.uint8)
    Image.fromarray(grey).save(place / "eight.png")
    Image.fromarray(np.dstack([grey] * 3)).save(place / "colour.JPG")
    Image.fromarray(random.integers(0, 2**16, (20, 20), dtype=np.uint16)).save(place / "scene b" / "sixteen.png")
    tifffile.imwrite(place / "sixteen.tif", random.integers(0, 2**16, (20, 20), dtype=np.uint16))
    tifffile.imwrite(place / "scene b" / "float & db.tiff", random.normal(-12, 6, (24, 20)).astype(np.float32))
    (place / "notes.txt").write_text("no image")
    (place / ".hidden.png").write_bytes(b"no image either")
    return place


QUICK = Settings(
    decoding=Decoding(method="beam", beams=2, max_tokens=4, batch_size=32),
    sampling=Sampling(max_tokens=4, batch_size=32),
    samples=1,
    hardware=Hardware(threads=1),
)
DB = replace(QUICK, captions=2, reading=Reading(low=-25.0, high=5.0))


def narrate(images: Path, out: Path, captioner: Captioner, settings: Settings = DB) -> folder.FolderSummary:
    return narrate_folder(images, out, open_captioner=lambda: captioner, settings=settings)


def outputs(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def test_every_format_comes_out_as_csv_lines_and_page(images: Path, tmp_path: Path, captioner: Captioner) -> None:
    summary = narrate(images, tmp_path / "out", captioner)
    assert (summary.images, summary.failed, summary.taken_over) == (5, (), 0)
    with (tmp_path / "out" / "captions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    paths = ["colour.JPG", "eight.png", "scene b/float & db.tiff", "scene b/sixteen.png", "sixteen.tif"]
    assert sorted({row["filepath"] for row in rows}) == paths
    assert len(rows) == summary.captions == 10  # two an image: other decodings of a random model differ
    lines = [json.loads(line) for line in (tmp_path / "out" / "captions.jsonl").read_text().splitlines()]
    assert [(line["filepath"], line["caption"]) for line in lines] == [
        (row["filepath"], row["caption"]) for row in rows
    ]
    for line in lines:
        assert line["route"] == "model"
        assert -1 <= line["clip_score"] <= 1
        assert 0 <= line["agreement"] <= 1
        assert line["model"] == captioner.version
        assert all(re.fullmatch("[0-9a-f]{12}", digest) for digest in line["model"].values())
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.count("<article") == page.count("data:image/jpeg;base64,") == 5
    assert "float &amp; db.tiff" in page
    assert "{{" not in page
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)  # nothing is loaded from elsewhere


def test_captions_do_not_depend_on_the_other_images(images: Path, tmp_path: Path, captioner: Captioner) -> None:
    narrate(images, tmp_path / "all", captioner)
    (images / "colour.JPG").unlink()
    narrate(images, tmp_path / "fewer", captioner)
    whole, fewer = ((tmp_path / name / "captions.csv").read_text().splitlines() for name in ("all", "fewer"))
    assert set(fewer) < set(whole)


def test_bad_files_are_listed_and_do_not_stop_it(images: Path, tmp_path: Path, captioner: Captioner) -> None:
    (images / "broken.png").write_bytes(b"\x89PNG not really")
    (images / "cut.jpg").write_bytes((images / "colour.JPG").read_bytes()[:300])
    (images / "gone.png").symlink_to(images / "nowhere.png")
    tifffile.imwrite(
        images / "five.tif", np.zeros((5, 8, 8), np.uint8), photometric="minisblack", planarconfig="separate"
    )
    summary = narrate(images, tmp_path / "out", captioner, QUICK)
    why = dict(summary.failed)
    assert sorted(why) == ["broken.png", "cut.jpg", "five.tif", "gone.png", "scene b/float & db.tiff"]
    assert "give low and high" in why["scene b/float & db.tiff"]
    assert "its values span -" in why["scene b/float & db.tiff"]
    assert "5 bands" in why["five.tif"]
    assert "(bands)" in why["five.tif"]
    assert summary.captions == 4
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "5 files were not read" in page
    assert page.count("<article") == 4


def test_low_and_high_say_what_is_black_and_white(images: Path) -> None:
    path = images / "scene b" / "float & db.tiff"
    stored = tifffile.imread(path)
    shown = read(path, Reading(low=-25.0, high=5.0))[:, :, 0]
    expected = np.clip(np.floor((stored.astype(float) + 25) * 255 / 30 + 0.5), 0, 255)
    assert np.array_equal(shown, expected.astype(np.uint8))
    narrow = read(images / "sixteen.tif", Reading(low=0.0, high=100.0))
    assert (narrow == 255).mean() > 0.9  # deeper samples too
    assert np.array_equal(read(images / "eight.png", Reading(0.0, 10.0)), read(images / "eight.png", Reading()))
    assert read(images / "colour.JPG", Reading(bands=(1,))).shape == (40, 30, 1)


def test_a_broken_off_run_goes_on_and_gives_the_same_bytes(
    images: Path, tmp_path: Path, captioner: Captioner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "CHUNK", 2)
    narrate(images, tmp_path / "whole", captioner)

    written, calls = folder.write, 0

    def dies(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return written(*arguments, **named)  # type: ignore[arg-type]

    out = tmp_path / "out"
    monkeypatch.setattr(folder, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        narrate(images, out, captioner)
    assert not (out / "captions.csv").exists()
    monkeypatch.setattr(folder, "write", written)
    summary = narrate(images, out, captioner)
    assert summary.taken_over == 4
    assert outputs(out) == outputs(tmp_path / "whole")

    assert narrate(images, out, captioner).taken_over == 5
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(images / "eight.png")  # a changed image is captioned again
    assert narrate(images, out, captioner).taken_over == 3
    assert narrate(images, out, captioner, replace(DB, captions=1)).taken_over == 0  # other settings
    assert len(list((out / ".narrate").iterdir())) == 3  # what is stale is gone


@pytest.mark.parametrize(
    ("prepare", "complaint"),
    [
        (lambda place: (place / "empty").mkdir(), "holds no PNG, JPEG or TIFF"),
        (lambda place: (place / "empty").write_text("x"), "is not a folder"),
        (lambda place: None, "is not a folder"),
    ],
)
def test_a_folder_without_images(
    prepare: Callable[[Path], object], complaint: str, tmp_path: Path, captioner: Captioner
) -> None:
    prepare(tmp_path)
    with pytest.raises(ValueError, match=complaint):
        narrate(tmp_path / "empty", tmp_path / "out", captioner)
    assert not (tmp_path / "out").exists()


def test_where_the_output_may_lie(images: Path, tmp_path: Path, captioner: Captioner) -> None:
    with pytest.raises(ValueError, match="--out must not be"):
        narrate(images, images, captioner)
    with pytest.raises(ValueError, match="is a file"):
        narrate(images, images / "notes.txt", captioner)
    first = narrate(images, images / "captions", captioner)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(images / "captions" / "mine.png")
    assert narrate(images, images / "captions", captioner).images == first.images == 5  # what lies there is no input


def test_bad_settings() -> None:
    with pytest.raises(ValueError, match="together"):
        Reading(low=1.0)
    with pytest.raises(ValueError, match="must be below"):
        Reading(low=1.0, high=1.0)
    with pytest.raises(ValueError, match="can be 1 to 5"):
        Settings(captions=6)
    with pytest.raises(ValueError, match="holds no coca model"):
        open_captioner("nowhere")
    with pytest.raises(ValueError, match="no captioner"):
        open_captioner("models:/sar-rs-clip@champion")


def test_many_images_go_to_further_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "A_PAGE", 2)
    entry = {"captions": ["<b>one", "two"], "clip_score": 0.5, "agreement": 1.0, "size_px": [3, 4]}
    asked: list[list[str]] = []

    def thumbnails(shown: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        asked.append([entry["filepath"] for entry in shown])
        return {name: f"of-{name[0]}" for name in asked[-1]}

    entries = [entry | {"filepath": f"{n}.png"} for n in range(5)]
    pages = dict(contact_sheet.pages(entries, version={"coca": "abc"}, thumbnails=thumbnails))
    assert list(pages) == ["index.html", "index_2.html", "index_3.html"]
    assert asked == [["0.png", "1.png"], ["2.png", "3.png"], ["4.png"]]  # never all of them at once
    assert [re.findall(r"base64,of-(\d)", page) for page in pages.values()] == [["0", "1"], ["2", "3"], ["4"]]
    assert '<a href="index_3.html">3</a>' in pages["index_2.html"]
    assert "&lt;b&gt;one" in pages["index.html"]


def test_the_command_ends_with_3_when_a_file_was_left_out(images: Path, tmp_path: Path, captioner: Captioner) -> None:
    program = (
        "import sys, open_clip\n"
        f"open_clip.add_model_config({str(Path(__file__).parents[2] / 'sar_models' / 'micro')!r})\n"
        "from flows import cli\ncli.main()\n"
    )
    from sar_models import model

    model.save(captioner.coca, tmp_path / "models" / "coca")
    model.save(captioner.clip, tmp_path / "models" / "clip")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, "narrate", *map(str, arguments), "--model", str(tmp_path / "models"),
                   "--threads", "1"]  # fmt: skip
        root = Path(__file__).resolve().parents[3]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    answer = run(images, "--out", tmp_path / "out")
    assert answer.returncode == 3, answer.stderr
    assert "4 captions of 4 images" in answer.stdout
    assert "1 of 5 files were left out:\n  scene b/float & db.tiff: it holds float samples" in answer.stderr
    assert "captioning: 5 of 5 files" in answer.stderr
