"""The items of a batch: each file with each value of each parameter, in an order and with names of their own. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path

from gristmill.errors import Refused
from gristmill.limits import BATCH_ITEMS_MAX, ITEM_NAME_MAX

Given = Path | str  # a file of this machine, or a key of the bucket
_UNSAFE = re.compile(r"[^A-Za-z0-9._=,+@-]+")
_NOT_FIRST = "._=,+@-"  # so that no folder is called like an option, or hidden
_SMALLER = "Make two batches of it, or give fewer files or values."


@dataclass(frozen=True)
class Row:
    """Files of a batch that belong together, with parameters of their own; `place` is the line that says so."""

    place: str
    input: Given
    inputs: Mapping[str, Given] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedItem:
    """A run to be: its number from 1 on, its name, its files and its parameters as text."""

    n: int
    name: str
    row: Row
    params: Mapping[str, str]

    @property
    def title(self) -> str:
        """Return the item in words: where it is written, its file and its parameters."""
        given = ", ".join(f"{name}={text}" for name, text in self.params.items())
        where = f"{self.row.place}: " if self.row.place else ""
        return f"{where}{self.row.input}" + (f" with {given}" if given else "")


def expand(rows: Sequence[Row], grid: Mapping[str, Sequence[str]]) -> list[PlannedItem]:
    """Return the items: row by row, and of each row the values in the order given, the last parameter's fastest.

    Refused where there are too many, or where a parameter is given twice.
    """
    count = len(rows) * prod(map(len, grid.values()))
    if count > BATCH_ITEMS_MAX:
        many = " x ".join([f"{len(rows):,} files", *(f"{len(texts):,} of {name}" for name, texts in grid.items())])
        raise Refused([f"{count:,} items ({many}); a batch has at most {BATCH_ITEMS_MAX:,}"], _SMALLER)
    twice = sorted({name for row in rows for name in row.params} & set(grid))
    if twice:
        raise Refused([f"parameter {name} is a column of the manifest and given with --param" for name in twice])
    made = [(row, {**row.params, **values}) for row in rows for values in _points(grid)]
    names = _names(made)
    return [
        PlannedItem(n, name, row, params) for n, (name, (row, params)) in enumerate(zip(names, made, strict=True), 1)
    ]


def _points(grid: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def _names(made: Sequence[tuple[Row, Mapping[str, str]]]) -> list[str]:
    """Return a name for each item: of its file and what sets it apart; where two were equal, each with its number.

    Some disks take capitals for small letters, so names that differ in nothing else are equal.
    """
    varying = varied([params for _, params in made])
    plain = [_plain(_stem(row.input), params, varying) for row, params in made]
    count = Counter(name.casefold() for name in plain)
    width = len(str(len(plain)))
    if all(each == 1 for each in count.values()):
        return plain
    return [f"{name[: ITEM_NAME_MAX - width - 1]}-{n:0{width}d}" for n, name in enumerate(plain, start=1)]


def varied(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the names of the parameters that do not have the same value everywhere, in the order of the first."""
    names = dict.fromkeys(name for each in params for name in each)
    return [name for name in names if len({each.get(name) for each in params}) > 1]


def _plain(stem: str, params: Mapping[str, str], varying: Sequence[str]) -> str:
    parts = [stem, *(f"{name}={params[name]}" for name in varying if name in params)]
    return _UNSAFE.sub("_", "-".join(parts)).lstrip(_NOT_FIRST)[:ITEM_NAME_MAX] or "item"


def _stem(given: Given) -> str:
    return (given.name if isinstance(given, Path) else given.rpartition("/")[2]).partition(".")[0]
