"""Notify: send the notice of what a run came to, and settle executions that ended without one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gristmill.batch.jobs import end_jobs
from gristmill.cost.bill import combined
from gristmill.cost.gather import CostClients, Observation
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.outcome.event import ExecutionEvent, left_over, may_report, read_change, read_payload
from gristmill.outcome.summary import RunSummary, make_summary, with_cost
from gristmill.report.facts import earlier_outcomes
from gristmill.report.write import with_report
from gristmill.runs.at_work import Invocation, at_work, is_stopped
from gristmill.runs.cursor import nth_attempt
from gristmill.runs.records import Outcome, RunRecord
from gristmill.runs.repository import find_outcome, find_readable_record, outcome_key
from gristmill.steps.notify.channels import Channel
from gristmill.steps.notify.notice import make_notice
from gristmill.storage import Storage

_FIRST_RETRY = 2


@dataclass(frozen=True)
class NotifyClients:
    """What Notify works with: the bucket, what costs are read from, its channel, the time, its own invocation."""

    store: Storage
    cost: CostClients
    channel: Channel
    now: datetime
    work: Invocation


def notify(clients: NotifyClients, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the state machine's notice, or an `Execution Status Change` event.

    An execution that was started by hand with an input of another kind is no run: nothing is sent.
    """
    is_change, bucket = "detail-type" in payload, clients.store.bucket
    try:
        event = read_change(payload.get("detail"), bucket) if is_change else read_payload(payload, bucket)
    except Refused as refused:
        return {"run": "", "told": False, "why_not": refused.what}
    if is_change:
        return settle(clients, event)
    with at_work(clients.store, event.run, clients.work):
        record = find_readable_record(clients.store, event.run)
        due = may_report(event, record) and not is_repeated(payload)
        if not due or is_stopped(clients.store, event.run, event.execution):
            return {"run": event.run, "told": False}
        return send_notice(clients, event, record)


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
    if not may_report(event, record) or was_sent(clients.store, event):
        return {"run": event.run, "told": False, "ended": len(ended)}
    return {**send_notice(clients, event, record), "ended": len(ended)}


def was_sent(store: Storage, event: ExecutionEvent) -> bool:
    """Return whether the notice of this very end was sent; one of success before a failure does not count."""
    outcome = find_outcome(store, event.run, event.execution)
    return outcome is not None and outcome.status is event.status


def send_notice(clients: NotifyClients, event: ExecutionEvent, record: RunRecord | None) -> dict[str, Any]:
    """Send the notice, then write the outcome of an execution that has ended: a notice twice is better than none."""
    summary = make_summary(clients.store, event, record, clients.now)
    if event.is_end:
        summary = _ended(clients, summary, event, record)
    clients.channel.send(make_notice(summary))
    if event.is_end:
        made = outcome(summary, event).model_dump_json().encode()
        clients.store.put(outcome_key(event.run, event.execution), made)
    return {"run": event.run, "told": True, "unreported": summary.unreported}


def _ended(clients: NotifyClients, summary: RunSummary, event: ExecutionEvent, record: RunRecord | None) -> RunSummary:
    """Return the summary of an execution that ends, with its cost and its report."""
    if record is None:
        return with_report(clients.store, clients.cost, summary, event, None, Observation())
    summary, seen = with_cost(summary, clients.cost, record, event.execution, clients.store.clock)
    costs = [*(earlier.cost for earlier in earlier_outcomes(clients.store, event)), summary.cost]
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
    )
