"""Batches by their names: the newest run of each."""

from datetime import UTC, datetime

from gristmill.catalogue.wanted import Wanted
from gristmill.client.runs.find import Run, find_run
from gristmill.client.runs.listing import list_page
from gristmill.client.stack import Stack
from gristmill.enums import RunKind
from gristmill.errors import NotFound, Refused
from gristmill.runs.repository import find_record

_LOOKED_AT = 50  # runs with the name in them, newest first


def find_batch(stack: Stack, text: str) -> Run:
    """Return the batch that a name or the beginning of a run id means; of several of a name the newest.

    NotFound where there is none; Refused where the id is that of another run.
    """
    run = newest_named(stack, text)
    found = find_run(stack, run or text)
    if found.record is None or found.record.kind is not RunKind.BATCH:
        raise Refused([f"run {found.run} is no batch"], "See which there are with: gristmill runs")
    return found


def newest_named(stack: Stack, name: str) -> str | None:
    """Return the run id of the newest batch of this name; None where there is none."""
    listed = list_page(stack, Wanted(search=name), _LOOKED_AT, None, datetime.now(UTC)).runs
    for each in listed:
        if each.entry.name == name:
            record = find_record(stack.store, each.entry.run)
            if record and record.kind is RunKind.BATCH:
                return record.run
    return None


def label_of(stack: Stack, text: str) -> str:
    """Return what runs are entered with that belong to a batch: its run id; else the name that they were given."""
    return newest_named(stack, text) or text


def batch_or_none(stack: Stack, text: str) -> Run | None:
    """Return the batch that a name or a run id means; None where it means another run, or none."""
    try:
        return find_batch(stack, text)
    except (NotFound, Refused):
        return None
