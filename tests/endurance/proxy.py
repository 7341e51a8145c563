"""A proxy before the store that breaks a share of the requests, in the ways a network and S3 break them.

It listens on another loopback address and the same port, so that what it passes on is as it was signed.
"""

import http.client
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum, unique
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

ANOTHER_ADDRESS = "127.0.0.2"  # macOS has it after `ifconfig lo0 alias 127.0.0.2`
STALL_SECONDS = 1.0
_VARYING = re.compile(r"[0-9a-f-]{16,}|\d+")
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>broken by the proxy</Message></Error>"


@unique
class Fault(StrEnum):
    """What becomes of a request."""

    NONE = "none"
    INTERNAL_ERROR = "500 InternalError"
    SLOW_DOWN = "503 SlowDown"
    RESET = "reset before the store saw it"
    LOST_ANSWER = "reset after the store has done it"
    CUT = "reset in the middle of the answer"
    STALL = "nothing for a while, then reset"


_FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


class Proxy(ThreadingHTTPServer):
    """Passes requests on to `target`; breaks a `share` of them, or with `first` the first one of each kind."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        super().__init__((ANOTHER_ADDRESS, self.target.port or 80), Handler)
        self.share = 0.0
        self.first: Fault | None = None
        self.kinds: set[str] = set()
        self.counts: Counter[Fault] = Counter()
        self._chance = random.Random(7)  # noqa: S311
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        return f"http://{ANOTHER_ADDRESS}:{self.server_address[1]}"

    def draw(self, kind: str) -> Fault:
        """Return what becomes of the next request, which is of this kind."""
        with self._lock:
            fault = self._first(kind) if self.first else self._any()
            self.counts[fault] += 1
        return fault

    def _first(self, kind: str) -> Fault:
        is_first = kind not in self.kinds
        self.kinds.add(kind)
        return self.first if self.first and is_first else Fault.NONE

    def _any(self) -> Fault:
        return self._chance.choice(_FAULTS) if self._chance.random() < self.share else Fault.NONE

    def take_counts(self) -> Counter[Fault]:
        """Return what became of the requests since the last time."""
        with self._lock:
            counts, self.counts = self.counts, Counter()
        return counts


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.server.draw(self._kind()):
            case Fault.INTERNAL_ERROR:
                self._answer(500, {"Content-Type": "application/xml"}, _ERROR.format(code="InternalError").encode())
            case Fault.SLOW_DOWN:
                self._answer(503, {"Content-Type": "application/xml"}, _ERROR.format(code="SlowDown").encode())
            case Fault.RESET:
                self._reset()
            case Fault.STALL:
                time.sleep(STALL_SECONDS)
                self._reset()
            case Fault.LOST_ANSWER:
                self._ask(body)
                self._reset()
            case Fault.CUT:
                status, headers, answer = self._ask(body)
                self._answer(status, headers, answer, cut=True)
            case Fault.NONE:
                self._answer(*self._ask(body))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

    def _kind(self) -> str:
        """Return the operation and the family of keys: `PUT /bucket/work/*/map/repeat/*/receipts/* partNumber`."""
        address = urlsplit(self.path)
        names = sorted(pair.partition("=")[0] for pair in address.query.split("&"))
        return " ".join([self.command, _VARYING.sub("*", address.path), *names])

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        target = self.server.target
        connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.headers.get("Content-Length", "0")
            return answer.status, headers, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        if cut:
            self.wfile.write(b"".join(self._headers_buffer)[:-1] if not body else b"")  # type: ignore[attr-defined]
        if not cut or body:
            self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._reset()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ValueError):  # what was reset stays so
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            self.close_connection = True


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy."""
    server = Proxy(target)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
