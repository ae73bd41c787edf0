"""The caption sets of the optical stage as their descriptions in sources/ read them."""

import json
from functools import partial
from pathlib import Path

import pytest
from fakes import caption_sets
from fakes.captions import sentences
from layout_project import make

KARPATHY = {
    "rsicd": ("dataset_rsicd.json", "RSICD_images", ("airport_1.jpg", "airport_10.jpg", "beach_7.jpg")),
    "rsitmd": ("dataset_RSITMD.json", "images", ("airport_1118.tif", "bareland_12.tif", "boat_3.tif")),
    "ucm_captions": ("dataset.json", "imgs", ("1.tif", "2.tif", "2100.tif")),
    "sydney_captions": ("dataset.json", "imgs", ("1.tif", "2.tif", "613.tif")),
}


@pytest.mark.parametrize("name", KARPATHY)
def test_karpathy_sets_keep_captions_and_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file, images, names = KARPATHY[name]
    draw = partial(caption_sets.draw_karpathy, file=file, images=images, names=names)
    project = make(tmp_path, monkeypatch, name, draw)
    project.pin()
    rows = project.download()
    assert {path: row["split"] for path, row in rows.items()} == dict(
        zip((f"{images}/{image}" for image in names), ("train", "val", "test"), strict=True)
    )
    for path, row in rows.items():
        assert row["captions"] == [text for text in sentences(Path(path).name) if text]
        assert (row["modality"], row["sensor"], row["error"]) == ("optical", None, None)
    assert len({row["group"] for row in rows.values()}) == 3


def test_rsicd_and_its_sample_share_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, images, names = KARPATHY["rsicd"]
    draw = partial(caption_sets.draw_karpathy, file=file, images=images, names=names)
    project = make(tmp_path, monkeypatch, "rsicd", draw)
    project.pin()
    # rsicd_sample, whose images lie at its top, names its groups by their paths.
    assert project.download()["RSICD_images/airport_1.jpg"]["group"] == "rsicd/airport_1.jpg"


def test_karpathy_image_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, images, names = KARPATHY["ucm_captions"]
    draw = partial(caption_sets.draw_karpathy, file=file, images=images, names=names)
    project = make(tmp_path, monkeypatch, "ucm_captions", draw)
    (project.placed / "imgs" / "2.tif").unlink()
    with pytest.raises(ValueError, match=r"1 annotated image, the first imgs/2\.tif, missing"):
        project.items()


def test_nwpu_captions_of_images_with_one_name_in_two_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "nwpu_captions", caption_sets.draw_nwpu)
    project.pin()
    rows = project.download()
    assert {path: (row["split"], row["captions"][0]) for path, row in rows.items()} == {
        "NWPU_images/airplane/area_001.jpg": ("train", "airplane 0 ."),
        "NWPU_images/airplane/area_002.jpg": ("test", "airplane 0 ."),
        "NWPU_images/dense_residential/area_001.jpg": ("val", "dense_residential 0 ."),
    }
    assert all(len(row["captions"]) == 5 for row in rows.values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"filename": "area_002.jpg"}, "NWPU_images/airplane/area_002.jpg stands there twice"),
        ({"split": "extra"}, "split 'extra' is not in reader.splits"),
        ({"raw": None}, "is not NWPU-Captions' JSON: AttributeError"),
        ({"filename": "gone.jpg"}, "1 annotated image, the first NWPU_images/airplane/gone.jpg, missing"),
    ],
)
def test_nwpu_entries_that_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    project = make(tmp_path, monkeypatch, "nwpu_captions", caption_sets.draw_nwpu)
    file = project.placed / "dataset_nwpu.json"
    content = json.loads(file.read_text())
    content["airplane"][0] |= change
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=said):
        project.items()


def test_hqrs_rows_of_one_image_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "hqrs_it_210k", caption_sets.draw_hqrs)
    project.pin()
    rows = project.download()
    assert {path: row["captions"] for path, row in rows.items()} == {
        "Image/RSD46/airport_1.jpg": ['A runway, seen from above. Two "jets" park.', "Planes in rows."],
        "Image/fMoW/airport_1.jpg": ["A small airport."],
    }
    assert project.source().role == "train"


def test_hqrs_paths_of_the_publishers_machine_are_stripped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "hqrs_it_210k", caption_sets.draw_hqrs)
    file = project.placed / "captions.csv"
    file.write_text(file.read_text().replace("Image/", "/data/hqrs/Image/"))
    with pytest.raises(ValueError, match=r"refused '/data/hqrs/Image/.*it is an absolute path"):
        project.items()
    project.describe(reader={"file": "captions.csv", "strip": "/data/hqrs/"})
    assert [item.path for item in project.items()] == ["Image/RSD46/airport_1.jpg", "Image/fMoW/airport_1.jpg"]
    file.write_text(file.read_text() + "elsewhere/a.jpg,A road.\n")
    with pytest.raises(ValueError, match=r"captions\.csv:7: elsewhere/a\.jpg does not begin with reader\.strip"):
        project.items()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("filepath;caption\na.jpg;A road.\n", "has no column 'filepath' but filepath;caption"),
        ("", "has no column 'filepath' but none"),
        ("filepath,caption\na.jpg\n", r"captions\.csv:2: not as many columns"),
        ("filepath,caption\na.jpg,A road, and a bridge.\n", r"captions\.csv:2: not as many columns"),
        ('filepath,caption\na.jpg,"A road.\n', "is not CSV: unexpected end of data"),
        ("filepath,caption\na.jpg,A road.\n", "1 annotated image, the first a.jpg, missing"),
    ],
)
def test_csv_of_another_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    project = make(tmp_path, monkeypatch, "hqrs_it_210k", caption_sets.draw_hqrs)
    (project.placed / "captions.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        project.items()
