"""The inputs of consecutive tasks out of one stream, opened again only where a task broke off."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Protocol

from gristmill.chunks import index
from gristmill.enums import Encoding
from gristmill.errors import Corrupt
from gristmill.formats.blocks import Blocks
from gristmill.formats.gzipped import OF_DATA, Inflated
from gristmill.formats.reader import Counter, Damaged, Malformed
from gristmill.worker.child.streams import Part, TaskInput

_AGAIN = "It was changed or cut since the run began: drop it again."
OpenAt = Callable[[int], BinaryIO]  # the input from a byte on
MakeCounter = Callable[[int], Counter]


class Chunk(Protocol):
    """A task's input."""

    @property
    def size(self) -> int:
        """Return its bytes in the store: of a list's item the item's own, of compressed ones as compressed."""

    @property
    def item(self) -> str:
        """Return the text of a list's item."""

    @property
    def records(self) -> int:
        """Return how many records have passed."""

    @property
    def beside(self) -> Mapping[str, Part]:
        """Return the parts of other branches that are read in step with it."""

    def argument(self) -> Any:
        """Return what a job is called with."""

    def finish(self) -> None:
        """Read what the job left unread."""


class Feed(Protocol):
    """The chunks of consecutive tasks, in order."""

    def chunk(self, start: int, end: int) -> Chunk:
        """Return the chunk between two values of the index; it begins where the last ended, but after a `drop`."""

    def drop(self) -> None:
        """Close the stream: a task that broke off may have left it anywhere."""


class _Streamed:
    """A feed with one stream that chunks take from."""

    def __init__(self, open_at: OpenAt, counter: MakeCounter, header: bytes = b"") -> None:
        self._open_at = open_at
        self._counter = counter
        self._header = header
        self._stream: BinaryIO | None = None

    def drop(self) -> None:
        """Close the stream."""
        stream, self._stream = self._stream, None
        if stream:
            with contextlib.suppress(OSError):  # a job has closed its file
                stream.close()


class PlainFeed(_Streamed):
    """Bytes as they are stored."""

    def chunk(self, start: int, end: int) -> TaskInput:
        """Return bytes [start, end) behind the header."""
        if self._stream is None:
            self._stream = self._open_at(start)
        return TaskInput(Bounded(self._stream, end - start), self._counter(start), end - start, self._header)


class Bounded:
    """The next `size` bytes of a stream; they must be there."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self._left = size

    def __call__(self, size: int) -> bytes:
        """Return the next bytes, nothing at the end."""
        data = self.stream.read(min(size, self._left))
        if not data and size and self._left:
            raise Corrupt(f"the input ended {self._left:,} bytes early", _AGAIN)
        self._left -= len(data)
        return data


class GzipFeed(_Streamed):
    """One task that reads all of a gzip file."""

    def chunk(self, start: int, end: int) -> TaskInput:
        """Return the decompressed file; its header, where it has one, is no record."""
        self._stream = self._open_at(start)
        counter = _InData(self._counter(0), OF_DATA)
        return TaskInput(Inflated(self._stream).read, counter, index.stored(Encoding.GZIP, start, end))


class _InData:
    """Counts as another counter does; a fault is placed among the bytes of decompressed data."""

    def __init__(self, counter: Counter, of: str) -> None:
        self._counter = counter
        self._of = of

    @property
    def records(self) -> int:
        """Return how many records have passed."""
        return self._counter.records

    def feed(self, block: bytes) -> None:
        """Take the next bytes."""
        try:
            self._counter.feed(block)
        except Malformed as broken:
            raise broken.within(self._of) from broken

    def close(self) -> None:
        """Take the end."""
        try:
            self._counter.close()
        except Malformed as broken:
            raise broken.within(self._of) from broken


class BgzfFeed(_Streamed):
    """The data between virtual offsets, block by block."""

    _blocks: Blocks | None = None

    def chunk(self, start: int, end: int) -> TaskInput:
        """Return the data between two virtual offsets, behind the header."""
        if self._stream is None or self._blocks is None:
            self._stream = self._open_at(start >> 16)
            self._blocks = Blocks(self._stream, start >> 16)
            self._blocks.advance()
            self._blocks.place = start & 0xFFFF
        pull = _Between(self._blocks, end)
        counter = _InData(
            self._counter(0), f" of the task's data, which begins in the BGZF block at byte {start >> 16}"
        )
        return TaskInput(pull, counter, index.stored(Encoding.BGZF, start, end), self._header)


class _Between:
    """The data up to a virtual offset."""

    def __init__(self, blocks: Blocks, end: int) -> None:
        self._blocks = blocks
        self._block, self._place = end >> 16, end & 0xFFFF

    def __call__(self, size: int) -> bytes:
        blocks = self._blocks
        while blocks.block < self._block:
            if blocks.place < len(blocks.data):
                return blocks.read(size)
            if not blocks.advance() and blocks.block < self._block:
                raise Corrupt(f"the input ended at byte {blocks.block}, before byte {self._block}", _AGAIN)
        if blocks.block > self._block:
            raise Damaged(None, self._block, "no BGZF block begins here, though it looked so", "Make the file anew.")
        return blocks.read(min(size, self._place - blocks.place)) if blocks.place < self._place else b""
