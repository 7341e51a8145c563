"""The drop of an item of a batch: code and job definitions are the batch's, and it begins while that goes on."""

from gristmill import keys
from gristmill.batches.ends import newest_fed
from gristmill.code.archive import pack
from gristmill.code.kept import read_kept
from gristmill.code.source import Source
from gristmill.errors import Corrupt, NotFound, Superseded
from gristmill.runs.at_work import is_stopped
from gristmill.runs.drop import Drop
from gristmill.runs.note import Given
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.runs.request import Resume
from gristmill.storage import Storage


def find_batch(store: Storage, drop: Drop, given: Given) -> tuple[RunRecord | None, Source | None, list[str]]:
    """Return the record of the batch that an item's note names, its code, and why the item is none of it."""
    dropped = keys.parse_input(drop.key)
    named = keys.parse_item_name(dropped.name)
    batch = find_readable_record(store, named.batch) if named else None
    if not named or not batch or not batch.items or batch.pipeline is None or batch.code is None:
        return None, None, [f"{drop.key} says it is an item of a batch, and there is no such batch; leave out: item"]
    is_own = given.place and given.place.item == named.item and batch.dropped.pipeline == dropped.pipeline
    if not is_own or named.item > batch.items.count:
        return None, None, [f"{drop.key} is no item of batch {batch.run}, for its note says otherwise than its name"]
    try:
        archive = pack(read_kept(store, batch))
    except (Corrupt, NotFound) as error:
        return None, None, [str(error)]
    return batch, Source(batch.pipeline, batch.code.model_copy(update={"object": None}), archive), []


def is_unwanted(store: Storage, drop: Drop) -> str | None:
    """Return why a drop of an item begins nothing: its batch was stopped, or has fed the item anew; None where it may.

    A batch that is resumed finds what it has fed and has not begun.
    """
    dropped = keys.parse_input(drop.key)
    named = keys.parse_item_name(dropped.name)
    batch = find_readable_record(store, named.batch) if named else None
    if not named or not batch or not batch.items or batch.dropped.pipeline != dropped.pipeline:
        return None  # what comes after an item, by `then`, has a name that begins like the item's
    if is_stopped(store, batch.run, batch.execution):
        return f"batch {batch.run} was stopped"
    newest = newest_fed(store, batch.run, named.item)
    return f"item {named.item} was fed anew as run {newest.run}" if newest and newest.run != drop.run else None


def check_batch_goes_on(store: Storage, record: RunRecord, request: Resume) -> None:
    """Raise Superseded where a batch has asked for the resume of its item, and does not go on."""
    batch = find_readable_record(store, record.batch) if request.round and record.batch else None
    if batch and (batch.fence != request.round or is_stopped(store, batch.run, batch.execution)):
        raise Superseded(f"batch {batch.run} was stopped")
