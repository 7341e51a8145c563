"""Cutting BGZF: gzip in blocks of at most 64 KiB that stand alone, so it is split at them."""

import io
from array import array
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from gristmill.formats.blocks import HEAD_MAX, MAGIC, Blocks, Table, block_size, inflate
from gristmill.formats.reader import UNKNOWN_SIZE, Damaged, NearReader, Reader, View
from gristmill.limits import BGZF_BLOCK_MAX, GIB, HEADER_MAX, MIB

_AT_ONCE = 16
_READ = 1 * MIB
_TAIL = 256  # bytes; a block without data has 28, and a few more where it has other subfields
_LOCATE = 1 * GIB  # read to name what is wrong with a file that has no end
_CHAIN = 2 * BGZF_BLOCK_MAX  # bytes of blocks, one behind another, that prove the first: more than a block's data has


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


def check_end(view: View) -> None:
    """Refuse a file that does not end with a block without data, which marks the end: whole blocks may be missing."""
    low = max(view.size - _TAIL, 0)
    tail = view.read(low, view.size)
    place = tail.rfind(MAGIC)
    while place >= 0:
        if block_size(tail[place:]) == len(tail) - place and not inflate(tail[place:], low + place):
            return
        place = tail.rfind(MAGIC, 0, place)
    with view.open(0) as stream:
        blocks = Blocks(stream, 0)
        while blocks.block < _LOCATE and blocks.advance():
            """Go on, up to what is no block."""
    wrong = "the BGZF file ends here without its end-of-file block: it was cut off, maybe between two blocks"
    raise Damaged(None, view.size, wrong, "Copy it again, or make it anew: zcat FILE | bgzip > NEW.")


def head_of(view: View) -> bytes:
    """Return the first bytes of a file's data: all, or more than HEADER_MAX."""
    with view.open(0) as stream:
        return io.BufferedReader(Blocks(stream, 0), _READ).read(HEADER_MAX + 1)


def cut(reader: Reader, view: View, start: int, records: int | None, size: int) -> tuple["array[int]", int | None]:
    """Return cuts as virtual offsets, and the number of records where they were counted.

    The first record begins at byte `start` of the data. `records` or else `size` says how much a task gets. Where the
    format lets borders be seen near the cuts, `size` counts bytes of the file and only their surroundings are read;
    else it counts bytes of the data and all is read.
    """
    if records is None and isinstance(reader, NearReader):
        return _cut_near(reader, view, start, size), None
    table = Table(view.size)
    whole = View(UNKNOWN_SIZE, lambda _low, _high: b"", lambda place: _from(view, place, table), view.together)
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


def _cut_near(reader: NearReader, view: View, start: int, per_task: int) -> "array[int]":
    first, end = _Near(view, 0).virtual(start), view.size << 16
    targets = range((first >> 16) + per_task, view.size, per_task)
    blocks = set(filter(None, view.together(partial(_block_after, view), targets, _AT_ONCE)))  # the same for many cuts
    found = view.together(partial(_border, reader, view), sorted(blocks), _AT_ONCE)
    return array("Q", sorted({first, end, *(place for place in found if place > first)}))


def _border(reader: NearReader, view: View, block: int) -> int:
    """Return the first record that begins behind the first byte of the block at `block`."""
    near = _Near(view, block)
    try:
        place = reader.border(near.read, 1, UNKNOWN_SIZE)
    except _Ended as ended:
        place = reader.border(near.read, 1, ended.size) if ended.size > 1 else ended.size
    return near.virtual(place)


def _block_after(view: View, target: int) -> int | None:
    """Return where the first block at or after `target` begins: its header, and behind it other blocks or the end."""
    window = view.read(target, min(target + BGZF_BLOCK_MAX + _CHAIN + HEAD_MAX, view.size))
    place = window.find(MAGIC)
    while place >= 0:
        if _leads_on(window, place, target + len(window) == view.size):
            return target + place
        place = window.find(MAGIC, place + 1)
    return None


def _leads_on(window: bytes, place: int, is_end: bool) -> bool:
    """Return whether block follows block from `place` on, for longer than what looks so within a block's data could."""
    end = min(len(window), place + _CHAIN)
    while place < end:
        size = block_size(window[place : place + HEAD_MAX])
        if size is None:
            return False
        place += size
    return place <= len(window) or not is_end
