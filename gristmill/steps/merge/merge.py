"""Merge: publish the outputs of a complete branch; leave an incomplete branch alone."""

from functools import partial
from typing import Any

from gristmill.chunks import index
from gristmill.runs.at_work import check_not_stopped
from gristmill.runs.committed import read_committed
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import find_branch, frozen, output_key
from gristmill.runs.repository import read_record
from gristmill.steps.merge.publish import is_published, publish, publishes
from gristmill.storage import Storage


def merge(store: Storage, cursor: Cursor, branch: str) -> dict[str, Any]:
    """Publish a branch if it is complete and not published yet; tell whether its output is there, and where."""
    record = read_record(store, cursor.run)
    tasks = index.read_stage_header(store, cursor.run, cursor.stage).tasks
    held = read_committed(store, cursor.branch(branch), tasks)
    made = find_branch(frozen(record), branch)[1]
    if held.missing or len(held.headers) > 1 or not publishes(record, made):
        return {"branch": branch, "merged": False, "output": None}
    if not is_published(store, record, made, held):
        # a merge takes long: a stop that came meanwhile is looked for once more
        publish(store, record, made, held, partial(check_not_stopped, store, cursor.run, record.execution))
    return {"branch": branch, "merged": True, "output": output_key(record, branch)}
