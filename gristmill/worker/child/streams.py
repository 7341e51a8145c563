"""The stream that a job reads: bounded, and counted as it passes."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from gristmill.errors import GristmillError
from gristmill.formats.pairs import PairCheck, both
from gristmill.formats.reader import Counter
from gristmill.formats.whole import OneCounter
from gristmill.limits import MIB

_DRAIN = 1 * MIB
_ALL = 64 * MIB
_BUFFER = 64 * 1024  # bytes; larger reads pass it by


@dataclass(frozen=True)
class Part:
    """A part of another branch: its own bytes, and how many they are."""

    open: Callable[[], BinaryIO]
    size: int


class TaskInput(io.RawIOBase):
    """A task's input: a header, then what `pull` gives until it gives nothing; its records are counted.

    `size` has the bytes that it takes in the store, `item` the text of a list's item, `beside` the parts that are
    read in step with it.
    """

    def __init__(self, pull: Callable[[int], bytes], counter: Counter, size: int, header: bytes = b"") -> None:
        super().__init__()
        self._pull = pull
        self._counter = counter
        self._header = header
        self._ended = False
        self._fault: GristmillError | None = None
        self.size = size
        self.item = ""
        self.beside: Mapping[str, Part] = {}

    @property
    def records(self) -> int:
        """Return how many records have passed, an unfinished last one included."""
        return self._counter.records

    def hold_against(self, make: Callable[[Callable[[], int]], PairCheck]) -> None:
        """Have the records held against their mates as they pass, by a check that may ask how many have."""
        self._counter = both(self._counter, make(lambda: self.records))

    def argument(self) -> io.BufferedReader:
        """Return what a job is called with."""
        return io.BufferedReader(self, min(_BUFFER, self.size + len(self._header) + 1))

    def readable(self) -> bool:
        """Return that it can be read."""
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
        if self._fault:  # whatever a job made of it
            raise self._fault
        data = self._pull(size)
        try:
            if data:
                self._counter.feed(data)
            elif size and not self._ended:
                self._ended = True
                self._counter.close()
        except GristmillError as error:
            self._fault = error
            raise
        return data
