"""An installation is backed up, destroyed, and restored: registry, artifacts, lineage and data are as they were."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tasks import lock, tracking
from tasks.backup import databases
from tasks.backup.archive import backup, restore
from tasks.lineage.full import full_audit, in_use
from tasks.registry import promote, versions
from tasks.registry.versions import CHAMPION
from tests.fakes.world import World
from tests.tasks.lineage.conftest import check_out, lineage_of, version_of

NAME = "sar-rs-clip"
IGNORED = "/data/\n/models/\n.state/\n"


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, which take seconds to make."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("SAR_TEXT_STATE", str(folder))
        tracking.client()
    return folder / "mlflow.db"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Path:
    """A repository with a champion and its weights in the registry, and a Prefect database."""
    for name in ("MLFLOW_TRACKING_URI", "SAR_TEXT_STATE"):
        monkeypatch.delenv(name, raising=False)
    made = World(tmp_path / "home")
    (made.root / ".state/prefect").mkdir(parents=True)
    shutil.copy(empty_store, made.root / ".state/mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(made.root))
    outputs = made.revise({"ships": 5, "ports": 5, "town": 5}, weights="one")
    made.finish()
    check_out(made)
    kept = [{"path": path, "md5": md5, "hash": "md5"} for path, md5 in outputs.items() if md5.endswith(".dir")]
    (made.root / "outputs.dvc").write_text(yaml.safe_dump({"outs": kept}))  # so that DVC itself knows them
    (made.root / ".gitignore").write_text(IGNORED)
    (made.root / ".dvc/config").touch()
    (made.root / ".dvc/.gitignore").write_text("/config.local\n/tmp\n/cache\n")
    git(made.root, "add", "--all")
    git(made.root, "commit", "--quiet", "--message=what DVC keeps")
    version = version_of(outputs, commit=lineage_of(made).history.current["HEAD"])
    client = tracking.client()
    run = client.create_run(tracking.experiment_id("test"), tags=dict(version.tags))
    client.log_metric(run.info.run_id, "sar/all/mean_recall", 0.25)
    client.log_artifacts(run.info.run_id, str(made.root / "models/two_stage/clip"), "artifacts/clip")
    client.create_registered_model(NAME)
    tags = {**version.tags, "gate.decision": "passed", "gate.against": "no champion"}
    client.create_model_version(NAME, source=run.info.artifact_uri, run_id=run.info.run_id, tags=tags)
    promote.promote(NAME, "1", by="Ada", reason="the first")
    with closing(sqlite3.connect(made.root / ".state/prefect/prefect.db")) as database, database:
        database.execute("create table flow_run (name text)")
        database.execute("insert into flow_run values ('evaluate')")
    return made.root


def findings() -> list[str]:
    (version,) = in_use()
    return full_audit(version, verified=True).findings


def test_what_was_destroyed_comes_back_whole(home: Path, tmp_path: Path) -> None:
    before = findings()
    folder = tmp_path / "backups" / "monday"
    folder.parent.mkdir()
    with closing(sqlite3.connect(home / ".state/mlflow.db")) as busy:
        busy.execute("select * from runs").fetchone()  # as a server that runs
        made = backup(folder, database_url=None)
    assert (made.remote, made.not_committed) == (None, [])
    assert folder.stat().st_mode & 0o077 == 0, "only the owner may read it"
    shutil.rmtree(home)

    subprocess.run(["git", "clone", "--quiet", str(folder / "repository.bundle"), str(home)], check=True)
    restore(folder, database_url=None)
    assert versions.alias(NAME, CHAMPION) == "1"
    (change,) = promote.history(NAME)
    assert (change.by, change.reason, change.done) == ("Ada", "the first", True)
    version = versions.version(NAME, "1")
    assert tracking.client().get_run(version.run_id).data.metrics == {"sar/all/mean_recall": 0.25}
    assert findings() == before == []
    assert lock.digest_of(home / "models/two_stage/clip") == version.tags["dvc.weights"]
    with closing(sqlite3.connect(home / ".state/prefect/prefect.db")) as database:
        assert database.execute("select name from flow_run").fetchall() == [("evaluate",)]


def test_nothing_is_written_over_and_no_damaged_backup_is_taken(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    (home / "notes.txt").write_text("not committed")
    assert backup(folder, database_url=None).not_committed == ["?? notes.txt"]
    with pytest.raises(ValueError, match=f"{folder} is there already: name a new folder"):
        backup(folder, database_url=None)
    for file in ("mlartifacts", "prefect/prefect.db", "mlflow.db"):
        with pytest.raises(ValueError, match=f"{file} is there already, and nothing is written over"):
            restore(folder, database_url=None)
        kept = tmp_path / file.replace("/", "-")
        shutil.move(home / ".state" / file, kept)
    with pytest.raises(ValueError, match="made of sqlite, but DATABASE_URL is set"):
        restore(folder, database_url="postgresql://u:hidden@h/a")
    weights = next((folder / "mlartifacts").rglob("model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match=r"model\.safetensors is damaged: its bytes have another digest"):
        restore(folder, database_url=None)
    (folder / "backup.json").unlink()
    with pytest.raises(ValueError, match="is no backup"):
        restore(folder, database_url=None)
    assert not (home / ".state/mlflow.db").exists()


def test_another_place_of_the_state_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup(tmp_path / "backup", database_url=None)
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "elsewhere"))
    with pytest.raises(ValueError, match="restore into a clone at the old path"):
        restore(tmp_path / "backup", database_url=None)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_objects_go_to_the_remote_of_dvc_where_there_is_one(home: Path, tmp_path: Path) -> None:
    (home / ".dvc/config.local").write_text(
        f"[core]\nremote = store\n['remote \"store\"']\nurl = {tmp_path / 'remote'}\n"
    )
    made = backup(tmp_path / "backup", database_url=None)
    assert made.remote == "store"
    assert not (tmp_path / "backup/dvc").exists()
    assert len(list((tmp_path / "remote").rglob("*"))) > 20

    settings = (home / ".dvc/config.local").read_text()
    shutil.rmtree(home)
    subprocess.run(["git", "clone", "--quiet", str(tmp_path / "backup/repository.bundle"), str(home)], check=True)
    with pytest.raises(ValueError, match=r"pushed to the DVC remote 'store', which is not known here: `dvc remote add"):
        restore(tmp_path / "backup", database_url=None)
    (home / ".dvc/config.local").write_text(settings)
    restore(tmp_path / "backup", database_url=None)
    assert lock.digest_of(home / "models/two_stage/clip") == lock.output_digests()["models/two_stage/clip"]
    assert findings() == []


def test_a_password_is_no_argument_of_a_program() -> None:
    url = "postgresql://sar:p%40ss%3Aw0rd@db.example:5433/base?sslmode=require"
    address, environment = databases._place(url, "mlflow")
    assert address == "postgresql://sar@db.example:5433/base_mlflow?sslmode=require"
    assert environment["PGPASSWORD"] == "p@ss:w0rd"
    assert databases._place("postgresql://db.example/base", "prefect")[0] == "postgresql://db.example/base_prefect"
