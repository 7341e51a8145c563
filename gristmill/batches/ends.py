"""What became of a batch's items: what was fed, what runs, and what each came to.

A resume of the batch feeds what has not succeeded anew, in the next round: of each item the newest counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.keys import End, Place
from gristmill.limits import FENCE_MAX
from gristmill.runs.reading import find, readable
from gristmill.runs.schema import Record, Words
from gristmill.storage import Storage

Round = Annotated[int, Field(ge=1, le=FENCE_MAX)]


class Fed(Record):
    """`fed/<item>-<round>.json`: an item was dropped, or its run resumed."""

    contract: Literal[1] = 1
    item: Annotated[int, Field(ge=1)]
    name: str
    run: str
    key: str  # of its drop note
    version: str | None  # of that
    round: Round  # the fence of the batch by then
    at: AwareDatetime


class ItemEnd(Record):
    """`ended/<item>-<round>-<status>.json`: what an item's run came to."""

    contract: Literal[1] = 1
    item: Annotated[int, Field(ge=1)]
    name: str
    run: str
    round: Round
    status: RunStatus
    reason: Words
    started_at: AwareDatetime
    ended_at: AwareDatetime
    cost: float | None = None  # dollars of all its executions; None: not measured
    figures: dict[str, int | float | None] = Field(default_factory=dict)  # by `branch.figure`, of the pipeline's checks

    @property
    def place(self) -> Place:
        """Return which item it is about, and in which round it was fed."""
        return Place(self.item, self.round)


@dataclass(frozen=True)
class Progress:
    """How a batch stands, by two listings: the newest round in which each item was fed, and how those ended."""

    fed: Mapping[int, int]
    ended: Mapping[int, RunStatus]

    @property
    def running(self) -> dict[int, int]:
        """Return the items that were fed and have not ended, each with its round."""
        return {item: number for item, number in self.fed.items() if item not in self.ended}

    def count(self, status: RunStatus) -> int:
        """Return how many items ended so."""
        return sum(ended is status for ended in self.ended.values())

    @property
    def succeeded(self) -> int:
        """Return how many items have SUCCEEDED."""
        return self.count(RunStatus.SUCCEEDED)


def progress_of(fed: Iterable[Place], ended: Iterable[End]) -> Progress:
    """Return how a batch stands; where an end is told twice, a success counts, for nothing comes after one. Pure."""
    newest: dict[int, int] = {}
    for item, number in fed:
        newest[item] = max(number, newest.get(item, 0))
    statuses: dict[int, RunStatus] = {}
    for (item, number), status in ended:
        if newest.get(item) == number and statuses.get(item) is not RunStatus.SUCCEEDED:
            statuses[item] = status
    return Progress(newest, statuses)


def read_progress(store: Storage, batch: str) -> Progress:
    """Return how a batch stands."""
    # ends are listed first: an end that is seen is then of something that is seen fed
    ended = [end for listed in store.list(keys.ended(batch)) if (end := keys.parse_ended(listed.key))]
    fed = [place for listed in store.list(keys.fed(batch)) if (place := keys.parse_fed(listed.key))]
    return progress_of(fed, ended)


def find_fed(store: Storage, batch: str, place: Place) -> Fed | None:
    """Return the record that an item was fed, None where there is none."""
    return find(store, Fed, keys.fed_item(batch, place))


def newest_fed(store: Storage, batch: str, item: int) -> Fed | None:
    """Return the newest record that an item was fed, None where it never was."""
    prefix = keys.fed_item(batch, Place(item, 1)).rpartition("-")[0]
    listed = [found.key for found in store.list(f"{prefix}-")]
    return find(store, Fed, listed[-1]) if listed else None


def end_of(fed: Fed, status: RunStatus, reason: str, started_at: datetime, ended_at: datetime) -> ItemEnd:
    """Return what an item came to that was fed so, as far as that is known without its summary."""
    return ItemEnd(
        item=fed.item,
        name=fed.name,
        run=fed.run,
        round=fed.round,
        status=status,
        reason=reason,
        started_at=started_at,
        ended_at=ended_at,
    )


def write_end(store: Storage, batch: str, end: ItemEnd) -> None:
    """Write what an item came to; whoever tells it again tells the same."""
    store.put(keys.ended_item(batch, End(end.place, end.status)), end.model_dump_json().encode())


def read_ends(store: Storage, batch: str, progress: Progress, items: Iterable[int]) -> Iterator[ItemEnd]:
    """Yield what those of `items` came to that have ended; what cannot be read is left out."""
    ends = (End(Place(item, progress.fed[item]), progress.ended[item]) for item in items if item in progress.ended)
    wanted = [keys.ended_item(batch, end) for end in ends]
    for part in store.together(lambda key: list(readable(store, ItemEnd, [key])), wanted):
        yield from part
