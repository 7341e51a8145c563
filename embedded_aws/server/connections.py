"""Connections of clients within the files that the system lets the server open."""

import errno
import math
import resource
import time
from typing import Any

from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer

from embedded_aws.services.s3.blobs import Blob, Blobs
from embedded_aws.services.s3.bodies import Body

_FILES = 4096  # wanted; a job inherits them, and a program of old may use no more
_CONNECTIONS = 1000
_SHARE = 0.4  # of the files that connections may have; what else is open are pipes of jobs, sockets of functions, logs
_SPARE = 0.25  # of the files, that no connection may have
_PAUSE = 0.05  # seconds
_RELIEF = 0.1  # of the connections that are closed when there are too many, the idlest first


def connection_limit() -> int:
    """Return how many connections there may be, after asking the system for as many open files as are wanted."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if _open_files_max() < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return int(min(_CONNECTIONS, _SHARE * _open_files_max()))


class Spool:
    """Takes the body of a request for waitress."""

    def __init__(self, store: Blobs) -> None:
        self._blobs = [Blob(store)]

    def __len__(self) -> int:
        return self._blobs[0].size

    def append(self, data: bytes) -> None:
        """Take bytes; OSError where the disk does not."""
        self._blobs[0].append(data)

    def getfile(self) -> Body:
        """Return what the application reads."""
        return Body(self._blobs[0])

    def close(self) -> None:
        """Let the bytes go, unless an object has them."""
        self._blobs.clear()


class NoRoom:
    """The answer to a request whose body the disk does not take, as waitress wants it."""

    def __init__(self, store: Blobs, error: OSError) -> None:
        self._status, self._headers, self._body = store.refusal(error)

    def to_response(self, _ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, headers and body."""
        return f"{self._status} Service Unavailable", list(self._headers.items()), self._body


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request; its body goes to where objects lie, so that no byte of a large one is written twice."""

    store: Blobs

    def received(self, data: bytes) -> int:
        """Take bytes; one that does not fit the disk is told before a client that asks first sends it."""
        try:
            consumed: int = super().received(data)
        except OSError as error:
            self.error, self.completed, self.headers_finished = NoRoom(self.store, error), True, True
            self.expect_continue = False
            return len(data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head; OSError where there is no room for the body."""
        super().parse_header(header_plus)
        if self.body_rcv is not None:
            self.store.require(self.content_length)
            self.body_rcv.buf = Spool(self.store)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """Closes the connections that were idle longest where there are too many, and goes on taking new ones."""

    is_noted = False  # that there were too many
    next_channel_cleanup: float

    def readable(self) -> bool:
        """Tell whether a new connection may come."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        if len(self._map) < self.adj.connection_limit:
            return bool(self.accepting)
        self._relieve()
        return False

    def accept(self) -> Any:
        """Return a new connection, None if none can be opened now; some files are spared for what requests need."""
        try:
            accepted = super().accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            time.sleep(_PAUSE)  # the loop would ask again at once
            self._relieve()
            return None
        if accepted is not None and accepted[0].fileno() >= (1 - _SPARE) * _open_files_max():
            self._relieve()
        return accepted

    def _relieve(self) -> None:
        idle = sorted(filter(_is_idle, self.active_channels.values()), key=lambda channel: channel.last_activity)
        for channel in idle[: max(1, int(_RELIEF * self.adj.connection_limit))]:
            channel.will_close = True
        if not self.is_noted:
            type(self).is_noted = True
            self.logger.warning(
                "%d connections are as many as the limit on open files lets in (ulimit -n): idle ones are closed",
                len(self.active_channels),
            )


def _open_files_max() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft


def _is_idle(channel: Any) -> bool:
    return not (channel.requests or channel.request or channel.total_outbufs_len)
