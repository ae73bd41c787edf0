"""The webhook, on a real server of this machine; its address is a secret."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tasks.retrain.webhook import notify


class Service(HTTPServer):
    status = 200
    got: bytes = b""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Service)
        self.server.got = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("SAR_TEXT_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/s3cret")
        yield server
        server.shutdown()


def test_people_are_told(service: Service) -> None:
    assert notify('# ö\n"quoted" ship\'s') is None
    assert json.loads(service.got) == {"text": '# ö\n"quoted" ship\'s'}


def test_a_service_that_refuses_is_said_without_its_address(service: Service) -> None:
    service.status = 500
    assert notify("text") == "the service at SAR_TEXT_WEBHOOK_URL answered 500"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/s3cret", "s3cret", "http://[s3cret"])
def test_a_service_that_is_not_there(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SAR_TEXT_WEBHOOK_URL", url)
    said = notify("text")
    assert said is not None
    assert "cannot be told" in said
    assert "s3cret" not in said


def test_it_is_silent_when_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAR_TEXT_WEBHOOK_URL", raising=False)
    assert notify("text") is None
