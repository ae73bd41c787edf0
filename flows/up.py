"""`sar-text up` and `down`: a local installation, and the end of exactly that.

A Prefect server, an MLflow server, the deployments of prefect.yaml, and one worker for each of the pools `cpu` and
`gpu`. What runs already stays as it is. Each process has a file below `.state/`, by which `down` finds it.
"""

import argparse
import ipaddress
import os
from collections.abc import Callable
from pathlib import Path

from flows import mlflow_server, processes, server
from tasks import paths, tracking

Add = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
POOLS = ("cpu", "gpu")
HEARTBEAT_S = 30  # of a flow run; Prefect sends none more often
PASSWORDS = ("PREFECT_SERVER_API_AUTH_STRING", *mlflow_server.PASSWORDS)


def add_commands(add: Add) -> None:
    """Add `up` and `down` to the `sar-text` command."""
    command = add("up", _up, "start Prefect, MLflow and a worker for each pool, and deploy the flows of prefect.yaml")
    command.add_argument("--host", default=server.LOOPBACK, help="to listen on; any but this machine wants passwords")
    command.add_argument("--prefect-port", type=int, default=0, help="default: a free one")
    command.add_argument("--mlflow-port", type=int, default=0, help="default: a free one")
    add("down", _down, "end the servers and workers of this project")


def _up(arguments: argparse.Namespace) -> None:
    up(host=arguments.host, prefect_port=arguments.prefect_port, mlflow_port=arguments.mlflow_port)


def _down(_: argparse.Namespace) -> None:
    ended = down()
    print("\n".join(f"{name} ended" for name in ended) or "no server or worker of this project runs")


def up(*, host: str, prefect_port: int, mlflow_port: int) -> None:
    """Bring the installation up on `host`, as far as it is not up already.

    With `DATABASE_URL` (`postgresql://user:password@host/name`) both servers keep their data there. Raises
    `ValueError` before anything starts when `host` is for other machines and no passwords are set, when
    `PREFECT_API_URL` names another server, or when a server runs that was started with another host, port, database or
    password.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        raise ValueError(
            f"PREFECT_API_URL is {tracking.shown(url)}: unset it to start servers here; a worker for servers that run "
            "elsewhere is started by `prefect worker start --pool gpu` (docs/operations.md)"
        )
    passwords = _passwords(host)
    database = os.environ.get("DATABASE_URL")
    stores = _stores(database) if database else {"prefect": None, "mlflow": None}
    server.spare_the_proxy()
    if passwords:
        os.environ["PREFECT_API_AUTH_STRING"] = os.environ["PREFECT_SERVER_API_AUTH_STRING"]
    server.check_same(host=host, port=prefect_port, database=stores["prefect"])
    mlflow_server.check_same(host=host, port=mlflow_port, database=stores["mlflow"], passwords=passwords)
    prefect_url = server.ensure(host=host, port=prefect_port, database=stores["prefect"])
    mlflow_url = mlflow_server.ensure(host=host, port=mlflow_port, database=stores["mlflow"], passwords=passwords)
    environment = {
        **server.outliving(dict(os.environ)),
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(server.home()),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_S),
        "MLFLOW_TRACKING_URI": mlflow_url,
        "SAR_TEXT_ROOT": str(paths.root()),
        "SAR_TEXT_STATE": str(paths.state()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(paths.root()), os.environ.get("PYTHONPATH")])),
    }
    from flows.deploy import deploy

    deploy(pools=POOLS, api_url=prefect_url, silence_s=3 * HEARTBEAT_S, environment=environment)
    for pool in POOLS:
        _ensure_worker(pool, prefect_url=prefect_url, environment=environment)
    print(f"For commands in other shells:\n  export PREFECT_API_URL={prefect_url} MLFLOW_TRACKING_URI={mlflow_url}")


def down() -> list[str]:
    """End workers, then servers; returns the names of those that ran."""
    workers = [f"{pool} worker" for pool in POOLS if processes.stop(worker_file(pool))]
    servers = [
        name for name, stop in (("MLflow server", mlflow_server.stop), ("Prefect server", server.stop)) if stop()
    ]
    return workers + servers


def worker_file(pool: str) -> Path:
    folder = paths.state() / "workers"
    folder.mkdir(exist_ok=True)
    return folder / f"{pool}.json"


def _passwords(host: str) -> bool:
    """Whether users must give one. Raises `ValueError` when they must and none are set."""
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = False  # a name: it may lead anywhere
    lacks = [name for name in PASSWORDS if not os.environ.get(name)]
    if alone:
        return not lacks
    if lacks:
        raise ValueError(
            f"--host {host} can be reached from other machines, so both servers must ask for a password; not set: "
            f"{', '.join(lacks)}. Set PREFECT_SERVER_API_AUTH_STRING=NAME:PASSWORD for Prefect, "
            "MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD (12 characters or more) and "
            "MLFLOW_FLASK_SERVER_SECRET_KEY (any long random text) for MLflow"
        )
    return True


def _stores(url: str) -> dict[str, str | None]:
    """A database for each server on the PostgreSQL server of `url`: both keep a table of the same name."""
    import asyncio

    from tasks.databases import create_databases

    return dict(asyncio.run(create_databases(url, drivers={"prefect": "asyncpg", "mlflow": "psycopg2"})))


def _ensure_worker(pool: str, *, prefect_url: str, environment: dict[str, str]) -> None:
    if processes.running(worker_file(pool)):
        return
    from flows.deploy import online_workers

    name = f"{pool}@{paths.root().name}"
    processes.start(
        "prefect", ["worker", "start", "--type", "process", "--name", name, "--pool", pool],
        file=worker_file(pool), log=worker_file(pool).with_suffix(".log"), environment=environment,
        address=f"pool {pool} of {prefect_url}", ready=lambda: name in online_workers(pool, api_url=prefect_url),
    )  # fmt: skip
    print(f"worker of pool {pool} started", flush=True)
