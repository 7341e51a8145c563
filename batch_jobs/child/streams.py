"""The streams that a job reads and writes: bounded, and counted as they pass."""

import io
from typing import IO, Any, BinaryIO

_DRAIN = 1024**2


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
        data = self._stream.read(min(len(buffer), self._left))
        if len(data) == 0:
            if self._left:
                raise OSError(f"the input ended {self._left} bytes early")
            return 0
        self._left -= len(data)
        self._ends += data.count(b"\n")
        self._last = data[-1:]
        buffer[: len(data)] = data
        return len(data)

    def drain(self) -> None:
        """Pass over what the job did not read, so that the next task starts at its own chunk."""
        buffer = bytearray(_DRAIN)
        while self.readinto(buffer):
            pass


class Sink(io.RawIOBase):
    """Appends to an open file; counts its lines and bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
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
        if block:
            self._file.write(block)
            self._ends += block.count(b"\n")
            self._last = block[-1:]
            self.size += len(block)
        return len(block)
