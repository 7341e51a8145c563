"""The event `Gristmill Run Ended`, for others' rules on the default event bus. No rule of this stack has it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.enums import RunStatus
from gristmill.outcome.summary import RunSummary
from gristmill.runs.chained import Chained
from gristmill.runs.records import Outcome
from gristmill.runs.schema import Record, Words
from gristmill.steps.notify.channels import fitting

SOURCE, KIND = "gristmill", "Gristmill Run Ended"
# Amazon EventBridge user guide, "PutEvents": an entry has less than 256 KB
_RESULTS_MAX = 64 * 1024  # bytes of results, as JSON
_TEXT_MAX = 1_000  # characters of the reason


class RunEnded(Record):
    """The event's detail. Times have their zone, keys are of `bucket`."""

    contract: Literal[1] = 1
    run: str
    execution: str
    pipeline: str
    name: str
    status: RunStatus
    reason: Words
    owner: Words
    batch: str | None
    tags: dict[str, str]
    bucket: str
    results: list[str]
    result_count: int  # `results` may be cut short
    report: str | None
    cost: float | None  # dollars, of all executions of the run
    started: datetime
    ended: datetime
    then: list[Chained]


def run_ended(summary: RunSummary, outcome: Outcome) -> RunEnded:
    """Return the event of a run that an execution has ended. Pure."""
    return RunEnded(
        run=summary.run,
        execution=outcome.execution,
        pipeline=summary.pipeline,
        name=summary.name,
        status=summary.status,
        reason=("; ".join(summary.faults) or summary.reason)[:_TEXT_MAX],
        owner=summary.owner,
        batch=summary.batch or None,
        tags=dict(summary.tags),
        bucket=summary.bucket,
        results=list(fitting(outcome.results, _RESULTS_MAX)),
        result_count=len(outcome.results),
        report=summary.report or None,
        cost=summary.spent.total if summary.spent else None,
        started=summary.started_at,
        ended=summary.ended_at,
        then=list(summary.then),
    )


@dataclass(frozen=True)
class EventBus:
    """The default event bus, by a client of EventBridge."""

    client: Any

    def put(self, event: RunEnded) -> str:
        """Put an event; return why it could not be put, empty if it was.

        No notice waits for it: whoever puts it goes on without.
        """
        named = {"Source": SOURCE, "DetailType": KIND, "Resources": [event.execution]}
        try:
            answer = self.client.put_events(Entries=[{**named, "Detail": event.model_dump_json()}])
        except (ClientError, BotoCoreError) as error:
            return str(error)
        (put,) = answer["Entries"]
        return f"{put['ErrorCode']}: {put.get('ErrorMessage', '')}" if "ErrorCode" in put else ""
