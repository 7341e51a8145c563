"""A stream over ranged requests that outlives broken connections."""

import io
from collections.abc import Callable
from typing import Any, BinaryIO

from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from urllib3.exceptions import HTTPError

from gristmill.clock import REAL, Clock

BROKEN = (
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    HTTPError,
    IncompleteReadError,
    OSError,
    ReadTimeoutError,
    ResponseStreamingError,
)
_TRIES = 6
_FIRST_WAIT = 0.1  # seconds; doubles with each try, with full jitter


class RangedReader(io.RawIOBase):
    """Bytes [start, end) of an object. `fetch(position)` opens a body at `position`."""

    def __init__(self, fetch: Callable[[int], Any], start: int, end: int | None, clock: Clock = REAL) -> None:
        super().__init__()
        self._fetch = fetch
        self._position = start
        self._end = end
        self._clock = clock
        self._body: Any = None

    def buffered(self, size: int) -> BinaryIO:
        """Return this reader behind a buffer of `size` bytes."""
        return io.BufferedReader(self, size)

    def readable(self) -> bool:
        """Tell that this is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        if self._end is not None and self._position >= self._end:
            return 0
        data = self._read_surely(len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read_surely(self, size: int) -> bytes:
        for attempt in range(_TRIES):
            try:
                return self._read_once(size)
            except BROKEN:
                self.drop()
                if attempt == _TRIES - 1:
                    raise
                self._clock.sleep(self._clock.uniform(0, _FIRST_WAIT * 2**attempt))
        raise AssertionError("unreachable")

    def _read_once(self, size: int) -> bytes:
        if self._body is None:
            self._body = self._fetch(self._position)
        data: bytes = self._body.read(size)
        if not data and self._end is not None:
            raise ConnectionError(f"the stream ended {self._end - self._position} bytes early")
        return data

    def drop(self) -> None:
        """Let go of the connection."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        """Close the stream and its connection."""
        self.drop()
        super().close()
