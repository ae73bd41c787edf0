"""From an item forward: by rows, through parents, in every revision."""

from pathlib import Path

import pytest

from tasks.lineage.collect import Lineage
from tasks.lineage.impact import impact, of_file, of_record, of_source
from tasks.lineage.versions import Version
from tests.fakes.world import World, image
from tests.tasks.lineage.conftest import lineage_of, version_of

IMAGES = {"ships": 9, "ports": 5, "town": 5}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two revisions: the second is without ports."""
    made = World(tmp_path / "repository")
    made.revise(IMAGES, weights="one")
    made.revise({"ships": 9, "town": 5}, weights="two")
    made.finish()
    return made


def everything(world: World) -> Lineage:
    lineage = lineage_of(world)
    lineage.add_all()
    return lineage


def versions(world: World) -> list[Version]:
    return [version_of(outputs, commit="", number=str(n)) for n, outputs in enumerate(world.outputs, 1)]


def test_a_source_touches_what_was_made_with_it_and_nothing_else(world: World) -> None:
    lineage = everything(world)
    result = impact(of_source("ports", lineage=lineage), lineage=lineage, versions=versions(world))
    assert result.versions == {"sar-rs-clip/1": "trained on it"}
    assert result.current == {}
    assert len(result.old_revisions) == 1
    assert sorted(how for name, how in result.data.items() if "ports" in name) == ["holds it", "holds it"]
    assert [how for name, how in result.data.items() if name.startswith("data/sar_text")] == ["taught"]
    assert not any(name.startswith("models/optical") for name in result.data)


def test_an_optical_image_touches_the_child_through_its_parent(world: World) -> None:
    lineage = everything(world)
    result = impact(of_record("town/000.png", lineage=lineage), lineage=lineage, versions=versions(world))
    assert result.versions == {"sar-rs-clip/1": "through a parent", "sar-rs-clip/2": "through a parent"}
    assert set(result.current) == {"HEAD", "main"}


def test_rows_in_test_measure_and_refused_rows_touch_no_model(world: World) -> None:
    lineage = everything(world)
    tested = impact(of_record("ships/003.png", lineage=lineage), lineage=lineage, versions=versions(world))
    assert tested.versions == {"sar-rs-clip/1": "measured on it", "sar-rs-clip/2": "measured on it"}
    refused = impact(of_record("ships/008.png", lineage=lineage), lineage=lineage, versions=versions(world))
    assert refused.versions == {}
    assert "refused" in refused.data.values()


def test_a_file_is_found_by_the_digest_of_image_or_annotation(world: World) -> None:
    lineage = everything(world)
    for key in ("sha256", "annotation_sha256"):
        (item,) = of_file(str(image("ships", 1)[key]), lineage=lineage)
        assert item.records == {"ships/001.png"}
    with pytest.raises(ValueError, match="no image or annotation"):
        of_file("0" * 64, lineage=lineage)


def test_a_caption_is_found_by_its_id(world: World) -> None:
    lineage = everything(world)
    result = impact(of_record("ships/001.png#c0", lineage=lineage), lineage=lineage, versions=versions(world))
    assert set(result.versions.values()) == {"trained on it"}
    other = impact(of_record("ships/001.png#c7", lineage=lineage), lineage=lineage, versions=versions(world))
    assert other.versions == {}


def test_what_never_was_is_refused(world: World) -> None:
    lineage = everything(world)
    with pytest.raises(ValueError, match="there are ports, ships, town"):
        of_source("planes", lineage=lineage)
    with pytest.raises(ValueError, match="has record"):
        of_record("ships/999.png", lineage=lineage)


def test_a_data_set_that_cannot_be_read_is_taken_as_touched_and_found(world: World) -> None:
    digest = world.outputs[0]["data/sar_text"]
    (world.cache / "files" / "md5" / digest[:2] / digest[2:]).unlink()
    lineage = everything(world)
    result = impact(of_record("ships/008.png", lineage=lineage), lineage=lineage, versions=versions(world))
    assert result.versions == {"sar-rs-clip/1": "trained on it"}
    assert [finding for finding in result.findings if "is taken to teach it" in finding]


def test_a_version_whose_lock_is_in_no_revision_is_told_by_its_tags_or_is_a_finding(world: World) -> None:
    """As where a retrain was refused, and its branch deleted."""
    first, second = world.outputs

    def registered(outputs: dict[str, str], number: int) -> Version:
        tags = {f"dvc.data.{text}": outputs[f"data/{text}_text"] for text in ("optical", "sar")}
        return version_of(
            {**outputs, "models/two_stage/clip": "0" * 32 + ".dir"}, commit="", number=str(number), **tags
        )

    unknown = {"data/optical_text": second["data/optical_text"], "data/sar_text": "1" * 32 + ".dir"}
    gone = [registered(first, 3), registered(second, 4), registered({**second, **unknown}, 5)]
    lineage = everything(world)
    result = impact(of_source("ports", lineage=lineage), lineage=lineage, versions=[*versions(world), *gone])
    assert result.versions == {"sar-rs-clip/1": "trained on it", "sar-rs-clip/3": "trained on it"}
    (finding,) = result.findings
    assert finding.startswith("sar-rs-clip/5: no dvc.lock of any revision has its weights, nor the data of its tags")
    assert f"dvc.data.sar ({'1' * 32}.dir)" in finding
    assert "dvc.data.optical" not in finding
