"""A batch as it stands: each item with what it was given, what it came to, and what that cost."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gristmill.batches.ends import ItemEnd, find_fed, read_ends, read_progress
from gristmill.batches.items import Item, parse_items
from gristmill.client.batches.expand import varied
from gristmill.client.runs.find import Run
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.keys import Place
from gristmill.runs.records import RunRecord

Figure = int | float | None


@dataclass(frozen=True)
class ItemLook:
    """An item as it stands; `status` is None where it has not begun, and `run` where it has none yet."""

    n: int
    name: str
    input: str
    parameters: dict[str, str]
    status: RunStatus | None = None
    run: str | None = None
    cost: float | None = None
    seconds: float | None = None
    figures: dict[str, Figure] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class BatchLook:
    """A batch and its items, in order."""

    record: RunRecord
    items: Sequence[ItemLook]

    @property
    def run(self) -> str:
        """Return its run id."""
        return self.record.run

    @property
    def name(self) -> str:
        """Return its name."""
        return self.record.dropped.name

    @property
    def varied(self) -> list[str]:
        """Return the parameters that set items apart."""
        return varied([item.parameters for item in self.items])

    @property
    def figures(self) -> list[str]:
        """Return the figures that any item has, in the order of the first."""
        return list(dict.fromkeys(name for item in self.items for name in item.figures))

    @property
    def cost(self) -> float:
        """Return the dollars of all items that have ended and were measured."""
        return sum(item.cost or 0 for item in self.items)

    @property
    def counts(self) -> str:
        """Return how many items there are of each status, in words."""
        found = [(status, sum(item.status is status for item in self.items)) for status in (*RunStatus, None)]
        return ", ".join(f"{count:,} {status or 'not begun'}" for status, count in found if count)


def look_at_batch(stack: Stack, batch: Run, now: datetime) -> BatchLook:
    """Return a batch as it stands, by the two listings of it and a record of each item that has begun.

    Refused where it has no items, for it was refused itself.
    """
    record = batch.record
    if record is None or record.items is None:
        raise Refused([f"batch {batch.run} has no items, for it was refused"], f"See: gristmill status {batch.run}")
    store = stack.store
    items = parse_items(record.items.object.read(store))
    progress = read_progress(store, record.run)
    ends = {end.item: end for end in read_ends(store, record.run, progress, sorted(progress.ended))}
    going = [Place(*place) for place in progress.fed.items() if place[0] not in ends]
    fed = {found.item: found for found in store.together(lambda at: find_fed(store, record.run, at), going) if found}
    looks = []
    for item in items:
        end, begun = ends.get(item.n), fed.get(item.n)
        if end:
            looks.append(_ended(item, end))
        elif begun:
            took = (now - begun.at).total_seconds()
            looks.append(_bare(item, RunStatus.RUNNING, begun.run, seconds=took))
        else:
            looks.append(_bare(item, None, None))
    return BatchLook(record, looks)


def _bare(item: Item, status: RunStatus | None, run: str | None, seconds: float | None = None) -> ItemLook:
    return ItemLook(item.n, item.name, item.input.key, dict(item.params), status, run, seconds=seconds)


def _ended(item: Item, end: ItemEnd) -> ItemLook:
    return ItemLook(
        n=item.n,
        name=item.name,
        input=item.input.key,
        parameters=dict(item.params),
        status=end.status,
        run=end.run,
        cost=end.cost,
        seconds=(end.ended_at - end.started_at).total_seconds(),
        figures=dict(end.figures),
        reason=end.reason,
    )


def as_csv(look: BatchLook) -> str:
    """Return the table as CSV: all parameters, status, run, dollars, seconds and figures of each item."""
    made = io.StringIO()
    names = list(dict.fromkeys(name for item in look.items for name in item.parameters))
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(["n", "item", "input", *names, "status", "run", "dollars", "seconds", *look.figures, "reason"])
    for item in look.items:
        given = [item.parameters.get(name, "") for name in names]
        figures = [item.figures.get(name) for name in look.figures]
        facts = [item.status or "", item.run or "", item.cost, item.seconds]
        writer.writerow([item.n, item.name, item.input, *given, *facts, *figures, item.reason])
    return made.getvalue()
