"""The source files that ship, their table, and the reader of each."""

import importlib
import re
import typing
from pathlib import Path

import pytest

from tasks import paths, strict
from tasks.download import catalog, digests
from tasks.download.listing import declared
from tasks.download.read import reader
from tasks.download.table import address_kind, source_rows
from tasks.narrate import words

FOLDER = Path(__file__).parents[3] / "sources"
NAMES = [path.stem for path in sorted(FOLDER.glob("*.yaml"))]


def test_every_format_has_its_reader() -> None:
    for name in typing.get_args(typing.get_type_hints(catalog.Source)["format"]):
        assert reader(name).__module__ == f"tasks.download.formats.{name}"
    with pytest.raises(ValueError, match="no reader for format 'kitti'; there are coco, voc"):
        reader("kitti")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_description_is_accepted_by_its_reader_and_its_classes_have_words(name: str, tmp_path: Path) -> None:
    source = catalog.load(name, path=FOLDER / f"{name}.yaml")
    options = importlib.import_module(f"tasks.download.formats.{source.format}").Options
    strict.parse(options, source.reader, where=f"{name}: reader")
    for ours in sorted(set(source.classes.values()) - {""}):
        assert words.noun(ours).singular
    with pytest.raises(ValueError, match=r"missing|there is no|no image|no annotated"):  # of an empty folder
        next(reader(source.format)(tmp_path, source))


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_description_says_where_its_bytes_are_and_what_proves_them(name: str) -> None:
    source = catalog.load(name, path=FOLDER / f"{name}.yaml")
    kind = address_kind(source.address)
    assert kind in ("git", "https", "manual", "simulated")
    if kind == "simulated":
        return
    assert source.mirror
    assert source.note
    if kind == "git":
        listed = declared(source)
        assert listed
        assert all(len(digest) == 64 for digest in listed.values())
    elif kind == "https":
        assert catalog.is_pinned(source)
    else:
        assert source.place
        assert source.mirror.split("/")[0] in source.place  # says under which name it is looked for
        assert "SAR_TEXT_MIRROR" in source.place


def test_lists_are_sorted_and_hold_no_secret_of_the_machine() -> None:
    for path in FOLDER.glob("*.sha256"):
        names = list(digests.read_list(path))
        assert names == sorted(names)
        assert not any(name.startswith("/") for name in names)


def test_the_table_has_a_row_for_each_file() -> None:
    rows = source_rows(FOLDER)
    assert [row["name"] for row in rows] == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    row = next(row for row in rows if row["name"] == "hrsid_sample")
    assert row["address"] == "git"
    assert row["classes"] == row["exhaustive"] == "ship"
    assert row["licence"].startswith("GPL-3.0")
    assert (row["pinned"], row["place"]) == ("yes", "")
    by_hand = next(row for row in rows if row["name"] == "hrsid")
    assert (by_hand["address"], by_hand["pinned"]) == ("manual", "not yet")
    assert "https://github.com/chaozhong2010/HRSID" in by_hand["place"]
    assert {row["address"] for row in rows if row["name"].startswith("sim_")} <= {"simulated"}


def test_composite_and_restricted_data_say_so() -> None:
    rows = {row["name"]: row for row in source_rows(FOLDER)}
    assert "COMPOSITE" in rows["mstar_scenes"]["note"]
    assert "RESTRICTED" in rows["sar_acd"]["licence"]
    assert "RESTRICTED" in rows["nwpu_vhr10"]["licence"]


def test_a_wrong_key_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("titel: x\n")
    with pytest.raises(ValueError, match=r"mine.yaml: unknown key 'titel'; did you mean 'title'"):
        source_rows(tmp_path)


def test_no_source_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no description of a source"):
        source_rows(tmp_path / "sources")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("git+https://github.com/a/b@c", "git"),
        ("s3://bucket/key", "s3"),
        ("https://host/a.zip", "https"),
        ("file:///data/a", "file"),
        ("simulated", "simulated"),
        ("manual", "manual"),
    ],
)
def test_kind_of_address(address: str, kind: str) -> None:
    assert address_kind(address) == kind


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("radiometry: {unit: amplitude, low: [.nan], high: [255]}", "each low below its high, none infinite"),
        ("radiometry: {unit: amplitude, low: [0], high: [.inf]}", "each low below its high, none infinite"),
        ("patches: {size_px: 64, stride_px: 64, min_valid: 90}", "min_valid is 90.0; it must be from 0 to 1"),
        ("patches: {size_px: 64, stride_px: 64, min_box_area: -1}", "min_box_area is -1.0"),
        ("grouping: {pattern: '('}", "grouping: pattern is not a regular expression"),
        ("files_list: ../x.sha256\nfiles_list_sha256: ab", "files_list is '../x.sha256'; name a file beside this one"),
        ("files_list: .\nfiles_list_sha256: ab", "files_list is '.'"),
        ("classes: {1: ship}", 'got 1; write it in quotes: "1"'),
        ("classes: {Ship: ship, Ship: boat}", "'Ship' stands there twice"),
    ],
)
def test_senseless_values_are_refused(change: str, says: str, tmp_path: Path) -> None:
    good = {
        "title": "x", "address": "https://x/y/", "format": "coco", "modality": "sar", "role": "both", "licence": "x",
        "citation": "x", "radiometry": "{unit: amplitude}",
    }  # fmt: skip
    path = tmp_path / "x.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in good.items() if not change.startswith(key)) + change)
    with pytest.raises(ValueError, match=rf"x\.yaml(.|\n)*{re.escape(says)}"):
        catalog.load("x", path=path)


def test_a_negative_seed_of_a_simulated_source_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is -1; it must be at least 0"):
        catalog.Simulation(world="ships", scenes=1, first_scene=0, seed=-1)


def test_a_part_needs_a_plain_folder_and_its_digests() -> None:
    for wrong in ({"folder": "../up", "files": {"a": "0" * 64}}, {"folder": "captions", "files": {}}):
        with pytest.raises(ValueError, match="a part needs a plain folder name and its files"):
            strict.parse(catalog.Part, {"address": "file:///x"} | wrong, where="also")


def test_the_files_of_a_part_lie_below_its_folder() -> None:
    source = catalog.load("rsicd_sample", path=FOLDER / "rsicd_sample.yaml")
    assert {"captions/train_caps.txt", "captions/train_filename.txt", "airport_17.jpg"} <= set(declared(source))
    assert paths.source_file("rsicd_sample").name == "rsicd_sample.yaml"


def test_polsf_names_what_lies_there_and_not_what_its_readme_says() -> None:
    """The order was held against the image by eye: 3 is the sea, 4 the street grid."""
    source = catalog.load("polsf", path=FOLDER / "polsf.yaml")
    assert source.classes == {
        "1": "bare_soil", "2": "mountain", "3": "water", "4": "urban", "5": "vegetation",
    }  # fmt: skip
    assert words.noun(source.classes["3"]).wet
