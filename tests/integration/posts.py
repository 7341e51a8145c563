"""A webhook's receiver on this machine: it keeps what is posted, and answers as a test wants."""

import base64
import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Posted:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def is_signed(self) -> bool:
        """Verify the signature and the time by the Standard Webhooks specification, with nothing of ours."""
        stamp = self.headers["webhook-timestamp"]
        expected = hmac.digest(KEY, f"{self.id}.{stamp}.".encode() + self.body, hashlib.sha256)
        given = [word.split(",") for word in self.headers["webhook-signature"].split(" ")]
        return abs(time.time() - int(stamp)) < 60 and any(
            version == "v1" and hmac.compare_digest(base64.b64decode(value), expected) for version, value in given
        )


class Receiver:
    """A server on loopback. Answers are given in turn, the last one again and again; a path has its own."""

    def __init__(self) -> None:
        self.posts: list[Posted] = []
        self.answers: dict[str, list[int]] = {}
        self.released = threading.Event()  # what is posted to /hang is answered then
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def of(self, path: str) -> list[Posted]:
        with self._lock:
            return [post for post in self.posts if post.path == path]

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, posted: Posted) -> int:
        """Keep a request; return the status to answer."""
        with self._lock:
            self.posts.append(posted)
            answers = self.answers.get(posted.path, [204])
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(Posted(self.path, headers, body))
                if self.path == "/hang":
                    receiver.released.wait(60)
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("location", receiver.url("/elsewhere"))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Keep the test's output clean."""

        return Handler
