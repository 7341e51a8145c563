"""The blocks of a BGZF file: read one after another, and where each begins in the file and in its data.

SAM specification, section 4.1. A virtual offset is `byte of a block in the file << 16 | byte in the block's data`.
"""

import io
import zlib
from array import array
from bisect import bisect_right
from typing import Any, BinaryIO

from gristmill.formats.reader import Malformed

HEAD = 18  # bytes of a block's header, with the one extra field that BGZF has
MAGIC = b"\x1f\x8b\x08\x04"
_EXTRA = b"BC\x02\x00"


def is_bgzf(head: bytes) -> bool:
    """Tell whether a file that begins so is BGZF."""
    return head[:4] == MAGIC and head[12:16] == _EXTRA


class Blocks(io.RawIOBase):
    """The data of consecutive blocks as one stream, from the block at byte `start` of the file on."""

    def __init__(self, stream: BinaryIO, start: int, table: "Table | None" = None) -> None:
        super().__init__()
        self._stream = stream
        self._table = table
        self.block = start  # byte of the present block in the file
        self._next = start
        self.data = b""
        self.place = 0  # byte in the present block's data

    def readable(self) -> bool:
        """Tell that this is a stream to read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what is left of a block; 0 at the end."""
        while self.place == len(self.data):
            if not self.advance():
                return 0
        data = self.data[self.place : self.place + len(buffer)]
        self.place += len(data)
        buffer[: len(data)] = data
        return len(data)

    def advance(self) -> bool:
        """Go on to the next block; tell whether there is one. Malformed where it is broken or cut off."""
        head = self._stream.read(HEAD)
        if not head:
            self.block, self.data, self.place = self._next, b"", 0
            return False
        if not is_bgzf(head) or len(head) < HEAD:
            raise Malformed(None, self._next, f"expected the header of a BGZF block, found {head[:8]!r}")
        size = int.from_bytes(head[16:18], "little") + 1
        body = self._stream.read(size - HEAD)
        if len(body) < size - HEAD:
            raise Malformed(None, self._next, f"expected a BGZF block of {size} bytes: the file is truncated")
        self.block, self._next = self._next, self._next + size
        self.data, self.place = _inflate(body, self.block), 0
        if self._table:
            self._table.note(self.block, len(self.data))
        return True


def _inflate(body: bytes, block: int) -> bytes:
    """Return a block's data, held against its checksum."""
    try:
        data = zlib.decompress(body[:-8], wbits=-15)
    except zlib.error as error:
        raise Malformed(None, block, f"expected a sound BGZF block: {error}") from error
    if zlib.crc32(data) != int.from_bytes(body[-8:-4], "little"):
        raise Malformed(None, block, "expected a sound BGZF block: its checksum is wrong")
    return data


class Table:
    """Where each block begins in the data and in the file, as far as it was looked at."""

    def __init__(self, file_size: int) -> None:
        self._end = file_size << 16
        self._starts, self._files = array("Q"), array("Q")
        self.size = 0  # bytes of data

    def note(self, block: int, size: int) -> None:
        """Note the next block."""
        if size:  # an empty one marks the end of the file
            self._starts.append(self.size)
            self._files.append(block)
            self.size += size

    def virtual(self, place: int) -> int:
        """Return the virtual offset of a byte of the data; behind them all it is the end of the file."""
        if place >= self.size:
            return self._end
        number = bisect_right(self._starts, place) - 1
        return self._files[number] << 16 | (place - self._starts[number])
