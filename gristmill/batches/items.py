"""The items of a batch: a list of JSON objects, one a line, each of which is the drop of a run."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gristmill.errors import Refused
from gristmill.limits import BATCH_ITEMS_MAX, INPUTS_MAX, ITEM_NAME_MAX
from gristmill.pipeline.fields import ParameterName
from gristmill.runs.note import Noted, parse_given
from gristmill.runs.schema import Record, Words

ItemName = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][A-Za-z0-9._=,+@-]{{0,{ITEM_NAME_MAX - 1}}}$")]
_SHOWN = 20  # faults
_MEND = "Mend the list, and start the batch again."


class Item(Record):
    """A line of the list: `n` is its number, from 1 on; `name` is unique in the batch, and its results are called so.

    `input` and `inputs` are as in a drop note; objects without a version are frozen as they are at the batch's claim.
    """

    n: Annotated[int, Field(ge=1, le=BATCH_ITEMS_MAX)]
    name: ItemName
    input: Noted
    inputs: Annotated[dict[ParameterName, Noted], Field(max_length=INPUTS_MAX)] = Field(default_factory=dict)
    params: dict[str, Words] = Field(default_factory=dict)  # beside the note's, and before them


def render_items(items: Iterable[Item]) -> bytes:
    """Return a list of items as it lies in the bucket."""
    return "".join(f"{item.model_dump_json()}\n" for item in items).encode()


def parse_items(raw: bytes) -> list[Item]:
    """Return the items that these bytes list; Refused with each line that is wrong, by its number."""
    lines = raw.splitlines()
    if not lines:
        raise Refused(["the list of items is empty"], _MEND)
    if len(lines) > BATCH_ITEMS_MAX:
        raise Refused([f"the batch has {len(lines):,} items; there may be {BATCH_ITEMS_MAX:,} at most"], _MEND)
    items, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            items.append(_parse(number, line))
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    faults += _named_twice(items)
    if faults:
        raise Refused(shown(faults), _MEND)
    return items


def _parse(number: int, line: bytes) -> Item:
    item = parse_given(Item, line)
    if item.n != number:
        raise ValueError(f"n is {item.n}, and must be the line's number")
    return item


def _named_twice(items: Iterable[Item]) -> list[str]:
    first: dict[str, int] = {}
    return [
        f"line {item.n}: {item.name} is the name of line {first[item.name]}, too"
        for item in items
        if first.setdefault(item.name, item.n) != item.n
    ]


def shown(faults: list[str]) -> list[str]:
    """Return the first faults, and how many there are besides."""
    more = len(faults) - _SHOWN
    return [*faults[:_SHOWN], f"and {more:,} more"] if more > 0 else faults
