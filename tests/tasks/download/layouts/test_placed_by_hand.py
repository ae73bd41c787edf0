"""Sources that no program can fetch: the error says what to place, how to pin it, and what was found wrong."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from fakes import hrsid, sived
from layout_project import Project, make, sar_text

from tasks import strict
from tasks.download import catalog
from tasks.download.digests import of_file
from tasks.download.errors import FetchError
from tasks.download.stage import download_source


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return make(tmp_path, monkeypatch, "hrsid", hrsid.draw)


def test_what_nothing_pins_is_refused_with_the_command_to_run(project: Project) -> None:
    with pytest.raises(FetchError) as caught:
        download_source("hrsid")
    said = str(caught.value)
    assert "source 'hrsid': it is placed by hand and nothing pins its bytes yet" in said
    assert "https://github.com/chaozhong2010/HRSID" in said
    assert "HRSID/HRSID_JPG/annotations/train2017.json" in said
    assert '`sar-text digests "$SAR_TEXT_MIRROR/HRSID" --out sources/hrsid.sha256`' in said
    assert not (project.folder / "data").exists()


def test_that_command_prints_the_lines_to_paste(project: Project) -> None:
    run = sar_text("digests", str(project.placed), "--out", "sources/hrsid.sha256", folder=project.folder)
    assert run.returncode == 0, run.stderr
    pasted = "".join(f"{line}\n" for line in run.stdout.splitlines() if line.startswith("files_list"))
    with project.description.open("a", encoding="utf-8") as description:
        description.write(pasted)
    assert len(project.download()) == 4


def test_what_is_pinned_but_not_placed_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.pin()
    moved = project.placed.with_name("elsewhere")
    project.placed.rename(moved)
    with pytest.raises(FetchError, match=r"no program can fetch it, and there is nothing at .*mirror/HRSID\. Get the"):
        download_source("hrsid")
    monkeypatch.delenv("SAR_TEXT_MIRROR")
    with pytest.raises(FetchError, match=r"nothing at \$SAR_TEXT_MIRROR/HRSID\. SAR_TEXT_MIRROR is not set"):
        download_source("hrsid")


def test_a_missing_and_a_changed_file_are_named(project: Project) -> None:
    project.pin()
    image = project.placed / "HRSID_JPG/JPEGImages/P0001_0_800_7200_8000.jpg"
    content = image.read_bytes()
    image.unlink()
    with pytest.raises(FetchError, match=r"1 of its files, the first 'HRSID_JPG/JPEGImages/P0001_.*', are missing at"):
        download_source("hrsid")
    image.write_bytes(content[:-1] + b"?")
    with pytest.raises(FetchError, match=r"wrong digest: .*P0001_0_800_7200_8000.jpg"):
        download_source("hrsid")
    image.write_bytes(content)
    assert len(project.download()) == 4


def test_another_address_takes_the_same_list(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.pin()
    bucket = project.folder / "bucket"
    project.placed.rename(bucket)
    project.describe(address=f"file://{bucket}/")
    monkeypatch.delenv("SAR_TEXT_MIRROR")
    assert len(project.download()) == 4


def test_an_address_that_does_not_answer_tells_the_other_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sived", lambda placed: placed.parent.mkdir(parents=True))
    project.describe(address=f"file://{tmp_path}/gone.zip")
    with pytest.raises(
        FetchError, match=r"gone\.zip does not exist.* Or get SIVED\.zip from https://github\.com/CAESAR"
    ):
        project.download()


def test_a_packed_archive_will_do(project: Project) -> None:
    archive = project.placed.with_name("HRSID.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(project.placed.rglob("*.*")):
            file.writestr(path.relative_to(project.placed.parent).as_posix(), path.read_bytes())
    project.describe(mirror="HRSID.zip", sha256=of_file(archive).sha256, unwrap=True)
    assert "HRSID_JPG/JPEGImages/P0119_2400_3200_6000_6800.jpg" in project.download()
    archive.unlink()
    (project.folder / ".state" / "raw" / "hrsid" / "manifest.json").unlink()
    with pytest.raises(FetchError, match=r"no program can fetch it, and there is nothing at .*HRSID\.zip"):
        download_source("hrsid")


def test_only_a_folder_that_wraps_everything_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, monkeypatch, "sived", lambda placed: sived.draw(placed.with_name("unpacked")))
    for wrapped, top in ((True, "SIVED/"), (False, "")):
        with zipfile.ZipFile(project.placed, "w") as file:
            folder = project.placed.with_name("unpacked")
            for path in sorted(folder.rglob("*.*")):
                file.writestr(f"{top}{path.relative_to(folder).as_posix()}", path.read_bytes())
        project.describe(sha256=of_file(project.placed).sha256)
        assert sorted(project.download())[0] == "ImageSets/images/test/MSTAR_3.jpg", wrapped


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"place": None}, "needs `place`"),
        ({"mirror": None}, "and `mirror`"),
        ({"unwrap": True}, "`unwrap` is for one archive with a `sha256`"),
        ({"also": [{"folder": "a", "address": "manual", "files": {"b": "0" * 64}}]}, "only the source itself"),
    ],
)
def test_a_description_that_does_not_say_enough(project: Project, changes: dict[str, Any], said: str) -> None:
    project.describe(**changes)
    with pytest.raises(ValueError, match=said):
        project.source()


def test_pinned_or_not() -> None:
    facts = {"title": "t", "format": "coco", "modality": "sar", "role": "both", "licence": "none", "citation": "none",
             "radiometry": {"unit": "amplitude"}, "mirror": "m", "place": "p"}  # fmt: skip
    for pins, expected in (({}, False), ({"sha256": "0" * 64}, True), ({"files": {"a": "0" * 64}}, True)):
        source = strict.parse(catalog.Source, facts | {"address": "manual"} | pins, where="x")
        assert catalog.is_pinned(source) is expected
    commit = strict.parse(catalog.Source, facts | {"address": "git+https://h/r@" + "0" * 40}, where="x")
    assert catalog.is_pinned(commit)
