"""Merge: publish the outputs of a branch once all is done but what it may leave out; leave others alone."""

import logging
from functools import partial
from typing import Any

from gristmill.errors import Corrupt, NotFound
from gristmill.pipeline.branch import Branch
from gristmill.runs.at_work import check_going
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor
from gristmill.runs.left_out import find_left_out
from gristmill.runs.locations import branch_keys, find_branch, frozen, stage_keys
from gristmill.runs.pinned import read_cut
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record
from gristmill.steps.merge.publish import is_published, publish, publishes
from gristmill.storage import Storage

logger = logging.getLogger(__name__)


def merge(store: Storage, cursor: Cursor, branch: str) -> dict[str, Any]:
    """Publish a branch if it is complete and not published yet; return whether its output is there, and where.

    Tasks that may be left out do not count. What was replaced or removed meanwhile is missing: CheckOutput finds what.
    """
    record = read_record(store, cursor.run)
    try:
        merged = _merge(store, cursor, record, find_branch(frozen(record), branch)[1])
    except (Corrupt, NotFound) as error:
        logger.warning("not merged: %s", error)
        merged = False
    return {"branch": branch, "merged": merged}


def _merge(store: Storage, cursor: Cursor, record: RunRecord, branch: Branch) -> bool:
    """Publish what a branch makes, each output by itself; return whether all of it is there that is to be."""
    outputs = [made for made in branch.made if publishes(record, made)]
    return bool(outputs) and len(outputs) == sum(_merge_output(store, cursor, record, made) for made in outputs)


def _merge_output(store: Storage, cursor: Cursor, record: RunRecord, branch: Branch) -> bool:
    place = branch_keys(record, cursor.stage, branch.name)
    held = read_committed(store, place, read_cut(store, stage_keys(record, cursor.stage)).tasks)
    if len(held.headers) > 1:
        return False
    if held.missing and find_left_out(store, place, branch, held, cursor.attempt) is None:
        return False
    if not is_published(store, record, branch, held):
        # a merge takes long: a stop or a take-over that came meanwhile is looked for once more
        publish(store, record, branch, held, partial(check_going, store, cursor))
    return True
