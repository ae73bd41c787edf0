"""A server that runs is kept as it is only where it was started as it is asked for now."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows import mlflow_server, processes, server

ASLEEP = "import pathlib, time\npathlib.Path(__file__).with_name('awake').touch()\ntime.sleep(600)\n"
PASSWORDS = {
    "PREFECT_SERVER_API_AUTH_STRING": "admin:first-secret", "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": "second-secret", "MLFLOW_FLASK_SERVER_SECRET_KEY": "third-secret",
}  # fmt: skip


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Starts what sleeps, with the command line and environment of a server."""
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path / "state"))
    for name in PASSWORDS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "asleep.py").write_text(ASLEEP)
    files = []

    def start(file: Path, **environment: str) -> None:
        files.append(file)
        processes.start(
            "asleep", ["server", "--host", "127.0.0.1", "--port", "4200"], file=file, log=tmp_path / "log",
            environment={"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"], **environment}, address="nowhere",
            ready=(tmp_path / "awake").exists,
        )  # fmt: skip

    yield start
    for file in files:
        processes.stop(file)


def test_prefect_with_another_host_port_database_or_password(
    start: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.check_same(host="0.0.0.0", port=1, database="anything goes where none runs")
    start(server.file(), PREFECT_API_DATABASE_CONNECTION_URL="postgresql+asyncpg://u:hidden@h/a_prefect")
    same = {"host": "127.0.0.1", "port": 4200, "database": "postgresql+asyncpg://u:hidden@h/a_prefect"}
    server.check_same(**same)
    server.check_same(**same | {"port": 0})
    for change, told in (
        ({"host": "0.0.0.0"}, r"another --host, and"), ({"port": 4201}, r"another --prefect-port, and"),
        ({"database": None}, r"another DATABASE_URL, and"),
        ({"host": "::", "database": None}, r"another --host and DATABASE_URL, and"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"the Prefect server .*{told}.*`make down` ends it") as refused:
            server.check_same(**same | change)
        assert "hidden" not in str(refused.value)
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", PASSWORDS["PREFECT_SERVER_API_AUTH_STRING"])
    with pytest.raises(ValueError, match="another PREFECT_SERVER_API_AUTH_STRING, and") as refused:
        server.check_same(**same)
    assert "first-secret" not in str(refused.value)


def test_mlflow_with_another_database_or_password(start: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    database = f"sqlite:///{mlflow_server.paths.state() / 'mlflow.db'}"
    users = str(mlflow_server.home() / "users.ini")
    start(mlflow_server.file(), MLFLOW_BACKEND_STORE_URI=database, MLFLOW_AUTH_CONFIG_PATH=users, **PASSWORDS)
    for name, value in PASSWORDS.items():
        monkeypatch.setenv(name, value)
    same = {"host": "127.0.0.1", "port": 0, "database": None, "passwords": True}
    mlflow_server.check_same(**same)
    with pytest.raises(ValueError, match=r"the MLflow server .*another choice whether it asks for passwords, and"):
        mlflow_server.check_same(**same | {"passwords": False})
    with pytest.raises(ValueError, match="another DATABASE_URL, and"):
        mlflow_server.check_same(**same | {"database": "postgresql+psycopg2://u:hidden@h/a_mlflow"})
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "changed-secret")
    with pytest.raises(ValueError, match="another MLFLOW_TRACKING_PASSWORD, and") as refused:
        mlflow_server.check_same(**same)
    assert "secret" not in str(refused.value).lower().replace("mlflow_flask_server_secret_key", "")
