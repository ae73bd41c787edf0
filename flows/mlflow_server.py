"""The MLflow server that `make up` starts: on the same runs and registry that stages reach without one, or on
PostgreSQL. Its address and process stand in `.state/mlflow/server.json`."""

import os
from pathlib import Path

from flows import mlflow_users, processes, same, server
from tasks import paths

PASSWORDS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY")


def home() -> Path:
    """The folder of the server: log, address, users."""
    folder = paths.state() / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def file() -> Path:
    return home() / "server.json"


def running() -> str | None:
    """Address of the server, or None when it does not run."""
    known = processes.running(file())
    return known.address if known is not None else None


def stop() -> bool:
    """End the server; False when none ran."""
    return processes.stop(file())


def check_same(*, host: str, port: int, database: str | None, passwords: bool) -> None:
    """Raises `ValueError` when the server runs, but was started otherwise than `ensure` would start it."""
    asks = str(mlflow_users.settings_file(home())) if passwords else None
    own = {name: (name, os.environ.get(name)) for name in PASSWORDS} if passwords else {}
    same.check_same(
        file(), name="MLflow server", host=host, port=port,
        environment={
            "DATABASE_URL": ("MLFLOW_BACKEND_STORE_URI", database or _default_database()),
            "choice whether it asks for passwords": ("MLFLOW_AUTH_CONFIG_PATH", asks),
            **own,
        },
    )  # fmt: skip


def ensure(*, host: str, port: int, database: str | None, passwords: bool) -> str:
    """Address of the server, started with these if none runs; `port` 0 takes a free one.

    With `passwords` it asks for the name and password in `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`,
    which are those of its administrator from now on. Artifacts go through the server, so that
    other machines need no shared disk.
    """
    if url := running():
        return url
    port = port or server.free_port(host)
    url = f"http://{server.LOOPBACK if host in ('0.0.0.0', '::') else host}:{port}"
    arguments = ["server", "--workers", "1", "--host", host, "--port", str(port)]
    environment = {
        **server.outliving(dict(os.environ)),
        "MLFLOW_BACKEND_STORE_URI": database or _default_database(),  # may hold a password
        "MLFLOW_ARTIFACTS_DESTINATION": (paths.state() / "mlartifacts").as_uri(),
    }
    environment.pop("MLFLOW_TRACKING_URI", None)
    if passwords:
        environment["MLFLOW_AUTH_CONFIG_PATH"] = str(mlflow_users.prepare(home()))
        arguments[1:1] = ["--app-name", "basic-auth", "--allowed-hosts", "*"]  # the password is the gate, not the name
    processes.start(
        "mlflow", arguments, file=file(), log=home() / "server.log", environment=environment, address=url,
        ready=lambda: server.answers(f"{url}/health"),
    )  # fmt: skip
    print(f"MLflow server started: {url} (`make down` ends it)", flush=True)
    return url


def _default_database() -> str:
    return f"sqlite:///{paths.state() / 'mlflow.db'}"
