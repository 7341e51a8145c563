"""Merge: a complete branch's segments become one object; an incomplete branch is left alone."""

from typing import Any

from gristmill import index, keys
from gristmill.compose import Piece, compose
from gristmill.cover import Cover
from gristmill.jobmap import Cursor, read_record
from gristmill.source import output_key
from gristmill.store import ObjectInfo, Store
from gristmill.survey import survey


def merge(store: Store, cursor: Cursor, branch: str) -> dict[str, Any]:
    """Merge a branch if it is complete and not merged yet; tell whether its output is there, and where."""
    record = read_record(store, cursor.run)
    tasks = max(index.read_header(store, keys.chunks(cursor.run, cursor.stage)).values - 1, 0)
    held = survey(store, cursor.run, cursor.stage, branch, tasks)
    if held.missing:
        return {"branch": branch, "merged": False, "output": None}
    key = output_key(record, branch)
    if not is_merged(store.head(key), held):
        pieces = [Piece(part.segment, part.start, part.end) for part in held.slices if part.end > part.start]
        scratch = f"{keys.branch_prefix(cursor.run, cursor.stage, branch)}merging/"
        compose(store, key, pieces, {"gristmill-run": cursor.run, "gristmill-tasks": str(tasks)}, scratch)
    return {"branch": branch, "merged": True, "output": key}


def is_merged(output: ObjectInfo | None, held: Cover) -> bool:
    """Tell whether an output is the merge of this cover.

    Any cover of the same tasks has the same bytes, so the size and the number of tasks decide.
    """
    tasks = held.slices[-1].span.end if held.slices else 0
    return output is not None and output.size == held.size and output.metadata.get("gristmill-tasks") == str(tasks)
