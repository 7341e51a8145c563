"""Executions of the state machine that are about runs, and those that resume one."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from gristmill.client.stack import Mill
from gristmill.drop import is_no_drop, read_drop
from gristmill.news import run_of
from gristmill.records import RunRecord
from gristmill.words import RunStatus

_DESCRIBERS = 8  # asked for at once


@dataclass(frozen=True)
class Execution:
    """One execution of the state machine; `event` is its input."""

    arn: str
    status: RunStatus
    started: datetime
    ended: datetime | None
    event: dict[str, Any]
    cause: str

    @property
    def run(self) -> str:
        """Return the run that it is about."""
        return run_of(self.event)


def describe(mill: Mill, arn: str) -> Execution | None:
    """Return an execution; None if there is none, or its input is not of Gristmill's making."""
    try:
        told = mill.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise
    event = _event(told["input"])
    if event is None:
        return None
    status = RunStatus.RUNNING if told["status"] == "PENDING_REDRIVE" else RunStatus(told["status"])
    cause = ": ".join(text for text in (told.get("error"), told.get("cause")) if text)
    return Execution(arn, status, told["startDate"], told.get("stopDate"), event, cause)


def _event(text: str) -> dict[str, Any] | None:
    """Return an execution's input if it is about a run: not a folder marker, not something started by hand."""
    try:
        event: dict[str, Any] = json.loads(text)
        run_of(event)
        return None if "resume" not in event and is_no_drop(read_drop(event).key) else event
    except (KeyError, TypeError, ValueError):
        return None


def executions(mill: Mill) -> Iterator[Execution]:
    """Yield the executions that are about runs, newest first."""
    pages = mill.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=mill.machine)
    arns = (one["executionArn"] for page in pages for one in page["executions"])
    with ThreadPoolExecutor(_DESCRIBERS) as pool:
        while batch := list(islice(arns, _DESCRIBERS)):
            yield from filter(None, pool.map(lambda arn: describe(mill, arn), batch))


def resume_name(record: RunRecord, place: int) -> str:
    """Return the name of the execution that resumes a run; `place` counts those that failed before their claim."""
    return f"{record.run}-resume-{record.resumes + 1}" + (f"-{place}" if place else "")


def resume_arn(mill: Mill, name: str) -> str:
    """Return the ARN of an execution by its name."""
    return f"{mill.machine.replace(':stateMachine:', ':execution:')}:{name}"


def unclaimed_resumes(mill: Mill, record: RunRecord) -> list[Execution]:
    """Return the executions that were started to resume the run and have not claimed it, oldest first."""
    found: list[Execution] = []
    while one := describe(mill, resume_arn(mill, resume_name(record, len(found)))):
        found.append(one)
    return found
