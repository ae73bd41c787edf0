"""The audit answers from a history, and finds what was planted in it."""

import json
from pathlib import Path

import pytest

from tasks import tracking
from tasks.lineage import show, versions
from tasks.lineage.audit import Audit, audit
from tasks.registry import artifact
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, lineage_of, version_of

IMAGES = {"ships": 9, "ports": 5, "town": 5}


def head(world: World) -> str:
    return lineage_of(world).history.current["HEAD"]


def audited(world: World, outputs: dict[str, str], register: Register, *, value: float = 0.25, **tags: str) -> Audit:
    register(
        version_of(outputs, commit=head(world), **tags), metrics={"sar/all/mean_recall": value}, alias="challenger"
    )
    version = versions.pick(versions.load_all(), "sar-rs-clip@challenger")
    return audit(version, lineage=lineage_of(world), list_images=True)


def test_a_sound_version_has_every_answer_and_no_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    world.revise({**IMAGES, "ships": 5}, weights="old")
    outputs = world.revise(IMAGES, weights="new", subject="the run that was registered")
    world.commit({"README.md": b"later"})
    world.finish()
    result = audited(world, outputs, registry)
    assert result.findings == []
    assert [stage["stage"] for stage in result.stages][-1] == "finetune@clip"
    assert result.stages[-1]["subject"] == "the run that was registered"
    assert {path["path"] for path in result.checkpoints} == {"models/optical/clip", "models/two_stage/clip"}
    assert {name: source["records"] for name, source in result.sources.items()} == IMAGES
    assert result.sources["ports"]["licence"] == "CC0"
    sar = next(text for text in result.text if text["path"] == "data/sar_text")
    assert sar["images"]["ships"] == {"train": 4, "val": 2, "test": 2}
    assert sar["text"][0] == {"kind": "caption", "source": "ports", "route": "a2c", "rule": "boxes.count@1", "rows": 4}
    assert sar["quarantined"] == {"claims": 2}
    assert result.test["test images also taught"] == 0
    assert set(result.checks) == {"validate@optical", "validate@sar"}
    assert result.images is not None
    assert len(result.images) == 8 + 4 + 4
    assert "alias" in {node.kind for node in result.graph.nodes.values()}
    answers = result.as_dict()
    answers["version"]["tags"] |= {artifact.TAG: '{"a.py": "1", "b.py": "2"}'}
    assert show.brief(answers)["version"]["tags"][artifact.TAG] == "of 2 files"


def test_a_test_image_that_was_trained_on_is_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository", leak=True)
    outputs = world.revise(IMAGES, weights="new")
    world.finish()
    findings = audited(world, outputs, registry).findings
    assert [finding for finding in findings if "test set is not clean: 3 test images also taught" in finding]


def test_what_no_revision_or_cache_holds_is_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise(IMAGES, weights="new")
    world.finish()
    path = world.cache / "files" / "md5" / outputs["data/sar_text"][:2] / outputs["data/sar_text"][2:]
    path.unlink()
    findings = audited(
        world, outputs, registry, value=0.9, **{"dvc.metrics": "0" * 32, "git.commit": "f" * 40}
    ).findings
    assert any(f"data set {outputs['data/sar_text']} is not in the DVC cache" in finding for finding in findings)
    assert any("metrics/evaluate.json with digest 00000" in finding for finding in findings)
    assert any("registered at commit ffff" in finding for finding in findings)


def test_weights_that_no_lock_names_are_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise(IMAGES, weights="new")
    world.finish()
    findings = audited(world, outputs, registry, **{"dvc.weights": "a" * 32 + ".dir"}).findings
    assert any("no dvc.lock of any revision has its weights aaaa" in finding for finding in findings)


def test_a_champion_shows_who_made_it_so_and_without_is_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise(IMAGES, weights="new")
    world.finish()
    audited(world, outputs, registry)
    client = tracking.client()
    client.set_registered_model_alias("sar-rs-clip", "champion", "1")
    version = versions.pick(versions.load_all(), "sar-rs-clip@champion")
    assert audit(version, lineage=lineage_of(world)).findings == [
        "it is the champion, and no tag says who or what decided so"
    ]
    client.set_registered_model_tag("sar-rs-clip", "promoted.1", json.dumps({"version": "1", "by": "Ada"}))
    client.set_registered_model_tag("sar-rs-clip", "promoted.2", json.dumps({"version": "2", "by": "Bob"}))
    version = versions.pick(versions.load_all(), "sar-rs-clip@champion")
    result = audit(version, lineage=lineage_of(world))
    assert result.findings == []
    assert list(result.decisions) == ["promoted.1"]


def test_a_metric_that_the_registry_tells_otherwise_is_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise(IMAGES, weights="new")
    world.finish()
    findings = audited(world, outputs, registry, value=0.75).findings
    assert findings == ["metric sar/all/mean_recall is 0.75 in the registry, 0.25 in metrics/evaluate.json"]


def test_code_that_is_in_no_commit_is_a_finding(tmp_path: Path, registry: Register) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise(IMAGES, weights="new")
    world._stream = [part.replace(b"train = 1\n", b"train = 2\n") for part in world._stream]
    world.finish()
    findings = audited(world, outputs, registry).findings
    assert len(findings) == 2  # both trainings ran it
    assert all("flows/train.py, as it was when" in finding for finding in findings)


def test_an_unknown_version_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is none"):
        versions.pick([], "sar-gpt@champion")
    with pytest.raises(ValueError, match="there are sar-rs-clip/1"):
        versions.pick([version_of({"models/two_stage/clip": "a", "metrics/evaluate.json": "b"}, commit="c")], "x/2")
