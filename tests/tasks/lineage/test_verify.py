"""One flipped byte, anywhere that a version depends on, is found and named."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.lineage import versions
from tasks.lineage.audit import audit
from tasks.lineage.verify import Verified, remote_of, verify
from tasks.registry import artifact
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, check_out, lineage_of, version_of


@pytest.fixture
def world(tmp_path: Path, registry: Register) -> World:
    made = World(tmp_path / "repository")
    made.revise({"ships": 5, "town": 5}, weights="one")
    made.finish()
    return made


def verified(world: World, *, weights: Path | None = None, remote: Any = None) -> Verified:
    lineage = lineage_of(world)
    version = version_of(world.outputs[0], commit=lineage.history.current["HEAD"])
    audit(version, lineage=lineage)
    return verify(version, lineage=lineage, artifact=weights, remote=remote)


def flip(path: Path, *, at: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
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


def test_a_flipped_byte_in_a_shard_names_the_image(world: World) -> None:
    cache = lineage_of(world).cache
    listing = cache.listing(world.outputs[0]["data/sources/sar/ships"]) or {}
    rows = pq.read_table(cache.path(listing["records.parquet"]), columns=["record_id", "offset"]).to_pylist()
    check_out(world)
    shard = world.root / "data" / "sources" / "sar" / "ships" / "shards" / "000000.tar"
    flip(shard, at=rows[3]["offset"] + 1)
    (finding,) = verified(world).findings
    assert finding.startswith("working tree: data/sources/sar/ships")
    assert finding.endswith("; damaged images: ships/003.png")
    flip(shard, at=rows[3]["offset"] + 1)
    flip(shard, at=0)
    (finding,) = verified(world).findings
    assert finding.endswith("; no image of it is damaged, but what stands between")
    shard.write_bytes(shard.read_bytes()[: rows[3]["offset"]])
    (finding,) = verified(world).findings
    assert finding.endswith("; damaged images: ships/003.png, ships/004.png")


def test_a_flipped_byte_in_a_table_names_the_row_where_a_sound_one_lies_elsewhere(world: World) -> None:
    check_out(world)
    path = world.root / "data" / "text" / "sar" / "ships" / "captions.parquet"
    table = pq.read_table(path)
    text = table["text"].to_pylist()
    changed = table.set_column(table.schema.get_field_index("text"), "text", [[*text[:2], "a shop", *text[3:]]])
    pq.write_table(changed, path)
    (finding,) = verified(world).findings
    assert finding.startswith("working tree: data/text/sar/ships")
    assert finding.endswith("; damaged rows: ships/002.png#c0")


@pytest.mark.parametrize("in_column", [True, False])
def test_a_table_that_cannot_be_read_any_more_names_the_column(world: World, in_column: bool) -> None:
    check_out(world)
    path = world.root / "data" / "text" / "sar" / "ships" / "captions.parquet"
    with pq.ParquetFile(path) as file:
        part = file.metadata.row_group(0).column(2)
    flip(path, at=part.dictionary_page_offset + 2 if in_column else path.stat().st_size - 2)
    (finding,) = verified(world).findings
    assert (f"column {part.path_in_schema}" in finding) == in_column
    assert ("in the rows ships/000.png#c0 to ships/004.png#c0" in finding) == in_column
    assert ("outside every row" in finding) != in_column


def test_a_listing_that_says_nothing_any_more_is_named(world: World) -> None:
    check_out(world)
    path = lineage_of(world).cache.path(world.outputs[0]["data/text/sar/ships"])
    path.write_bytes(b"{" + path.read_bytes()[1:])
    assert any("its listing" in finding and path.name in finding for finding in verified(world).findings)
    lineage = lineage_of(world)
    found = audit(version_of(world.outputs[0], commit=lineage.history.current["HEAD"]), lineage=lineage).findings
    assert any(f"{path} is no listing of a folder" in finding for finding in found)


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
    weights = tmp_path / "fetched" / "artifacts" / "clip"
    weights.mkdir(parents=True)
    for path in (world.root / "models" / "two_stage" / "clip").iterdir():
        (weights / path.name).write_bytes(path.read_bytes())
    assert verified(world, weights=weights).findings == []
    flip(weights / "model.safetensors")
    (finding,) = verified(world, weights=weights).findings
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


def test_a_changed_tag_is_named(world: World, registry: Register) -> None:
    """Every tag that registration writes: the run, the graph or a description says it too."""
    outputs = world.outputs[0]
    lineage = lineage_of(world)
    told = {"decoding": "none", "interface": "2", "licences": '{"ships": "CC0"}',
            "dvc.data.sar": outputs["data/sar_text"], "dvc.data.optical": outputs["data/optical_text"]}  # fmt: skip
    sound = version_of(outputs, commit=lineage.history.current["HEAD"], **told)
    registry(sound, metrics={"sar/all/mean_recall": 0.25})
    (version,) = versions.load_all()
    assert audit(version, lineage=lineage_of(world)).findings == []
    for key, text in version.tags.items():
        for other in (f"~{text[1:]}", text.replace("CC0", "CC1"), text[:-1]):
            if other != text:
                flipped = replace(version, tags={**version.tags, key: other})
                findings = audit(flipped, lineage=lineage_of(world)).findings
                assert any(f"tag {key}" in finding or other in finding for finding in findings), (key, other)


def test_a_flipped_byte_beside_the_weights_in_the_registry_is_named(world: World, tmp_path: Path) -> None:
    check_out(world)
    folder = tmp_path / "fetched"
    shutil.copytree(world.root / "models" / "two_stage" / "clip", folder / "artifacts" / "clip")
    (folder / "MLmodel").write_text("flavors: {}\n")
    lineage = lineage_of(world)
    tags = {artifact.TAG: json.dumps(artifact.digests(folder))}
    version = version_of(world.outputs[0], commit=lineage.history.current["HEAD"], **tags)
    audit(version, lineage=lineage)
    weights = folder / "artifacts" / "clip"
    (folder / "registered_model_meta").write_text("written when it is fetched")
    assert verify(version, lineage=lineage, artifact=weights).findings == []
    flip(folder / "MLmodel")
    (finding,) = verify(version, lineage=lineage, artifact=weights).findings
    assert finding.startswith("registry: MLmodel of sar-rs-clip/1 hashes to")
    (folder / "MLmodel").unlink()
    (finding,) = verify(version, lineage=lineage, artifact=weights).findings
    assert "nothing, for it is missing" in finding
