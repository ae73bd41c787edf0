"""The project's own Prefect server: started by the first stage or by `make up`, reused by all later stages, ended by
`make down`. Its address and process stand in `.state/prefect/server.json`."""

import os
import socket
import urllib.error
import urllib.request
from pathlib import Path

import filelock

from flows import processes, same
from tasks import paths, tracking

LOOPBACK = "127.0.0.1"


def home() -> Path:
    """The folder of the server: database, log, address."""
    folder = paths.state() / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def address() -> str:
    """API address to report to: `PREFECT_API_URL` if set, else that of the project's server, started if need be.

    Raises `ValueError` when the server that is named does not answer, or ours does not start.
    """
    if url := os.environ.get("PREFECT_API_URL"):
        _check_reachable(url)
        return url
    spare_the_proxy()
    return ensure()


def ensure(*, host: str = LOOPBACK, port: int = 0, database: str | None = None) -> str:
    """API address of the project's server, started with these if none runs.

    `port` 0 takes a free one; `database` is a SQLAlchemy address, by default of a SQLite file below `.state/`.
    """
    with filelock.FileLock(home() / "server.lock"):
        return running() or _start(host, port or free_port(host), database)


def check_same(*, host: str, port: int, database: str | None) -> None:
    """Raises `ValueError` when the project's server runs, but was started otherwise than `ensure` would start it."""
    password = os.environ.get("PREFECT_SERVER_API_AUTH_STRING")
    same.check_same(
        file(), name="Prefect server", host=host, port=port,
        environment={
            "DATABASE_URL": ("PREFECT_API_DATABASE_CONNECTION_URL", database or _default_database()),
            "PREFECT_SERVER_API_AUTH_STRING": ("PREFECT_SERVER_API_AUTH_STRING", password),
        },
    )  # fmt: skip


def running() -> str | None:
    """API address of the project's server, or None when it does not run."""
    known = processes.running(file())
    return known.address if known is not None else None


def stop() -> bool:
    """End the project's server; False when none ran."""
    return processes.stop(file())


def file() -> Path:
    return home() / "server.json"


def spare_the_proxy() -> None:
    """A proxy for the outside must not be asked for this machine."""
    for key in ("NO_PROXY", "no_proxy"):
        os.environ[key] = ",".join(filter(None, [os.environ.get(key), LOOPBACK, "localhost"]))


def free_port(host: str = LOOPBACK) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of `url` gives 200; no proxy is asked. False for what is no address."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def outliving(environment: dict[str, str]) -> dict[str, str]:
    """Without what belongs to the stage or flow that starts a process, which may outlive it."""
    return {key: value for key, value in environment.items() if not key.startswith(("DVC_", "PREFECT__"))}


def _default_database() -> str:
    return f"sqlite+aiosqlite:///{home() / 'prefect.db'}"


def _start(host: str, port: int, database: str | None) -> str:
    url = f"http://{LOOPBACK if host in ('0.0.0.0', '::') else host}:{port}/api"
    environment = {
        **outliving(dict(os.environ)),
        "PREFECT_HOME": str(home()),
        "PREFECT_API_DATABASE_CONNECTION_URL": database or _default_database(),
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_UI_API_URL": url,  # else the pages in the browser ask port 4200
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    try:
        processes.start(
            "prefect", ["server", "start", "--host", host, "--port", str(port)],
            file=file(), log=home() / "server.log", environment=environment, address=url,
            ready=lambda: answers(f"{url}/health"),
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{error}; SAR_TEXT_TRACKING=off runs stages without it") from None
    print(f"Prefect server started: {url.removesuffix('/api')} (`make down` ends it)", flush=True)
    return url


def _check_reachable(url: str) -> None:
    """Prefect itself would say so with a traceback."""
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=10.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ValueError(
            f"Prefect at PREFECT_API_URL={tracking.shown(url)} does not answer ({error}): start it, or unset "
            "PREFECT_API_URL for a server of this checkout; SAR_TEXT_TRACKING=off runs without one"
        ) from None
