"""The audit of all that is in use: sound, it ends well; with one flipped byte, it fails and says where."""

from pathlib import Path

import pytest

from flows.audit import audit
from tasks.lineage.audit import Audit
from tasks.lineage.full import full_audit, in_use, markdown
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, check_out, lineage_of, version_of


@pytest.fixture
def world(tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch) -> World:
    """A repository whose only version is the challenger, with its weights in the registry."""
    made = World(tmp_path / "repository")
    outputs = made.revise({"ships": 5, "ports": 5, "town": 5}, weights="one")
    made.finish()
    check_out(made)
    lineage = lineage_of(made)
    weights = tmp_path / "registered" / "artifacts" / "clip"
    weights.mkdir(parents=True)
    for name, md5 in (lineage.cache.listing(outputs["models/two_stage/clip"]) or {}).items():
        (weights / name).write_bytes(lineage.cache.path(md5).read_bytes())
    version = version_of(outputs, commit=lineage.history.current["HEAD"])
    source = str(tmp_path / "registered")
    registry(version, metrics={"sar/all/mean_recall": 0.25}, alias="challenger", source=source)
    monkeypatch.setenv("DVC_ROOT", str(made.root))
    monkeypatch.setenv("SAR_TEXT_TRACKING", "off")
    return made


def test_what_is_sound_has_no_finding_and_was_hashed(world: World) -> None:
    (version,) = in_use()
    result = full_audit(version, verified=True)
    assert result.findings == []
    assert result.verified is not None
    assert result.verified["files"] > 20
    assert "sar-rs-clip/1 (challenger): 0 findings" in markdown([result])


def test_the_flow_fails_on_a_flipped_byte_and_names_the_place(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    audit.fn()
    assert "0 findings" in capsys.readouterr().out
    registered = tmp_path / "registered" / "artifacts" / "clip" / "model.safetensors"
    registered.write_bytes(registered.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match="the audit has 1 findings"):
        audit.fn()
    assert "finding: registry: the weights of sar-rs-clip/1 hash to" in capsys.readouterr().out


def test_an_empty_registry_fails_the_audit(registry: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_TRACKING", "off")
    with pytest.raises(ValueError, match="nothing to audit"):
        audit.fn()


def test_names_of_others_stand_in_code_blocks() -> None:
    text = markdown([Audit(version={"name": "m/1", "aliases": []}, findings=["<script>x</script>\n# y"])])
    assert "\n    finding: <script>x</script> # y\n" in text
