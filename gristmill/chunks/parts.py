"""The parts of an earlier branch as a list: where each task's output lies."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

from gristmill import keys
from gristmill.errors import Corrupt, Refused
from gristmill.limits import PARTS_MAX
from gristmill.pipeline.expand import parts_name
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.placeholders import in_step_name
from gristmill.pipeline.stage import Stage
from gristmill.runs.at_work import check_owner
from gristmill.runs.committed import read_committed
from gristmill.runs.evidence import Receipt
from gristmill.runs.left_out import task_numbers, tasks_left_out
from gristmill.runs.locations import branch_keys, find_branch, frozen, stage_keys
from gristmill.runs.pinned import ObjectVersion, read_cut, replace_object
from gristmill.runs.reading import read
from gristmill.runs.records import RunRecord
from gristmill.storage import Storage


def write_items(store: Storage, record: RunRecord, stage: Stage) -> ObjectVersion:
    """Write the list of a stage's parts, each with the ETag of the segment that it lies in; return the list.

    A list stands once a stage is cut by it, whatever late children add.
    """
    body = "".join(_lines(store, record, stage)).encode()
    return replace_object(store, stage_keys(record, stage.name).items, body, partial(check_owner, store, record))


def _lines(store: Storage, record: RunRecord, stage: Stage) -> Iterator[str]:
    """Yield each part of the stage's input, with those of the same task that are read in step with it."""
    others = [_parts(store, record, _mapping_half(frozen(record), name)) for name in stage.in_step]
    try:
        for part, *beside in zip(_parts(store, record, stage.reads or ""), *others, strict=True):
            in_step = dict(zip(map(in_step_name, stage.in_step), beside, strict=True))
            yield json.dumps({**part, "in_step": in_step} if in_step else part) + "\n"
    except ValueError as error:
        raise Corrupt(f"{', '.join(stage.in_step)} and {stage.reads} have different numbers of parts") from error


def _mapping_half(pipeline: Pipeline, branch: str) -> str:
    """Return the branch whose parts are meant: that of a branch with a merge that computes is its mapping half."""
    reads = find_branch(pipeline, branch)[0].reads
    return parts_name(branch) if reads == parts_name(branch) else branch


def _parts(store: Storage, record: RunRecord, name: str) -> Iterator[dict[str, Any]]:
    maker, branch = find_branch(frozen(record), name)
    tasks = read_cut(store, stage_keys(record, maker.name)).tasks
    if tasks > PARTS_MAX:
        raise Refused([f"{branch.name} has {tasks:,} parts; a stage can read {PARTS_MAX:,}"], "Make its tasks larger.")
    place = branch_keys(record, maker.name, branch.name)
    held = read_committed(store, place, tasks)
    again = f"Make them again with: gristmill resume {record.run}"
    left_out = tasks_left_out(store, record, branch.name)
    gone = [task for task in task_numbers(held.missing) if task not in left_out]
    if gone:
        raise Corrupt(f"{len(gone)} of the {tasks} parts of {branch.name} are gone.", again)
    output = place.output
    for part in held.slices:
        receipt = read(store, Receipt, keys.receipt_of(part.segment))
        written = receipt.written.get(output)
        if written is None or written.etag != part.etag:
            raise Corrupt(f"{part.segment} was replaced while the parts of {branch.name} were listed.", again)
        first = part.span.first - receipt.first
        for task, (low, high) in enumerate(pairwise(written.offsets[first:]), part.span.first):
            if task in left_out:  # and done all the same, by a late child
                continue
            yield {"key": part.segment, "etag": part.etag, "start": low, "end": high}
