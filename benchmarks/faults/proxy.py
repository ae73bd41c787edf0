"""A proxy before the S3-protocol server that answers as bad servers do, for as many requests as it is told."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal["500", "503", "drop", "truncate", "etag", "expired"]
ERRORS = {"500": (500, "InternalError"), "503": (503, "SlowDown"), "expired": (400, "ExpiredToken")}
WRONG_ETAG = '"00000000000000000000000000000000"'


@dataclass
class Proxy:
    """Passes requests on to `target`; after `spared` of them, `left` are answered as `kind` says (None: all)."""

    target: str
    kind: Kind | None = None
    spared: int = 0
    left: int | None = 0
    struck: int = 0  # answers that were bad
    asked: int = 0  # requests since it was healed
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, kind: Kind, *, spared: int, left: int | None) -> None:
        """From the request after `spared` good ones on, answer `left` requests badly; None: until `heal`."""
        with self._lock:
            self.kind, self.spared, self.left, self.struck = kind, spared, left, 0

    def heal(self) -> None:
        with self._lock:
            self.kind, self.asked = None, 0

    def _next(self) -> Kind | None:
        """How to answer the request that came now."""
        with self._lock:
            self.asked += 1
            if self.kind is None or self.left == 0:
                return None
            if self.spared:
                self.spared -= 1
                return None
            self.left = None if self.left is None else self.left - 1
            self.struck += 1
            return self.kind

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kind = self._next()
        if kind == "drop":
            request.close_connection = True
            return
        if kind in ERRORS:
            _refuse(request, *ERRORS[kind])
            return
        status, headers, content = self._ask(request, body)
        request.send_response(status)
        for name, value in headers:
            if name.lower() not in ("connection", "content-length", "date", "server", "transfer-encoding"):
                request.send_header(name, WRONG_ETAG if kind == "etag" and name.lower() == "etag" else value)
        length = next((value for name, value in headers if name.lower() == "content-length"), str(len(content)))
        request.send_header("Content-Length", length)  # of a HEAD: of the object, which is not sent
        request.end_headers()
        request.wfile.write(content[: len(content) // 2] if kind == "truncate" else content)
        request.close_connection = kind == "truncate"

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=30)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() != "expect"}
            connection.request(request.command, request.path, body=body, headers=headers)
            got = connection.getresponse()
            return got.status, got.getheaders(), got.read()
        finally:
            connection.close()


def _refuse(request: BaseHTTPRequestHandler, status: int, code: str) -> None:
    content = f"<Error><Code>{code}</Code><Message>as the fault wants</Message></Error>".encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/xml")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


@contextmanager
def serving(proxy: Proxy) -> Iterator[str]:
    """The address at which `proxy` answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the client was killed, as the fault wanted
                super().handle()

        def _answer(self) -> None:
            proxy.answer(self)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """What was asked is no news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
