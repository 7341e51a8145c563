"""An item of a batch tells its batch what it came to, and mails nobody."""

from gristmill import keys
from gristmill.batches.ends import ItemEnd, find_fed, write_end
from gristmill.keys import ItemName, Place
from gristmill.outcome.event import ExecutionEvent
from gristmill.outcome.summary import RunSummary
from gristmill.runs.drop import Drop
from gristmill.runs.note import read_given
from gristmill.runs.records import RunRecord
from gristmill.runs.request import Resume
from gristmill.storage import Storage


def find_item(store: Storage, event: ExecutionEvent, record: RunRecord | None) -> tuple[ItemName, Place] | None:
    """Return which item of which batch a run is; None where it is none, or the batch has fed another run for it."""
    place = _place(store, event, record)
    dropped = record.dropped.name if record else _dropped(event)
    named = keys.parse_item_name(dropped) if place else None
    if place is None or named is None or named.item != place.item:
        return None
    fed = find_fed(store, named.batch, place)  # None: its feeder is about to write it
    return (named, place) if fed is None or fed.run == event.run else None


def _place(store: Storage, event: ExecutionEvent, record: RunRecord | None) -> Place | None:
    if record is None:
        return read_given(store, event.request).place if isinstance(event.request, Drop) and _dropped(event) else None
    if record.item is None:
        return None
    asked = event.request.round if isinstance(event.request, Resume) else None
    return Place(record.item, asked or record.round)


def _dropped(event: ExecutionEvent) -> str:
    is_note = isinstance(event.request, Drop) and keys.is_note(event.request.key)
    return keys.parse_input(event.request.key).name if isinstance(event.request, Drop) and is_note else ""


def tell_batch(store: Storage, item: tuple[ItemName, Place], summary: RunSummary) -> None:
    """Write under the batch what its item came to."""
    named, place = item
    figures = {f"{result.check.of}.{result.check.figure}": result.value for result in summary.checks}
    end = ItemEnd(
        item=place.item,
        name=named.name,
        run=summary.run,
        round=place.round,
        status=summary.status,
        reason="; ".join(summary.faults) or summary.reason,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
        cost=summary.spent.total if summary.spent else None,
        figures=figures,
    )
    write_end(store, named.batch, end)
