"""`sar-text withdraw` as a person types it: what goes and what a "no" leaves, until the audit proves it gone."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows import cli, deploy, server
from flows.lineage import FOUND
from flows.retrain import retrain
from flows.retraining import DEPLOYMENT, retrain_from
from tasks import worktree
from tasks.lineage import versions
from tests.fakes.world import World
from tests.tasks.lineage.conftest import Register, check_out, lineage_of, version_of

VERSION = "sar-rs-clip@champion"
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost")


@pytest.fixture
def world(tmp_path: Path, registry: Register, monkeypatch: pytest.MonkeyPatch) -> World:
    """Checked out, on a DVC remote, and learned by the champion."""
    made = World(tmp_path / "repository")
    outputs = made.revise({"ships": 9, "ports": 5, "town": 5}, weights="one")
    made.finish()
    check_out(made)
    shutil.copytree(made.cache, tmp_path / "remote")
    remote = f"[core]\n remote = store\n['remote \"store\"']\n url = {tmp_path / 'remote'}\n"
    (made.root / ".dvc" / "config").write_text(remote)
    version = version_of(outputs, commit=lineage_of(made).history.current["HEAD"], **{"gate.decision": "passed"})
    registry(version, metrics={"sar/all/mean_recall": 0.25}, alias="champion")
    monkeypatch.setenv("DVC_ROOT", str(made.root))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(made.root)
    return made


def sar_text(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    """Run the command; gives its exit code."""
    monkeypatch.setattr("sys.argv", ["sar-text", *arguments])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    try:
        cli.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1  # a message
    return 0


def withdraw(monkeypatch: pytest.MonkeyPatch, source: str, *, typed: str) -> int:
    told = ("--source", source, "--reason", "no consent", "--by", "Ada", "--purge")
    return sar_text(monkeypatch, "withdraw", *told, typed=typed)


def objects_of(world: World, output: str) -> tuple[list[Path], list[Path]]:
    """Where the cache and the remote keep what lies in an output."""
    listing = lineage_of(world).cache.listing(world.outputs[0][output]) or {}
    cached = [lineage_of(world).cache.path(md5) for md5 in [world.outputs[0][output], *listing.values()]]
    remote = world.root.parent / "remote"
    return cached, [remote / path.relative_to(world.cache) for path in cached]


def test_a_no_deletes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path for path in world.root.parent.rglob("*") if path.is_file() and ".git" not in path.parts)
    assert withdraw(monkeypatch, "ports", typed="no") == 1
    assert "to delete on the remote (" in capsys.readouterr().out
    after = {path for path in world.root.parent.rglob("*") if path.is_file()}
    assert set(before) <= after


def test_the_name_deletes_from_cache_remote_and_working_tree_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, on_remote = objects_of(world, "data/sources/sar/ports")
    kept, kept_on_remote = objects_of(world, "data/sources/sar/ships")
    assert withdraw(monkeypatch, "ports", typed="ports") == 0
    assert not any(path.exists() for path in [*gone, *on_remote])
    assert all(path.is_file() for path in [*kept, *kept_on_remote])
    assert not (world.root / "data" / "sources" / "sar" / "ports").exists()
    assert (world.root / "data" / "sources" / "sar" / "ships" / "records.parquet").is_file()
    assert "sar-text retrain --revision" in capsys.readouterr().out


def test_what_the_cache_has_lost_goes_from_the_remote_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, shard, *_), (_, on_remote, *_) = objects_of(world, "data/sources/sar/ports")
    shard.unlink()
    assert withdraw(monkeypatch, "ports", typed="ports") == 0
    assert not on_remote.exists()


def test_it_is_gone_when_the_audit_says_so(
    world: World, registry: Register, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the withdrawal over the run without it to the proof, with the old revision named."""
    old = lineage_of(world).history.current["HEAD"]
    worktree.git("branch", "forgotten", cwd=world.root)
    assert withdraw(monkeypatch, "ports", typed="ports") == 0
    assert [version.aliases for version in versions.load_all()] == [()]
    worktree.git("add", "sources", cwd=world.root)
    worktree.git(*WHO, "commit", "--quiet", "--message=withdrawn", cwd=world.root)
    outputs = world.revise({"ships": 9, "town": 5}, weights="two")  # what `dvc repro` and a commit leave
    world.finish()
    commit = lineage_of(world).history.current["HEAD"]
    version = version_of(outputs, commit=commit, number="2", **{"gate.decision": "passed"})
    registry(version, metrics={"sar/all/mean_recall": 0.25}, alias="champion")
    capsys.readouterr()
    assert sar_text(monkeypatch, "audit", VERSION) == FOUND
    assert "ports was withdrawn, and forgotten still leads to it" in " ".join(capsys.readouterr().out.split())
    worktree.git("branch", "--delete", "--force", "forgotten", cwd=world.root)
    assert sar_text(monkeypatch, "audit", VERSION) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"ports was withdrawn; older revisions lead to it: {old[:12]}" in told
    assert "still leads to it" not in told


@pytest.mark.e2e
class TestServer:
    @pytest.fixture
    def api_url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        url = server.ensure()
        monkeypatch.setenv("PREFECT_API_URL", url)
        yield url
        server.stop()

    def test_the_deployment_runs_from_the_commit(self, api_url: str) -> None:
        commit = "0" * 40
        assert f"sar-text retrain --revision {commit}` trains without it; {api_url} has no" in retrain_from(commit)
        with deploy.client(api_url) as prefect:
            made = prefect.create_deployment(prefect.create_flow(retrain), name="retrain")
            assert retrain_from(commit).startswith("scheduled: a retrain without it")
            (run,) = prefect.read_flow_runs()
        assert run.deployment_id == made
        assert run.parameters == {"revision": commit}
        assert DEPLOYMENT == "retrain/retrain"

    def test_a_server_that_does_not_answer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.free_port('127.0.0.1')}/api")
        with pytest.raises(ValueError, match=r"does not answer.*sar-text retrain --revision abc"):
            retrain_from("abc")
