"""BGZF: gzip in blocks of at most 64 KiB that stand alone, so it is split at them (SAM specification, section 4.1).

A virtual offset is `byte of a block in the file << 16 | byte in the block's data`.
"""

import io
import zlib
from array import array
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from gristmill.limits import BGZF_BLOCK_MAX, MIB
from gristmill.split.reader import UNKNOWN_SIZE, Malformed, NearReader, Reader, View

_HEAD = 18  # bytes of a block's header, with the one extra field that BGZF has
_MAGIC = b"\x1f\x8b\x08\x04"
_EXTRA = b"BC\x02\x00"
_AT_ONCE = 16
_READ = 1 * MIB


def is_bgzf(head: bytes) -> bool:
    """Tell whether a file that begins so is BGZF."""
    return head[:4] == _MAGIC and head[12:16] == _EXTRA


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
        head = self._stream.read(_HEAD)
        if not head:
            self.block, self.data, self.place = self._next, b"", 0
            return False
        if not is_bgzf(head) or len(head) < _HEAD:
            raise Malformed(None, self._next, f"expected the header of a BGZF block, found {head[:8]!r}")
        size = int.from_bytes(head[16:18], "little") + 1
        body = self._stream.read(size - _HEAD)
        if len(body) < size - _HEAD:
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


class _Ended(Exception):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class _Near:
    """The data from one block on, decompressed as far as somebody looks; places are counted from that block."""

    def __init__(self, view: View, block: int) -> None:
        self.table = Table(view.size)
        self._blocks = Blocks(view.open(block), block, self.table)
        self._data = bytearray()

    def read(self, low: int, high: int) -> bytes:
        """Return bytes [low, high) of the data; _Ended where there are fewer."""
        while len(self._data) < high:
            if not self._blocks.advance():
                raise _Ended(len(self._data))
            self._data += self._blocks.data
        return bytes(self._data[low:high])

    def virtual(self, place: int) -> int:
        """Return the virtual offset of a place."""
        with suppress(_Ended):
            self.read(place, place + 1)
        return self.table.virtual(place)


def cut(reader: Reader, view: View, records: int | None, size: int) -> tuple["array[int]", int | None]:
    """Return cuts as virtual offsets, and the number of records where they were counted.

    `records` or else `size` says how much a task gets. Where the format lets borders be seen near the cuts, `size`
    counts bytes of the file and only their surroundings are read; else it counts bytes of the data and all is read.
    """
    start = _begin(reader, view)
    if records is None and isinstance(reader, NearReader):
        return _cut_near(reader, view, start, size), None
    table = Table(view.size)
    whole = View(UNKNOWN_SIZE, lambda _low, _high: b"", lambda place: _from(view, place, table))
    counted = None
    if records is None:
        cuts = reader.by_bytes(whole, start, size)
    else:
        cuts, counted = reader.by_records(whole, start, records)
    return array("Q", map(table.virtual, cuts)), counted


def _from(view: View, place: int, table: Table) -> BinaryIO:
    """Return all of the data from a place on, as one stream."""
    stream = io.BufferedReader(Blocks(view.open(0), 0, table), _READ)
    while place:
        place -= len(stream.read(min(place, _READ)))
    return stream


def _begin(reader: Reader, view: View) -> int:
    near = _Near(view, 0)
    try:
        return reader.begin(View(UNKNOWN_SIZE, near.read, view.open))
    except _Ended as ended:
        return reader.begin(View(ended.size, near.read, view.open))


def _cut_near(reader: NearReader, view: View, start: int, per_task: int) -> "array[int]":
    first, end = _Near(view, 0).virtual(start), view.size << 16
    targets = range((first >> 16) + per_task, view.size, per_task)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(partial(_border, reader, view), targets)
        return array("Q", sorted({first, end, *(place for place in found if place > first)}))


def _border(reader: NearReader, view: View, target: int) -> int:
    """Return the first record that begins behind the first byte of the first block at or after `target`."""
    block = _block_after(view, target)
    if block is None:
        return view.size << 16
    near = _Near(view, block)
    try:
        place = reader.border(near.read, 1, UNKNOWN_SIZE)
    except _Ended as ended:
        place = reader.border(near.read, 1, ended.size) if ended.size > 1 else ended.size
    return near.virtual(place)


def _block_after(view: View, target: int) -> int | None:
    """Return where the first block at or after `target` begins: its header, and behind it another or the end."""
    window = view.read(target, min(target + 2 * BGZF_BLOCK_MAX + _HEAD, view.size))
    place = window.find(_MAGIC)
    while place >= 0:
        if is_bgzf(window[place : place + _HEAD]) and _leads_on(window, place, target, view.size):
            return target + place
        place = window.find(_MAGIC, place + 1)
    return None


def _leads_on(window: bytes, place: int, target: int, size: int) -> bool:
    behind = place + int.from_bytes(window[place + 16 : place + 18], "little") + 1
    return target + behind == size or window[behind : behind + 4] == _MAGIC
