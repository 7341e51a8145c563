"""Batches: the names of their items, and what lies under the run of a batch of each of them.

Numbers are zero-padded, so that listing order is numeric order. What became of an item stands in a key: a listing alone
counts ten thousand of them.
"""

import re
from typing import NamedTuple

from gristmill.enums import RunStatus
from gristmill.keys.runs import run_prefix

_ITEM_DIGITS, _FENCE_DIGITS = 5, 4
_PLACE = rf"([0-9]{{{_ITEM_DIGITS}}})-([0-9]{{{_FENCE_DIGITS}}})"
_FED = re.compile(rf"/fed/{_PLACE}\.json\Z")
_ENDED = re.compile(rf"/ended/{_PLACE}-([A-Z_]+)\.json\Z")
_ENDS = frozenset(RunStatus) - {RunStatus.RUNNING, RunStatus.RETRYING}


def item_name(batch: str, run: str, number: int, name: str) -> str:
    """Return the name of an item of the batch with this name and run: so no two batches share one."""
    return f"{batch}-{run}/{number:0{_ITEM_DIGITS}d}-{name}"


def items(run: str) -> str:
    """Return the key of a batch's items as they were frozen at its claim, one JSON object a line."""
    return f"{run_prefix(run)}items.jsonl"


class Place(NamedTuple):
    """An item of a batch, by its number, and the fence that its run has, or had."""

    item: int
    fence: int


class End(NamedTuple):
    """How an item's run ended at a fence."""

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
    return f"{place.item:0{_ITEM_DIGITS}d}-{place.fence:0{_FENCE_DIGITS}d}"
