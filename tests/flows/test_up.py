"""`make up` in a clone: servers, workers and deployments that work, told by `status`, ended by `make down`."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from clones import run, small_clone
from waiting import until

from flows import server, up
from flows.deploy import client, online_workers


@pytest.fixture
def no_servers_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "DATABASE_URL", *up.PASSWORDS):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "some.host"])
@pytest.mark.usefixtures("no_servers_named")
def test_an_address_for_other_machines_wants_passwords(host: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"PREFECT_SERVER_API_AUTH_STRING, .*MLFLOW_TRACKING_PASSWORD.* Set PREFECT_"):
        up.up(host=host, prefect_port=0, mlflow_port=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_servers_named")
def test_servers_elsewhere_are_not_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(ValueError, match="unset it to start servers here"):
        up.up(host="127.0.0.1", prefect_port=0, mlflow_port=0)


@pytest.mark.usefixtures("no_servers_named")
@pytest.mark.parametrize("url", ["mysql://u:secret@h/db", "postgresql://u:secret@h/a-b", "postgresql://u:secret@h"])
def test_another_database_is_refused_and_its_password_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL must be postgresql://") as refused:
        up._stores(url)
    assert "secret" not in str(refused.value)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "clone"
    small_clone(folder)
    yield folder
    run(folder, "-m", "flows.cli", "down")


@pytest.mark.e2e
def test_an_installation_comes_up_works_and_goes(clone: Path) -> None:
    first = run(clone, "-m", "flows.cli", "up")
    assert first.returncode == 0, first.stdout + first.stderr
    files = sorted((clone / ".state").glob("*/*.json"))
    assert [file.parent.name for file in files] == ["mlflow", "prefect", "workers", "workers"]
    known = [json.loads(file.read_text()) for file in files]
    mlflow_url, prefect_url = known[0]["address"], known[1]["address"]
    for pool in up.POOLS:
        assert online_workers(pool, api_url=prefect_url) == [f"{pool}@clone"]
    with client(prefect_url) as prefect:
        deployments = {found.name: found.id for found in prefect.read_deployments()}
        assert set(deployments) >= {"pipeline", "narrate-folder"}
        assert len(prefect.read_automations()) >= 1
        by_schedule = {found.id for found in prefect.read_deployments() if found.schedules}
        assert {name for name, number in deployments.items() if number in by_schedule} == {"audit", "retrain"}
        until(lambda: {run.deployment_id for run in prefect.read_flow_runs() if run.auto_scheduled} == by_schedule)

    again = run(clone, "-m", "flows.cli", "up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "started" not in again.stdout
    assert [json.loads(file.read_text()) for file in files] == known
    with client(prefect_url) as prefect:
        names = [automation.name for automation in prefect.read_automations()]
    assert len(names) == len(set(names))

    other = run(clone, "-m", "flows.cli", "up", "--host", "localhost")
    assert other.returncode == 1
    assert "the Prefect server that runs here was started with another --host" in other.stderr
    assert [json.loads(file.read_text()) for file in files] == known

    told = run(clone, "-m", "flows.cli", "status").stdout
    assert mlflow_url in told
    assert prefect_url.removesuffix("/api") in told
    assert f"pool gpu of {prefect_url}" in told

    folder = clone.parent / "backup"
    made = run(clone, "-m", "flows.cli", "backup", str(folder))  # of servers that run
    assert made.returncode == 0, made.stderr
    assert "DVC's objects are in it" in made.stdout
    refused = run(clone, "-m", "flows.cli", "restore", str(folder))
    assert "the Prefect server of this checkout runs: `make down` first" in refused.stderr

    assert run(clone, "-m", "flows.cli", "down").stdout.splitlines() == [
        "cpu worker ended", "gpu worker ended", "MLflow server ended", "Prefect server ended",
    ]  # fmt: skip
    assert not any(psutil.pid_exists(process["pid"]) and _is_alive(process["pid"]) for process in known)
    assert not server.answers(f"{mlflow_url}/health")
    assert run(clone, "-m", "flows.cli", "down").stdout == "no server or worker of this project runs\n"

    shutil.rmtree(clone)
    subprocess.run(["git", "clone", "--quiet", str(folder / "repository.bundle"), str(clone)], check=True)
    restored = run(clone, "-m", "flows.cli", "restore", str(folder))
    assert restored.returncode == 0, restored.stderr
    back = run(clone, "-m", "flows.cli", "up")
    assert back.returncode == 0, back.stdout + back.stderr
    address = json.loads((clone / ".state/prefect/server.json").read_text())["address"]
    with client(address) as prefect:
        assert {found.name: found.id for found in prefect.read_deployments()} == deployments


def _is_alive(pid: int) -> bool:
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
