"""Caption text in its two forms and Karpathy JSON: which caption belongs to which image."""

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import captions as fake
from fakes.describe import source
from fakes.drawing import save, speckle

from tasks.download.formats import Item, caption_text, karpathy
from tasks.download.listing import present

KARPATHY = {"file": "dataset_rsicd.json"}


def text_items(root: Path, *, files: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    described = source("caption_text", modality="optical", reader=fake.READER | reader, files=files or {})
    return list(caption_text.read(root, described))


def karpathy_items(root: Path, *, files: dict[str, str] | None = None, **reader: Any) -> list[Item]:
    described = source("karpathy", modality="optical", reader=KARPATHY | reader, files=files or {})
    return list(karpathy.read(root, described))


def kept(name: str) -> tuple[str, ...]:
    return tuple(caption for caption in fake.sentences(name) if caption)


# Caption text


def test_both_forms_give_each_image_its_own_captions_without_the_blank_one(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    assert [(item.path, item.split, item.captions) for item in text_items(tmp_path)] == [
        ("images/airport_1.jpg", "train", kept("airport_1.jpg")),
        ("images/airport_10.jpg", "train", kept("airport_10.jpg")),
        ("images/airport_2.jpg", "test", kept("airport_2.jpg")),
        ("images/beach_7.jpg", "test", kept("beach_7.jpg")),
    ]
    assert len(kept("beach_7.jpg")) == 4  # of five lines, one is blank


def test_a_last_line_without_its_end_and_windows_line_ends(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    for name in ("train_caps.txt", "train_filename.txt"):
        file = tmp_path / "text" / name
        file.write_bytes(file.read_bytes().removesuffix(b"\n").replace(b"\n", b"\r\n"))
    assert text_items(tmp_path)[0].captions == kept("airport_1.jpg")


def test_numbers_of_lines_that_fit_neither_form(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    with (tmp_path / "text/train_caps.txt").open("a") as file:
        file.write("one too many\n")
    with pytest.raises(ValueError, match=r"train_caps.txt has 11 lines and text/train_filename.txt 2; expected 5"):
        text_items(tmp_path)


def test_a_name_twice_where_each_line_is_an_image(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    (tmp_path / "text/train_filename.txt").write_text("airport_1.jpg\nairport_1.jpg\n")
    with pytest.raises(ValueError, match=r"train_filename.txt has a line an image, but names airport_1.jpg twice"):
        text_items(tmp_path)


def test_an_image_in_two_sets(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    (tmp_path / "text/train_filename.txt").write_text("airport_1.jpg\nbeach_7.jpg\n")
    with pytest.raises(ValueError, match=r"images/beach_7.jpg stands in test_filename.txt and in another set"):
        text_items(tmp_path)


def test_only_the_named_sets_are_read(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    found = text_items(tmp_path, splits={"test": "val"}, unannotated="skip")
    assert [(item.path, item.split) for item in found] == [
        ("images/airport_2.jpg", "val"),
        ("images/beach_7.jpg", "val"),
    ]
    with pytest.raises(ValueError, match=r"there is no file text/val_filename.txt"):
        text_items(tmp_path, splits={"val": "val"})


def test_missing_images_are_counted_unless_a_subset_is_declared(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    (tmp_path / "images/airport_10.jpg").unlink()
    with pytest.raises(ValueError, match=r"1 annotated image, the first images/airport_10.jpg, missing"):
        text_items(tmp_path)
    files = dict.fromkeys(present(tmp_path), "0" * 64)
    assert len(text_items(tmp_path, files=files)) == 3


def test_an_image_without_captions_must_be_settled(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    save(tmp_path / "images/airport_1_.jpg", speckle(6, 6, seed=1))  # a smaller copy, as one repository has it
    with pytest.raises(ValueError, match=r"1 image, the first images/airport_1_.jpg, without annotation"):
        text_items(tmp_path)
    assert len(text_items(tmp_path, unannotated="skip")) == 4


def test_images_and_captions_from_two_repositories(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    for image in (tmp_path / "images").iterdir():
        image.rename(tmp_path / image.name)
    assert text_items(tmp_path, images=".")[0].path == "airport_1.jpg"


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    fake.draw_text(tmp_path)
    (tmp_path / "text/train_filename.txt").write_text("airport_1.jpg\n../../secret.jpg\n")
    with pytest.raises(ValueError, match=r"refused 'images/../../secret.jpg': it climbs out"):
        text_items(tmp_path, unannotated="skip")


# Karpathy JSON


def test_karpathy_splits_restval_into_train(tmp_path: Path) -> None:
    fake.draw_karpathy(tmp_path)
    assert [(item.path, item.split, item.captions) for item in karpathy_items(tmp_path)] == [
        ("images/airport_1.jpg", "train", kept("airport_1.jpg")),
        ("images/airport_10.jpg", "train", kept("airport_10.jpg")),
        ("images/airport_2.jpg", "val", kept("airport_2.jpg")),
        ("images/beach_7.jpg", "test", kept("beach_7.jpg")),
    ]


def test_karpathy_folder_of_an_image(tmp_path: Path) -> None:
    fake.draw_karpathy(tmp_path)
    content = json.loads((tmp_path / "dataset_rsicd.json").read_text())
    (tmp_path / "images/val").mkdir()
    (tmp_path / "images/airport_2.jpg").rename(tmp_path / "images/val/airport_2.jpg")
    content["images"][3]["filepath"] = "val"
    (tmp_path / "dataset_rsicd.json").write_text(json.dumps(content))
    assert "images/val/airport_2.jpg" in {item.path for item in karpathy_items(tmp_path)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "extra"}, "split 'extra' is not in reader.splits"),
        ({"filename": "airport_1.jpg"}, "images/airport_1.jpg stands there twice"),
        ({"sentences": [{"tokens": []}]}, "is not Karpathy JSON: KeyError 'raw'"),
        ({"filename": "gone.jpg"}, "1 annotated image, the first images/gone.jpg, missing"),
    ],
)
def test_karpathy_entries_that_do_not_fit(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    fake.draw_karpathy(tmp_path)
    content = json.loads((tmp_path / "dataset_rsicd.json").read_text())
    content["images"][3] |= change
    (tmp_path / "dataset_rsicd.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=said):
        karpathy_items(tmp_path)


def test_karpathy_subset(tmp_path: Path) -> None:
    fake.draw_karpathy(tmp_path)
    (tmp_path / "images/beach_7.jpg").unlink()
    files = dict.fromkeys(present(tmp_path), "0" * 64)
    assert len(karpathy_items(tmp_path, files=files)) == 3
