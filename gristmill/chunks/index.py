"""The index files: a short header, then little-endian uint64 values; read by ranges, never whole."""

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from sys import byteorder

from gristmill.enums import Encoding
from gristmill.errors import Corrupt
from gristmill.runs.pinned import ObjectVersion
from gristmill.storage import Storage

_MAGIC = b"GMINDEX1"
_HEADER = struct.Struct("<8sQQQ")
_NOT_COUNTED = 2**64 - 1
_WIDTH = 8


@dataclass(frozen=True)
class Header:
    """How many values follow, the records they stand for in total (None: not counted), and what they count."""

    values: int
    records: int | None
    encoding: Encoding = Encoding.PLAIN

    @property
    def tasks(self) -> int:
        """Return the tasks of a chunk index: one between each two values."""
        return max(self.values - 1, 0)


def stored(encoding: Encoding, start: int, end: int) -> int:
    """Return the bytes that are stored between two values of a chunk index."""
    return (end >> 16) - (start >> 16) if encoding is Encoding.BGZF else end - start


def pack(values: Iterable[int], records: int | None = None, encoding: Encoding = Encoding.PLAIN) -> bytes:
    """Return the bytes of an index file."""
    body = array("Q", values)
    header = _HEADER.pack(_MAGIC, len(body), _NOT_COUNTED if records is None else records, encoding)
    return header + _little_endian(body).tobytes()


def read_header(store: Storage, file: ObjectVersion) -> Header:
    """Read an index file's header; Corrupt if it is none."""
    return parse_header(file.read(store, 0, _HEADER.size), file.key)


def parse_header(raw: bytes, key: str) -> Header:
    """Return what the header of the index file `key` says; Corrupt if it is none, or says what cannot be."""
    if len(raw) < _HEADER.size or raw[:8] != _MAGIC:
        raise Corrupt(f"{key} is not an index file.")
    _, values, records, encoding = _HEADER.unpack(raw[: _HEADER.size])
    if encoding not in set(Encoding):
        raise Corrupt(f"{key} is of an encoding that there is not: {encoding}.")
    return Header(values, None if records == _NOT_COUNTED else records, Encoding(encoding))


def read_values(store: Storage, file: ObjectVersion, first: int, end: int) -> "array[int]":
    """Return values [first, end) by one ranged request; Corrupt where the file has not got them."""
    if end <= first:
        return array("Q")
    start = _HEADER.size + first * _WIDTH
    if start + (end - first) * _WIDTH > file.size:
        raise Corrupt(f"{file.key} ends before its value {end}.")
    values = array("Q")
    values.frombytes(file.read(store, start, start + (end - first) * _WIDTH))
    return _little_endian(values)


def _little_endian(values: "array[int]") -> "array[int]":
    if byteorder == "big":
        values.byteswap()
    return values
