"""What a stage says when it cannot go on: one line and an exit code, before and after it has begun."""

import logging
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import server, stage


def flow(work: Callable[[], None]) -> Any:
    """As much of a Prefect flow as runs with tracking off."""
    return SimpleNamespace(name="probe", fn=work)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["probe"])
    monkeypatch.setenv("SAR_TEXT_STATE", str(tmp_path))
    monkeypatch.setenv("SAR_TEXT_TRACKING", "off")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def raising(problem: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise problem

    return work


@pytest.mark.parametrize("problem", [ValueError("no such thing"), PermissionError(13, "Permission denied", "x.png")])
def test_a_mistake_is_one_line(problem: Exception) -> None:
    with pytest.raises(SystemExit) as stopped:
        stage.main(flow(raising(problem)))
    assert stopped.value.code == f"\nerror: {problem}"


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        stage.main(flow(raising(KeyError("x"))))


def test_an_interrupt_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        stage.main(flow(raising(KeyboardInterrupt())))
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "\nstopped; the same command goes on from here\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/api", "nonsense"])  # nothing listens on the port named discard
def test_a_server_that_does_not_answer(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAR_TEXT_TRACKING", "on")
    monkeypatch.setenv("PREFECT_API_URL", url)
    with pytest.raises(SystemExit, match=rf"error: Prefect at PREFECT_API_URL={url} does not answer .*unset"):
        stage.main(flow(lambda: None))


DAMAGED = ["", "[]", "null", '{"pid": "x", "started": 1, "ends_with": [], "address": "u"}', '{"pid": 1}']


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_address_file_says_what_to_do(content: str) -> None:
    (server.home() / "server.json").write_text(content)
    for ask in (server.running, server.stop, server.address):
        with pytest.raises(ValueError, match=r"server\.json is damaged .*then delete the file"):
            ask()


@pytest.mark.parametrize(("problem", "shown"), [(ValueError("x"), False), (OSError("x"), False), (KeyError("x"), True)])
def test_the_console_shows_a_traceback_only_of_faults_of_ours(problem: Exception, shown: bool) -> None:
    record = logging.LogRecord("prefect", logging.ERROR, "", 0, "failed", None, (type(problem), problem, None))
    assert stage._one_line(record)
    assert (record.exc_info is not None) == shown


def test_a_server_that_goes_away_while_a_flow_runs_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of error come from the tools themselves, of a port where nothing listens."""
    import httpx
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    nowhere = "http://127.0.0.1:9"
    told = pytest.raises(ValueError, match=rf"Prefect at {nowhere}/api does not answer any more .*`make up`")
    with told, stage._what_failed_told(f"{nowhere}/api"):
        httpx.get(nowhere, trust_env=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", nowhere)
    told = pytest.raises(ValueError, match=rf"MLflow at {nowhere} does not answer any more .*`make up`")
    with told, stage._what_failed_told(f"{nowhere}/api"):
        MlflowClient(tracking_uri=nowhere).search_experiments()
    with pytest.raises(KeyError), stage._what_failed_told(f"{nowhere}/api"):
        raise KeyError("x")


def test_a_prefect_server_whose_database_is_down_is_one_line() -> None:
    """Prefect's own client, told 500 by a real server: any but its own mistakes, which keep their traceback."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    class Failing(BaseHTTPRequestHandler):
        status = 500

        def do_GET(self) -> None:
            self.send_response(self.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Failing) as failing:
        Thread(target=failing.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{failing.server_port}/api"
        told = pytest.raises(ValueError, match=rf"Prefect at {address} answers 500, .*the same command again")
        with temporary_settings({PREFECT_API_URL: address}), get_client(sync_client=True) as client:
            with told, stage._what_failed_told(address):
                client.read_deployment_by_name("repro/pipeline")
            Failing.status = 403
            with pytest.raises(PrefectHTTPStatusError), stage._what_failed_told(address):
                client.read_deployment_by_name("repro/pipeline")
        failing.shutdown()
