"""The card stands on the version and with its run, and follows what is decided later."""

import json
from pathlib import Path

import pytest

from tasks import tracking
from tasks.lineage.card import attach
from tasks.lineage.versions import load_all
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, lineage_of, version_of


def card_of(number: str, folder: Path) -> tuple[str, str]:
    """The description of the version, and the artifact of its run."""
    version = tracking.client().get_model_version("sar-rs-clip", number)
    return str(version.description), Path(
        tracking.client().download_artifacts(version.run_id, "model_card.md", str(folder))
    ).read_text()


def test_a_card_is_written_and_written_anew(
    tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise({"ships": 5, "ports": 5, "town": 5}, weights="one")
    world.finish()
    monkeypatch.setenv("DVC_ROOT", str(world.root))
    registry(
        version_of(outputs, commit=lineage_of(world).history.current["HEAD"]), metrics={"sar/all/mean_recall": 0.25}
    )
    attach(["sar-rs-clip/1"])
    described, kept = card_of("1", tmp_path)
    assert described == kept
    written = tracking.client().get_model_version("sar-rs-clip", "1").last_updated_timestamp
    attach(["sar-rs-clip/1"])
    assert tracking.client().get_model_version("sar-rs-clip", "1").last_updated_timestamp == written, "nothing changed"
    assert "| ports | CC0 | 5 | 5 |" in kept
    assert "gate.decision" not in kept
    reasons = json.dumps([{"rule": "better", "passed": True, "text": "mean_recall +2.0"}])
    for key, text in {"gate.decision": "passed", "gate.reasons": reasons}.items():
        tracking.client().set_model_version_tag("sar-rs-clip", "1", key, text)
    attach(version.name for version in load_all())
    for card in card_of("1", tmp_path):
        assert "- gate.decision: passed" in card
        assert "- passed: mean\\_recall +2.0" in card
        assert "gate.reasons" not in card


def test_weights_that_are_not_committed_and_a_long_card(
    tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "repository")
    outputs = world.revise({"ships": 5, "town": 5}, weights="one")
    world.finish()
    monkeypatch.setenv("DVC_ROOT", str(world.root))
    weights = "a" * 32 + ".dir"
    registry(
        version_of(outputs | {"models/two_stage/clip": weights}, commit="", **{"gate.why": "long " * 2000}), metrics={}
    )
    attach(["sar-rs-clip/1"])
    described, kept = card_of("1", tmp_path)
    assert f"no dvc.lock of any revision has its weights {weights}" in described
    assert len(described) <= 5000 < len(kept)
    assert "The whole card is `model_card.md`" in described
