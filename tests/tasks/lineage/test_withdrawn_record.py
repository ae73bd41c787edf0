"""One image is withdrawn from a pipeline that really runs: built, withdrawn, purged, built again, proved gone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks import worktree
from tasks.lineage.collect import Lineage
from tasks.lineage.withdraw import still_there
from tests.clones import ROOT, edit, environment, run, stages_run

pytestmark = pytest.mark.e2e
STAGES = {"download@sim_ships", "narrate@sim_ships", "validate@sar"}
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One simulated source of 16 scenes, downloaded, narrated, validated, committed and pushed to a DVC remote."""
    folder = tmp_path_factory.mktemp("withdrawn") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    shutil.rmtree(folder / ".git")  # whose branches hold the same source, as it was built there
    worktree.git("init", "--quiet", "--initial-branch=main", cwd=folder)
    edit(folder / "sources" / "sim_ships.yaml", {"simulate.scenes": 16})
    edit(folder / "params.yaml", {"sources": {"sim_ships": "sar"}, "pairs.sources": [], "model_text.sources": []})
    (folder / "dvc.lock").unlink()
    said(folder, "-m", "dvc", "remote", "add", "--default", "store", str(folder.parent / "remote"))
    assert stages_run(run(folder, "-m", "dvc", "repro", "validate@sar", SAR_TEXT_TRACKING="off")) == STAGES
    said(folder, "-m", "dvc", "push", "--quiet")
    commit(folder, "built")
    return folder


def said(folder: Path, *arguments: str, typed: str = "") -> str:
    answer = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment(folder) | {"SAR_TEXT_TRACKING": "off"},
        input=typed, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    return answer.stdout


def commit(folder: Path, subject: str) -> None:
    worktree.git("add", "--all", "--", ".", cwd=folder)
    worktree.git(*WHO, "commit", "--quiet", f"--message={subject}", cwd=folder)


def holding(folder: Path, image: bytes) -> list[Path]:
    """Files of the project, its cache and its remote in which the bytes of the image stand."""
    return [path for path in folder.parent.rglob("*") if path.is_file() and image in path.read_bytes()]


def test_an_image_leaves_data_cache_and_remote_and_only_history_names_it(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clone / "data" / "sources" / "sar" / "sim_ships"
    row = pq.read_table(source / "records.parquet", columns=["record_id", "shard", "offset", "length"]).to_pylist()[3]
    shard = (source / "shards" / row["shard"]).read_bytes()
    image = shard[row["offset"] : row["offset"] + row["length"]]
    assert len(holding(clone, image)) >= 3, "working tree, cache and remote"
    built = worktree.git("rev-parse", "HEAD", cwd=clone)

    monkeypatch.setenv("DVC_ROOT", str(clone))
    told = ("--record", row["record_id"], "--reason", "a person can be seen", "--by", "Ada", "--purge")
    assert "deleted: " in said(clone, "-m", "flows.cli", "withdraw", *told, typed=row["record_id"])
    assert holding(clone, image) == []
    findings, _ = still_there(everything(clone), known=[])
    assert any("HEAD still leads to it" in finding for finding in findings)

    assert stages_run(run(clone, "-m", "dvc", "repro", "validate@sar", SAR_TEXT_TRACKING="off")) == STAGES
    commit(clone, "without it")
    assert holding(clone, image) == []
    left = pq.read_table(source / "records.parquet")["record_id"].to_pylist()
    assert left
    assert row["record_id"] not in left
    findings, (note,) = still_there(everything(clone), known=[])
    assert findings == []
    assert note.startswith(f"{row['record_id']} was withdrawn; older revisions lead to it: ")
    assert built[:12] in note
    assert worktree.git("rev-parse", "HEAD", cwd=clone)[:12] not in note


def everything(clone: Path) -> Lineage:
    lineage = Lineage.at(clone)
    lineage.add_all()
    return lineage
