"""Pairs of records in two files: the mates have the same names in the same order, where the format has names.

`/1` and `/2` behind a name, and what follows a blank, tell only which of the two a record is.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gristmill.enums import RecordFormat
from gristmill.errors import Refused
from gristmill.formats.fastq_records import LINES
from gristmill.formats.reader import Counter
from gristmill.formats.tokens import LINE_END
from gristmill.printable import short

_NUMBERED = re.compile(rb"(.*)/([12])", re.DOTALL)
_COMMENT = re.compile(rb"[ \t]([12]):[YN]:\d+")  # as Illumina's machines write it behind the name
_SHOWN = 100  # characters of a name
_SORT = "Give two files of the same reads in the same order."


@dataclass(frozen=True)
class Name:
    """The name of a record, and which of its pair it says it is (0: it does not say)."""

    text: bytes
    number: int = 0

    def __str__(self) -> str:
        return short(self.text.decode(errors="backslashreplace"), _SHOWN)


def parse_name(line: bytes) -> Name:
    """Read the first line of a record, without its mark."""
    words = line.split(None, 1)
    text = words[0] if words and not line[:1].isspace() else b""
    numbered, comment = _NUMBERED.fullmatch(text), _COMMENT.search(line)
    if numbered:
        return Name(numbered[1], int(numbered[2]))
    return Name(text, int(comment[1]) if comment else 0)


class Names:
    """Finds the names of records as their bytes pass; other formats than FASTQ and FASTA have none."""

    def __init__(self, records: RecordFormat) -> None:
        self._is_fastq = records is RecordFormat.FASTQ
        self.has_names = records in (RecordFormat.FASTQ, RecordFormat.FASTA)
        self._rest = b""
        self._lines = 0

    def feed(self, block: bytes) -> list[Name]:
        """Take the next bytes; return the names whose lines are whole now."""
        if not self.has_names:
            return []
        first, *lines = block.split(LINE_END)
        if not lines:
            self._rest += first
            return []
        whole = [self._rest + first, *lines[:-1]]
        self._rest = lines[-1]
        return self._named(whole)

    def close(self) -> list[Name]:
        """Take the end; return a name on a last line without an end."""
        rest, self._rest = self._rest, b""
        return self._named([rest]) if rest else []

    def _named(self, lines: list[bytes]) -> list[Name]:
        if self._is_fastq:
            named = lines[-self._lines % LINES :: LINES]
            self._lines += len(lines)
        else:
            named = [line for line in lines if line.startswith(b">")]
        return [parse_name(line[1:]) for line in named]


def fault_of(read: Name, mate: Name, reads: str, mates: str) -> str:
    """Return why two records are no pair, nothing where they are one; `reads` and `mates` are the files' names."""
    if read.text != mate.text:
        return f"{reads} has {read}, and {mates} has {mate}"
    if read.number == 2 and mate.number == 1:
        return f"{read} says that it is the second of its pair in {reads}, and the first in {mates}"
    if read.number and read.number == mate.number:
        return f"{read} says that it is the {'first' if read.number == 1 else 'second'} of its pair in both"
    return ""


def mend_of(read: Name, mate: Name) -> str:
    """Return what to do about two records that are no pair."""
    if read.text == mate.text and read.number == 2 and mate.number == 1:
        return "Give the two files the other way round."
    return "Give both files of the pair." if read.text == mate.text else _SORT


def first_apart(reads: Iterator[Name], mates: Iterator[Name]) -> tuple[int, Name | None, Name | None]:
    """Return the first place where names differ or one of two files has ended, and the names there."""
    place = 0
    while True:
        read, mate = next(reads, None), next(mates, None)
        if read is None or mate is None or read.text != mate.text:
            return place, read, mate
        place += 1


@dataclass
class PairCheck:
    """Counts the reads of a task beside its own counter, and holds each against its mate as it passes.

    `mates` yields the mates' names, and `count` is how many mates there are.
    """

    files: tuple[str, str]  # the names of the two inputs
    names: Names
    mates: Iterator[Name]
    count: int
    first: int  # number of the task's first record in the file, counted from 0
    counter: Callable[[], int]  # records of the reads that have passed
    _seen: int = 0
    _ahead: deque[Name] = field(default_factory=deque)

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the reads; Refused where a read is not that of its mate."""
        self._compare(self.names.feed(block))

    def close(self) -> None:
        """Take the end; Refused, too, where there are more mates than reads, or fewer."""
        self._compare(self.names.close())
        if self.counter() != self.count:
            raise self._unequal(f"{self.counter():,}", next(self.mates, None), self.files[1])

    def _compare(self, found: list[Name]) -> None:
        for read in found:
            mate = next(self.mates, None)
            if mate is None:
                raise self._unequal("more", read, self.files[0])
            fault = fault_of(read, mate, *self.files)
            if fault:
                raise Refused([f"record {self.first + self._seen + 1:,}: {fault}"], mend_of(read, mate))
            self._seen += 1

    def _unequal(self, count: str, alone: Name | None, where: str) -> Refused:
        reads, mates = self.files
        which = f": first without a mate is {alone} of {where}" if alone else ""
        return Refused([f"{mates} has {self.count:,} records for this task, {reads} {count}{which}"], _SORT)


def both(counter: Counter, check: PairCheck) -> Counter:
    """Return a counter that does what two do."""
    return _Both(counter, check)


class _Both:
    def __init__(self, counter: Counter, check: PairCheck) -> None:
        self._counter, self._check = counter, check

    @property
    def records(self) -> int:
        """Return how many records have passed."""
        return self._counter.records

    def feed(self, block: bytes) -> None:
        """Have both take the next bytes."""
        self._counter.feed(block)
        self._check.feed(block)

    def close(self) -> None:
        """Have both take the end."""
        self._counter.close()
        self._check.close()
