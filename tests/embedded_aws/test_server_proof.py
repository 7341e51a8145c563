"""The challenge: only the server that wrote a state file answers it, and no answer takes for ever."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from embedded_aws.lifecycle import listeners, proof
from embedded_aws.lifecycle.listeners import check_listener
from embedded_aws.lifecycle.processes import start_of
from embedded_aws.lifecycle.proof import IDENTITY, find_server
from embedded_aws.lifecycle.state import BadState
from embedded_aws.server.identity import Identity
from embedded_aws.settings.settings import Settings
from tests.states import fields, plant

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
OTHERS = {
    "nothing": [],
    "no http": [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "no json": [HEAD + b"<html>"],
    "no object": [HEAD + b"[1]"],
    "a deep one": [HEAD + b"[" * 10_000],
    "no proof": [HEAD + b'{"pid": %d}' % os.getpid()],
    "a wrong proof": [HEAD + b'{"pid": %d, "proof": "%s"}' % (os.getpid(), b"0" * 64)],
    "an odd proof": [HEAD + '{"pid": %d, "proof": "é"}'.encode() % os.getpid()],
    "another process": [HEAD + b'{"pid": 1, "proof": "%s"}' % (b"0" * 64)],
    "a redirect": [b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\n\r\n"],
    "very much": [HEAD + b"x" * 1_000_000],
    "drop by drop": [b"x"] * 100,
}


class Quiet(WSGIRequestHandler):
    def log_message(self, *_args: Any) -> None:
        return


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give what a real answerer notes of itself; proxies are set, and must not be asked."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    state = fields(tmp_path, pid=os.getpid(), started=start_of(os.getpid()))
    settings = Settings(tmp_path, nonce=state["nonce"])
    serving = make_server("127.0.0.1", 0, Identity(settings), handler_class=Quiet)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield {**state, "port": serving.server_port, "endpoint": f"http://localhost:{serving.server_port}"}
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_the_server_that_wrote_the_file_is_found(tmp_path: Path, server: dict[str, Any]):
    plant(tmp_path, server)
    found = find_server(tmp_path)
    assert found is not None
    assert found.port == server["port"]


@pytest.mark.parametrize("changed", [{"nonce": "cd" * 32}, {"port": 1, "endpoint": "http://localhost:1"}])
def test_another_secret_or_port_is_not_its_own(tmp_path: Path, server: dict[str, Any], changed: dict[str, Any]):
    plant(tmp_path, {**server, **changed})
    with pytest.raises(BadState):
        find_server(tmp_path)


@pytest.mark.parametrize("started", ["1", "Thu Jan  1 00:00:00 1970"])
def test_a_process_that_began_at_another_time_is_another(tmp_path: Path, server: dict[str, Any], started: str):
    plant(tmp_path, {**server, "started": started})
    assert find_server(tmp_path) is None


@pytest.mark.parametrize("pieces", OTHERS.values(), ids=OTHERS)
def test_whatever_else_answers_is_not_believed_and_takes_no_longer_than_it_may(
    tmp_path: Path, monkeypatch, pieces: list[bytes]
):
    monkeypatch.setattr(proof, "_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener, pieces), daemon=True).start()
        port = listener.getsockname()[1]
        plant(tmp_path, fields(tmp_path, pid=os.getpid(), started=start_of(os.getpid()), port=port))
        begun = time.monotonic()
        with pytest.raises(BadState):
            find_server(tmp_path)
    assert time.monotonic() - begun < 2


def answer(listener: socket.socket, pieces: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        for piece in pieces:
            try:
                connection.sendall(piece)
            except OSError:
                return
            time.sleep(0.05 if len(pieces) > 1 else 0)


@pytest.mark.parametrize("challenge", ["", "a", "g" * 64, "ab" * 33, "AB" * 32])
def test_a_challenge_that_is_none_gets_no_proof(tmp_path: Path, challenge: str):
    given: list[str] = []
    start: Callable[..., Any] = lambda status, _headers: given.append(status)  # noqa: E731
    application = Identity(Settings(tmp_path))
    environ = {"PATH_INFO": IDENTITY, "QUERY_STRING": f"challenge={challenge}"}
    assert (list(application(environ, start)), given) == ([], ["400 Bad Request"])


HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {at}:B25C 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}        0 1 1 0 100 0\n"
PORT = 0xB25C
HERE, ANYWHERE, ELSEWHERE = "0100007F", "00000000", "0101A8C0"
MAPPED = "0000000000000000FFFF00000100007F"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("rows", "refusal"),
    [
        ([(HERE, "0A", 1000)], ""),
        ([(HERE, "0A", 1001)], "another user"),
        ([(ANYWHERE, "0A", 1001)], "another user"),
        ([(ANYWHERE, "0A", 1001), (HERE, "0A", 1000)], ""),
        ([(ANYWHERE, "0A", 1000), (HERE, "0A", 1001)], "another user"),
        ([(MAPPED, "0A", 1001)], "another user"),
        ([(ELSEWHERE, "0A", 1000)], "nothing listens"),
        ([(HERE, "01", 1000)], "nothing listens"),
        ([], "nothing listens"),
    ],
)
def test_a_socket_of_another_user_is_not_believed(
    tmp_path: Path, monkeypatch, rows: list[tuple[str, str, int]], refusal: str
):
    texts = {"tcp": HEADER, "tcp6": HEADER}
    for at, state, uid in rows:
        texts["tcp" if len(at) == 8 else "tcp6"] += ROW.format(at=at, state=state, uid=uid)
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(listeners, "_TABLES_AT", tmp_path)
    monkeypatch.setattr("os.getuid", lambda: 1000)
    if not refusal:
        check_listener("127.0.0.1", PORT)
        return
    with pytest.raises(ValueError, match=refusal):
        check_listener("127.0.0.1", PORT)
