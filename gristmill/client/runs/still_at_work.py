"""What may still be at work on a run whose execution has ended: functions, jobs being submitted, its end's notice."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gristmill import keys
from gristmill.batch.jobs import run_jobs
from gristmill.client.runs.executions import Execution
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.runs.repository import find_outcome

_KILL_SECONDS = 5  # Lambda ends what is late a moment later
_SUBMIT_SECONDS = 15.0  # after its state was stopped, a request to submit a job is answered, or never was sent
_NOTICE_SECONDS = 300.0  # Lambda tries Notify again after one minute and after two more


@dataclass(frozen=True)
class Waiting:
    """Something that may still work: what it is, and until when it may, at the latest."""

    what: str
    until: datetime


def functions(stack: Stack, run: str) -> tuple[list[Waiting], datetime]:
    """Return the functions at work on a run, and the time as S3 has it."""
    listed, now = stack.store.list_dated(keys.signs(run))
    return list(_living(filter(None, map(keys.parse_sign, listed)), now)), now


def _living(signs: Iterator[keys.Sign], now: datetime) -> Iterator[Waiting]:
    """Yield the functions whose time is not over: one that died leaves its sign behind."""
    for sign in signs:
        until = datetime.fromtimestamp(sign.until + _KILL_SECONDS, UTC)
        if until > now:
            yield Waiting(f"function {_name(sign.function)}", until)


def _name(function: str) -> str:
    return "".join(part.capitalize() for part in function.split("_"))


def notice(stack: Stack, run: str, execution: Execution, now: datetime) -> list[Waiting]:
    """Return the notice of an execution's end, unless it is out: its report and its outcome are written with it."""
    until = (execution.ended or now) + timedelta(seconds=_NOTICE_SECONDS)
    if until <= now or execution.status is RunStatus.RUNNING:
        return []
    outcome = find_outcome(stack.store, run, execution.arn)
    return [] if outcome and outcome.sending_until is None else [Waiting("the notice of its end", until)]


def submitting(stack: Stack, run: str, execution: Execution, now: datetime) -> list[Waiting]:
    """Return the jobs whose submission was asked for and not answered when an execution was stopped."""
    until = (execution.ended or now) + timedelta(seconds=_SUBMIT_SECONDS)
    if until <= now or execution.status is RunStatus.RUNNING:
        return []
    pages = stack.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution.arn)
    wanted = unanswered([event for page in pages for event in page["events"]])
    if not wanted:
        return []
    listed = {job["jobName"] for job in run_jobs(stack.client("batch"), stack.queues, run)}
    return [Waiting(f"job {name}, which was being submitted", until) for name in wanted if name not in listed]


def unanswered(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the jobs that a history asks Batch for without an answer. Pure."""
    followed = {event["previousEventId"] for event in history if event["type"] != "TaskStarted"}
    begun = {event["previousEventId"]: event["id"] for event in history if event["type"] == "TaskStarted"}
    found = []
    for event in history:
        details = event.get("taskScheduledEventDetails", {})
        if details.get("resource", "").startswith("submitJob") and begun.get(event["id"], event["id"]) not in followed:
            found.append(str(json.loads(details["parameters"])["JobName"]))
    return found
