"""Pairs: an input and its mates, cut at the same records. What shows that they are none is refused before any task."""

import io
from array import array
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from gristmill.chunks import index
from gristmill.enums import Encoding, RecordFormat
from gristmill.errors import Refused
from gristmill.formats.blocks import Blocks
from gristmill.formats.gzipped import Inflated
from gristmill.formats.pairs import Name, Names, fault_of, first_apart, mend_of
from gristmill.formats.reader import View
from gristmill.limits import MIB

_READ = MIB // 16


@dataclass(frozen=True)
class Cutting:
    """An input as it was cut: fence-posts, and the number of records where they were counted."""

    view: View
    cuts: "array[int]"
    records: int | None
    encoding: Encoding

    @property
    def body(self) -> bytes:
        """Return the bytes of its index file."""
        return index.pack(self.cuts, self.records, self.encoding)

    @property
    def tasks(self) -> int:
        """Return the tasks: one between each two fence-posts."""
        return max(len(self.cuts) - 1, 0)


@dataclass(frozen=True)
class Pair:
    """Two inputs with their names, of one format, cut at every `per_task` records."""

    names: tuple[str, str]
    records: RecordFormat
    per_task: int
    reads: Cutting
    mates: Cutting

    def check(self) -> None:
        """Refuse inputs that cannot be cut alike, that have not equally many records, or whose first are no pair."""
        reads, mates = self.names
        if (self.reads.encoding is Encoding.GZIP) != (self.mates.encoding is Encoding.GZIP):
            packed, other = (reads, mates) if self.reads.encoding is Encoding.GZIP else (mates, reads)
            fault = f"{packed} is gzip, which can be read from its beginning alone, and {other} is not"
            raise Refused([f"{fault}: a pair is cut at the same records"], "Compress both with bgzip, or neither.")
        if self.reads.records != self.mates.records:
            raise self._unequal(self.reads.records or 0, self.mates.records or 0)
        read, mate = self._first(self.reads, 0), self._first(self.mates, 0)
        fault = fault_of(read, mate, *self.names) if read and mate else ""
        if read and mate and fault:
            raise Refused([f"record 1: {fault}"], mend_of(read, mate))

    def _unequal(self, reads: int, mates: int) -> Refused:
        where = self.names[0] if reads > mates else self.names[1]
        place, alone = self._first_alone(reads > mates)
        which = (
            f"{alone} of {where} (record {place + 1:,})" if alone else f"record {min(reads, mates) + 1:,} of {where}"
        )
        counts = f"{self.names[1]} has {mates:,} records, {self.names[0]} {reads:,}"
        return Refused([f"{counts}: first without a mate is {which}"], "Give two files of the same reads, whole.")

    def _first_alone(self, is_read: bool) -> tuple[int, Name | None]:
        """Return the first place where names differ, and the name that is too many there."""
        chunk = max(self._chunks_alike() - 1, 0)
        with closing(self._names(self.reads, chunk)) as reads, closing(self._names(self.mates, chunk)) as mates:
            place, read, mate = first_apart(reads, mates)
        return chunk * self.per_task + place, read if is_read else mate

    def _chunks_alike(self) -> int:
        """Return how many chunks begin with the same name; behind a record that is missing none does."""
        low, high = 0, min(self.reads.tasks, self.mates.tasks)
        while low < high:
            middle = (low + high) // 2
            read, mate = self._first(self.reads, middle), self._first(self.mates, middle)
            if read and mate and read.text == mate.text:
                low = middle + 1
            else:
                high = middle
        return low

    def _names(self, cutting: Cutting, chunk: int) -> Generator[Name]:
        """Yield the names of the records from a chunk on; none where the format has no names."""
        names = Names(self.records)
        if not names.has_names or chunk >= cutting.tasks:
            return
        with _open(cutting, cutting.cuts[chunk]) as data:
            while block := data.read(_READ):
                yield from names.feed(block)
        yield from names.close()

    def _first(self, cutting: Cutting, chunk: int) -> Name | None:
        """Return the name of a chunk's first record."""
        with closing(self._names(cutting, chunk)) as names:
            return next(names, None)


@contextmanager
def _open(cutting: Cutting, place: int) -> Iterator[BinaryIO | Inflated]:
    """Open the data from a fence-post on."""
    if cutting.encoding is Encoding.PLAIN:
        with cutting.view.open(place) as stream:
            yield stream
        return
    with cutting.view.open(place >> 16 if cutting.encoding is Encoding.BGZF else 0) as stream:
        if cutting.encoding is Encoding.GZIP:
            yield Inflated(stream)
            return
        blocks = Blocks(stream, place >> 16)
        blocks.advance()
        blocks.place = place & 0xFFFF
        yield io.BufferedReader(blocks, _READ)
