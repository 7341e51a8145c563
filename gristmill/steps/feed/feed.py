"""Feed: look how a batch stands, drop as many items as may run besides, and say when to look again."""

from dataclasses import dataclass
from typing import Any

from gristmill.batches.ends import Progress, read_progress
from gristmill.batches.items import Item, parse_items
from gristmill.enums import RunStatus
from gristmill.errors import Corrupt
from gristmill.runs.at_work import check_fence
from gristmill.runs.cursor import Cursor
from gristmill.runs.records import ItemList, RunRecord
from gristmill.runs.repository import read_record
from gristmill.steps.feed.drops import FeedClients, drop_item, feed_again
from gristmill.steps.feed.lost import tell_lost
from gristmill.steps.feed.pace import next_wait


@dataclass(frozen=True)
class Look:
    """Which look at a batch it is, from 0, and the Unix second of the first one of its execution."""

    number: int
    since: float


def feed(clients: FeedClients, cursor: Cursor, look: Look) -> dict[str, Any]:
    """Feed the batch of a cursor; return the cursor, counts, and the seconds until the next look."""
    store = clients.store
    record = read_record(store, cursor.run)
    listed = items_of(record)
    progress = read_progress(store, record.run)
    if tell_lost(clients, record, progress, look.number):
        progress = read_progress(store, record.run)
    wanted = to_feed(progress, listed.count, record.fence)[: listed.at_once - len(progress.running)]
    if wanted:
        items = parse_items(listed.object.read(store))
        for number in wanted:
            _feed(clients, record, items[number - 1], progress)
        progress = read_progress(store, record.run)
    ended = sum(is_final(progress, number, record.fence) for number in progress.ended)
    elapsed = store.clock.unix() - look.since
    return {
        **cursor.as_json(),
        "looks": look.number + 1,
        "since": look.since,
        "fed": len(progress.fed),
        "ended": ended,
        "done": ended == listed.count,
        "wait": next_wait(elapsed, look.number, listed.count, ended),
        "refused": [],
    }


def items_of(record: RunRecord) -> ItemList:
    """Return the items of a batch."""
    if record.items is None:
        raise Corrupt(f"run {record.run} is no batch.", "Drop the file again.")
    return record.items


def is_final(progress: Progress, item: int, number: int) -> bool:
    """Return whether an item is done for this round of its batch: it has succeeded, or ended in it."""
    status = progress.ended.get(item)
    return status is RunStatus.SUCCEEDED or (status is not None and progress.fed[item] >= number)


def to_feed(progress: Progress, count: int, number: int) -> list[int]:
    """Return the items that are to be fed in this round, in order. Pure."""
    running = progress.running
    return [item for item in range(1, count + 1) if item not in running and not is_final(progress, item, number)]


def _feed(clients: FeedClients, record: RunRecord, item: Item, progress: Progress) -> None:
    """Feed an item, unless the batch has another owner by now."""
    check_fence(read_record(clients.store, record.run), record.fence)
    earlier = progress.fed.get(item.n)
    if earlier is None:
        drop_item(clients.store, record, item)
    else:
        feed_again(clients, record, item, earlier)
