"""What became of a batch's items: what was fed, what runs, and what each came to.

An item's run is fed anew by a resume, with a higher fence: of each item the highest one counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.keys import End, Place
from gristmill.limits import FENCE_MAX
from gristmill.runs.reading import find, readable
from gristmill.runs.schema import Record, Words
from gristmill.storage import Storage


class Fed(Record):
    """`fed/<item>-<fence>.json`: an item was dropped, or its run resumed."""

    contract: Literal[1] = 1
    item: Annotated[int, Field(ge=1)]
    name: str
    run: str
    key: str  # of its drop note
    version: str | None  # of that
    fence: Annotated[int, Field(ge=1, le=FENCE_MAX)]  # that its run has by that
    at: AwareDatetime


class ItemEnd(Record):
    """`ended/<item>-<fence>-<status>.json`: what an item's run came to."""

    contract: Literal[1] = 1
    item: Annotated[int, Field(ge=1)]
    run: str
    fence: Annotated[int, Field(ge=1, le=FENCE_MAX)]
    status: RunStatus
    reason: Words
    started_at: AwareDatetime
    ended_at: AwareDatetime
    cost: float | None = None  # dollars of all its executions; None: not measured
    figures: dict[str, int | float | None] = Field(default_factory=dict)  # by `branch.figure`, of the pipeline's checks

    @property
    def place(self) -> Place:
        """Return which item it is about, at which fence of its run."""
        return Place(self.item, self.fence)


@dataclass(frozen=True)
class Progress:
    """How a batch stands, by two listings: the newest fence at which each item was fed, and how those ended."""

    fed: Mapping[int, int]
    ended: Mapping[int, RunStatus]

    @property
    def running(self) -> dict[int, int]:
        """Return the items that were fed and have not ended, each with its fence."""
        return {item: fence for item, fence in self.fed.items() if item not in self.ended}

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
    for item, fence in fed:
        newest[item] = max(fence, newest.get(item, 0))
    statuses: dict[int, RunStatus] = {}
    for (item, fence), status in ended:
        if newest.get(item) == fence and statuses.get(item) is not RunStatus.SUCCEEDED:
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


def read_ends(store: Storage, batch: str, progress: Progress, items: Iterable[int]) -> Iterator[ItemEnd]:
    """Yield what those of `items` came to that have ended; what cannot be read is left out."""
    ends = (End(Place(item, progress.fed[item]), progress.ended[item]) for item in items if item in progress.ended)
    wanted = [keys.ended_item(batch, end) for end in ends]
    for part in store.together(lambda key: list(readable(store, ItemEnd, [key])), wanted):
        yield from part
