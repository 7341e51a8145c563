"""Connections of clients within the files that the system lets the server open."""

import errno
import math
import os
import resource
import time
from functools import cache
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import TcpWSGIServer

from embedded_aws.lifecycle.listeners import owners_of_clients
from embedded_aws.server.chunked import BoundedReceiver
from embedded_aws.server.relief import Standing, expendable, is_overdue
from embedded_aws.server.spool import NoRoom, Spool
from embedded_aws.services.s3.blobs import Blobs

_FILES = 4096  # wanted; a job inherits them, and a program of old may use no more
_CONNECTIONS = 1000
_SHARE = 0.4  # of the files that connections may have; what else is open are pipes of jobs, sockets of functions, logs
_SPARE = 0.25  # of the files, that no connection may have
_PAUSE = 0.05  # seconds
_RELIEF = 0.1  # of the connections that are closed when there are too many
_UNPROVEN = 256 * 1024**2  # bytes of bodies, in all, that callers may have sent before their signature is known


def connection_limit() -> int:
    """Return how many connections there may be, after asking the system for as many open files as are wanted."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if _open_files_max() < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return int(min(_CONNECTIONS, _SHARE * _open_files_max()))


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads one request; its body goes to where objects lie, so that no byte of a large one is written twice."""

    store: Blobs

    def received(self, data: bytes) -> int:
        """Take bytes; one that does not fit the disk is refused before a client that asks first sends it."""
        try:
            consumed: int = super().received(data)
        except OSError as error:
            self.error, self.completed, self.headers_finished = NoRoom(self.store, error), True, True
            self.expect_continue = False
            return len(data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head; OSError where there is no room for the body."""
        try:
            super().parse_header(header_plus)
        except ValueError:  # of numbers and addresses that Python does not read
            raise ParsingError("The head of the request cannot be read") from None
        if self.chunked:
            self.body_rcv = BoundedReceiver(Spool(self.store))
        elif self.body_rcv is not None:
            if self.content_length < self.adj.max_request_body_size:  # what is more is refused anyway
                self.store.require(self.content_length)
            self.body_rcv.buf = Spool(self.store)


class Connection(HTTPChannel):  # type: ignore[misc]
    """One connection of a client, and what it has proven."""

    has_signed = False  # a request that was served

    @property
    def standing(self) -> Standing:
        """Return what is known of it."""
        request = self.request
        return Standing(
            opened=self.creation_time,
            last_activity=self.last_activity,
            is_proven=self.is_proven,
            is_served=bool(self.requests),
            is_idle=not (self.requests or request or self.total_outbufs_len),
            body_received=request.body_bytes_received if request else 0,
        )

    @property
    def is_proven(self) -> bool:
        """Return whether it has signed a request rightly, if only in the head of one."""
        return self.has_signed or bool(self.request and self.request.is_proven)

    @property
    def unproven_bytes(self) -> int:
        """Return how much it sends before its signature is known."""
        coming = () if self.has_signed else (self.request, *self.requests)
        return sum(request.unproven_bytes for request in coming if request)


class Server(TcpWSGIServer):  # type: ignore[misc]
    """Closes the connections that are trusted least where there are too many, and goes on taking new ones."""

    is_noted = False  # that there were too many
    next_channel_cleanup: float
    next_look = 0.0

    def readable(self) -> bool:
        """Return whether a new connection may come."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        if now >= self.next_look:
            self.next_look = now + 1
            for channel in self._connections():
                channel.will_close |= is_overdue(channel.standing, now)
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

    def has_room_for(self, addr: Any) -> bool:
        """Return whether another body may come whose sender has not proven itself; the server's own user always may."""
        if sum(channel.unproven_bytes for channel in self._connections()) <= _UNPROVEN:
            return True
        return owners_of_clients(int(self.effective_port)).get(addr[:2]) == os.getuid()

    def _connections(self) -> list[Connection]:
        """Return those of all listeners: they share the files."""
        return [channel for channel in self._map.values() if isinstance(channel, Connection)]

    def _relieve(self) -> None:
        connections = self._connections()
        if any(channel.will_close for channel in connections):  # they go at once
            return
        owners = cache(lambda: owners_of_clients(int(self.effective_port)))  # a large table, seldom needed
        by_trust = expendable(
            ((channel, channel.standing) for channel in connections),
            lambda channel: owners().get(channel.addr[:2]) == os.getuid(),
        )
        for channel in by_trust[: max(1, int(_RELIEF * self.adj.connection_limit))]:
            channel.will_close = True
        if not self.is_noted:
            type(self).is_noted = True
            self.logger.warning(
                "%d connections are as many as the limit on open files lets in (ulimit -n): idle ones are closed",
                len(connections),
            )


def _open_files_max() -> float:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft
