"""The formats there are: each reader registers itself, with what the rest of Gristmill must know of its format."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gristmill.enums import RecordFormat
from gristmill.formats.reader import Reader

Made = TypeVar("Made", bound=Reader)


@dataclass(frozen=True)
class Layout:
    """How records lie in a file, where the format leaves that open: sizes are in bytes."""

    header: bool = False  # the first record is a header
    record_bytes: int = 1  # of each record of a fixed size
    header_bytes: int = 0  # before records of a fixed size

    @property
    def has_header(self) -> bool:
        """Return whether something stands before the first record, which every task gets."""
        return self.header or self.header_bytes > 0


PLAIN = Layout()


@dataclass(frozen=True)
class Traits:
    """What a format is like, apart from how it is read."""

    is_text: bool = True  # lines, or made of them: may be compressed
    has_header: bool = False  # its first record may be a header
    is_sized: bool = True  # a number of records or bytes makes a task; else a file is a task, or an item is
    is_items: bool = False  # a task is an item of a list, not a piece of one file
    of_parts: bool = False  # the items are what the tasks of an earlier branch made
    is_one_task: bool = False
    is_countable: bool = True  # what a task writes can be counted so
    has_layout: bool = False  # its sizes are given in bytes: see Layout


_readers: dict[RecordFormat, tuple[Callable[[Layout], Reader], Traits]] = {}


def register(name: RecordFormat, traits: Traits = Traits()) -> Callable[[type[Made]], type[Made]]:
    """Return a class decorator: the class reads the format `name`; it is called with a Layout."""

    def add(reader: type[Made]) -> type[Made]:
        _readers[name] = (reader, traits)
        return reader

    return add


def make_reader(name: RecordFormat, layout: Layout = Layout()) -> Reader:
    """Return a reader of a format."""
    return _readers[name][0](layout)


def traits_of(name: RecordFormat) -> Traits:
    """Return what a format is like."""
    return _readers[name][1]


def formats_with(holds: Callable[[Traits], bool]) -> list[RecordFormat]:
    """Return the formats that a condition holds of, sorted by name."""
    return sorted(name for name, (_, traits) in _readers.items() if holds(traits))
