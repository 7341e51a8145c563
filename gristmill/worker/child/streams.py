"""The streams that a job reads and writes: bounded, and counted as they pass."""

import io
from collections.abc import Callable
from typing import IO, Any

from gristmill.formats.reader import Counter
from gristmill.formats.whole import OneCounter
from gristmill.limits import MIB

_DRAIN = 1 * MIB
_ALL = 64 * MIB
_BUFFER = 64 * 1024  # bytes; larger reads and writes pass it by


class TaskInput(io.RawIOBase):
    """A task's input: a header, then what `pull` gives until it gives nothing; its records are counted.

    `size` has the bytes that it takes in the store, `item` the text of a list's item.
    """

    def __init__(self, pull: Callable[[int], bytes], counter: Counter, size: int, header: bytes = b"") -> None:
        super().__init__()
        self._pull = pull
        self._counter = counter
        self._header = header
        self._ended = False
        self.size = size
        self.item = ""

    @property
    def records(self) -> int:
        """Return how many records have passed, an unfinished last one included."""
        return self._counter.records

    def argument(self) -> io.BufferedReader:
        """Return what a job is called with."""
        return io.BufferedReader(self, min(_BUFFER, self.size + len(self._header) + 1))

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
        return b"".join(iter(lambda: self._take(_ALL), b""))

    def finish(self) -> None:
        """Pass over what the job did not read, so that it is counted and the next task starts at its own chunk.

        What is one record whatever it holds is one task alone of its stream: a job may read it some other way.
        """
        while not isinstance(self._counter, OneCounter) and self._take(_DRAIN):
            pass

    def _take(self, size: int) -> bytes:
        if self._header:
            data, self._header = self._header[:size], self._header[size:]
            return data
        data = self._pull(size)
        if data:
            self._counter.feed(data)
        elif size and not self._ended:
            self._ended = True
            self._counter.close()
        return data


class Sink(io.RawIOBase):
    """Appends to an open file until it is cut off; counts its records and bytes.

    With `first` (a function that finds where a record ends) the first record is a header, which is kept apart.
    """

    def __init__(self, file: IO[bytes], counter: Counter, first: Callable[[bytes], int] | None = None) -> None:
        super().__init__()
        self._file: IO[bytes] | None = file
        self._counter = counter
        self._first = first
        self._begun = b""
        self.header = ""
        self.size = 0

    @property
    def records(self) -> int:
        """Return how many records were written, an unfinished last one included."""
        return self._counter.records

    def writable(self) -> bool:
        """Tell that this is a stream to write."""
        return True

    def write(self, data: Any) -> int:
        """Append all of `data`."""
        block = bytes(data)
        if block and self._file:
            self._append(self._behind_header(block) if self._first else block)
        return len(block)

    def finish(self) -> None:
        """Take the end of the output: what was written must be whole records."""
        if self._first:
            self._keep(self._begun)
        self._counter.close()

    def _append(self, block: bytes) -> None:
        if block and self._file:
            self._file.write(block)
            self._counter.feed(block)
            self.size += len(block)

    def _behind_header(self, block: bytes) -> bytes:
        """Hold bytes back until the first record is whole; return what is behind it."""
        self._begun += block
        end = self._first(self._begun) if self._first else 0
        if not end:
            return b""
        rest = self._begun[end:]
        self._keep(self._begun[:end])
        return rest

    def _keep(self, header: bytes) -> None:
        self.header = header.decode("latin-1")  # any bytes, and the same back
        self._first, self._begun = None, b""

    def cut_off(self) -> None:
        """Drop further writes: a failed job's buffer is flushed whenever Python comes to delete it."""
        self._file = None
