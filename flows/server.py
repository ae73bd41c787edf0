"""The project's own Prefect server: started by the first stage, reused by the later ones, ended by `make down`.

Its address and process stand in `.state/prefect/server.json`. A server counts as ours only if its process is still the
one that we started (same id, start time and command), so that another checkout's server is never taken.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock
import psutil

from tasks import paths

START_TIMEOUT_S = 90.0
CLOCK_STEP_S = 5.0  # a start time is reckoned from the clock, which may be set in between


@dataclass(frozen=True)
class Known:
    """The server that a stage of this checkout started, as `server.json` keeps it."""

    pid: int
    started: float  # seconds since 1970
    api_url: str


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
    for key in ("NO_PROXY", "no_proxy"):  # a proxy for the outside must not be asked for this machine
        os.environ[key] = ",".join(filter(None, [os.environ.get(key), "127.0.0.1", "localhost"]))
    with filelock.FileLock(home() / "server.lock"):
        return running() or _start()


def running() -> str | None:
    """API address of the project's server, or None when it does not run."""
    known = _known()
    return known.api_url if known is not None and _process(known) is not None else None


def stop() -> bool:
    """End the project's server; False when none ran."""
    known = _known()
    if known is None:
        return False
    process = _process(known)
    _file().unlink()
    if process is None:
        return False
    _end(process)
    return True


def _end(process: psutil.Process) -> None:
    family = [process, *process.children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    for member in psutil.wait_procs(family, timeout=10)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def _file() -> Path:
    return home() / "server.json"


def _known() -> Known | None:
    """What `server.json` says; None where there is none. Raises `ValueError` where it cannot be understood: passing
    over it would leave its server running for ever."""
    file = _file()
    if not file.is_file():
        return None
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Known(pid=int(said["pid"]), started=float(said["started"]), api_url=str(said["api_url"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{file} is damaged ({error}): end the server that it named (`pgrep -af 'prefect server start'` shows "
            "servers with their process ids), then delete the file"
        ) from error


def _process(known: Known) -> psutil.Process | None:
    try:
        process = psutil.Process(known.pid)
        port = known.api_url.removesuffix("/api").rpartition(":")[2]
        close = abs(process.create_time() - known.started) < CLOCK_STEP_S
        same = close and process.cmdline()[-2:] == ["--port", port]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _start() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home()),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home() / 'prefect.db'}",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_UI_API_URL": url,  # else the pages in the browser ask port 4200
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
    for key in [key for key in environment if key.startswith(("DVC_", "PREFECT__"))]:
        del environment[key]  # the server outlives the stage that starts it
    log = home() / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
        )
    known = Known(pid=process.pid, started=psutil.Process(process.pid).create_time(), api_url=url)
    deadline = time.monotonic() + START_TIMEOUT_S
    try:
        _wait(process, url, deadline=deadline, log=log)
    except BaseException:  # an interrupt too: a server that nobody knows of would stay for ever
        _end(psutil.Process(process.pid))
        raise
    partial = _file().with_suffix(".partial")
    partial.write_text(json.dumps(asdict(known), indent=2) + "\n", encoding="utf-8")
    partial.replace(_file())  # at once: a file half written would be a server that nobody can end
    print(f"Prefect server started: {url.removesuffix('/api')} (`make down` ends it)", flush=True)
    return url


def _wait(process: "subprocess.Popen[bytes]", url: str, *, deadline: float, log: Path) -> None:
    while not answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ValueError(f"the Prefect server did not start, see {log}; SAR_TEXT_TRACKING=off runs without it")
        time.sleep(0.1)


def _check_reachable(url: str) -> None:
    """Prefect itself would say so with a traceback."""
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/health", timeout=10.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ValueError(
            f"Prefect at PREFECT_API_URL={url} does not answer ({error}): start it, or unset PREFECT_API_URL for a "
            "server of this checkout; SAR_TEXT_TRACKING=off runs without one"
        ) from None


def answers(url: str) -> bool:
    """Whether a Prefect server is well at the API address `url`."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url.rstrip('/')}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):  # the last: no address at all
        return False
