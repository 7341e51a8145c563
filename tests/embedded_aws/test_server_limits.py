"""What the server takes from callers that have proven nothing: how long, how much, and what of it is logged."""

import http.client
import io
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waitress import server as waitress_server
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.receiver import ChunkedReceiver

from embedded_aws.access import failures
from embedded_aws.access.gate import Gate, Rules
from embedded_aws.access.refusals import Why
from embedded_aws.lifecycle.listeners import owners_of_clients
from embedded_aws.server import connections, relief
from embedded_aws.server.chunked import BoundedReceiver
from embedded_aws.server.connections import Server
from embedded_aws.server.flood import Flood
from embedded_aws.server.headers import Channel, LineParser
from embedded_aws.server.relief import Standing, expendable, is_overdue
from embedded_aws.services.s3.blobs import Blobs
from tests.embedded_aws.signed import PORT, RING, client, sent

FRESH = Standing(100.0, 100.0, is_proven=False, is_served=False, is_idle=True, body_received=0)


class Buffer(list[bytes]):
    """What waitress puts a body into."""

    def __len__(self) -> int:
        return sum(map(len, iter(self)))


def test_who_proves_nothing_in_time_is_overdue_however_busily_it_sends():
    late = 121.0
    assert not is_overdue(FRESH, 119.0)
    assert is_overdue(replace(FRESH, is_idle=False, last_activity=late), late)
    assert not is_overdue(replace(FRESH, is_proven=True), late)
    assert not is_overdue(replace(FRESH, is_served=True), late)
    assert not is_overdue(replace(FRESH, body_received=10 * 1024**2), late), "a large body takes longer"
    assert is_overdue(replace(FRESH, body_received=10 * 1024**2), 1000.0)


def test_half_sent_requests_of_strangers_go_first_and_what_is_served_never():
    half = replace(FRESH, is_idle=False)
    channels = {
        "owner, fresh": replace(FRESH, opened=200.0),
        "owner, half": replace(half, opened=150.0),
        "stranger, half": replace(half, opened=180.0, last_activity=300.0),
        "stranger, older": replace(half, opened=170.0, last_activity=400.0),
        "proven, idle": replace(FRESH, is_proven=True, last_activity=160.0),
        "proven, busy": replace(half, is_proven=True),
        "served": replace(half, is_served=True),
    }
    gone = expendable(channels.items(), lambda name: name.startswith("owner"))
    assert gone == ["stranger, older", "stranger, half", "owner, half", "proven, idle", "owner, fresh"]


@contextmanager
def serving(limit: int) -> Iterator[tuple[str, int]]:
    """Serve every request, with as many connections at once."""

    def serve(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    listener = socket.create_server(("127.0.0.1", 0))
    Server.channel_class = Channel
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waitress_server, "TcpWSGIServer", Server)
        server = waitress_server.create_server(
            serve, sockets=[listener], threads=2, connection_limit=limit, asyncore_use_poll=True
        )
    loop = threading.Thread(target=server.run)
    loop.start()
    try:
        yield listener.getsockname()
    finally:
        with suppress(OSError):  # the loop was awake, closed all and its trigger before this could wake it
            server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        loop.join()
        server.task_dispatcher.shutdown()


def half_sent(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
    return connection


def test_half_sent_requests_keep_nobody_out():
    with serving(limit=20) as address:
        opened = [half_sent(address) for _ in range(60)]
        for _ in range(3):
            for connection in opened:
                with suppress(OSError):
                    connection.sendall(b"a")
            asking = http.client.HTTPConnection(*address, timeout=5)
            asking.request("GET", "/")
            assert asking.getresponse().read() == b"ok"
            asking.close()
        for connection in opened:
            connection.close()


def test_a_half_sent_request_is_closed_in_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relief, "_SECONDS", 0.2)
    with serving(limit=20) as address, half_sent(address) as connection:
        assert connection.recv(100) == b""


def test_strangers_together_send_so_much_and_the_owner_more(parser: type[LineParser], monkeypatch: pytest.MonkeyPatch):
    owners: dict[tuple[str, int], int] = {}
    monkeypatch.setattr(connections, "_UNPROVEN", 150_000)
    monkeypatch.setattr(connections, "owners_of_clients", lambda _: owners)
    with serving(limit=20) as address:
        head = f"POST / HTTP/1.1\r\nHost: localhost:{PORT}\r\nContent-Length: 100000\r\n\r\n".encode()
        with (
            socket.create_connection(address, timeout=5) as first,
            socket.create_connection(address, timeout=5) as next_,
        ):
            first.sendall(head)
            time.sleep(0.1)
            next_.sendall(head)
            assert next_.recv(100).startswith(b"HTTP/1.1 503 ")
            with socket.create_connection(address, timeout=5) as own:
                owners[own.getsockname()] = os.getuid()
                own.sendall(head + b"b" * 100_000)
                assert own.recv(100).startswith(b"HTTP/1.1 200 ")
            first.sendall(b"b" * 100_000)
            assert first.recv(100).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection(address, timeout=5) as later:
            later.sendall(head + b"b" * 100_000)
            assert later.recv(100).startswith(b"HTTP/1.1 200 "), "what was sent is counted no longer"


@given(
    st.lists(st.sampled_from([b"1\r\na\r\n", b"a\r\n0123456789\r\n", b"3;x=y\r\nabc\r\n", b"zz", b"\r\n"]), max_size=8)
)
def test_chunks_are_read_as_waitress_reads_them(pieces: list[bytes]):
    data = b"".join(pieces) + b"0\r\n\r\nNEXT"
    theirs, ours = ChunkedReceiver(Buffer()), BoundedReceiver(Buffer())
    consumed = theirs.received(data), ours.received(data)
    assert bool(theirs.error) == bool(ours.error)
    if not theirs.error:
        assert consumed[0] == consumed[1]
        assert b"".join(theirs.buf) == b"".join(ours.buf)


@pytest.mark.parametrize("start", [b"", b"5;", b"0\r\nx: "])
def test_a_chunk_line_or_a_trailer_without_an_end_is_an_error_soon(start: bytes):
    receiver, place = BoundedReceiver(Buffer()), 0
    receiver.received(start)
    while not receiver.error and place < 10**6:
        place += receiver.received(b"1" * 512)
    assert receiver.error
    assert place < 70_000
    data = start + b"1" * 10**6
    assert BoundedReceiver(Buffer()).received(data) == len(data), "nothing is left that looks like a request"


def test_tiny_chunks_take_no_more_than_a_moment():
    begun = time.process_time()
    receiver = BoundedReceiver(Buffer())
    receiver.received(b"1\r\na\r\n" * 40_000)
    assert not receiver.error
    assert time.process_time() - begun < 1, "waitress alone copies gigabytes"


@pytest.fixture
def parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[LineParser]:
    rules = Rules(PORT, "us-east-1", frozenset(), RING.secret_of, lambda _: [], "")
    monkeypatch.setattr(LineParser, "gate", Gate(None, None, rules), raising=False)  # type: ignore[arg-type]
    monkeypatch.setattr(LineParser, "store", Blobs(tmp_path), raising=False)
    return LineParser


def asked(parser: type[LineParser], head: str, body: bytes = b"", **named: Any) -> LineParser:
    made = parser(Adjustments(max_request_body_size=2**33), **named)
    data = f"{head}\r\nHost: localhost:{PORT}\r\n".replace("\n\r\n", "\n").encode() + b"\r\n"
    consumed = made.received(data)
    while body and not made.completed:
        consumed = made.received(body[: 2**17])
        body = body[consumed:]
    return made


@pytest.mark.parametrize("head", [f"PUT /b/k HTTP/1.1\r\nContent-Length: {'9' * 5000}", "GET http://[::1/ HTTP/1.1"])
def test_a_head_with_numbers_that_python_does_not_read_is_answered(parser: type[LineParser], head: str):
    assert asked(parser, head).error.to_response()[0].startswith("400 ")


def signed_head(call: Any, length: int) -> str:
    request = sent(call)
    lines = [f"{name}: {value}" for name, value in request.headers if name not in ("content-length", "host")]
    return "\r\n".join([f"{request.method} {request.target} HTTP/1.1", *lines, f"Content-Length: {length}"])


OTHERS = {
    "stepfunctions": (lambda c: c.list_state_machines(), 7 * 1024**2),
    "lambda": (lambda c: c.create_function(FunctionName="f", Role="r" * 20, Code={"ZipFile": b""}), 80 * 1024**2),
}


@pytest.mark.parametrize("service", OTHERS)
def test_a_body_that_its_service_does_not_take_is_refused_by_the_head(parser: type[LineParser], service: str):
    call, size = OTHERS[service]
    made = asked(parser, signed_head(lambda: call(client(service)), size))
    assert made.error.to_response()[0].startswith("413 ")
    assert not asked(
        parser, signed_head(lambda: call(client(service)), size - 15 * 1024**2 if size > 2**25 else 2**22)
    ).error
    full = asked(parser, signed_head(lambda: call(client(service)), 2**22), has_room=lambda: False)
    assert full.error.to_response()[0].startswith("503 ")
    chunked = signed_head(lambda: call(client(service)), 0).replace("Content-Length: 0", "Transfer-Encoding: chunked")
    assert asked(parser, chunked).error.to_response()[0].startswith("411 ")


def test_a_head_that_s3_signs_proves_its_sender(parser: type[LineParser]):
    good = signed_head(
        lambda: client("s3", "path", host="localhost").put_object(Bucket="mill", Key="k", Body=b"b"), 2**32
    )
    made = asked(parser, good, has_room=lambda: False)
    assert (made.error, made.is_proven, made.unproven_bytes) == (None, True, 0)
    assert asked(parser, good.replace("/mill/k", "/mill/z")).error.to_response()[0].startswith("403 ")


FORM = "POST /mill HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"


@pytest.mark.parametrize(
    ("part", "count", "status"),
    [
        ('--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n\r\n', 100_000, "400 "),
        ('--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + "v" * 100_000, 10, "400 "),
        ("preamble {}\r\n", 100_000, "400 "),
        ('--x\r\nContent-Disposition: form-data; name="key"; filename="{}"\r\nA: b\r\n', 100_000, "400 "),
        ('--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n', 1, "403 "),
    ],
)
def test_a_form_is_refused_before_its_file_is_taken(parser: type[LineParser], part: str, count: int, status: str):
    body = "".join(part.format(number) for number in range(count)).encode() + b"f" * 10**6
    begun = time.process_time()
    made = asked(parser, f"{FORM}Content-Length: {2**32}", body)
    assert made.error.to_response()[0].startswith(status)
    assert len(made.body_rcv.buf) < 200_000
    assert time.process_time() - begun < 5


def test_a_form_of_an_unknown_size_is_refused(parser: type[LineParser]):
    assert asked(parser, f"{FORM}Transfer-Encoding: chunked").error.to_response()[0].startswith("411 ")


def test_of_many_records_few_are_written_and_each_is_cut():
    now = [0.0]
    flood = Flood(lambda: now[0])

    def written(text: str) -> str | None:
        record = logging.LogRecord("gate", logging.INFO, "", 0, "refused %s", (text,), None)
        return record.getMessage() if flood.filter(record) else None

    lines = [written("/" + "a" * 200_000) for _ in range(1000)]
    assert len([line for line in lines if line]) == 20
    assert len(lines[0] or "") < 400
    now[0] = 11.0
    assert written("/b") == "refused /b (980 more such lines were left out)"
    assert written("/c") == "refused /c"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="there is no such table")
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_owner_of_a_connection_is_told_by_the_system(family: socket.AddressFamily, address: str):
    with socket.socket(family) as listener, socket.socket(family) as caller:
        try:
            listener.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        listener.listen()
        caller.connect(listener.getsockname()[:2])
        owners = owners_of_clients(listener.getsockname()[1])
        assert owners == {caller.getsockname()[:2]: os.getuid()}


DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize(
    ("service", "body", "error", "reason"),
    [
        ("states", DEEP, TypeError(), Why.UNREADABLE),
        ("states", b"[1]", TypeError(), Why.UNREADABLE),
        ("states", b"{", TypeError(), Why.UNREADABLE),
        ("states", b"{}", RecursionError(), Why.UNREADABLE),
        ("states", b"{}", KeyError("Nope"), Why.NO_SERVICE),
        ("states", b"{}", NotImplementedError(), Why.NO_SERVICE),
        ("states", b"{}", KeyError("other"), None),
        ("s3", b"<a>" * 5000 + b"</a>" * 5000, KeyError("Delete"), Why.UNREADABLE),
        ("s3", b"<a", KeyError("Delete"), Why.UNREADABLE),
        ("s3", b"<Delete/>", KeyError("Object"), None),
        ("s3", b"\xff\xfe", KeyError("x"), None),
    ],
)
def test_whose_fault_a_failure_is(service: str, body: bytes, error: Exception, reason: Why | None):
    claim: Any = type("Claimed", (), {"service": service})
    environ = {"wsgi.input": io.BytesIO(body), "HTTP_X_AMZ_TARGET": "AWSStepFunctions.Nope"}
    environ["wsgi.input"].read()  # type: ignore[attr-defined]
    assert failures.why(environ, claim, error) is reason
