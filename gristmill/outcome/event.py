"""The event of an execution: read from the state machine's request, or from a status change event. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json

from gristmill.enums import RunStatus
from gristmill.errors import Refused, first_fault
from gristmill.outcome.wording import describe_error
from gristmill.runs.request import Request, Resume, parse_request, read_request
from gristmill.state_machine import run_status

_RAISED = re.compile(
    r"(^|(?<=\s))(?P<Error>[A-Za-z_][\w.]*): (?P<Cause>\{.*.errorType.*\})$", re.DOTALL
)  # by a function


@dataclass(frozen=True)
class ExecutionEvent:
    """A change in the status of an execution: the status, the request that started it, and the reason."""

    status: RunStatus
    execution: str
    request: Request
    started_at: datetime
    reason: str

    @property
    def run(self) -> str:
        """Return the run that it is about."""
        return self.request.run

    @property
    def fence(self) -> int:
        """Return the fence that the execution has where it owns the run, or had where it owned it."""
        return self.request.fence + 1 if isinstance(self.request, Resume) else 1

    @property
    def is_end(self) -> bool:
        """Return whether the execution ends with it."""
        return self.status is not RunStatus.RETRYING


def read_payload(payload: Mapping[str, Any], bucket: str) -> ExecutionEvent:
    """Read the state machine's request to notify; an error's name and cause become the reason where there is no other.

    Refused where the execution's input asks for nothing that Gristmill does.
    """
    error = payload.get("error") or {}
    place = " of stage ".join(text for text in (payload.get("state"), payload.get("stage")) if text)
    why = f"{place}: {cause_of(error)}" if error else ""
    return ExecutionEvent(
        status=RunStatus(payload["status"]),
        execution=payload["execution"],
        request=read_request(payload["event"], bucket),
        started_at=datetime.fromisoformat(payload["started"]),
        reason=payload.get("reason") or why,
    )


def cause_of(error: Mapping[str, str]) -> str:
    """Return a state's error in one line; what a function raised comes as JSON inside its cause."""
    name, cause = error.get("Error", ""), error.get("Cause") or ""
    try:
        raised = from_json(cause)
        name, cause = str(raised["errorType"]), str(raised["errorMessage"])
    except (ValueError, TypeError, KeyError):
        pass  # a state of AWS itself says it in plain text
    return describe_error(name, cause)


def readable_cause(text: str) -> str:
    """Return an execution's cause in one line; what a function raised stands as JSON at its end."""
    match = _RAISED.search(text)
    return f"{text[: match.start()]} {cause_of(match.groupdict())}".strip() if match else text


class _Change(BaseModel):
    """The detail of an `Execution Status Change` event; its input is left out where it is too long for an event."""

    execution: str = Field(alias="executionArn")
    status: Literal[RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT]
    started: int = Field(alias="startDate", ge=0, lt=2**48)  # Unix milliseconds
    input: str | None = None
    error: str | None = None
    cause: str | None = None


def read_change(detail: Any, bucket: str) -> ExecutionEvent:
    """Read the detail of an `Execution Status Change` event; Refused as in `read_payload`."""
    try:
        change = _Change.model_validate(detail)
    except ValidationError as error:
        raise Refused([f"not a status change of an execution: {first_fault(error)}"]) from error
    status = run_status(change.status, change.error)
    why = [change.cause] if status is RunStatus.PARTIAL else [change.error, change.cause]
    return ExecutionEvent(
        status=status,
        execution=change.execution,
        request=parse_request(change.input or "", bucket),
        started_at=datetime.fromtimestamp(change.started / 1000, UTC),
        reason=readable_cause(": ".join(text for text in why if text)),
    )
