"""Claim a run: one execution alone writes its record, or takes it over to resume it."""

from gristmill import keys
from gristmill.enums import RunKind
from gristmill.errors import Refused, Superseded
from gristmill.runs.at_work import check_contract, check_fence, check_not_stopped
from gristmill.runs.drop import Drop
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import read_record, revise_record
from gristmill.runs.request import Resume
from gristmill.steps.split.batch import keeping_items, prepare_batch
from gristmill.steps.split.claimant import Claimant
from gristmill.steps.split.generation import keeping_changes, redefine, redefined
from gristmill.steps.split.item import check_batch_goes_on
from gristmill.steps.split.preparing import defined, keeping_code, prepare, refusing_unpushed
from gristmill.steps.split.restoring import restoring_code
from gristmill.storage import Storage


def claim(store: Storage, drop: Drop, claimant: Claimant) -> RunRecord:
    """Keep the run's code, then write its record unless there is one; return the record that is there."""
    items = b""
    if keys.is_batch_note(drop.key):
        record, source, items = prepare_batch(store, drop, claimant)
    else:
        record, source = prepare(store, drop, claimant)
    record = keeping_code(store, defined(refusing_unpushed(record), claimant.definitions), source)
    if record.items and not record.faults:
        record = keeping_items(store, record, items)
    if store.put_new(keys.run_record(record.run), record.model_dump_json().encode()):
        return record
    return read_record(store, record.run)


def take_over(store: Storage, request: Resume, claimant: Claimant) -> RunRecord:
    """Make a resuming execution the owner of its run; the same execution finds itself the owner already.

    Without changes, code that was damaged is put back. With changes, the run gets another generation, and the record of
    the former one is kept beside. Superseded where another execution has taken the run over since it was asked for, or
    the run has succeeded; Refused where an earlier version has begun it, or the execution was stopped, or what was
    changed cannot be run.
    """
    execution = claimant.execution

    def take(record: RunRecord) -> RunRecord:
        check_not_stopped(store, record.run, execution)
        if record.execution == execution:
            return record
        check_fence(record, request.fence)
        check_contract(record)
        check_batch_goes_on(store, record, request)
        if record.complete:
            raise Superseded(f"run {record.run} has SUCCEEDED: nothing is missing.")
        if request.changes is None:
            taken = restoring_code(store, record, claimant.roots)
        elif record.kind is RunKind.BATCH:
            raise Refused([f"batch {record.run} keeps its code, so that its items compare"], "Start a batch anew.")
        else:
            changed, source = redefine(store, record, claimant.roots, claimant.limits, request.changes.version)
            taken = keeping_changes(store, redefined(record, changed, claimant.definitions), source)
            store.put_new(keys.generation(record.run, record.generation), record.model_dump_json().encode())
        owner = {"execution": execution, "fence": record.fence + 1, "closed": False}
        return taken.model_copy(update=owner | ({"round": request.round} if request.round else {}))

    return revise_record(store, request.run, take)


def refuse(store: Storage, record: RunRecord, faults: list[str]) -> RunRecord:
    """Record why a run is refused after all; Superseded where it has another owner by now."""

    def add(current: RunRecord) -> RunRecord:
        check_fence(current, record.fence)
        return current.model_copy(update={"faults": faults})

    return revise_record(store, record.run, add)
