"""Feed an item: drop its note, or resume its run, once and no more, whoever else feeds it or died at that.

A note has a key that follows from the batch and the item, and is written where there is none; a resume has a name that
follows from the run and its fence. So a feeder that finds its own work half done goes on with that.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.batches.ends import Fed, end_of, find_fed, write_end
from gristmill.batches.items import Item
from gristmill.enums import RunStatus
from gristmill.errors import GristmillError, Refused
from gristmill.runs.drop import run_id
from gristmill.runs.note import DropNote, read_note
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.runs.request import resume_name
from gristmill.state_machine import run_status
from gristmill.storage import Storage

_NAMES_TRIED = 10  # of resumes that ended before they had taken their run over


@dataclass(frozen=True)
class FeedClients:
    """What Feed works with: the bucket, and Step Functions."""

    store: Storage
    states: Any


def item_note(record: RunRecord, item: Item) -> DropNote:
    """Return the drop note of an item of a batch."""
    return DropNote(
        contract=1,
        input=item.input,
        inputs=item.inputs,
        params=item.params,
        owner=record.owner,
        tags=record.tags,
        batch=record.run,
        item=item.n,
        round=record.fence,
    )


def drop_item(store: Storage, record: RunRecord, item: Item, again: int = 0) -> None:
    """Drop an item, unless it is dropped already, and record that; `again` is the round, where its run cannot go on."""
    note = item_note(record, item)
    dropped = keys.dropped_item(record.dropped, record.run, item.n, item.name, again)
    key = keys.note_key(dropped.pipeline, dropped.name)
    is_new = store.put_new(key, note.model_dump_json().encode())
    head = store.head(key)
    if head is None:
        raise GristmillError(f"{key} was removed just after it was dropped.", "Leave a batch's notes alone.")
    there = note if is_new else read_note(store, head)
    if there.model_copy(update={"round": note.round}) != note:
        raise Refused([f"{key} was dropped by somebody else"], "Remove it, and resume the batch.")
    run = run_id(store.bucket, key, head.version, head.etag, "")
    fed = Fed(
        item=item.n, name=item.name, run=run, key=key, version=head.version, round=there.round, at=store.clock.utc()
    )
    _keep(store, record, fed)


def _keep(store: Storage, record: RunRecord, fed: Fed) -> None:
    store.put_new(keys.fed_item(record.run, keys.Place(fed.item, fed.round)), fed.model_dump_json().encode())


def feed_again(clients: FeedClients, record: RunRecord, item: Item, earlier: int) -> None:
    """Go on with an item that was fed in an earlier round and has not succeeded: resume its run, else drop it anew.

    One that somebody has resumed by hand meanwhile, or that has succeeded, is left as it is.
    """
    store = clients.store
    old = find_fed(store, record.run, keys.Place(item.n, earlier))
    own = find_readable_record(store, old.run) if old else None
    if old is None or own is None or own.faults:
        drop_item(store, record, item, again=record.fence)
        return
    if own.complete:
        write_end(store, record.run, end_of(old, RunStatus.SUCCEEDED, "", own.claimed_at, own.claimed_at))
        return
    if own.round < record.fence:
        seen = find_execution(clients, own.execution)
        if seen and seen.status is RunStatus.RUNNING:
            return
        _resume(clients, own, record.fence)
    _keep(store, record, old.model_copy(update={"round": record.fence, "at": store.clock.utc()}))


def _resume(clients: FeedClients, own: RunRecord, number: int) -> None:
    """Start the execution that resumes a run, unless it was started already."""
    executions = own.execution.rpartition(":")[0]
    wanted = {"resume": {"run": own.run, "fence": own.fence, "round": number}}
    for place in range(_NAMES_TRIED):
        name = resume_name(own.run, own.fence, place)
        if start(clients, executions, name, wanted):
            return
        found = find_execution(clients, f"{executions}:{name}")
        if found and found.status is RunStatus.RUNNING:
            return
    raise GristmillError(f"run {own.run} was to be resumed {_NAMES_TRIED} times in vain.", "Drop its file again.")


def start(clients: FeedClients, executions: str, name: str, wanted: dict[str, Any]) -> bool:
    """Start an execution beside those that an ARN has, without its name; return whether its name was not taken."""
    machine = executions.replace(":execution:", ":stateMachine:")
    try:
        clients.states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(wanted))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        return False
    return True


@dataclass(frozen=True)
class Seen:
    """An execution as Step Functions shows it."""

    status: RunStatus
    started: datetime
    ended: datetime | None


def find_execution(clients: FeedClients, arn: str) -> Seen | None:
    """Return an execution, None where there is none, or none any more."""
    try:
        found = clients.states.describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
            raise
        return None
    is_waiting = found["status"] == "PENDING_REDRIVE"
    status = RunStatus.RUNNING if is_waiting else run_status(found["status"], found.get("error"))
    return Seen(status, found["startDate"], found.get("stopDate"))
