"""Notify: send the notice of what a run came to, and settle executions that ended without one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from gristmill.batch.jobs import end_jobs
from gristmill.catalogue.table import Catalogue
from gristmill.cost.bill import combined
from gristmill.cost.gather import CostClients, Observation
from gristmill.enums import RunStatus
from gristmill.errors import GristmillError, Refused, Superseded
from gristmill.outcome.event import ExecutionEvent, read_change, read_payload
from gristmill.outcome.ownership import check_may_report, left_over, owns
from gristmill.outcome.summary import RunSummary, make_summary, with_cost
from gristmill.report.facts import earlier_outcomes
from gristmill.report.write import with_report
from gristmill.runs.at_work import Invocation, at_work, is_stopped
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.records import Outcome, RunRecord, of_items
from gristmill.runs.repository import find_outcome, find_readable_record, outcome_key, revise_record
from gristmill.steps.notify.chain import start_chains
from gristmill.steps.notify.channels import Channel
from gristmill.steps.notify.enter import enter_end
from gristmill.steps.notify.item import find_item, tell_batch
from gristmill.steps.notify.notice import make_notice
from gristmill.steps.notify.run_ended import EventBus, run_ended
from gristmill.storage import Storage

_FIRST_RETRY = 2


@dataclass(frozen=True)
class NotifyClients:
    """What Notify works with: the bucket, what costs are read from, its channel, the event bus, the catalogue, the
    time, its own invocation.
    """

    store: Storage
    cost: CostClients
    channel: Channel
    bus: EventBus
    catalogue: Catalogue
    now: datetime
    work: Invocation


class StillSending(GristmillError):
    """Raised when another invocation may be sending the notice of an end: whoever asked for it asks again later."""

    def __init__(self, execution: str) -> None:
        super().__init__(f"another invocation is sending the notice of {execution}", "It is asked again.")


def notify(clients: NotifyClients, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the state machine's notice, or an `Execution Status Change` event.

    An execution that was started by hand with an input of another kind is no run: nothing is sent.
    """
    is_change, bucket = "detail-type" in payload, clients.store.bucket
    try:
        event = read_change(payload.get("detail"), bucket) if is_change else read_payload(payload, bucket)
    except Refused as refused:
        return {"run": "", "sent": False, "why_not": refused.what}
    with at_work(clients.store, event.run, clients.work):
        try:
            return settle(clients, event) if is_change else announce(clients, event, payload)
        except Superseded as superseded:
            return {"run": event.run, "sent": False, "why_not": superseded.what}


def announce(clients: NotifyClients, event: ExecutionEvent, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Send the notice that the state machine asks for; but not of an execution that was stopped: its end has one."""
    record = check_may_report(clients.store, event)
    if is_repeated(payload) or is_stopped(clients.store, event.run, event.execution):
        return {"run": event.run, "sent": False}
    if event.is_end:
        return announce_end(clients, event)
    if find_item(clients.store, event, record):
        return {"run": event.run, "sent": False}
    clients.channel.send(make_notice(make_summary(clients.store, event, record, clients.now)))
    return {"run": event.run, "sent": True}


def is_repeated(payload: Mapping[str, Any]) -> bool:
    """Return whether a notice repeats an earlier one: a retry of a stage after its first.

    `attempt` is the one to come. The notice at the run's end has the rest.
    """
    return payload["status"] == RunStatus.RETRYING and nth_attempt(payload.get("attempt", 0)) > _FIRST_RETRY


def settle(clients: NotifyClients, event: ExecutionEvent) -> dict[str, Any]:
    """End what an ended execution left running, and send the notice of its end unless that was sent."""
    record = find_readable_record(clients.store, event.run)
    batch, queues, reason = clients.cost.batch, clients.cost.queues, f"execution {event.status}"
    fence = left_over(event, record)
    ended = end_jobs(batch, queues, event.run, reason, fence) if fence else []
    return {**announce_end(clients, event), "ended": len(ended)}


def announce_end(clients: NotifyClients, event: ExecutionEvent) -> dict[str, Any]:
    """Record what an execution came to, send its notice unless it is out, and record that it is.

    A notice is sent twice only where an invocation ends between the two: twice is better than never. The catalogue gets
    the end last, and again from whoever finds the notice sent.
    """
    event, record = decide(clients.store, event)
    item = find_item(clients.store, event, record)
    key = outcome_key(event.run, event.execution)
    seen, found = clients.store.head(key), find_outcome(clients.store, event.run, event.execution)
    earlier = list(earlier_outcomes(clients.store, event)) if record else []
    enter = partial(enter_end, clients.store, clients.catalogue, event, record, earlier)
    summarize = partial(make_summary, clients.store, event, record, clients.now)
    if found and found.sending_until is None:
        return {"run": event.run, "sent": False, "uncatalogued": enter(found, summarize)}
    if found and found.sending_until and found.sending_until > clients.now.timestamp():
        raise StillSending(event.execution)
    summary = summarize()
    if record and event.status is RunStatus.SUCCEEDED:
        summary = replace(summary, then=start_chains(clients.store, record))
    summary = _ended(clients, summary, event, record, earlier)
    made, check = outcome(summary, event), partial(check_may_report, clients.store, event)
    begun = made.model_copy(update={"sending_until": clients.work.until})
    check()
    if not clients.store.put_over(key, begun.model_dump_json().encode(), seen):
        raise StillSending(event.execution)
    if item:
        tell_batch(clients.store, item, summary)
    else:
        clients.channel.send(make_notice(summary))
    clients.store.put_checked(key, made.model_dump_json().encode(), check)
    unpublished = clients.bus.put(run_ended(summary, made))  # not before: it may take long, and the run another owner
    why_not = enter(made, lambda: summary)
    lacks = {"unreported": summary.unreported, "uncatalogued": why_not, "unpublished": unpublished}
    return {"run": event.run, "sent": item is None, **lacks}


def decide(store: Storage, event: ExecutionEvent) -> tuple[ExecutionEvent, RunRecord | None]:
    """Return the end to notify of, and the run's record.

    The end is recorded in the run's record first, and what comes first counts. After a success nobody takes the run
    over, and whatever becomes of the execution, the notice says success; after another end a late success is none.
    """
    if event.status is RunStatus.SUCCEEDED:
        return event, of_items(revise_record(store, event.run, partial(_complete, event)))
    if check_may_report(store, event) is None:
        return event, None
    record = of_items(revise_record(store, event.run, partial(_close, event)))
    if record.complete:
        return replace(event, status=RunStatus.SUCCEEDED, reason=""), record
    return event, record


def _complete(event: ExecutionEvent, record: RunRecord) -> RunRecord:
    if not owns(event, record):
        raise Superseded(f"run {record.run} belongs to {record.execution} by now.")
    if record.closed:
        raise Superseded(f"run {record.run} has ended otherwise: its success comes late.")
    if record.left_out:
        raise GristmillError(f"run {record.run} has left tasks out: it is no success, but {RunStatus.PARTIAL}.")
    return record.model_copy(update={"complete": True})


def _close(event: ExecutionEvent, record: RunRecord) -> RunRecord:
    if record.complete or not owns(event, record):
        return record
    return record.model_copy(update={"closed": True})


def _ended(
    clients: NotifyClients,
    summary: RunSummary,
    event: ExecutionEvent,
    record: RunRecord | None,
    earlier: Sequence[Outcome],
) -> RunSummary:
    """Return the summary of an execution that ends, with its cost and its report."""
    if record is None:
        return with_report(clients.store, clients.cost, summary, event, None, Observation())
    summary, seen = with_cost(summary, clients.cost, record, event.execution, clients.store.clock)
    costs = [*(outcome.cost for outcome in earlier), summary.cost]
    bills = [cost for cost in costs if cost]
    summary = replace(summary, spent=combined(bills) if bills else None)
    return with_report(clients.store, clients.cost, summary, event, record, seen)


def outcome(summary: RunSummary, event: ExecutionEvent) -> Outcome:
    """Return what the execution came to, as its notice has it."""
    return Outcome(
        run=event.run,
        execution=event.execution,
        status=event.status,
        reason=summary.reason,
        started_at=summary.started_at,
        ended_at=summary.ended_at,
        results=[result.key for result in summary.results],
        warnings=summary.warnings,
        cost=summary.cost,
        estimate=summary.estimate,
        then=list(summary.then),
    )
