"""The blocks of a BGZF file: read one after another, and where each begins in the file and in its data.

SAM specification, section 4.1. A virtual offset is `byte of a block in the file << 16 | byte in the block's data`.
"""

import io
import zlib
from array import array
from bisect import bisect_right
from typing import Any, BinaryIO

from gristmill.formats.reader import Damaged

MAGIC = b"\x1f\x8b\x08\x04"
HEAD_MAX = 1024  # bytes of a header that are looked at where it is not known to be one
_HEAD = 18  # bytes of a block's header, with no extra subfield but BGZF's own
_FIXED = 12  # bytes of a header before its extra subfields
_USUAL = b"\x06\x00BC\x02\x00"  # of a header's bytes 10 to 15: their length and BGZF's own subfield first
_SUBFIELD = b"BC\x02\x00"
_END = 8  # bytes of checksum and size behind the compressed data
_MEND = "Check the file with bgzip -t, and compress (bgzip) or copy it again."


def block_size(head: bytes) -> int | None:
    """Return the bytes of the block that begins so, None if it is none; other subfields may stand beside BGZF's own."""
    if head[:4] != MAGIC:
        return None
    end = _length(head)
    place = _FIXED
    while place + 6 <= min(end, len(head)):
        if head[place : place + 4] == _SUBFIELD:
            return int.from_bytes(head[place + 4 : place + 6], "little") + 1
        place += 4 + int.from_bytes(head[place + 2 : place + 4], "little")
    return None


def inflate(block: bytes, place: int) -> bytes:
    """Return the data of a whole block that begins at byte `place`, held against its checksum and size."""
    body = block[_length(block) :]
    try:
        data = zlib.decompress(body[:-_END], wbits=-15)
    except zlib.error as error:
        raise Damaged(
            None, place, "the compressed data of the BGZF block that begins here is damaged", _MEND
        ) from error
    if zlib.crc32(data) != int.from_bytes(body[-8:-4], "little"):
        raise Damaged(None, place, "the BGZF block that begins here does not agree with its checksum", _MEND)
    if len(data) != int.from_bytes(body[-4:], "little"):
        wrong = f"the BGZF block that begins here has {len(data):,} bytes of data, and says that it has another number"
        raise Damaged(None, place, wrong, _MEND)
    return data


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
        """Return that this is a stream to read."""
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
        """Go on to the next block; return whether there is one. Damaged where it is broken or cut off."""
        block = self._read_block()
        if not block:
            self.block, self.data, self.place = self._next, b"", 0
            return False
        self.block, self._next = self._next, self._next + len(block)
        self.data, self.place = inflate(block, self.block), 0
        if self._table:
            self._table.note(self.block, len(self.data))
        return True

    def _read_block(self) -> bytes:
        """Return the next block's bytes, none at the end of the file."""
        head = self._stream.read(_HEAD)
        if head[:4] == MAGIC and head[10:16] != _USUAL:
            head += self._stream.read(max(_length(head) - len(head), 0))
        size = block_size(head) or 0
        block = head + self._stream.read(max(size - len(head), 0))
        if head and (not size or len(block) != size):
            raise self._no_block(head)
        return block

    def _no_block(self, head: bytes) -> Damaged:
        """Return the error of what stands in a block's place."""
        if MAGIC.startswith(head[:4]) and (block_size(head) or len(head) < max(_length(head), _HEAD)):
            return Damaged(None, self._next, "the file is cut off in the BGZF block that begins here", _MEND)
        what = "gzip that is not BGZF" if head[:2] == MAGIC[:2] else "something that is not BGZF"
        mend = "Make the file anew: zcat FILE | bgzip > NEW."
        return Damaged(None, self._next, f"{what} follows the BGZF blocks from here on", mend)


def _length(head: bytes) -> int:
    """Return the bytes of a block's header."""
    return _FIXED + int.from_bytes(head[10:_FIXED], "little")


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
