"""Batches: the names of their items, and what lies under the run of a batch of each of them.

Numbers are zero-padded, so that listing order is numeric order. What became of an item stands in a key: a listing alone
counts ten thousand of them.
"""

import re
from typing import NamedTuple

from gristmill.enums import RunStatus
from gristmill.keys.dropped import Dropped
from gristmill.keys.runs import run_prefix

_ITEM_DIGITS, _ROUND_DIGITS = 5, 4
_PLACE = rf"([0-9]{{{_ITEM_DIGITS}}})-([0-9]{{{_ROUND_DIGITS}}})"
_FED = re.compile(rf"/fed/{_PLACE}\.json\Z")
_ENDED = re.compile(rf"/ended/{_PLACE}-([A-Z_]+)\.json\Z")
_ITEM = re.compile(rf".*-([0-9a-f]{{16}})/([0-9]{{{_ITEM_DIGITS}}})-([^/]+?)(?:-again-[0-9]+)?")
_ENDS = frozenset(RunStatus) - {RunStatus.RUNNING, RunStatus.RETRYING}


def dropped_item(batch: Dropped, run: str, number: int, name: str, again: int = 0) -> Dropped:
    """Return an item of the batch with this name and run as it is dropped: so no two batches share a name.

    `again` is the round in which an item is dropped anew whose first drop came to nothing.
    """
    which = f"{number:0{_ITEM_DIGITS}d}-{name}{f'-again-{again}' if again else ''}"
    return Dropped(batch.pipeline, f"{batch.name}-{run}/{which}")


class ItemName(NamedTuple):
    """The name of an item taken apart: the run of its batch, its number there, its own name."""

    batch: str
    item: int
    name: str


def parse_item_name(name: str) -> ItemName | None:
    """Take the name of an item's run apart; None where it is none's."""
    match = _ITEM.fullmatch(name)
    return ItemName(match[1], int(match[2]), match[3]) if match else None


def items(run: str) -> str:
    """Return the key of a batch's items as they were frozen at its claim, one JSON object a line."""
    return f"{run_prefix(run)}items.jsonl"


class Place(NamedTuple):
    """An item of a batch, by its number, and the round in which it was fed: each resume of the batch is one more."""

    item: int
    round: int


class End(NamedTuple):
    """How an item's run ended."""

    place: Place
    status: RunStatus


def fed(run: str) -> str:
    """Return the prefix of the records of items that were fed, each time anew."""
    return f"{run_prefix(run)}fed/"


def fed_item(run: str, place: Place) -> str:
    """Return the key of the record that an item was fed."""
    return f"{fed(run)}{_place(place)}.json"


def parse_fed(key: str) -> Place | None:
    """Read which item was fed from the key of the record of that; None from any other."""
    match = _FED.search(key)
    return Place(int(match[1]), int(match[2])) if match else None


def ended(run: str) -> str:
    """Return the prefix of what a batch's items came to, each time that one ended."""
    return f"{run_prefix(run)}ended/"


def ended_item(run: str, end: End) -> str:
    """Return the key of what an item came to."""
    return f"{ended(run)}{_place(end.place)}-{end.status}.json"


def parse_ended(key: str) -> End | None:
    """Read which item ended, and how, from the key of the record of that; None from any other."""
    match = _ENDED.search(key)
    if match is None or match[3] not in _ENDS:
        return None
    return End(Place(int(match[1]), int(match[2])), RunStatus(match[3]))


def _place(place: Place) -> str:
    return f"{place.item:0{_ITEM_DIGITS}d}-{place.round:0{_ROUND_DIGITS}d}"
