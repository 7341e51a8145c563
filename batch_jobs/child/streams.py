"""The streams that a job reads and writes: bounded, and counted as they pass."""

import io
from collections.abc import Callable
from typing import IO, Any, BinaryIO

from gristmill.limits import MIB

_DRAIN = 1 * MIB


class Source(io.RawIOBase):
    """The next `size` bytes of a stream; counts its lines. The end of the chunk is the end of the stream."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = size
        self._last = b"\n"
        self._ends = 0

    @property
    def records(self) -> int:
        """Return how many lines have passed, an unfinished last one included."""
        return self._ends + (self._last != b"\n")

    def readable(self) -> bool:
        """Tell that this is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end of the chunk."""
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        """Return the rest of the chunk at once."""
        return self._take(self._left)

    def drain(self) -> None:
        """Pass over what the job did not read, so that it is counted and the next task starts at its own chunk."""
        while self._left:
            self._take(_DRAIN)

    def _take(self, size: int) -> bytes:
        data = self._stream.read(min(size, self._left))
        if not data and size and self._left:
            raise OSError(f"the input ended {self._left} bytes early")
        self._left -= len(data)
        self._ends += data.count(b"\n")
        self._last = data[-1:] or self._last
        return data


class Sink(io.RawIOBase):
    """Appends to an open file until it is cut off; counts its lines and bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file: IO[bytes] | None = file
        self._last = b"\n"
        self._ends = 0
        self.size = 0

    @property
    def records(self) -> int:
        """Return how many lines were written, an unfinished last one included."""
        return self._ends + (self._last != b"\n")

    def writable(self) -> bool:
        """Tell that this is a stream to write."""
        return True

    def write(self, data: Any) -> int:
        """Append all of `data`."""
        block = bytes(data)
        if block and self._file:
            self._file.write(block)
            self._ends += block.count(b"\n")
            self._last = block[-1:]
            self.size += len(block)
        return len(block)

    def cut_off(self) -> None:
        """Let nothing more through: a failed job's buffer is flushed whenever Python comes to delete it."""
        self._file = None


class Feed:
    """The input of consecutive tasks as one stream, opened again only where a task broke off."""

    def __init__(self, open_at: Callable[[int], BinaryIO]) -> None:
        self._open_at = open_at
        self._stream: BinaryIO | None = None

    def chunk(self, start: int, size: int) -> Source:
        """Return `size` bytes from `start`, which is where the last chunk ended unless `drop` was called since."""
        if self._stream is None:
            self._stream = self._open_at(start)
        return Source(self._stream, size)

    def drop(self) -> None:
        """Let go of the stream: whoever broke off may have left it anywhere."""
        stream, self._stream = self._stream, None
        if stream:
            stream.close()
