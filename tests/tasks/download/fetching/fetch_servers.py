"""Loopback servers that behave as bad as real ones: they drop connections, cut files, refuse, forget ranges."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass
class WebServer:
    """Serves `files` (path → bytes) and remembers what it was asked for."""

    files: dict[str, bytes]
    ranges: bool = True
    etags: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(
        default_factory=dict
    )  # path → answers before it behaves; -1 in front: always
    cuts: list[int] = field(default_factory=list)  # bytes after which the next answers break off
    hold_after: int | None = None  # bytes after which it says nothing more until `release`
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range of each request
    logins: list[str | None] = field(default_factory=list)  # the header Authorization of each request
    wanted_login: str = ""  # that header; empty: anybody may have all
    sent: int = 0
    url: str = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append((request.path, request.headers.get("Range")))
        self.logins.append(request.headers.get("Authorization"))
        if self.wanted_login and self.logins[-1] != self.wanted_login:
            request.send_error(401)
            return
        statuses = self.statuses.get(request.path, [])
        if statuses:
            request.send_error(statuses[1] if statuses[0] == -1 else statuses.pop(0))
            return
        if request.path in self.redirects:
            request.send_response(302)
            request.send_header("Location", self.redirects[request.path])
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        if request.path not in self.files:
            request.send_error(404)
            return
        body, etag = self.files[request.path], self.etags.get(request.path, '"one"')
        start = 0
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if self.ranges and wanted and request.headers.get("If-Range", etag) == etag:
            start = int(wanted[1])
            if start >= len(body):
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{len(body)}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            request.send_response(200)
        if etag:
            request.send_header("ETag", etag)
        held = self.hold_after is not None
        request.send_header("Content-Length", str(len(body) - start + held))  # held: one byte more never comes
        request.end_headers()
        if held:
            request.wfile.write(body[start : self.hold_after])
            self.held.set()
            self.release.wait(30)
            request.close_connection = True
            return
        cut = self.cuts.pop(0) if self.cuts else None
        request.wfile.write(body[start:] if cut is None else body[start : start + cut])
        self.sent += len(body) - start if cut is None else cut
        request.close_connection = True


@dataclass
class Gate:
    """Stands before an S3 server: passes requests on, counts ranges, and can cut, hold or refuse."""

    target: str
    ranges: list[str] = field(default_factory=list)  # asked for
    headers: list[dict[str, str]] = field(default_factory=list)  # of the requests
    hold_after: int | None = None  # so many answers are given, later ones wait for `release`
    release: threading.Event = field(default_factory=threading.Event)
    held: threading.Event = field(default_factory=threading.Event)
    cut_ranges: set[str] = field(default_factory=set)  # answered with half of the bytes, each time
    cut_once: set[str] = field(default_factory=set)
    status: int | None = None  # answered to everything
    code: str = ""
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _client: httpx.Client = field(default_factory=httpx.Client)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        with self._lock:
            self.ranges.append(asked)
            self.headers.append(dict(request.headers))
            wait = self.hold_after is not None and len(self.ranges) > self.hold_after
        if wait:
            self.held.set()
            self.release.wait(30)
        if self.status is not None:
            body = f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
            request.send_response(self.status)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
            return
        got = self._client.get(
            self.target + request.path, headers={k: v for k, v in request.headers.items() if k != "Host"}
        )
        request.send_response(got.status_code)
        for name in ("ETag", "Content-Range", "Content-Type", "x-amz-request-id"):
            if name in got.headers:
                request.send_header(name, got.headers[name])
        request.send_header("Content-Length", str(len(got.content)))
        request.end_headers()
        cut = asked in self.cut_ranges or asked in self.cut_once
        self.cut_once.discard(asked)
        request.wfile.write(got.content[: len(got.content) // 2] if cut else got.content)
        request.close_connection = cut


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server on a free loopback port that answers every GET by `answer`; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                answer(self)
            except (BrokenPipeError, ConnectionResetError):  # the client was killed, as the test wanted
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
