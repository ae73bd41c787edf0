"""One flipped byte, anywhere that a version depends on, is found and named."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.lineage.audit import audit
from tasks.lineage.verify import Verified, remote_of, verify
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, check_out, lineage_of, version_of


@pytest.fixture
def world(tmp_path: Path, registry: Register) -> World:
    made = World(tmp_path / "repository")
    made.revise({"ships": 5, "town": 5}, weights="one")
    made.finish()
    return made


def verified(world: World, *, artifact: Path | None = None, remote: Any = None) -> Verified:
    lineage = lineage_of(world)
    version = version_of(world.outputs[0], commit=lineage.history.current["HEAD"])
    audit(version, lineage=lineage)
    return verify(version, lineage=lineage, artifact=artifact, remote=remote)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_sound_repository_has_no_finding(world: World) -> None:
    check_out(world)
    result = verified(world)
    assert result.findings == []
    assert result.files > 40
    assert result.size_bytes > 10_000


@pytest.mark.parametrize(
    ("output", "name"),
    [("data/sources/sar/ships", "shards/000000.tar"), ("data/text/sar/ships", "captions.parquet"),
     ("models/two_stage/clip", "model.safetensors"), ("models/optical/clip", "model.safetensors")],
)  # fmt: skip
def test_a_flipped_byte_in_the_cache_or_the_working_tree_is_named(world: World, output: str, name: str) -> None:
    check_out(world)
    cache = lineage_of(world).cache
    md5 = (cache.listing(world.outputs[0][output]) or {})[name]
    flip(cache.path(md5))
    (finding,) = verified(world).findings
    assert finding.startswith(f"cache: {output}")
    assert name in finding
    flip(cache.path(md5))
    flip(world.root / output / name)
    (finding,) = verified(world).findings
    assert finding.startswith(f"working tree: {output}")
    assert name in finding


def test_another_lock_in_the_working_tree_is_named_by_its_stage(world: World) -> None:
    check_out(world)
    path = world.root / "dvc.lock"
    text = path.read_text()
    digest = world.outputs[0]["data/text/sar/ships"]
    path.write_text(text.replace(digest, digest.replace(digest[0], "e" if digest[0] != "e" else "f", 1)))
    findings = verified(world).findings
    assert "working tree: dvc.lock says other things of narrate@ships than the commit does" in findings


def test_a_missing_object_is_named(world: World) -> None:
    check_out(world)
    cache = lineage_of(world).cache
    md5 = (cache.listing(world.outputs[0]["models/optical/clip"]) or {})["model.safetensors"]
    cache.path(md5).unlink()
    (finding,) = verified(world).findings
    assert "model.safetensors" in finding
    assert "is missing" in finding


def test_weights_in_the_registry_that_are_others_are_named(world: World, tmp_path: Path) -> None:
    check_out(world)
    artifact = tmp_path / "artifact"
    artifact.mkdir()
    for path in (world.root / "models" / "two_stage" / "clip").iterdir():
        (artifact / path.name).write_bytes(path.read_bytes())
    assert verified(world, artifact=artifact).findings == []
    flip(artifact / "model.safetensors")
    (finding,) = verified(world, artifact=artifact).findings
    assert finding.startswith("registry: the weights of sar-rs-clip/1")


def test_a_flipped_byte_on_the_remote_is_named(world: World, tmp_path: Path) -> None:
    check_out(world)
    shutil.copytree(world.cache, tmp_path / "remote")
    url = tmp_path / "remote"
    (world.root / ".dvc" / "config").write_text(f"[core]\n remote = store\n['remote \"store\"']\n url = {url}\n")
    remote = remote_of(world.root)
    assert verified(world, remote=remote).findings == []
    md5 = (lineage_of(world).cache.listing(world.outputs[0]["data/sar_text"]) or {})["train.parquet"]
    flip(tmp_path / "remote" / "files" / "md5" / md5[:2] / md5[2:])
    (finding,) = verified(world, remote=remote).findings
    assert finding.startswith("remote: data/sar_text")
    assert "train.parquet" in finding
