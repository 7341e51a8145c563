"""Judge a batch whose items have all ended: what did they come to? Only where all succeeded it is COMPLETE."""

from typing import Any

from gristmill.batches.ends import Progress, read_progress
from gristmill.enums import CheckVerdict, RunStatus
from gristmill.runs.cursor import Cursor
from gristmill.runs.records import ItemList
from gristmill.storage import Storage


def check_batch(store: Storage, cursor: Cursor, items: ItemList) -> dict[str, Any]:
    """Return the verdict on a batch; it has one stage without a name, which is the last."""
    verdict, reason = judge_items(read_progress(store, cursor.run), items.count)
    return {**cursor.as_json(), "verdict": verdict, "last": True, "wait": 0, "reason": reason}


def judge_items(progress: Progress, count: int) -> tuple[CheckVerdict, str]:
    """Return the verdict on a batch of so many items, and why. Pure.

    It is PARTIAL as a run is: all is there, but for tasks that items have left out.
    """
    if progress.succeeded == count:
        return CheckVerdict.COMPLETE, ""
    partial = progress.count(RunStatus.PARTIAL)
    others = count - progress.succeeded - partial
    if others:
        return CheckVerdict.FAILED, f"{others:,} of {count:,} items did not succeed"
    return CheckVerdict.PARTIAL, f"{partial:,} of {count:,} items have left tasks out"
