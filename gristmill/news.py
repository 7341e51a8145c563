"""What is to be told of which execution: read from the state machine's notice, or from a status event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gristmill import keys
from gristmill.drop import read_drop
from gristmill.records import RunRecord
from gristmill.words import RunStatus


@dataclass(frozen=True)
class News:
    """What is to be told of which execution."""

    status: RunStatus
    execution: str
    event: Mapping[str, Any]
    started_at: datetime
    reason: str

    @property
    def run(self) -> str:
        """Return the run that it is about."""
        return run_of(self.event)

    @property
    def is_end(self) -> bool:
        """Tell whether the execution ends with it."""
        return self.status is not RunStatus.RETRYING


def run_of(event: Mapping[str, Any]) -> str:
    """Return the run that an execution's input is about."""
    return str(event["resume"]["run"]) if "resume" in event else read_drop(event).run


def may_tell(news: News, record: RunRecord | None) -> bool:
    """Tell whether an execution speaks for its run: it owns it, was to take it over, or nobody has claimed it.

    Any other is a duplicate, or a resume of a run that never was: nobody's business.
    """
    resumes = "resume" in news.event
    return not resumes if record is None else resumes or record.execution == news.execution


def read_payload(payload: Mapping[str, Any]) -> News:
    """Read the state machine's notice; an error's name and cause become the reason where there is no other."""
    error = payload.get("error") or {}
    place = " of stage ".join(text for text in (payload.get("state"), payload.get("stage")) if text)
    why = f"{place}: {cause_of(error)}" if error else ""
    return News(
        status=RunStatus(payload["status"]),
        execution=payload["execution"],
        event=payload["event"],
        started_at=datetime.fromisoformat(payload["started"]),
        reason=payload.get("reason") or why,
    )


def cause_of(error: Mapping[str, str]) -> str:
    """Return a state's error in one line; what a function raised comes as JSON inside its cause."""
    name, cause = error.get("Error", ""), error.get("Cause") or ""
    try:
        raised = json.loads(cause)
        return f"{raised['errorType']}: {raised['errorMessage']}"
    except (ValueError, TypeError, KeyError):
        return f"{name}: {cause}" if cause else name


def read_change(detail: Mapping[str, Any]) -> News:
    """Read the detail of an `Execution Status Change` event."""
    return News(
        status=RunStatus(detail["status"]),
        execution=detail["executionArn"],
        event=read_input(detail),
        started_at=datetime.fromtimestamp(detail["startDate"] / 1000, UTC),
        reason=": ".join(text for text in (detail.get("error"), detail.get("cause")) if text),
    )


def read_input(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an execution's input from its status event, where it is JSON text."""
    parsed: Mapping[str, Any] = json.loads(detail["input"])
    return parsed


def outcome_key(run: str, execution: str) -> str:
    """Return the key of an execution's outcome."""
    return keys.outcome(run, execution.rpartition(":")[2])
