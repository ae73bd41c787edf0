"""A withdrawal is written down, tags and aliases follow, and the audit says where it still is."""

import re
import subprocess
from pathlib import Path

import pytest

from tasks import paths, tracking, worktree
from tasks.download.withdrawn import load, path_of
from tasks.lineage import versions, withdrawn, without
from tasks.lineage.collect import Lineage
from tasks.lineage.impact import Item, of_record, of_source
from tasks.lineage.withdraw import purge, still_there, withdraw
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, lineage_of, version_of


@pytest.fixture
def world(tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch) -> World:
    """Version 1 is without ports and passed; version 2, the champion and challenger, learned from them."""
    made = World(tmp_path / "repository")
    made.revise({"ships": 9, "town": 5}, weights="one")
    made.revise({"ships": 9, "ports": 5, "town": 5}, weights="two")
    made.finish()
    monkeypatch.setenv("DVC_ROOT", str(made.root))
    registry(version_of(made.outputs[0], commit="", **{"gate.decision": "passed"}), metrics={})
    registry(version_of(made.outputs[1], commit="", number="2"), metrics={}, alias="champion")
    return made


def everything(world: World) -> Lineage:
    lineage = lineage_of(world)
    lineage.add_all()
    return lineage


def test_a_champion_that_learned_from_it_falls_back(world: World) -> None:
    lineage = everything(world)
    item = of_source("ports", lineage=lineage)
    result = withdraw(item, reason="no consent", by="Ada", lineage=lineage)
    assert result.tagged == ["sar-rs-clip/2"]
    assert result.impact.findings == []
    assert result.aliases == {"sar-rs-clip@champion": "sar-rs-clip/1"}
    one, two = versions.load_all()
    assert one.aliases == ("champion",)
    assert "no consent" in two.tags["withdrawn"]
    assert load("ports").whole is not None
    assert re.search(r"(?m)^withdrawn_sha256: [0-9a-f]{64}$", (world.root / "sources" / "ports.yaml").read_text())
    again = withdraw(item, reason="no consent", by="Ada", lineage=everything(world))
    assert again.tagged == ["sar-rs-clip/2"]
    assert again.aliases == {}


def test_without_a_sound_version_the_alias_goes(world: World) -> None:
    lineage = everything(world)
    result = withdraw(of_record("town/000.png", lineage=lineage), reason="wrong place", by="Ada", lineage=lineage)
    assert result.aliases == {"sar-rs-clip@champion": "removed"}
    assert [version.aliases for version in versions.load_all()] == [(), ()]


def test_the_audit_proves_it_gone_only_when_no_ref_leads_to_it(world: World) -> None:
    lineage = everything(world)
    withdraw(of_source("ports", lineage=lineage), reason="no consent", by="Ada", lineage=lineage)
    findings, notes = still_there(everything(world), known=versions.load_all())
    assert [finding for finding in findings if "HEAD still leads to it" in finding]
    world.revise({"ships": 9, "town": 5}, weights="three")
    world.finish()
    findings, notes = still_there(everything(world), known=versions.load_all())
    assert findings == []
    assert "older revisions lead to it" in notes[0]


def test_purge_deletes_what_only_touched_data_holds(world: World) -> None:
    lineage = everything(world)
    result = withdraw(of_source("ports", lineage=lineage), reason="no consent", by="Ada", lineage=lineage)
    cache = lineage.cache
    mine = set((cache.listing(world.outputs[1]["data/sources/sar/ports"]) or {}).values())
    kept = set((cache.listing(world.outputs[0]["data/sar_text"]) or {}).values())
    assert purge(result) == len(result.delete)
    assert not any(cache.path(md5).exists() for md5 in mine)
    assert all(cache.path(md5).exists() for md5 in kept)


def test_purge_empties_every_worktree_and_what_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_STATE", str(world.root.parent / "state"))
    other = world.root.parent / "other"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", other], cwd=world.root, check=True)
    kept = other / "data" / "sources" / "sar" / "ships"
    gone = [other / "data" / "sources" / "sar" / "ports", paths.input_cache(), paths.state() / "embeddings",
            paths.state() / "checkpoints", paths.state() / "report", paths.state() / "raw" / "ports"]  # fmt: skip
    for folder in (kept, *gone):
        folder.mkdir(parents=True)
    lineage = everything(world)
    purge(withdraw(of_source("ports", lineage=lineage), reason="no consent", by="Ada", lineage=lineage))
    assert kept.exists()
    assert not any(folder.exists() for folder in gone)


def test_purge_deletes_models_that_learned_from_it_where_the_registry_keeps_them(
    world: World, registry: Register, tmp_path: Path
) -> None:
    client = tracking.client()
    experiment = client.create_experiment("kept", artifact_location=(tmp_path / "kept").as_uri())
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_text("learned")
    places = []
    for number, outputs in (("3", world.outputs[1]), ("4", world.outputs[0])):
        logged = client.create_logged_model(experiment, name="clip")
        client.log_model_artifacts(logged.model_id, str(weights.parent))
        places.append(logged.artifact_location)
        registry(version_of(outputs, commit="", number=number), metrics={}, source=f"models:/{logged.model_id}")
    lineage = everything(world)
    result = withdraw(of_source("ports", lineage=lineage), reason="no consent", by="Ada", lineage=lineage)
    assert result.artifacts == places[:1]
    assert list(map(tracking.keeps_artifacts, places)) == [True, True]
    purge(result)
    assert list(map(tracking.keeps_artifacts, places)) == [False, True]


def test_what_a_lost_listing_held_is_a_finding(world: World) -> None:
    lineage = everything(world)
    lineage.cache.path(world.outputs[1]["data/sar_text"]).unlink()
    result = withdraw(of_source("ports", lineage=lineage), reason="no consent", by="Ada", lineage=lineage)
    assert any("can be deleted nowhere" in finding for finding in result.impact.findings)


def test_the_commit_to_retrain_from_leaves_it_out_and_nothing_else_here_changes(world: World) -> None:
    settings = b"sources:  # which take part\n  ships: sar\n  ports: sar\npairs:\n  sources: [ships, ports]\n"
    world.commit({"params.yaml": settings})
    world.finish()
    (world.root / "README.md").write_text("of a person, not committed")
    before = worktree.git("rev-parse", "HEAD", cwd=world.root)
    for source in ("ports", "ships"):
        item = Item(source, frozenset({"ships/001.png"}) if source == "ships" else frozenset())
        withdrawn.add(item, reason="no consent", by="Ada")
    made = without.commit()
    told = worktree.git("diff", "--name-only", "HEAD", made, cwd=world.root).split()
    assert told == ["params.yaml", "sources/ports.yaml", "sources/ships.yaml",
                    "sources/withdrawn/ports.yaml", "sources/withdrawn/ships.yaml"]  # fmt: skip
    left = worktree.git("show", f"{made}:params.yaml", cwd=world.root)
    assert left == "sources:  # which take part\n  ships: sar\npairs:\n  sources: [ships]"
    assert left == (world.root / "params.yaml").read_text().strip()
    assert worktree.git("rev-parse", "HEAD", cwd=world.root) == before
    assert worktree.git("diff", "--cached", "--name-only", cwd=world.root) == ""
    assert made not in lineage_of(world).history.current.values()


def test_reason_and_name_are_needed_and_a_caption_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        withdrawn.add(Item("ships"), reason=" ", by="Ada")
    with pytest.raises(ValueError, match="name the record"):
        withdrawn.add(Item("ships", frozenset({"ships/001.png"}), "ships/001.png#c0"), reason="x", by="Ada")


def test_records_are_added_to_those_withdrawn_before(world: World) -> None:
    for number in (1, 2):
        withdrawn.add(Item("ships", frozenset({f"ships/00{number}.png"})), reason="x: y", by="Ada")
    assert set(load("ships").records) == {"ships/001.png", "ships/002.png"}
    assert len(withdrawn.items(withdrawn.load_all()[0])) == 2
    path_of("ships").write_text("other: 1\n")
    with pytest.raises(ValueError, match="has other"):
        load("ships")
