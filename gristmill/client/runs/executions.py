"""Executions of the state machine that are about runs, and those that resume one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from botocore.exceptions import ClientError

from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import Refused
from gristmill.outcome.event import readable_cause
from gristmill.runs.drop import RUN_DIGITS, is_no_drop
from gristmill.runs.records import RunRecord
from gristmill.runs.request import Request, Resume, parse_request, resume_name
from gristmill.state_machine import run_status

_DESCRIBERS = 8  # asked for at once
GOING_MAX = 1000  # Step Functions API reference, ListExecutions: executions in one answer
_SHOWN_AFTER = (0.5, 1.0, 1.5)  # seconds; Step Functions API reference, DescribeExecution: "eventually consistent"


@dataclass(frozen=True)
class Execution:
    """One execution of the state machine; `request` is its input, None where that asks for nothing that we do."""

    arn: str
    status: RunStatus
    started: datetime
    ended: datetime | None
    request: Request | None
    cause: str
    is_gone: bool = False  # it is known by what it left alone
    warnings: Sequence[str] = ()  # of one that is gone, as it left them

    @property
    def run(self) -> str | None:
        """Return the run that it is about; None where it was started by hand for nothing."""
        return self.request.run if self.request else None

    @property
    def is_resume(self) -> bool:
        """Return whether it goes on with an earlier run."""
        return isinstance(self.request, Resume)


def describe(stack: Stack, arn: str) -> Execution | None:
    """Return an execution of the stack's state machine, None if there is none, or none any more."""
    if not arn.startswith(execution_arn(stack, "")):  # what stands in a record may be anything
        return None
    try:
        answer = stack.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
            return None
        raise
    ended, cause = answer.get("error"), answer.get("cause")
    status = RunStatus.RUNNING if answer["status"] == "PENDING_REDRIVE" else run_status(answer["status"], ended)
    why = [cause] if status is RunStatus.PARTIAL else [ended, cause]
    request = _request(answer.get("input", ""), stack.store.bucket)
    return Execution(
        arn, status, answer["startDate"], answer.get("stopDate"), request, readable_cause(": ".join(filter(None, why)))
    )


def describe_recent(stack: Stack, arn: str) -> Execution | None:
    """Return an execution that may have been started just now: Step Functions shows one only after a moment."""
    for seconds in _SHOWN_AFTER:
        if found := describe(stack, arn):
            return found
        stack.store.clock.sleep(seconds)
    return describe(stack, arn)


def _request(text: str, bucket: str) -> Request | None:
    """Return an execution's input if it is about a run: not a folder marker, not something started by hand."""
    try:
        request = parse_request(text, bucket)
    except Refused:
        return None
    return None if not isinstance(request, Resume) and is_no_drop(request.key) else request


def executions(stack: Stack) -> Iterator[Execution]:
    """Yield the executions that are about runs, newest first; none where the state machine is deleted."""
    arns = all_arns(stack)
    while batch := list(islice(arns, _DESCRIBERS)):
        found = stack.store.together(partial(describe, stack), batch, _DESCRIBERS)
        yield from (execution for execution in found if execution and execution.request)


def all_arns(stack: Stack) -> Iterator[str]:
    """Yield the ARNs of all executions, newest first; none where the state machine is deleted."""
    pages = stack.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=stack.machine)
    try:
        for page in pages:
            yield from (execution["executionArn"] for execution in page["executions"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
            raise


@dataclass(frozen=True)
class Going:
    """An execution that runs, as a list of them has it: its ARN, and when it was started."""

    arn: str
    started: datetime

    @property
    def name(self) -> str:
        """Return its name."""
        return self.arn.rpartition(":")[2]


def going(stack: Stack) -> list[Going]:
    """Return the executions that run, newest first, by one request: of more than a thousand the newest."""
    answer = stack.client("stepfunctions").list_executions(
        stateMachineArn=stack.machine, statusFilter="RUNNING", maxResults=GOING_MAX
    )
    return [Going(execution["executionArn"], execution["startDate"]) for execution in answer["executions"]]


_RESUME = re.compile(rf"([0-9a-f]{{{RUN_DIGITS}}})-resume-\d+(-\d+)?")


def resumed_by(name: str) -> str | None:
    """Return the run that an execution with this name resumes; None where it is the name of none that does."""
    match = _RESUME.fullmatch(name)
    return match[1] if match else None


def execution_arn(stack: Stack, name: str) -> str:
    """Return the ARN of an execution by its name."""
    return f"{stack.machine.replace(':stateMachine:', ':execution:')}:{name}"


def unclaimed_resumes(stack: Stack, record: RunRecord) -> list[Execution]:
    """Return the executions with the names of resumes that have not claimed the run, oldest first.

    Somebody may have started one of such a name by hand, for something else: the name is taken all the same.
    """
    found: list[Execution] = []
    while resume := describe(stack, execution_arn(stack, resume_name(record.run, record.fence, len(found)))):
        found.append(resume)
    return found
