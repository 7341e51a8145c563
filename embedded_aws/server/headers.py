"""Where waitress speaks HTTP otherwise than S3 does.

It writes each word of a header large, where S3 sends the names of object metadata in lower case; after a
`100 Continue` it waits for a body that an empty object does not have; it keeps the path as it was sent, which tells
`%2520` from a space, under another name than the one moto reads; and it joins headers that come twice and drops those
with a `_` in their name, where a signature is of each line as it was sent.
"""

import io
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from waitress.parser import get_header_lines
from waitress.rfc7230 import HEADER_FIELD_RE
from waitress.task import WSGITask

from embedded_aws.access import form
from embedded_aws.access.answers import Answer
from embedded_aws.access.gate import PROVEN, Gate, Head
from embedded_aws.access.refusals import Refused, Why
from embedded_aws.access.request import WIRE_HEADERS, Request, wire_lines
from embedded_aws.server.connections import Connection, Parser

_SMALL = 64 * 1024  # bytes of a body that anybody may send
_LARGE = 1024**2  # bytes of a body that is not taken before its head is found right
_METADATA = re.compile(rb"^X-Amz-Meta-[^:]+", re.MULTILINE)


class LineParser(Parser):
    """Reads one request, and keeps its head as it was sent."""

    gate: Gate  # of the server
    error: Any = None
    lines: tuple[tuple[str, str], ...] = ()
    head = Head()

    def __init__(self, adj: Any, has_room: Callable[[], bool] = lambda: True) -> None:
        """Take waitress's settings, and what tells whether the body of an unproven caller may come."""
        super().__init__(adj)
        self._has_room = has_room

    @property
    def is_proven(self) -> bool:
        """Return whether the signature is right, as far as it has come."""
        return self.head.is_proven or bool(self.head.signed_form and self.head.signed_form.is_proven)

    @property
    def unproven_bytes(self) -> int:
        """Return how many bytes come before the signature is known; of a form they are few."""
        return 0 if self.is_proven or self.head.signed_form else int(self.content_length)

    def received(self, data: bytes) -> int:
        """Take bytes; of what is refused nothing more is read."""
        try:
            consumed = super().received(data)
        except Refused as refused:
            self._refuse(self.gate.refusal_of(self._request(), refused))
        return len(data) if isinstance(self.error, _Refusal) else consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head; OSError where there is no room for the body."""
        super().parse_header(header_plus)
        fields = (HEADER_FIELD_RE.match(line) for line in get_header_lines(header_plus.partition(b"\r\n")[2]))
        self.lines = tuple((field["name"].decode("latin-1"), _text(field["value"])) for field in fields)
        if self.body_rcv is not None and self.content_length < self.adj.max_request_body_size:
            self._look_at_head(self._request())

    def _look_at_head(self, request: Request) -> None:
        if self.chunked or self.content_length > _LARGE or form.is_form(request):
            self.head = self.gate.look_at_head(request, None if self.chunked else self.content_length)
        if self.head.refusal is not None:
            self._refuse(self.head.refusal)
        elif self.unproven_bytes > _SMALL and not self._has_room():
            self._refuse(self.gate.refusal_of(request, Refused(Why.NO_ROOM)))
        elif self.head.signed_form is not None:
            self.body_rcv.buf.check = self.head.signed_form.take

    def _refuse(self, answer: Answer) -> None:
        self.error, self.completed, self.expect_continue = _Refusal(answer), True, False

    def _request(self) -> Request:
        return Request(self.command.upper(), self.request_uri, wire_lines(self.lines), io.BytesIO())


class _Refusal:
    """An answer of the gate, as waitress wants it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        status = self._answer.status
        return f"{status.value} {status.phrase}", list(self._answer.headers), self._answer.body


def _text(value: bytes) -> str:
    """Return a header's value as its sender meant it: UTF-8, if it is that."""
    try:
        return value.strip(b" \t").decode()
    except UnicodeDecodeError:
        return value.strip(b" \t").decode("latin-1")


class Task(WSGITask):  # type: ignore[misc]
    """Answers one request."""

    def get_environment(self) -> Any:
        """Return the WSGI environment."""
        environ = super().get_environment()
        environ["RAW_URI"] = environ["REQUEST_URI"]
        environ[WIRE_HEADERS] = self.request.lines
        environ[PROVEN] = self.channel.note_signature
        kept = {name: value for name, value in self.request.lines if should_preserve_original_header_name(name)}
        names = {environ_key_for_header(name): name for name in kept}
        environ.update({key: kept[name] for key, name in names.items() if key not in environ})
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = names
        return environ

    def build_response_header(self) -> bytes:
        """Return the head of the response; who has proven nothing gets one response a connection."""
        if not self.channel.is_proven:
            self.set_close_on_finish()
        return _METADATA.sub(lambda name: name[0].lower(), super().build_response_header())


class Channel(Connection):
    """One connection of a client."""

    task_class = Task

    def parser_class(self, adj: Any) -> LineParser:
        """Return what reads the next request."""
        return LineParser(adj, partial(self.server.has_room_for, self.addr))

    def note_signature(self) -> None:
        """Take note that a request of it was signed rightly."""
        self.has_signed = True

    def send_continue(self) -> None:
        """Tell the client to send the body; a request that is whole without one stays so."""
        whole = self.request.completed
        super().send_continue()
        self.request.completed = whole
