"""Events go to a collector one by one; what it refuses, and one that is not there, are said."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tasks.lineage.transport import post

EVENTS = [
    {"eventType": kind, "job": {"name": f"narrate@{name}"}, "run": {"runId": name}}
    for name in ("ships", "été")
    for kind in ("START", "COMPLETE")
]


class Collector(ThreadingHTTPServer):
    """Keeps what was posted to the path that OpenLineage names; refuses a run whose id is in `refused`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[dict[str, object]] = []
        self.keys: set[str | None] = set()
        self.refused = ""

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self.server_port}/api/v1/lineage"


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.add(self.headers["Authorization"])
        is_good = self.path == "/api/v1/lineage" and event["run"]["runId"] != self.server.refused
        if is_good:
            self.server.taken.append(event)
        self.send_response(201 if is_good else 422)
        self.end_headers()
        self.wfile.write(b"" if is_good else b"run\n<b>unknown</b>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_every_event_arrives_in_order_with_the_key(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "k3y")
    assert post(EVENTS, url=collector.url.replace("user:secret@", "")) == 4
    assert collector.taken == EVENTS
    assert collector.keys == {"Bearer k3y"}


def test_a_refusal_says_what_the_collector_said_and_how_far_it_came(collector: Collector) -> None:
    collector.refused = "été"
    with pytest.raises(ValueError, match="answered 422 to START of narrate@été, 2 of 4 events") as refused:
        post(EVENTS, url=collector.url)
    assert "run <b>unknown</b>" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert collector.taken == EVENTS[:2]


def test_a_collector_that_is_not_there(collector: Collector) -> None:
    collector.server_close()
    with pytest.raises(ValueError, match="cannot be reached") as error:
        post(EVENTS, url=collector.url.replace(str(collector.server_port), "1"))
    assert "(ConnectError) with START of narrate@ships, 0 of 4" in str(error.value)
    assert "secret" not in str(error.value)
